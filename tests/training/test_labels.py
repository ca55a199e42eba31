"""Labelled images of a supervised objective: drawn from a seed, scaled, read from files, and learned."""

import numpy as np
import pytest

from rdl.data import ImageSet
from rdl.data.factor_columns import factor_table
from rdl.data.factors import Grid
from rdl.data.sources import ArraySource
from rdl.errors import UserError
from rdl.models.objectives import objective, supervised
from rdl.recursion import LeafLabels
from rdl.scoring import FewLabelsMIGScore
from rdl.training import Trainer, posterior_parameters
from rdl.training.labels import LabelSettings


@pytest.fixture
def data(made_images):
    """36 images of a square; factors are its column and row, 6 values each."""
    return ImageSet("made", ArraySource(made_images().pixels, "made"), Grid.over(("x", "y"), (6, 6)))


class RecordingImages(ImageSet):
    """Records the indices of each call."""

    def images(self, indices):
        self.asked = [*getattr(self, "asked", []), np.array(indices)]
        return super().images(indices)


def few(kind="cross_entropy", gamma_sup=64.0):
    return lambda: supervised.few_labels(lambda: objective.vae(1.0), kind, gamma_sup)


def test_a_seed_draws_the_same_images_which_are_those_of_the_score(data):
    first, again, other = (LabelSettings(10).draw(data, seed, 3) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.indices, again.indices)
    assert len(np.unique(first.indices)) == 10 and not np.array_equal(first.indices, other.indices)
    np.testing.assert_allclose(first.labels, data.factors(first.indices) / 5, rtol=1e-6)
    asked = []

    def encode(indices):
        asked.append(indices)
        return np.zeros((1, len(indices), 2)), np.zeros((1, len(indices), 2))

    FewLabelsMIGScore(10)(encode, data, 3)
    np.testing.assert_array_equal(asked[0], first.indices)
    y, both = LabelSettings(4, ("y",)).draw(data, 3, 1), LabelSettings(4).draw(data, 3, 2)
    np.testing.assert_array_equal(y.labels[:, 0], both.labels[:, 1])
    assert len(LabelSettings(None).draw(data, 3, 2).indices) == 36


def test_batches_are_the_same_in_parts_and_have_every_label_as_often(data):
    drawn = LabelSettings(10).draw(data, 0, 2)
    indices, labels = drawn.batch(5, 0, 12, 5)
    np.testing.assert_array_equal(np.sort(indices.reshape(6, 10), axis=1), np.tile(drawn.indices, (6, 1)))
    np.testing.assert_allclose(labels * 5, data.factors(indices), rtol=1e-6)
    parts = [drawn.batch(5, step, 4, 5)[0] for step in (0, 4, 8)]
    np.testing.assert_array_equal(np.concatenate(parts), indices)


def test_training_uses_these_labels_only_for_any_seed_of_batches(data, small_model, monkeypatch):
    monkeypatch.setattr("rdl.training.trainer.LabelSettings", lambda: LabelSettings(6))
    watched = RecordingImages("made", data.source, data._labels)
    trainer = Trainer(small_model(1, few()), chunk_images=20)
    settings = {"batch_size": 5, "learning_rate": 1e-3, "draws_seed": 1}
    trainer.train(watched, 100, seed=7, **settings)
    trainer.train(watched, 50, seed=7, start_step=20, **settings)
    trainer.train(watched, 100, seed=8, **settings)
    labelled = np.concatenate(watched.asked[1::2])
    assert set(labelled) == set(LabelSettings(6).draw(data, 1, 2).indices)
    assert set(np.concatenate(watched.asked[0::2])) == set(range(36))


def test_a_resumed_training_equals_an_uninterrupted_one(data, small_model, monkeypatch):
    monkeypatch.setattr("rdl.training.trainer.LabelSettings", lambda: LabelSettings(6))
    trainer = Trainer(small_model(2, few("covariance")), chunk_images=20)
    settings = {"batch_size": 5, "learning_rate": 1e-3, "seed": 7, "draws_seed": 1}
    trainer.train(data, 200, **settings)
    whole = trainer.state()
    trainer.initialize(0)
    trainer.train(data, 60, **settings)
    state = trainer.state()
    trainer.initialize(1)
    trainer.set_state(state)
    losses = trainer.train(data, 140, start_step=12, **settings)
    assert set(losses["vae"]) >= {"reconstruction", "weighted_kl", "weighted_supervision"}
    for name, value in trainer.state().items():
        np.testing.assert_array_equal(value, whole[name])
    assert trainer.traces == 1


@pytest.mark.parametrize("kind", ["cross_entropy", "l2", "covariance_to_identity"])
def test_latents_become_the_labelled_factors_in_their_order(kind, data, small_model, monkeypatch):
    monkeypatch.setattr("rdl.training.trainer.LabelSettings", lambda: LabelSettings(18, ("y", "x")))
    trainer = Trainer(small_model(1, few(kind)))
    settings = {"batch_size": 18, "learning_rate": 3e-3, "seed": 0}

    def correlations():
        means = posterior_parameters(trainer.model, data)[0][0]
        factors = data.factors(np.arange(36))
        return np.corrcoef(np.c_[means[:, :2], factors[:, 1], factors[:, 0]].T)[:2, 2:]

    before = correlations()
    trainer.train(data, 18 * 400, **settings)
    after = correlations()
    assert np.diag(after).min() > 0.85 > np.diag(before).min()
    assert abs(after[0, 1]) < 0.4 and abs(after[1, 0]) < 0.4


