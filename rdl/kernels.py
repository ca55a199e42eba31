"""The CPU kernels of TensorFlow: oneDNN's or Eigen's.

TensorFlow leaves oneDNN off on x86 processors without VNNI, although its kernels are about twice as fast there too.
TensorFlow reads the choice once, when it is imported, so it is made when `rdl` is imported. A user's own value of the
variable wins.
"""

import os
import platform
import sys
from typing import Any

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"
ONEDNN, EIGEN, UNKNOWN = "oneDNN", "Eigen", "unknown"
_VALUES = {"1": ONEDNN, "true": ONEDNN, "0": EIGEN, "false": EIGEN}

_chosen_by_user = VARIABLE in os.environ


def enable_onednn() -> None:
    """Selects oneDNN's kernels on x86, unless the user has chosen or TensorFlow is imported already."""
    if platform.machine() in ("x86_64", "AMD64"):
        select(ONEDNN)


def select(kernels: str | None) -> None:
    """Selects kernels by name, such as those that a run began with.

    Does nothing where that is not possible (TensorFlow is imported already), the user has chosen otherwise, or the
    name is not one of ``ONEDNN`` and ``EIGEN``.
    """
    if kernels in (ONEDNN, EIGEN) and not _chosen_by_user and "tensorflow" not in sys.modules:
        os.environ[VARIABLE] = "1" if kernels == ONEDNN else "0"


def selected() -> str:
    """The kernels of this process: ``ONEDNN``, ``EIGEN``, or ``UNKNOWN`` where TensorFlow is yet to decide."""
    port: Any = sys.modules.get("tensorflow.python.util._pywrap_util_port")
    if hasattr(port, "IsMklEnabled"):
        return ONEDNN if port.IsMklEnabled() else EIGEN
    return _VALUES.get(os.environ.get(VARIABLE, "").lower(), UNKNOWN)
