"""The door of gin's text.

A gin file is a program: reading it imports what it names, and running it calls what it refers to (`reading`). The text
that a run directory keeps is none: it is only read, by `of_text` and `literals`, which import and call nothing.
"""

from rdl.bindings.reading import SCOPES, bound, check_files, check_types, configured, given, read_gin, references
from rdl.bindings.text import Bindings, literals, of_text, written

__all__ = [
    "SCOPES", "Bindings", "bound", "check_files", "check_types", "configured", "given", "literals", "of_text",
    "read_gin", "references", "written",
]  # fmt: skip
