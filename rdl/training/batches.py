"""Which images make which batch, and fetching them ahead of need."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import numpy as np

from rdl.runs import environment
from rdl.seeds import generator

Item = TypeVar("Item")
Result = TypeVar("Result")


@lru_cache(maxsize=2 * environment.cores())  # a member reads from two, and each core may have a member
def _epoch(seed: int, size: int, epoch: int) -> np.ndarray:
    return generator(seed, "epoch", epoch).permutation(size)


def stream(seed: int, size: int, start: int, count: int) -> np.ndarray:
    """Image indices `start` .. `start + count` of an endless shuffled stream, int64 [count].

    The stream is one permutation of `size` images after another, each from (seed, epoch); any part of it can be
    asked for, so that training in two halves sees what training in one go sees.
    """
    parts = []
    while count > 0:
        epoch, offset = divmod(start, size)
        part = _epoch(seed, size, epoch)[offset : offset + count]
        parts.append(part)
        start, count = start + len(part), count - len(part)
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def prefetch(fetch: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`map(fetch, items)` with the next result fetched in a thread while the last one is in use."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        pending = None
        for item in items:
            ready, pending = pending, thread.submit(fetch, item)
            if ready is not None:
                yield ready.result()
        if pending is not None:
            yield pending.result()
