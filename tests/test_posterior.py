"""KL to the prior and encoding in batches, without TensorFlow."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np

from rdl import posterior


def test_kl_of_several_models_is_the_kl_of_each():
    random = np.random.default_rng(0)
    means, log_variances = random.normal(size=(2, 3, 50, 4))
    expected = [posterior.mean_kl_to_prior(*model) for model in zip(means, log_variances, strict=True)]
    np.testing.assert_array_equal(posterior.mean_kl_to_prior(means, log_variances), expected)


def test_batches_cover_all_items_in_order():
    sizes = []

    def encode(items):
        sizes.append(len(items))
        return SimpleNamespace(loc=items[:, None], log_variance=-items[:, None])

    means, log_variances = posterior.encode_in_batches(encode, np.arange(10.0), 4)
    np.testing.assert_array_equal(means[:, 0], np.arange(10))
    np.testing.assert_array_equal(log_variances, -means)
    assert sizes == [4, 4, 2]


def test_importing_the_module_does_not_load_tensorflow():
    script = "import sys; import rdl.posterior; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
