"""The order of images in training, and prefetching of batches."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import numpy as np

from rdl.runs import environment
from rdl.seeds import generator

Item = TypeVar("Item")
Result = TypeVar("Result")


BatchOrder = Callable[[int, int, int], np.ndarray]
"""(number of the first batch, batches, images per batch) -> image indices, int64 [batches * images per batch]."""


@lru_cache(maxsize=2 * environment.cores())  # a member reads from two epochs, and each core may train a member
def epoch_order(seed: int, size: int, epoch: int) -> np.ndarray:
    """A permutation of 0 .. `size` - 1 for this epoch, int64 [size]."""
    return generator(seed, "epoch", epoch).permutation(size)


def concatenate_epochs(epochs: Callable[[int], np.ndarray], size: int, start: int, count: int) -> np.ndarray:
    """Rows `start` .. `start + count` of the epochs [size, ...] one after another, [count, ...]."""
    parts = []
    while count > 0:
        epoch, offset = divmod(start, size)
        part = epochs(epoch)[offset : offset + count]
        parts.append(part)
        start, count = start + len(part), count - len(part)
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def shuffled_stream(seed: int, size: int, start: int, count: int) -> np.ndarray:
    """Indices `start` .. `start + count` of an endless shuffled stream of `size` images, int64 [count].

    The stream is one permutation after another, each derived from (seed, epoch). Any part of it can be computed alone,
    so that training in two halves sees the images that training at once sees.
    """
    return concatenate_epochs(lambda epoch: epoch_order(seed, size, epoch), size, start, count)


def shuffled_batches(indices: np.ndarray, seed: int) -> BatchOrder:
    """Batches of the images `indices`, each image once an epoch."""
    return lambda step, steps, batch_size: indices[
        shuffled_stream(seed, len(indices), step * batch_size, steps * batch_size)
    ]


def prefetch(fetch: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`map(fetch, items)`, fetching the next result in a thread while the last one is in use."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        pending = None
        for item in items:
            ready, pending = pending, thread.submit(fetch, item)
            if ready is not None:
                yield ready.result()
        if pending is not None:
            yield pending.result()
