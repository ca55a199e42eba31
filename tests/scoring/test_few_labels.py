"""Scores with the true factors of few images, and scores with the labels of another run."""

import re

import gin
import numpy as np
import pytest

from rdl.config import read_gin
from rdl.data import ImageSet
from rdl.data.factors import FactorSpace, Table
from rdl.data.sources import ArraySource
from rdl.errors import UserError
from rdl.recursion import LeafLabels
from rdl.scoring import DCIScore, FewLabelsMIGScore, LeafMIGScore, SavedLeafMIGScore
from tests.run_configs import write_config
from third_party.disentanglement_lib.evaluation.metrics import mig

N = 400
FACTORS = np.random.default_rng(0).integers(0, [4, 5], (N, 2))
IMAGES = ImageSet(
    "made up", ArraySource(np.zeros((N, 4, 4, 1), np.uint8), "x"), Table(FactorSpace(("x", "y"), (4, 5)), FACTORS)
)


class Encoder:
    """Returns the means of these models and records the indices it received."""

    def __init__(self, *models):
        self.means, self.calls = np.stack(models).astype(np.float32), []

    def __call__(self, indices):
        self.calls.append(np.asarray(indices))
        return self.means[:, indices], np.full_like(self.means[:, indices], -4.0)


PERFECT = FACTORS.astype(float)
MIXED = np.stack([FACTORS.sum(1), FACTORS[:, 0] - FACTORS[:, 1]], axis=1).astype(float)


@pytest.mark.parametrize("score", [FewLabelsMIGScore(60), DCIScore(60)])
def test_a_disentangled_model_scores_above_a_mixed_one_on_few_labels(score):
    found = score(Encoder(PERFECT, MIXED), IMAGES, 0)
    assert found.per_model[0] > 0.7 > found.per_model[1]
    assert found.score == pytest.approx(np.mean(found.per_model)) and np.shape(found.kl) == (2, 2)


@pytest.mark.parametrize("make", [FewLabelsMIGScore, DCIScore])
def test_a_seed_draws_the_same_labelled_images_in_the_configured_number(make):
    encoder = Encoder(PERFECT)
    for seed in (3, 3, 4):
        make(50)(encoder, IMAGES, seed)
    first, again, other = encoder.calls
    assert len(np.unique(first)) == len(first) == 50
    assert (first == again).all() and not np.array_equal(first, other)


def test_score_is_the_mig_of_the_labelled_images_and_factors():
    encoder = Encoder(MIXED)
    found = FewLabelsMIGScore(80, factors=("y",), num_bins=10)(encoder, IMAGES, 1).score
    (labelled,) = encoder.calls
    assert found == mig.score(MIXED[labelled], FACTORS[labelled][:, 1:], 10, mode="fixed")["discrete_mig"]
    assert found != pytest.approx(FewLabelsMIGScore(80, num_bins=10)(encoder, IMAGES, 1).score)


@pytest.mark.parametrize("make", [FewLabelsMIGScore, DCIScore])
def test_invalid_labels_are_refused_in_one_line(make):
    unknown = ImageSet("plain", ArraySource(np.zeros((N, 4, 4, 1), np.uint8), "x"))
    for wrong in (lambda: make(1), lambda: make(10, factors=())):
        with pytest.raises(UserError, match="two labelled images"):
            wrong()
    for score, images, name in (
        (make(N + 1), IMAGES, "at least 401 images with labels"),
        (make(10, factors=("z",)), IMAGES, "the factors are x, y"),
        (make(10), unknown, "unknown|not known"),
    ):
        with pytest.raises(UserError, match=name) as error:
            score(Encoder(PERFECT), images, 0)
        assert "\n" not in str(error.value)


def test_dci_of_one_factor_is_refused_before_training():
    constant = np.stack([FACTORS[:, 0], np.zeros(N, int)], axis=1)
    images = ImageSet("one", IMAGES.source, Table(FactorSpace(("x", "y"), (4, 1)), constant))
    with pytest.raises(UserError, match="DCIScore"):
        DCIScore(50).check(images, 1)
    with pytest.raises(UserError, match="DCIScore"):
        DCIScore(50, factors=("x",)).check(IMAGES, 1)


