"""Seeds derived from a place in the run, so that no random number depends on what ran before it.

A place is the run's seed followed by the names and numbers that identify the operation:
``derive(seed, "x_run", generation, member)``.
"""

import hashlib

import numpy as np


def derive(*place: int | str) -> int:
    """A seed in [0, 2**31) for this place; the same place gives the same seed on every machine.

    Raises:
      TypeError: a part of the place is neither a string nor an integer.
    """
    for part in place:
        if not isinstance(part, (int, np.integer, str)):
            raise TypeError(f"A place is made of strings and integers, got {part!r} ({type(part).__name__}).")
    text = "\x1f".join(f"{'s' if isinstance(part, str) else 'i'}{part}" for part in place)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def generator(*place: int | str) -> np.random.Generator:
    """numpy's generator for this place (PCG64: the same numbers on every machine)."""
    return np.random.default_rng(derive(*place))
