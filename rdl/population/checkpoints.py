"""Which checkpoints of a population's members are kept."""

import shutil
from collections.abc import Collection

from rdl.runs import Layout


def keep_only(paths: Layout, stage: str, names: Collection[str], before: float = float("inf")) -> None:
    """Removes all checkpoints of a stage but some; any can be made again.

    Args:
      paths: of the run.
      stage: the stage.
      names: of the members whose checkpoints stay, if they are there.
      before: leaves the generations from this number on alone.
    """
    kept = {paths.checkpoint(stage, name) for name in names}
    folders = {path.parent for path in kept}
    for generation, folder in paths.checkpoints(stage).items():
        if generation >= before:
            continue
        if folder not in folders:
            shutil.rmtree(folder)
            continue
        for path in sorted(folder.iterdir()):  # what a killed write left behind is among them
            if path not in kept and not path.is_dir():  # a folder there is not ours
                path.unlink()
