"""Pairs of images: shared factors, seeds, and refused settings."""

import numpy as np
import pytest

from rdl.data import ImageSet
from rdl.data.factors import Grid, PartlyKnown, Table
from rdl.data.sources import ArraySource
from rdl.errors import UserError
from rdl.models.objectives import paired
from rdl.training import Trainer
from rdl.training.pairs import PairSettings, choose_changing_factors

SIZES = (3, 4, 1, 5)
GRID = Grid.over(("shape", "scale", "colour", "x"), SIZES)
PIXELS = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), np.uint8)


def images(labels=GRID):
    return ImageSet("made", ArraySource(PIXELS, "made"), labels)


def table(of=GRID):
    return Table(of.space, of.factors(np.arange(60)))


def differing(data, pairs):
    first, second = data.factors(pairs[0::2]), data.factors(pairs[1::2])
    return first != second


@pytest.mark.parametrize("labels", [GRID, table()], ids=["grid", "table"])
@pytest.mark.parametrize("k", [1, 2])
def test_pairs_share_all_factors_but_k_which_are_drawn_evenly(labels, k):
    data = images(labels)
    changed = np.concatenate([differing(data, PairSettings(k).order(data, seed)(0, 1, 120)) for seed in range(30)])
    assert changed.sum(axis=1).max() == k
    assert changed[:, 2].sum() == 0  # colour has one value
    # A factor of n values is chosen in k / 3 of the pairs and then gets another value with chance 1 - 1 / n.
    expected = k / 3 * (1 - 1 / np.array(SIZES))
    assert np.abs(changed.mean(axis=0) - expected).max() < 0.04


@pytest.mark.parametrize("labels", [GRID, table()], ids=["grid", "table"])
def test_partners_are_drawn_evenly_among_those_that_share(labels):
    changing = np.tile([False, False, False, True], (6000, 1))
    found = images(labels).partners(np.full(6000, 7), changing, np.random.default_rng(0))
    values, counts = np.unique(found, return_counts=True)
    assert values.tolist() == [5, 6, 7, 8, 9]
    assert np.abs(counts / 6000 - 0.2).max() < 0.02


def test_hidden_factors_are_drawn_anew():
    data = images(Grid.over(("shape", "scale", "colour", "x"), SIZES, hidden=("shape",)))
    found = data.partners(np.zeros(300, np.int64), np.tile([False, False, True], (300, 1)), np.random.default_rng(0))
    assert set(GRID.factors(found)[:, 0]) == {0, 1, 2}
    assert (GRID.factors(found)[:, 1] == 0).all()


def test_a_part_of_the_data_and_partly_known_factors_pair_among_themselves():
    some = np.arange(1, 60, 2)
    part = images().subset(some)
    pairs = PairSettings(1).order(part, 0)(0, 1, 60)
    assert pairs.max() < 30
    assert differing(part, pairs).sum(axis=1).max() == 1
    known = images(PartlyKnown(Table(GRID.space, GRID.factors(some)), some, 60))
    pairs = PairSettings(1).order(known, 0)(0, 1, 60)
    assert set(pairs) <= set(some.tolist())
    assert differing(known, pairs).sum(axis=1).max() == 1


def test_a_random_k_is_one_or_up_to_all_but_one():
    """With 4 factors K is 1, 2 or 3: 1 change in 1/2 + 1/6 of the pairs, 2 and 3 in 1/6 each."""
    number = choose_changing_factors(30_000, 4, -1, 3, np.random.default_rng(0)).sum(axis=1)
    np.testing.assert_allclose(np.bincount(number) / 30_000, [0, 4 / 6, 1 / 6, 1 / 6], atol=0.01)


def test_only_named_factors_change():
    data = images()
    changed = differing(data, PairSettings(2, ("x", "scale")).order(data, 0)(0, 1, 120))
    assert changed.any(axis=0).tolist() == [False, True, False, True]


def test_batches_are_the_same_in_parts_and_every_epoch_has_every_image_first_once():
    data = images()
    for size in (8, 7, 2):
        whole = PairSettings().order(data, 3)(0, 30, size).reshape(30, size)
        again = PairSettings().order(data, 3)
        np.testing.assert_array_equal(np.concatenate([again(i, 5, size) for i in range(0, 30, 5)]), whole.ravel())
        np.testing.assert_array_equal(again(17, 1, size), whole[17])
        assert (PairSettings().order(data, 4)(0, 30, size) != whole.ravel()).any()
    first = PairSettings().order(data, 3)(0, 2, 60)[0::2]
    assert sorted(first) == list(range(60))
    assert (differing(data, whole.ravel()).sum(axis=1) <= 2).all()


def test_pairs_from_a_file(tmp_path):
    path = tmp_path / "pairs.npz"
    given = np.array([[0, 1], [5, 4], [2, 2]])
    np.savez(path, pairs=given.astype(np.uint8))
    found = PairSettings(file=str(path)).order(images(None), 0)(0, 2, 6).reshape(2, 3, 2)
    for epoch in found:
        assert sorted(map(tuple, epoch)) == sorted(map(tuple, given))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (np.zeros((2, 3), int), r"integers of shape \[n, 2\], got int64 \[2, 3\]"),
        (np.zeros((2, 2)), "got float64"),
        (np.zeros((0, 2), int), r"\[0, 2\]"),
        (np.array([[0, 60]]), "from 0 to 59, got 60"),
        (np.array([[0, -1]]), "got -1"),
    ],
)
def test_files_without_pairs_are_refused(tmp_path, pairs, message):
    np.savez(tmp_path / "pairs.npz", pairs=pairs)
    with pytest.raises(UserError, match=message):
        PairSettings(file=str(tmp_path / "pairs.npz")).order(images(), 0)


def test_settings_that_do_not_fit_are_refused(tmp_path):
    for settings, data, message in (
        ({}, images(None), "pairs.file"),
        ({"k": 3}, images(), "pairs.k must be 1 to 2, .* got 3"),
        ({"k": 0}, images(), "got 0"),
        ({"k": 2, "changing": ("x",)}, images(), "pairs.k must be 1 to 1"),
        ({"changing": ("y",)}, images(), "pairs.changing.*shape, scale, colour, x.*got 'y'"),
        ({"changing": ("colour",)}, images(), "3 factors that vary, 0 of which may change"),
        ({}, images(Grid.over(("x", "y"), (60, 1))), "'made' has 1 factors that vary"),
        ({"file": "pairs.npz"}, images().subset(np.arange(20)), "subset"),
        ({"file": str(tmp_path / "none.npz")}, images(), "There is no file"),
    ):
        with pytest.raises(UserError, match=message) as error:
            PairSettings(**settings).order(data, 0)
        assert "\n" not in str(error.value)


def test_an_ensemble_learns_from_pairs_and_resumes(small_model):
    data = images()
    trainer = Trainer(small_model(2, paired.ada_gvae), chunk_images=20)
    settings = {"batch_size": 6, "learning_rate": 3e-3, "seed": 1}
    before = trainer.train(data, 60, **settings)["vae"]
    trainer.train(data, 600, start_step=10, **settings)
    whole, after = trainer.state(), trainer.train(data, 60, start_step=110, **settings)["vae"]
    assert after["reconstruction"] < before["reconstruction"]
    trainer.initialize(0)
    for start in (0, 60):
        trainer.train(data, 300 if start else 360, start_step=start, **settings)
    for name, value in trainer.state().items():
        np.testing.assert_array_equal(value, whole[name])
    with pytest.raises(UserError, match="pairs of images"):
        trainer.train(images(None), 60, **settings)
