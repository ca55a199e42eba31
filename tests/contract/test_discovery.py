"""New and existing registrations are discovered."""

import gin
import keras
import pytest

from rdl.data import ImageSet
from rdl.models.objectives.objective import Objective
from rdl.scoring import Encode, Scored
from tests.contract import discovery


@pytest.fixture
def registry():
    """Restores gin's registry after the test."""
    kept = gin.config._REGISTRY
    gin.config._REGISTRY = kept.copy()
    yield
    gin.config._REGISTRY = kept


def new_objective(weight: float = 1.0) -> Objective:
    return Objective("new", lambda batch, values: {}, {"weight": weight})


def new_network(image_shape: tuple[int, int, int], num_latents: int) -> keras.Model:
    return keras.Model()


class NewScore:
    def __call__(self, encode: Encode, images: ImageSet, seed: int) -> Scored:
        return Scored(0.0, [], [])


@pytest.mark.parametrize(
    ("made", "find"),
    [
        (new_objective, discovery.objectives),
        (new_network, discovery.networks),
        (NewScore, discovery.scores),
    ],
)
def test_new_registrations_are_discovered(registry, made, find):
    before = find()
    gin.configurable(made)
    assert find() == before | {made.__name__: made}


def test_known_registrations_are_discovered():
    assert {"vae", "beta_tc_vae", "factor_vae", "pro_vlae"} <= discovery.objectives().keys()
    assert {"reference_encoder", "fc_decoder", "flat_decoder", "ladder_encoder"} <= discovery.networks().keys()
    assert {"UDRScore", "MIGScore", "LeafMIGScore"} <= discovery.scores().keys()
