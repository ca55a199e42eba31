"""Which checkpoints of a population's members are kept."""

import shutil

from rdl.runs import Layout


def keep_only(paths: Layout, stage: str, name: str, before: float = float("inf")) -> None:
    """Removes all checkpoints of a stage but one; any can be made again.

    Args:
      paths: of the run.
      stage: the stage.
      name: of the member whose checkpoint stays, if it is there.
      before: leaves the generations from this number on alone.
    """
    kept = paths.checkpoint(stage, name)
    for generation, folder in paths.checkpoints(stage).items():
        if generation >= before:
            continue
        if folder != kept.parent:
            shutil.rmtree(folder)
            continue
        for path in sorted(folder.iterdir()):  # what a killed write left behind is among them
            if path != kept and not path.is_dir():  # a folder there is not ours
                path.unlink()
