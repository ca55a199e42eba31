"""Finds the first tensor of an update that is not finite, and names it.

In a traced step the checks cost nothing, as they are skipped while the graph is traced. To diagnose an update, the
trainer makes it again operation by operation (eagerly) inside `collect_non_finite`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

_collected: list[str] | None = None  # None outside collect_non_finite; replicas, which are threads, share it
_collecting = threading.Lock()
_current = threading.local()  # the model that this thread updates


def check_finite(name: str, tensor):
    """Returns `tensor`. Inside `collect_non_finite`, records its name if it is not finite."""
    if _collected is not None and tf.executing_eagerly() and not tf.reduce_all(tf.math.is_finite(tensor)):
        _collected.append(f"{name} of {getattr(_current, 'model', 'the model')}")
    return tensor


@contextmanager
def checked_model(name: str) -> Iterator[None]:
    """Attributes the checks made in this thread to the model of this name."""
    _current.model = name
    try:
        yield
    finally:
        del _current.model


@contextmanager
def collect_non_finite() -> Iterator[list[str]]:
    """Gives a list that collects the names of tensors that are not finite, in the order of the computation.

    One thread at a time collects; other threads may trace meanwhile.
    """
    global _collected
    with _collecting:
        _collected = names = []
        try:
            yield names
        finally:
            _collected = None
