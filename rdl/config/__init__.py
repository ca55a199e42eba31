"""gin files and bindings, and the configuration of a run that they resolve to.

Reading a gin file imports and calls what it names (`reading`). A run directory keeps the resolved configuration as
plain values (`run_config`); reading them imports and calls nothing.
"""

from rdl.config.reading import (
    SCOPES,
    check_files,
    check_types,
    configured,
    iter_references,
    keys_given,
    keys_in,
    read_gin,
)
from rdl.config.run_config import Reference, RunConfig, format_bindings, format_value, iter_bindings

__all__ = [
    "SCOPES", "Reference", "RunConfig", "check_files", "check_types", "configured", "format_bindings", "format_value",
    "iter_bindings", "iter_references", "keys_given", "keys_in", "read_gin",
]  # fmt: skip
