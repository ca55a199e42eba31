"""The door of gin's text.

A gin file is a program: reading it imports what it names, and running it calls what it refers to (`reading`). The text
that a run directory keeps is none: it is only read, by `parse_gin_text` and `literals`, which import and call nothing.
"""

from rdl.config.gin_text import Bindings, literals, parse_gin_text, written
from rdl.config.reading import SCOPES, bound, check_files, check_types, configured, given, read_gin, references

__all__ = [
    "SCOPES", "Bindings", "bound", "check_files", "check_types", "configured", "given", "literals", "parse_gin_text",
    "read_gin", "references", "written",
]  # fmt: skip
