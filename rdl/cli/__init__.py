"""The commands behind bin/, and the one call that readies gin for them."""

from rdl.cli.configuration import configure

__all__ = ["configure"]
