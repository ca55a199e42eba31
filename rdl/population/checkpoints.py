"""Removal of checkpoints that no later generation needs."""

import shutil
from collections.abc import Collection

from rdl.runs import Layout


def prune_checkpoints(paths: Layout, stage: str, names: Collection[str], before: float = float("inf")) -> None:
    """Deletes the checkpoints of a stage, except those of the named members.

    Every deleted checkpoint can be trained again from its ancestors.

    Args:
      paths: layout of the run directory.
      stage: name of the stage.
      names: members whose checkpoints are kept.
      before: generations from this number on keep all checkpoints.
    """
    kept = {paths.checkpoint(stage, name) for name in names}
    folders = {path.parent for path in kept}
    for generation, folder in paths.checkpoints(stage).items():
        if generation >= before:
            continue
        if folder not in folders:
            shutil.rmtree(folder)
            continue
        for path in sorted(folder.iterdir()):  # includes temporary files of a killed write
            if path not in kept and not path.is_dir():  # rdl writes no folders here, so this one is the user's
                path.unlink()
