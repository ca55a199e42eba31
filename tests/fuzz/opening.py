"""Runs one case of an entry point and classifies its outcome."""

from collections.abc import Callable

import gin

from rdl.errors import UserError, in_one_line

Outcome = tuple[str, str]
"""clean (refused in one line), handled (accepted) or traceback; and the message."""


def outcome(function: Callable[[], object]) -> Outcome:
    """Calls the function; clears gin's configuration afterwards."""
    try:
        function()
    except UserError as error:
        return "clean", in_one_line(error)
    except Exception as error:
        return "traceback", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    finally:
        gin.clear_config()
    return "handled", ""
