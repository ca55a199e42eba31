"""The errors that are the user's to mend."""

_LONGEST = 1000  # characters


class UserError(Exception):
    """The input is wrong: one line saying what was expected, what was received and what to do.

    The binaries print it without a traceback and exit with code 2. Anything else that escapes is our own bug.
    """


def in_one_line(error: BaseException) -> str:
    """The line that commands print for an error: its first line, shortened if it is very long.

    gin appends lines about where in the configuration a call was made.
    """
    line = next(iter(str(error).splitlines()), "") or type(error).__name__
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} .."


class NonFiniteError(ArithmeticError):
    """Training produced NaN or infinity: names the step, the loss terms and the hyperparameters."""
