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


Order = Callable[[int, int, int], np.ndarray]
"""(number of the first batch, batches, images per batch) -> which images, int64 [batches * images per batch]."""


@lru_cache(maxsize=2 * environment.cores())  # a member reads from two, and each core may have a member
def shuffled(seed: int, size: int, epoch: int) -> np.ndarray:
    """The order of `size` things in this epoch, int64 [size]."""
    return generator(seed, "epoch", epoch).permutation(size)


def endless(epochs: Callable[[int], np.ndarray], size: int, start: int, count: int) -> np.ndarray:
    """Rows `start` .. `start + count` of one epoch [size, ...] after another, [count, ...]."""
    parts = []
    while count > 0:
        epoch, offset = divmod(start, size)
        part = epochs(epoch)[offset : offset + count]
        parts.append(part)
        start, count = start + len(part), count - len(part)
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def stream(seed: int, size: int, start: int, count: int) -> np.ndarray:
    """Image indices `start` .. `start + count` of an endless shuffled stream, int64 [count].

    The stream is one permutation of `size` images after another, each from (seed, epoch); any part of it can be
    asked for, so that training in two halves sees what training in one go sees.
    """
    return endless(lambda epoch: shuffled(seed, size, epoch), size, start, count)


def order(images, seed: int) -> Order:
    """Batches of an `ImageSet` along its `stream`."""
    return lambda step, steps, batch_size: stream(seed, len(images), step * batch_size, steps * batch_size)


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
