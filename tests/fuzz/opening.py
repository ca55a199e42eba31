"""One case of one door, and how it ended."""

from collections.abc import Callable

import gin

from rdl.errors import UserError, in_one_line

Outcome = tuple[str, str]
"""clean (told in one line), handled (taken as it is) or traceback; and what was said."""


def outcome(function: Callable[[], object]) -> Outcome:
    """Opens a door once; gin holds nothing afterwards."""
    try:
        function()
    except UserError as error:
        return "clean", in_one_line(error)
    except Exception as error:
        return "traceback", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    finally:
        gin.clear_config()
    return "handled", ""