def test_continuous_factors_are_scored_by_bins_and_regression_trees():
    values = np.sort(np.random.default_rng(0).random((N, 2)), axis=0)
    numbers = np.stack([np.arange(N), np.random.default_rng(1).permutation(N)], axis=1)
    space = FactorSpace(("x", "y"), (N, N), (True, True))
    images = ImageSet("measured", IMAGES.source, Table(space, numbers, list(values.T)))
    for score in (FewLabelsMIGScore(300), DCIScore(300)):
        assert score(Encoder(numbers / N), images, 0).score > 0.5


@pytest.fixture
def run(tmp_path):
    """A run with labels of three iterations in leaf run 0, of one in leaf run 1, and none in leaf run 2."""
    everything, some, few = np.arange(N), np.arange(100), np.arange(40)
    random = np.random.default_rng(1)
    x_labels = random.standard_normal((N, 2))
    long = LeafLabels().add(everything, x_labels).add(some, random.standard_normal((100, 1)))
    long = long.add(few, random.standard_normal((40, 1)))
    write_config(tmp_path)
    long.save(tmp_path / "leaf_0" / "labels.npz")
    LeafLabels().add(everything, x_labels[:, :1]).save(tmp_path / "leaf_1" / "labels.npz")
    return str(tmp_path), long


@pytest.mark.parametrize("iterations", [1, 2, None])
def test_saved_labels_score_as_the_labels_of_the_recursion(run, iterations):
    root, long = run
    chosen = LeafLabels(long.indices[:iterations], long.labels[:iterations])
    encoder = Encoder(PERFECT, MIXED)
    own = LeafMIGScore([chosen])(encoder, IMAGES, 0)
    assert SavedLeafMIGScore(root, (0,), iterations)(encoder, IMAGES, 0) == own
    assert len(own.details["leaf_mig"][0]["per_column"][0]) == (iterations or 3)


def test_all_leaf_runs_with_labels_count_by_default(run):
    assert [len(leaf) for leaf in SavedLeafMIGScore(run[0]).leaves] == [3, 1]
    assert [len(leaf) for leaf in SavedLeafMIGScore(run[0], (1,)).leaves] == [1]


def test_gin_configures_the_run_and_leaf_mig_separately(run):
    lines = [f"SavedLeafMIGScore.run = '{run[0]}'", "SavedLeafMIGScore.leaf_runs = (0,)", "LeafMIGScore.points = 7"]
    read_gin([], lines)
    score = SavedLeafMIGScore()  # type: ignore[call-arg]
    assert [len(indices) for indices in score.leaves[0].indices] == [7, 7, 7]
    gin.clear_config()


def test_missing_saved_labels_are_refused_in_one_line(run, tmp_path_factory):
    root, empty = run[0], tmp_path_factory.mktemp("empty")
    bare = tmp_path_factory.mktemp("bare")
    write_config(bare)
    fewer = IMAGES.subset(np.arange(50))
    for make, name in (
        (lambda: SavedLeafMIGScore(str(empty)), "not a run directory"),
        (lambda: SavedLeafMIGScore(str(bare)), "holds no leaf labels"),
        (lambda: SavedLeafMIGScore(root, (0, 2)), "leaf run 2: .* 0, 1"),
        (lambda: SavedLeafMIGScore(root, ()), "leaf_runs is empty"),
        (lambda: SavedLeafMIGScore(root, iterations=0), "at least 1, got 0"),
        (lambda: SavedLeafMIGScore(root)(Encoder(PERFECT), fewer, 0), "400 images, and 'made up' has 50"),
    ):
        with pytest.raises(UserError) as error:
            make()
        assert re.search(name, str(error.value).splitlines()[0])  # gin appends the place of the call
