"""Archives the records and files that an extension of the run replaces. Nothing is deleted."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from rdl.config import RunConfig
from rdl.runs import files
from rdl.runs.journal import Record
from rdl.runs.keys import Key, parse
from rdl.runs.run import RunDirectory

RESULTS = ("results", "model", "report", "postprocessed", "metrics")


def move_to_archive(
    run: RunDirectory, config: RunConfig, keeps: Callable[[Key, Record], bool], folders: Iterable[str]
) -> Path:
    """Moves folders to ``before/000/``, with copies of the present journal and configuration.

    The journal is shortened first and the new configuration is written last. A run that is killed in between is
    therefore a run of the old settings with less finished work, and can be resumed.

    Args:
      run: the open run directory.
      config: the new configuration.
      keeps: decides whether a record stays in the journal. Records with unknown keys never stay.
      folders: names of the folders to move; missing ones are ignored.

    Returns:
      The archive's folder.

    Raises:
      UserError: the folder cannot be written.
    """
    archives = run.paths.archives
    number = len(list(archives.iterdir())) if archives.is_dir() else 0
    place = files.make_folder(archives / f"{number:03d}")
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
