"""Names for the tensors of an update, so that the first that is not finite can be told.

In a traced step watching costs nothing: nobody listens while it is traced. Who wants to know makes the update again
operation by operation (eagerly), and listens; meanwhile another thread may trace, but not listen too.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

_found: list[str] | None = None  # None while nobody listens; replicas, which are threads, share it
_listens = threading.Lock()
_here = threading.local()  # whose update this thread makes


def watch(name: str, tensor):
    """`tensor` itself; whoever listens hears of it where it is not finite, in the order of the computation."""
    if _found is not None and tf.executing_eagerly() and not tf.reduce_all(tf.math.is_finite(tensor)):
        _found.append(f"{name} of {getattr(_here, 'owner', 'the model')}")
    return tensor


@contextmanager
def owner(name: str) -> Iterator[None]:
    """What is watched meanwhile is `name`'s."""
    _here.owner = name
    try:
        yield
    finally:
        del _here.owner


@contextmanager
def listening() -> Iterator[list[str]]:
    """Gives the list to which the names of tensors that are not finite are added meanwhile."""
    global _found
    with _listens:
        _found = heard = []
        try:
            yield heard
        finally:
            _found = None
