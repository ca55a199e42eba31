"""Names the cause of a failed read in the system's or the library's own words."""

_LONGEST = 200  # characters


def describe_cause(error: BaseException) -> str:
    """What the system or the library said, in one line without a full stop at its end."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(said).split())[:_LONGEST].rstrip(".")
