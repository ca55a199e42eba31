"""The run directory: layout, atomic writes, the journal, resume; results, read and written."""

from rdl.runs.journal import Journal, Record
from rdl.runs.layout import Layout
from rdl.runs.reader import RunReader
from rdl.runs.run import Run

__all__ = ["Journal", "Layout", "Record", "Run", "RunReader"]
