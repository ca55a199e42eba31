import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from rdl.errors import UserError
from rdl.models.build import build
from rdl.models.initialization import initialize
from rdl.models.networks import dlib as dlib_networks
from rdl.models.networks import reference as reference_networks
from rdl.models.networks import small as small_networks

DLIB_CONV_ENCODER = [
    (4 * 4 * 1 * 32 + 32), (4 * 4 * 32 * 32 + 32), (2 * 2 * 32 * 64 + 64), (2 * 2 * 64 * 64 + 64),
    (4 * 4 * 64 * 256 + 256), (256 * 10 + 10), (256 * 10 + 10),
]  # fmt: skip
DLIB_DECONV_DECODER = [
    (10 * 256 + 256), (256 * 1024 + 1024), (4 * 4 * 64 * 64 + 64), (4 * 4 * 64 * 32 + 32), (4 * 4 * 32 * 32 + 32),
    (4 * 4 * 32 * 1 + 1),
]  # fmt: skip
REFERENCE_ENCODER = [
    16 * 32, 16 * 32 * 32, 16 * 32 * 64, 16 * 64 * 64, 4 * 4 * 64 * 512, 512 * 20 + 20,
    2 * (32 + 32 + 64 + 64 + 512),
]  # fmt: skip
REFERENCE_DECODER = [
    10 * 512, 512 * 1024, 16 * 64 * 64, 16 * 64 * 32, 16 * 32 * 32, 16 * 32 + 1, 2 * (512 + 64 + 64 + 32 + 32),
]  # fmt: skip


@pytest.mark.parametrize(
    ("factory", "weights"),
    [
        (dlib_networks.conv_encoder, sum(DLIB_CONV_ENCODER)),
        (dlib_networks.deconv_decoder, sum(DLIB_DECONV_DECODER)),
        (dlib_networks.fc_encoder, 4096 * 1200 + 1200 + 1200 * 1200 + 1200 + 2 * (1200 * 10 + 10)),
        (dlib_networks.fc_decoder, 10 * 1200 + 1200 + 2 * (1200 * 1200 + 1200) + 1200 * 4096 + 4096),
        (reference_networks.reference_encoder, sum(REFERENCE_ENCODER)),
        (reference_networks.reference_decoder, sum(REFERENCE_DECODER)),
    ],
    ids=lambda f: getattr(f, "__name__", ""),
)
def test_weights_and_shapes(factory, weights):
    network = factory((64, 64, 1), 10)
    assert sum(int(np.prod(v.shape)) for v in network.trainable_variables) == weights
    if "encoder" in factory.__name__:
        assert [tuple(o.shape) for o in network.outputs] == [(None, 10), (None, 10)]
    else:
        assert network.output_shape == (None, 64, 64, 1)


def test_kernels_of_the_code_not_of_the_papers_table():
    encoder = dlib_networks.conv_encoder((64, 64, 3), 10)
    assert [encoder.get_layer(f"conv_{i}").kernel_size for i in range(4)] == [(4, 4), (4, 4), (2, 2), (2, 2)]


def test_small_networks_take_their_sizes():
    encoder = small_networks.small_fc_encoder((8, 8, 1), 3, widths=(5, 4))
    assert encoder.count_params() == 64 * 5 + 5 + 5 * 4 + 4 + 2 * (4 * 3 + 3)
    assert small_networks.small_fc_decoder((8, 8, 1), 3, widths=(4, 5)).output_shape == (None, 8, 8, 1)
    encoder = small_networks.small_conv_encoder((16, 16, 1), 3, filters=(2, 3), width=5)
    assert encoder.count_params() == 16 * 2 + 2 + 16 * 6 + 3 + 16 * 3 * 5 + 5 + 2 * (5 * 3 + 3)
    decoder = small_networks.small_conv_decoder((16, 16, 1), 3, filters=(3, 2), width=5)
    assert decoder.output_shape == (None, 16, 16, 1)


@pytest.mark.parametrize("factory", [reference_networks.reference_decoder, dlib_networks.conv_encoder])
def test_image_sizes_must_be_divisible(factory):
    with pytest.raises(UserError, match="multiples of 16, got 28 x 28"):
        factory((28, 28, 1), 10)


def test_small_conv_networks_name_the_divisor():
    with pytest.raises(UserError, match="multiples of 8, got 28 x 28"):
        small_networks.small_conv_decoder((28, 28, 1), 10)


def test_initial_weights_depend_on_the_seed_only():
    def drawn(seed):
        keras.utils.set_random_seed(int(np.random.default_rng().integers(1000)))  # must have no effect
        network = reference_networks.reference_encoder((16, 16, 1), 2)
        for variable in network.weights:
            variable.assign(tf.ones_like(variable) * 7)
        initialize(network, seed)
        return network.get_weights()

    first, same, other = drawn(5), drawn(5), drawn(6)
    for a, b in zip(first, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(first, other, strict=True))
    kernels = [w for w in first if w.ndim > 1]
    for kernel in kernels:  # Glorot: uniform within sqrt(6 / (fan in + fan out))
        receptive = int(np.prod(kernel.shape[:-2]))
        limit = np.sqrt(6 / (receptive * (kernel.shape[-2] + kernel.shape[-1])))
        assert 0.9 * limit < np.abs(kernel).max() <= limit
        np.testing.assert_allclose(kernel.std(), limit / np.sqrt(3), rtol=0.15)
    # Uniform draws from one seed have the same signs whatever their limits: no two kernels share a seed.
    signs = [np.sign(kernel.ravel()[:200]) for kernel in kernels]
    for a, b in itertools.combinations(signs, 2):
        assert 0.3 < (a == b).mean() < 0.7


@pytest.mark.parametrize(
    ("encoder", "decoder", "message"),
    [
        (small_networks.small_fc_encoder, small_networks.small_conv_encoder, "model.decoder must map [3] to [8, 8, 1]"),
        (small_networks.small_fc_decoder, small_networks.small_fc_decoder, "model.encoder must map images"),
        (small_networks.small_fc_encoder, lambda shape, n: small_networks.small_fc_decoder(shape, n + 1), "got a"),
        (lambda shape, n: None, small_networks.small_fc_decoder, "The encoder must be a keras.Model"),
    ],
)
def test_networks_that_do_not_fit_are_refused(encoder, decoder, message):
    with pytest.raises(UserError) as error:
        build((8, 8, 1), encoder=encoder, decoder=decoder, num_latents=3)
    assert message in str(error.value) or "'decoder' maps [4] to [8, 8, 1]" in str(error.value)


@pytest.mark.parametrize("numbers", [{"num_latents": 0}, {"num_latents": 10**9}, {"models": 0}, {"models": 10**6}])
def test_numbers_out_of_range_are_refused(numbers):
    with pytest.raises(UserError, match="from 1 to 10,000 and model.models from 1 to 1,000"):
        build((8, 8, 1), **numbers)


@pytest.mark.parametrize(
    "factory", [dlib_networks.conv_encoder, reference_networks.reference_encoder, small_networks.small_conv_encoder]
)
def test_posterior_parameters_are_float32_at_any_precision(factory):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = factory((64, 64, 1), 4)
    finally:
        keras.config.set_dtype_policy("float32")
    means, log_variances = network(np.random.default_rng(0).random((8, 64, 64, 1), np.float32))
    assert means.dtype == log_variances.dtype == tf.float32
    rounded = tf.cast(tf.cast(means, tf.bfloat16), tf.float32)
    assert np.abs(means - rounded).max() > 0  # not on the grid of bfloat16
