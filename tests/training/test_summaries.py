import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rdl.models.initialization import initialize
from rdl.training import summaries


@pytest.fixture(scope="module")
def vae(small_model):
    model = small_model().models[0]
    initialize(model, 0)
    return model


def test_what_is_written_can_be_read(vae, made_images, tmp_path):
    images = made_images().images(np.arange(4))
    means, log_variances = np.full((5, 3), 2.0, np.float32), np.zeros((5, 3), np.float32)
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        summaries.write_terms({"reconstruction": 3.0, "kl": 1.5}, 7)
        summaries.write_kl(means, log_variances, 7)
        summaries.write_images(vae, images, 7)
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    values = {tag: events.Tensors(tag)[0] for tag in events.Tags()["tensors"]}
    scalars = {"loss/reconstruction": 3.0, "loss/kl": 1.5, "loss/total": 4.5, "kl/latent_0": 2.0, "kl/latent_2": 2.0}
    for tag, value in scalars.items():
        assert values[tag].step == 7
        np.testing.assert_allclose(tf.make_ndarray(values[tag].tensor_proto), value)
    assert {"reconstructions", "traversals"} < set(values)


def test_reconstructions_lie_below_their_images(vae, made_images):
    images = made_images().images(np.array([3, 20]))
    picture = summaries.reconstructions(vae, images)
    assert picture.shape == (16, 16, 1)
    np.testing.assert_allclose(picture[:8, 8:], images[1] / 255.0)
    made = tf.sigmoid(vae(images[1:].astype(np.float32) / 255))[0]
    np.testing.assert_allclose(picture[8:, 8:], made, rtol=1e-4, atol=1e-6)


def test_traversals_change_one_latent_a_row(vae, made_images):
    image = made_images().images(np.array([3]))
    picture = summaries.traversals(vae, image[0], limit=1.5, columns=4)
    assert picture.shape == (3 * 8, 4 * 8, 1)
    code = vae.encode(image.astype(np.float32) / 255).loc.numpy()
    code[0, 1] = 1.5
    np.testing.assert_allclose(picture[8:16, 24:], tf.sigmoid(vae.decode(code))[0], rtol=1e-4, atol=1e-6)
