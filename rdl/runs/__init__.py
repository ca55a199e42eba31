"""The run directory: its layout, its journal, its configuration, and atomic writes."""

from rdl.runs.journal import Journal, Record
from rdl.runs.layout import Layout
from rdl.runs.reader import RunReader
from rdl.runs.run import RunDirectory

__all__ = ["Journal", "Layout", "Record", "RunDirectory", "RunReader"]
