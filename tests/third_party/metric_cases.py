"""The reference scores, and data whose codes can be regenerated."""

import json
from pathlib import Path

import numpy as np

FACTS = Path(__file__).with_name("identity_scores.json")


def number(value):
    """A number, or table of numbers, as expected.json writes it."""
    if isinstance(value, dict) and "complex" in value:
        return complex(*value["complex"])
    if isinstance(value, list):
        return np.array([number(item) for item in value])
    return float(value)


def assert_scores(received, expected, tolerance=1e-9, absolute=1e-12):
    """Asserts every expected number within a relative tolerance."""
    for key, value in expected.items():
        np.testing.assert_allclose(
            received[key], number(value), rtol=tolerance, atol=absolute, err_msg=key, equal_nan=True
        )


class Grid:
    """Deterministic data: the observations are the factors."""

    def __init__(self, sizes, first=0):
        self.factors_num_values = list(sizes)
        self.num_factors = len(sizes)
        self.observation_shape = [len(sizes)]
        self._first = first

    def sample_factors(self, num, random_state):
        return np.stack([random_state.randint(size, size=num) for size in self.factors_num_values], axis=1)

    def sample_observations_from_factors(self, factors, random_state):
        return factors

    def sample(self, num, random_state):
        factors = self.sample_factors(num, random_state)
        return factors, self.sample_observations_from_factors(factors, random_state)

    def sample_observations(self, num, random_state):
        return self.sample(num, random_state)[1]


class Identity(Grid):
    """The reference's `identity` case: 10 factors, 1 to 10, drawn in one table, with wrong numbers of values."""

    def __init__(self):
        super().__init__([1] * 10)

    def sample_factors(self, num, random_state):
        return random_state.randint(1, 11, size=(num, 10))


def as_codes(observations):
    return np.asarray(observations, dtype=np.float64)


def identity_arrays(num_train=2000, num_test=1000, batch_size=16):
    """Codes and factors [n, 10], training and test, of the `identity` case."""
    generator = np.random.RandomState(0)
    data = Identity()
    parts = []
    for num in (num_train, num_test):
        batches = [data.sample_factors(min(batch_size, num - i), generator) for i in range(0, num, batch_size)]
        parts.append(np.concatenate(batches))
    train, test = parts
    return as_codes(train), train, as_codes(test), test


def facts():
    return json.loads(FACTS.read_text())
