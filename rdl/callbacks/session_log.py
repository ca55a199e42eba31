"""Records the environment and the warnings of every session of a run.

They are not in the journal: a run that fails before its first unit of work may start over with other settings.
"""

import logging

from rdl.callbacks.callback import Callback
from rdl.runs import RunDirectory, environment, files

_LOGGERS = ("rdl", "py.warnings")


class SessionLog(Callback):
    """Writes ``environment/000.json`` when a session starts, and its warnings to ``environment/000.log``."""

    def __init__(self, run: RunDirectory):
        path = run.paths.environment(len(run.paths.environments()))
        files.write_json(path, environment.describe())
        self._handler = logging.FileHandler(path.with_suffix(".log"), encoding="utf-8", delay=True)
        self._handler.setLevel(logging.WARNING)
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        for logger in _LOGGERS:
            logging.getLogger(logger).addHandler(self._handler)
        logging.captureWarnings(True)

    def close(self) -> None:
        """Ends the recording."""
        logging.captureWarnings(False)
        for logger in _LOGGERS:
            logging.getLogger(logger).removeHandler(self._handler)
        self._handler.close()
