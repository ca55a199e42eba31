"""One model per factor in threads, with progress, and linear algebra with one thread meanwhile."""

import concurrent.futures
import contextlib
import contextvars
import os
import threading

import numpy as np
import threadpoolctl


def run_in_threads(fit, costs, workers=None):
    """Runs `fit(i)` for every `i` in range(len(costs)) in threads, the most expensive first; results in order.

    `workers` is the number of threads, one per core by default. Linear algebra has one thread meanwhile: the tables are
    small, and its threads would only wait for each other.
    """
    order = np.argsort(costs, kind="stable")[::-1]
    report = _progress.get()
    pool = concurrent.futures.ThreadPoolExecutor(workers or os.cpu_count())
    with one_thread():
        try:
            jobs = {int(i): pool.submit(fit, int(i)) for i in order}
            for done, job in enumerate(concurrent.futures.as_completed(jobs.values()), 1):
                job.result()
                report(done, len(costs))
            return [jobs[i].result() for i in range(len(costs))]
        finally:  # an interruption or an error does not wait for the jobs that are left
            pool.shutdown(wait=False, cancel_futures=True)


_progress = contextvars.ContextVar("progress", default=lambda done, total: None)


@contextlib.contextmanager
def report_progress(function):
    """Context in which `function(done, total)` is called whenever the model of one more factor is fitted."""
    token = _progress.set(function)
    try:
        yield
    finally:
        _progress.reset(token)


@contextlib.contextmanager
def one_thread():
    """Context in which linear algebra has one thread, in the whole process until the last thread has left it."""
    global _limit, _inside
    with _limiting:
        _inside += 1
        _limit = _limit or threadpoolctl.threadpool_limits(1, user_api="blas")
    try:
        yield
    finally:
        with _limiting:
            _inside -= 1
            if not _inside:
                _limit.restore_original_limits()
                _limit = None


_limiting, _limit, _inside = threading.Lock(), None, 0
