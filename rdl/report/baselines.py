"""Other models' scores: runs, disentanglement_lib's result trees and its aggregated JSON, grouped by method."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rdl.results.results_table import read_results
from rdl.results.summary import select_comparable

_SHARED = ("train_accuracy", "eval_accuracy", "num_active_dims")  # keys that mean another thing in each metric


@dataclass
class Baseline:
    """Models trained alike but for their seeds.

    Attributes:
      name: method and regularisation strength.
      dataset: what they were trained on.
      values: for each result key the models' values; keys that several metrics share bear the metric's name.
      conditions: what the values depend on besides, settings and gin's text of their values.
    """

    name: str
    dataset: str
    values: dict[str, list[float]] = field(default_factory=dict)
    conditions: set[tuple[str, str]] = field(default_factory=set)


def read_baselines(paths: Iterable[str | Path], representation: str = "mean") -> list[Baseline]:
    """All results, grouped by data set, method and strength.

    Args:
      paths: runs, folders of result trees at any depth, aggregated JSON files.
      representation: ``mean`` or ``sampled``.

    Raises:
      UserError: nothing there, or a damaged file.
    """
    found: dict[tuple[str, str], Baseline] = {}
    for result in select_comparable(read_results(paths)).itertuples():
        if result.representation == representation:
            place = result.dataset, result.method
            baseline = found.setdefault(place, Baseline(result.method, result.dataset))
            key = result.metric.partition(".")[2]
            baseline.values.setdefault(result.metric if key in _SHARED else key, []).append(result.value)
            baseline.conditions |= {tuple(part.split(" ", 1)) for part in result.conditions.split("; ") if part}
    return [found[place] for place in sorted(found, key=lambda place: place[0])]  # methods as they were read
