"""Sets aside what a run will do again: nothing is deleted, and a kill in between leaves a run that can go on."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from rdl.config import RunConfig
from rdl.runs import files
from rdl.runs.journal import Record
from rdl.runs.layout import Key, parse
from rdl.runs.run import RunDirectory

RESULTS = ("results", "model", "report", "postprocessed", "metrics")


def set_aside(
    run: RunDirectory, config: RunConfig, keeps: Callable[[Key, Record], bool], folders: Iterable[str]
) -> Path:
    """Moves what goes into ``before/000/``, with the journal and the configuration as they were.

    The journal is shortened first and the configuration written last: until then the run is one of the old settings,
    with less done.

    Args:
      run: open, with the configuration that it has.
      config: the configuration that it is to have.
      keeps: whether a record stays; records of unknown keys go.
      folders: what is moved, by names within the run; those that are not there are passed over.

    Returns:
      The folder that they are moved to.

    Raises:
      UserError: the folder cannot be written.
    """
    before = run.paths.before
    number = len(list(before.iterdir())) if before.is_dir() else 0
    place = files.make_folder(before / f"{number:03d}")
    for path in (run.paths.journal, run.paths.config, run.paths.config_text):
        if path.exists():
            files.write_bytes(place / path.name, path.read_bytes())
    keys = ((text, parse(text), record) for text, record in run.journal.items())
    run.journal.keep_only({text for text, key, record in keys if key is not None and keeps(key, record)})
    for name in folders:
        if (run.root / name).exists():
            files.make_folder((place / name).parent)
            with files.explained(place / name):
                os.replace(run.root / name, place / name)
    run.write_config(config)
    return place
