"""The precision that layers compute in, and the precision that "auto" stands for on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf

from rdl import kernels
from rdl.errors import UserError

FLOAT32, BFLOAT16, AUTO = "float32", "mixed_bfloat16", "auto"
_CPUINFO = Path("/proc/cpuinfo")
_CPU_FLAGS = {"amx_bf16", "avx512_bf16"}
_ISAS = ("ALL", "DEFAULT", "AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX512_CORE_AMX", "AVX10")
_CAPABILITY = (8, 0)  # the first GPUs with tensor cores for bfloat16


@contextmanager
def policy(precision: str) -> Iterator[None]:
    """Sets Keras' default dtype policy while layers are built.

    Raises:
      UserError: an unknown precision.
    """
    if precision not in (FLOAT32, BFLOAT16, AUTO):
        raise UserError(
            f"model.precision must be 'float32', 'mixed_bfloat16' or 'auto', got {precision!r}; set it to one."
        )
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(native() if precision == AUTO else precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def native() -> str:
    """The precision of "auto": bfloat16 on devices that multiply it in hardware, float32 on all others."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        fit = all(tuple(each.get("compute_capability") or (0, 0)) >= _CAPABILITY for each in details)
    else:
        fit = _cpu_multiplies_bfloat16()
    return BFLOAT16 if fit else FLOAT32


def _cpu_multiplies_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware and oneDNN, which has the kernels for it, may do so."""
    isa = os.environ.get("ONEDNN_MAX_CPU_ISA", os.environ.get("DNNL_MAX_CPU_ISA", "ALL"))
    if kernels.selected() == kernels.EIGEN or not isa.upper().startswith(_ISAS):
        return False
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:  # not Linux: TensorFlow has no oneDNN there
        return False
    return any(_CPU_FLAGS & set(line.split()) for line in lines if line.startswith("flags"))
