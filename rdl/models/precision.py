"""In which numbers the layers compute, and what "auto" means on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gin
import keras
import tensorflow as tf

from rdl.config import gin_text
from rdl.errors import UserError
from rdl.runs import Layout, RunReader

FLOAT32, BFLOAT16, AUTO = "float32", "mixed_bfloat16", "auto"
_PARAMETER = "model.precision"
_CPUINFO = Path("/proc/cpuinfo")
_CPU_FLAGS = {"amx_bf16", "avx512_bf16"}
_ISAS = ("ALL", "DEFAULT", "AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX512_CORE_AMX", "AVX10")
_CAPABILITY = (8, 0)  # of the first GPUs whose tensor cores take bfloat16


@contextmanager
def policy(precision: str) -> Iterator[None]:
    """Keras' default policy while the layers are made.

    Raises:
      UserError: no such precision.
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
    """What "auto" means here: bfloat16 where the device multiplies it itself, float32 where it would be imitated."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        fit = all(tuple(each.get("compute_capability") or (0, 0)) >= _CAPABILITY for each in details)
    else:
        fit = _cpu_multiplies_bfloat16()
    return BFLOAT16 if fit else FLOAT32


def _cpu_multiplies_bfloat16() -> bool:
    """Whether the processor does, and TensorFlow's oneDNN, whose kernels these are, may use it."""
    isa = os.environ.get("ONEDNN_MAX_CPU_ISA", os.environ.get("DNNL_MAX_CPU_ISA", "ALL"))
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0" or not isa.upper().startswith(_ISAS):
        return False
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:  # not Linux: TensorFlow has no oneDNN there
        return False
    return any(_CPU_FLAGS & set(line.split()) for line in lines if line.startswith("flags"))


def settle(root: str | os.PathLike) -> None:
    """Puts into gin's configuration what "auto" means here, wherever it is asked for.

    A run's configuration, its report and the processes that train for it then say what the run computes in.

    Args:
      root: the run directory; a run that is there already keeps its precision.

    Raises:
      UserError: the run there was trained in another precision than this machine would choose.
    """
    here = native()
    there = gin_text.parse_gin_text(_started_config(Path(root)))
    for key in gin_text.parse_gin_text(gin.config_str(max_line_length=10_000)):
        if key.split("/")[-1] != _PARAMETER or _value(key) != AUTO:
            continue
        before = there.get(key, "").strip("'\"")
        if before in (FLOAT32, BFLOAT16) and before != here:
            raise UserError(
                f"{root} was trained with {key} = '{before}', but 'auto' means '{here}' on this machine: "
                f"set {key} = '{before}' to go on, or choose another --output_dir."
            )
        with gin.unlock_config():
            gin.bind_parameter(key, here)


def _value(key: str) -> object:
    """What is bound there, with the value of a macro in the macro's place."""
    value = gin.query_parameter(key)
    if isinstance(value, gin.config.ConfigurableReference) and repr(value).startswith("%"):
        return value.scoped_configurable_fn()
    return value


def _started_config(root: Path) -> str:
    """The configuration of a run that has begun; empty where there is none."""
    run = RunReader(Layout(root))
    return run.config if run.paths.journal.is_file() else ""
