"""Images and a small model for the trainer's tests."""

import numpy as np
import pytest


class MadeImages:
    """8 x 8 images of a 3 x 3 square: factors are its column and row, 6 values each."""

    name, shape, factor_space = "made", (8, 8, 1), None

    def __init__(self, count=36):
        positions = [(x, y) for x in range(6) for y in range(6)]
        self.pixels = np.zeros((36, 8, 8, 1), np.uint8)
        for image, (x, y) in zip(self.pixels, positions, strict=True):
            image[y : y + 3, x : x + 3] = 255
        self.pixels = self.pixels[:count]

    def __len__(self):
        return len(self.pixels)

    def images(self, indices):
        return self.pixels[indices]


@pytest.fixture(scope="session")
def made_images():
    return MadeImages


def build_small(models=1, objective=None, **options):
    from rdl.models.build import build
    from rdl.models.networks import small as small_networks
    from rdl.models.objectives.objective import beta_tc_vae

    return build(
        (8, 8, 1), models, small_networks.small_fc_encoder, small_networks.small_fc_decoder,
        objective or beta_tc_vae, num_latents=3, **options,
    )  # fmt: skip


@pytest.fixture(scope="session")
def small_model():
    """Factory: (models, objective) -> ensemble of MLPs for made images."""
    return build_small
