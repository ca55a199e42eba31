"""Imports TensorFlow without its start-up chatter, which a reader would take for errors.

The libraries write it to the process's standard error before Python can filter it. What goes wrong still raises.
"""

import contextlib
import os
import sys


@contextlib.contextmanager
def _no_standard_error():
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


if "tensorflow" not in sys.modules:
    with _no_standard_error():
        import tensorflow as tf
        import tensorflow_probability  # noqa: F401

        tf.config.list_physical_devices()  # looks for GPUs, and says so
