"""gin's configuration for a while."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import gin

from rdl.bindings import read_gin


@contextmanager
def configured(gin_files: Sequence[str], lines: Sequence[str] = ()) -> Iterator[None]:
    """gin with these files and lines, and empty afterwards."""
    gin.clear_config()
    try:
        read_gin(gin_files, lines)
        yield
    finally:
        gin.clear_config()