def test_continuous_factors_keep_their_distances(data):
    angles = np.random.default_rng(0).uniform(20, 60, 36) ** 2
    table = factor_table(np.stack([angles, np.arange(36) % 3 * 10.5], axis=1), 36, ["angle", "level"], "the factors")
    drawn = LabelSettings(8).draw(ImageSet("measured", data.source, table), 0, 2)
    expected = (angles - angles.min()) / np.ptp(angles)
    np.testing.assert_allclose(drawn.labels[:, 0], expected[drawn.indices], rtol=1e-6)
    np.testing.assert_allclose(drawn.labels[:, 1], drawn.indices % 3 / 2, rtol=1e-6)
    swapped = LabelSettings(8, ("level", "angle")).draw(ImageSet("measured", data.source, table), 0, 2)
    np.testing.assert_array_equal(swapped.labels, drawn.labels[:, ::-1])


def test_labels_from_a_file_and_from_a_leaf_run(data, tmp_path):
    path = tmp_path / "labels.npz"
    np.savez(path, indices=np.array([3, 5, 9]), labels=np.array([[-1.0, 4], [1, np.nan], [0, 8]]))
    plain = ImageSet("plain", data.source)
    drawn = LabelSettings(None, file=str(path)).draw(plain, 0, 2)
    np.testing.assert_array_equal(drawn.indices, [3, 5, 9])
    np.testing.assert_array_equal(drawn.labels, np.array([[0, 0], [1, np.nan], [0.5, 1]], np.float32))
    assert set(LabelSettings(2, file=str(path)).draw(plain, 0, 2).indices) < {3, 5, 9}
    everything, some = np.arange(36), np.arange(5, 9)
    leaf = LeafLabels().add(everything, everything[:, None] * 2.0)
    leaf = leaf.add(some, np.stack([some, -some]).T, np.array([True, False]))
    assert leaf.labels[1].flags.f_contiguous  # saved by columns, as labels of runs are
    leaf.save(tmp_path / "leaf.npz")
    drawn = LabelSettings(None, file=str(tmp_path / "leaf.npz")).draw(plain, 0, 2)
    np.testing.assert_allclose(drawn.labels[:, 0], everything / 35, rtol=1e-6)
    np.testing.assert_allclose(drawn.labels[some, 1], [1, 2 / 3, 1 / 3, 0], atol=1e-6)
    assert np.isnan(np.delete(drawn.labels[:, 1], some)).all()


def test_labels_that_do_not_fit_are_refused(data, tmp_path):
    def file(**arrays):
        np.savez(tmp_path / "labels.npz", **arrays)
        return str(tmp_path / "labels.npz")

    two = np.arange(2)
    plain, part = ImageSet("plain", data.source), data.subset(np.arange(20))
    for settings, images, message in (
        ({"count": 37}, data, "at least 37 images with labels"),
        ({"count": 1}, data, "at least two labelled images"),
        ({"count": 5, "factors": ("z",)}, data, "the factors are x, y"),
        ({}, plain, "labels.file"),
        ({"file": file(indices=two, labels=np.eye(2)), "factors": ("x",)}, plain, "labels.factors"),
        ({"file": file(indices=two, labels=np.eye(2)), "count": 3}, plain, "labels.count must be 2 to 2"),
        ({"file": file(indices=two, labels=np.eye(2))}, part, "subset"),
        ({"file": str(tmp_path / "none.npz")}, plain, "There is no file"),
    ):
        check_refused(settings, images, message)
    for arrays, message in (
        ({"labels": np.eye(2)}, "indices"),
        ({"indices": two, "labels": np.zeros(2)}, r"numbers \[n, factors\]"),
        ({"indices": two * 0.5, "labels": np.eye(2)}, r"integers \[n\]"),
        ({"indices": two, "labels": np.array([["a"], ["b"]])}, r"numbers \[n, factors\]"),
        ({"indices": two + 35, "labels": np.eye(2)}, "from 0 to 35"),
        ({"indices": two * 0, "labels": np.eye(2)}, "distinct"),
        ({"indices": two, "labels": np.ones((2, 1))}, "every column"),
        ({"indices": two, "labels": np.full((2, 1), np.nan)}, "every column"),
        ({"indices": two, "labels": np.array([[0.0], [np.inf]])}, "every column"),
        ({"indices": two[:0], "labels": np.eye(2)[:0]}, "every column"),
    ):
        check_refused({"count": None, "file": file(**arrays)}, plain, message)


def test_more_factors_than_latents_are_refused(data, tmp_path):
    check_refused({"count": 5}, data, "2 factors and 1 latents.*model.num_latents.*labels.factors", 1)
    np.savez(tmp_path / "labels.npz", indices=np.arange(2), labels=np.eye(2))
    check_refused({"count": None, "file": str(tmp_path / "labels.npz")}, data, "remove columns", 1)


def check_refused(settings, images, message, latents=3):
    with pytest.raises(UserError, match=message) as error:
        LabelSettings(**settings).draw(images, 0, latents)
    assert "\n" not in str(error.value)
