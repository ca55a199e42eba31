"""The terminal as rich writes to it."""

import os

from rich.console import Console


class PatientConsole(Console):
    """A console on which a command continues if the reader of its output is gone, as after ``bin/train | head``.

    rich ends the process with exit code 1 there, which would end a run in training.
    """

    def on_broken_pipe(self) -> None:
        """Discards all further output."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())
