"""Describes the cause of a failed read by the message of the system or the library."""

_LONGEST = 200  # characters


def describe_cause(error: BaseException) -> str:
    """The message of the system or the library, in one line without a full stop at its end."""
    message = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(message).split())[:_LONGEST].rstrip(".")
