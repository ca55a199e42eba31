"""The gin files that rdl ships, by name from any folder: in a checkout beside the package, once installed within it."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
GIN_CONFIGS = next(
    (folder for folder in (_PACKAGE.parent / "gin_configs", _PACKAGE / "gin_configs") if folder.is_dir()),
    _PACKAGE / "gin_configs",
)


def find_gin_file(name: str) -> Path:
    """Path of a gin file: the file itself if it exists, else the shipped file of this name.

    Args:
      name: such as ``my/own.gin``, ``quickstart.gin`` or ``gin_configs/baselines/beta_vae.gin``.
    """
    given = Path(name)
    shipped = GIN_CONFIGS / name.removeprefix("./").removeprefix("gin_configs/")
    # os.path, which takes a name that cannot be one for no file
    taken = os.path.isfile(given) or given.is_absolute() or not os.path.isfile(shipped)
    return given if taken else shipped


def list_gin_files() -> list[str]:
    """The training files that are shipped, as ``gin_configs/quickstart.gin``."""
    return [f"gin_configs/{path.name}" for path in sorted(GIN_CONFIGS.glob("*.gin"))]
