"""Checks every registered score, including future ones."""

import inspect
import json

import numpy as np
import pytest

from rdl.data import ImageSet
from rdl.data.factors import FactorSpace, Grid
from rdl.data.sources import ArraySource
from rdl.recursion import LeafLabels
from rdl.runs.layout import Layout
from rdl.scoring import Scored
from tests.contract import discovery

LATENTS = 4
GRID = Grid(FactorSpace(("x", "y"), (9, 7)), (0, 1))
IMAGES = ImageSet("grey", ArraySource(np.zeros((63, 4, 4, 1), np.uint8), "grey"), GRID)
MODELS = np.random.default_rng(0).standard_normal((3, len(IMAGES), LATENTS)).astype(np.float32)
LEAVES = [LeafLabels().add(np.arange(63), np.arange(63.0)[:, None] % 9)]
FEW = 41

POSTERIORS = {
    "ordinary": (MODELS, np.full_like(MODELS, -4)),
    "sharp and far": (np.where(MODELS > 0, np.float32(100), np.float32(-100)), np.full_like(MODELS, -60)),
    "vague": (MODELS, np.full_like(MODELS, 60)),
    "collapsed": (np.zeros_like(MODELS), np.zeros_like(MODELS)),
    "bfloat16": ((MODELS.view(np.uint32) & 0xFFFF0000).view(np.float32), np.full_like(MODELS, -4)),
    "two models": (MODELS[:2], np.full_like(MODELS[:2], -4)),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> str:
    """Folder of a run with one leaf run, whose labels are `LEAVES`."""
    paths = Layout(tmp_path_factory.mktemp("run"))
    paths.config.write_text("")
    path = paths.labels("leaf_0")
    path.parent.mkdir(parents=True, exist_ok=True)
    LEAVES[0].save(path)
    return str(paths.root)


def scored(name: str, posterior: str, run: str, seed: int = 0) -> Scored:
    """Scores with few points, and with labels if the score takes any."""
    made = discovery.scores()[name]
    parameters = inspect.signature(made).parameters
    there = {"leaves": LEAVES, "run": run}
    counts = {key: FEW for key, it in parameters.items() if isinstance(it.default, int) and it.default > FEW}
    score = made(**counts, **{key: value for key, value in there.items() if key in parameters})
    means, log_variances = POSTERIORS[posterior]
    return score(lambda indices: (means[:, indices], log_variances[:, indices]), IMAGES, seed)


@pytest.mark.parametrize("posterior", sorted(POSTERIORS))
@pytest.mark.parametrize("name", sorted(discovery.scores()))
def test_a_score_is_finite_json_and_determined_by_its_seed(name, posterior, run):
    found = scored(name, posterior, run)
    models = len(POSTERIORS[posterior][0])
    assert np.isfinite(found.score) and isinstance(found.score, float)
    assert np.shape(found.per_model) == (models,) and np.isfinite(found.per_model).all()
    assert np.shape(found.kl) == (models, LATENTS) and np.isfinite(found.kl).all()
    assert json.loads(json.dumps(found.details, allow_nan=False)) == found.details
    assert scored(name, posterior, run) == found
