"""Other models' scores, from disentanglement_lib's result trees (``metrics/mean/mig/results/aggregate/*.json``)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rdl.errors import UserError

_STRENGTHS = (
    "vae.beta", "annealed_vae.c_max", "factor_vae.gamma", "dip_vae.lambda_od", "beta_tc_vae.beta",
)  # fmt: skip
_PREFIX = "evaluation_results."
_SHARED = ("train_accuracy", "eval_accuracy", "num_active_dims")  # keys that mean another thing in each metric


@dataclass
class Baseline:
    """Models trained alike but for their seeds.

    Attributes:
      name: method and regularisation strength.
      dataset: what they were trained on.
      values: for each result key the models' values; keys that several metrics share bear the metric's name.
    """

    name: str
    dataset: str
    values: dict[str, list[float]] = field(default_factory=dict)


def read_baselines(folders: Iterable[str | Path], representation: str = "mean") -> list[Baseline]:
    """All results under the folders, grouped by data set, method and strength.

    Args:
      folders: each holds one or many result trees, at any depth.
      representation: ``mean`` or ``sampled``.

    Raises:
      UserError: no folder, no results in it, or a damaged file.
    """
    found: dict[tuple[str, str], Baseline] = {}
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise UserError(f"--baselines {folder} is not a folder.")
        paths = sorted(folder.rglob(f"metrics/{representation}/*/results/aggregate/*.json"))
        if not paths:
            raise UserError(f"--baselines {folder} holds no metrics/{representation}/*/results/aggregate/*.json.")
        for path in paths:
            result = _load(path)
            name, dataset = _name(result), _plain(result.get("train_config.dataset.name", ""))
            baseline = found.setdefault((dataset, name), Baseline(name, dataset))
            for key, value in result.items():
                if key.startswith(_PREFIX) and isinstance(value, (int, float)) and not isinstance(value, bool):
                    key = key.removeprefix(_PREFIX)
                    key = f"{path.parents[2].name}.{key}" if key in _SHARED else key
                    baseline.values.setdefault(key, []).append(float(value))
    return [found[key] for key in sorted(found)]


def _load(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text())
    except (ValueError, OSError) as error:
        raise UserError(f"{path} is not a result file ({error}): remove it, or evaluate again.") from error
    if not isinstance(result, dict):
        raise UserError(f"{path} is not a result file (no JSON object): remove it, or evaluate again.")
    return result


def _name(result: Mapping[str, Any]) -> str:
    method = _plain(result.get("train_config.model.name", "")) or _plain(
        result.get("train_config.model.model", "model")
    )
    for key in _STRENGTHS:
        if f"train_config.{key}" in result:
            return f"{method}, {key.split('.')[1]} {_plain(result[f'train_config.{key}'])}"
    return method


def _plain(value: Any) -> str:
    """gin's values are strings with their quotes."""
    return str(value).strip("'\"@()")
