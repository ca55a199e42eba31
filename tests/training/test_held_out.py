import gin
import numpy as np
import pytest
import tensorflow as tf

from rdl.errors import UserError
from rdl.models import build
from rdl.models.distributions import kl_to_prior
from rdl.training import Trainer
from rdl.training.held_out import HeldOutSettings
from rdl.training.labels import LabelSettings
from tests.small_models import SMALL_VAE, small_sprites

SETTINGS = {"batch_size": 16, "learning_rate": 1e-3}


@pytest.fixture
def images():
    return small_sprites()


def trainer(images, extra: str = "held_out.share = 0.25") -> Trainer:
    gin.parse_config(f"{SMALL_VAE}\nmodel.objective = @vae\n{extra}")
    return Trainer(build(images.shape, 2))


def seen_by(trained: Trainer, images, monkeypatch, **settings) -> list[int]:
    """The images that are fetched while the trainer trains for three epochs."""
    fetched = []
    load = images.images
    monkeypatch.setattr(type(images), "images", lambda self, indices: fetched.extend(indices) or load(indices))
    trained.train(images, 3 * len(images), seed=1, **SETTINGS, **settings)
    monkeypatch.undo()
    return [int(index) for index in fetched]


def test_a_split_is_of_its_seed_and_keeps_reserved_images():
    settings = HeldOutSettings(0.25)
    kept, held_out = settings.split(100, 3)
    assert len(held_out) == 25 and sorted([*kept, *held_out]) == list(range(100))
    np.testing.assert_array_equal(held_out, settings.split(100, 3)[1])
    assert (held_out != settings.split(100, 4)[1]).any()
    assert not set(settings.split(100, 3, reserved=held_out)[1]) & set(held_out)


def test_nothing_is_held_out_by_default():
    kept, held_out = HeldOutSettings().split(7, 0)
    assert kept.tolist() == list(range(7)) and len(held_out) == 0


@pytest.mark.parametrize(("share", "size"), [(0.01, 20), (0.9, 1)])
def test_a_split_with_an_empty_side_is_refused(share, size):
    with pytest.raises(UserError, match="held_out.share"):
        HeldOutSettings(share).split(size, 0)


def test_held_out_images_are_never_trained_on(images, monkeypatch):
    seen = seen_by(trainer(images), images, monkeypatch, draws_seed=5)
    kept, held_out = HeldOutSettings(0.25).split(len(images), 5)
    assert set(seen) == set(kept) and len(held_out) == len(images) // 4


def test_labelled_images_are_not_held_out(images, monkeypatch):
    labels = "model.objective = @few_labels\nfew_labels.objective = @vae\nlabels.count = 100\nmodel.num_latents = 5"
    supervised = trainer(images, f"{labels}\nheld_out.share = 0.2")
    seen = seen_by(supervised, images, monkeypatch, draws_seed=5)
    labelled = LabelSettings(100).draw(images, 5, 5).indices
    assert set(labelled) <= set(seen) and len(set(seen)) == len(images) - round(0.2 * len(images))


def test_pairs_cannot_be_held_out(images):
    with pytest.raises(UserError, match="held_out.share"):
        trainer(images, "held_out.share = 0.25\nmodel.objective = @ada_gvae")


def test_the_dataset_size_of_the_objective_is_the_training_sets(images):
    """beta-TCVAE's estimate of log q(z) depends on it by -log N."""
    gin.parse_config(f"{SMALL_VAE}\nmodel.objective = @beta_tc_vae\nheld_out.share = 0.5")
    held_out = Trainer(build(images.shape, 1)).train(images, 16, seed=1, **SETTINGS)
    gin.bind_parameter("held_out.share", 0.0)
    kept, _ = HeldOutSettings(0.5).split(len(images), 1)
    alone = Trainer(build(images.shape, 1)).train(images.subset(kept), 16, seed=1, **SETTINGS)
    assert held_out == alone


def test_the_loss_is_the_negative_elbo_of_each_model(images):
    """Against the posterior's expectation over 400 samples."""
    trained = trainer(images)
    trained.train(images, 256, seed=1, **SETTINGS)
    losses = trained.held_out_losses(images, 5)
    assert losses == trained.held_out_losses(images, 5)
    _, held_out = HeldOutSettings(0.25).split(len(images), 5)
    pixels = tf.constant(images.images(held_out), tf.float32) / 255.0
    for model, loss in zip(trained.model.models, losses, strict=True):
        posterior = model.encode(pixels)
        samples = posterior.sample(400, seed=(0, 1))
        logits = tf.reshape(model.decode(tf.reshape(samples, (-1, 3))), (400, *pixels.shape))
        log_likelihood = tf.reduce_mean(model.likelihood.distribution(logits).log_prob(pixels))
        kl = tf.reduce_mean(tf.reduce_sum(kl_to_prior(posterior.loc, posterior.log_variance), axis=1))
        assert loss == pytest.approx(float(kl - log_likelihood), rel=0.02)


def test_no_loss_where_nothing_is_held_out(images):
    assert trainer(images, "").held_out_losses(images, 5) is None
