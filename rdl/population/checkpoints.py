"""Where the checkpoints of a population's members lie, and which of them are kept."""

import shutil
from pathlib import Path


def checkpoint_path(root: str | Path, stage: str, name: str) -> Path:
    """Where the checkpoint of a member lies: ``<root>/<stage>/members/generation_002/member_005.npz``."""
    return Path(root) / stage / "members" / f"{name}.npz"


def keep_only(kept: Path, before: float = float("inf")) -> None:
    """Removes all checkpoints of a stage but one; any can be made again.

    Args:
      kept: the checkpoint that stays, if it is there.
      before: leaves the generations from this number on alone.
    """
    for folder in sorted(kept.parent.parent.glob("generation_*")):
        if int(folder.name.removeprefix("generation_")) >= before:
            continue
        if folder != kept.parent:
            shutil.rmtree(folder)
            continue
        for path in sorted(folder.iterdir()):  # what a killed write left behind is among them
            if path != kept:
                path.unlink()
