"""The errors that are the user's to mend."""


class UserError(Exception):
    """The input is wrong: one line saying what was expected, what was received and what to do.

    The binaries print it without a traceback and exit with code 2. Anything else that escapes is our own bug.
    """


class NonFiniteError(ArithmeticError):
    """Training produced NaN or infinity: names the step, the loss terms and the hyperparameters."""
