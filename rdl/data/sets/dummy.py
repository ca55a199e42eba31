"""disentanglement_lib's dummy_data: noise that does not depend on its factors, for tests of programs."""

from dataclasses import dataclass

import numpy as np

from rdl.data.factors import FactorSpace, Grid
from rdl.data.sources import Source

SPACE = FactorSpace(tuple(f"factor_{i}" for i in range(10)), (5,) * 10)


class Noise(Source):
    """One image of noise per combination of factors."""

    _shape = (64, 64, 1)
    stochastic = True
    _key = "dummy_data"

    def __len__(self) -> int:
        return SPACE.num_states

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, 64, 64, 1]; the draws depend on the index alone."""
        draws = (np.random.Generator(np.random.Philox(key=int(index))) for index in indices)
        images = [draw.integers(0, 256, self.shape, np.uint8) for draw in draws]
        return np.stack(images) if images else np.zeros((0, *self.shape), np.uint8)

    def observe(self, indices: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """float32 [n, 64, 64, 1] in [0, 1]."""
        return random_state.random_sample((len(indices), *self.shape)).astype(np.float32)


@dataclass(frozen=True)
class DummyGrid(Grid):
    """Ten factors of five values, drawn in one call as in disentanglement_lib's dummy_data."""

    def sample(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Draws factors, int64 [num, 10]."""
        return random_state.randint(5, size=(num, self.space.num_factors)).astype(np.int64)
