import keras
import numpy as np
import pytest
import tensorflow as tf

from rdl.errors import UserError
from rdl.models.networks.small import small_fc_decoder
from rdl.models.saving.saved import TrainedModel

VALUES = (-3.0, 0.0, 0.5)


@pytest.fixture(scope="module")
def model():
    """A model whose latents are 5, 6 and 7 for every image."""
    images = keras.Input((4, 4, 1))
    start = keras.layers.Flatten()(images)
    heads = [keras.layers.Dense(3, kernel_initializer="zeros", name=name)(start) for name in ("means", "spread")]
    encoder = keras.Model(images, heads)
    encoder.get_layer("means").bias.assign([5.0, 6.0, 7.0])
    return TrainedModel(encoder, small_fc_decoder((4, 4, 1), 3, widths=(8,)))


def test_traverse_varies_only_one_latent(model):
    latents = np.array([[5.0, value, 7.0] for value in VALUES], np.float32)
    expected = tf.sigmoid(model.decoder(latents)).numpy()
    assert np.ptp(expected, axis=0).max() > 0.01
    np.testing.assert_allclose(model.traverse(np.zeros((4, 4, 1)), 1, VALUES), expected, rtol=1e-5)


def test_traverse_refuses_an_unknown_latent(model):
    with pytest.raises(UserError, match=r"a latent in 0 \.\. 2, got 3"):
        model.traverse(np.zeros((4, 4, 1)), 3)
