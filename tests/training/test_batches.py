import threading

import numpy as np
import pytest

from rdl.training.batches import prefetch, shuffled_stream


def test_every_epoch_is_a_permutation_and_epochs_differ():
    indices = shuffled_stream(7, 10, 0, 30).reshape(3, 10)
    np.testing.assert_array_equal(np.sort(indices, axis=1), np.tile(np.arange(10), (3, 1)))
    assert (indices[0] != indices[1]).any()


def test_parts_of_the_stream_are_the_stream():
    whole = shuffled_stream(7, 10, 0, 47)
    np.testing.assert_array_equal(
        np.concatenate([shuffled_stream(7, 10, i, min(6, 47 - i)) for i in range(0, 47, 6)]), whole
    )
    assert len(shuffled_stream(7, 10, 5, 0)) == 0


def test_the_order_depends_on_the_seed():
    np.testing.assert_array_equal(shuffled_stream(7, 1000, 0, 50), shuffled_stream(7, 1000, 0, 50))
    assert (shuffled_stream(7, 1000, 0, 50) != shuffled_stream(8, 1000, 0, 50)).any()
    assert shuffled_stream(1, 5, 0, 5).tolist() == [3, 0, 4, 1, 2]  # the same on every machine


def test_prefetch_keeps_the_order_and_runs_ahead():
    second_started = threading.Event()

    def fetch(i):
        if i == 1:
            second_started.set()
        return i * i

    results = prefetch(fetch, range(5))
    assert next(results) == 0
    assert second_started.wait(timeout=10)  # while the first is still in use
    assert list(results) == [1, 4, 9, 16]
    assert list(prefetch(fetch, [])) == []


def test_prefetch_raises_errors_of_the_fetch():
    def fetch(i):
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(prefetch(fetch, range(3)))
