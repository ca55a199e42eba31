"""disentanglement_lib's result tree: each step of a model's pipeline adds its files to those of the step before.

    <out>/results/gin/<step>.gin                 the step's settings
    <out>/results/json/<step>_config.json        the same as a flat dict; values are gin text with its quotes
    <out>/results/json/<step>_results.json       numbers, elapsed_time in seconds, uuid
    <out>/results/aggregate/<step>.json          all of json/, flat, keys <file>.<key>

Steps are ``train``, ``postprocess`` and ``evaluation``.
"""

import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rdl.errors import UserError
from rdl.runs import Layout, files, folders

_LARGEST_SCORE = 1e30


def write_step(
    folder: str | Path,
    step: str,
    settings: Mapping[str, str],
    results: Mapping[str, Any],
    before: str | Path | None = None,
) -> dict[str, Any]:
    """Writes the results of one step, copies those of the step before, and returns the aggregate.

    The aggregate is written last: where it exists, the step is complete.

    Args:
      folder: folder of the step, such as ``<out>/model`` or ``<out>/metrics/mean/mig``.
      step: ``train``, ``postprocess`` or ``evaluation``.
      settings: settings of the step under disentanglement_lib's names.
      results: numbers, among them ``elapsed_time`` in seconds; a ``uuid`` is added.
      before: folder of the step before.
    """
    root = Path(folder) / "results"
    if before is not None:
        _copy_results(Path(before) / "results", root)
    files.write_text(root / "gin" / f"{step}.gin", "".join(f"{key} = {value}\n" for key, value in settings.items()))
    files.write_json(root / "json" / f"{step}_config.json", dict(settings))
    files.write_json(root / "json" / f"{step}_results.json", {**results, "uuid": str(uuid.uuid4())})
    aggregate = {
        f"{path.stem}.{key}": value
        for path in sorted((root / "json").glob("*.json"))
        for key, value in read_object(path).items()
    }
    files.write_json(root / "aggregate" / f"{step}.json", aggregate)
    return aggregate


def _copy_results(old: Path, new: Path) -> None:
    if not old.is_dir():
        raise UserError(f"{old} is missing: expected the results of the step before.")
    for path in sorted(old.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            files.write_bytes(new / path.relative_to(old), path.read_bytes())


def is_complete(folder: str | Path, step: str) -> bool:
    """Whether the step is completely written."""
    return aggregate_path(folder, step).is_file()


def aggregate_path(folder: str | Path, step: str) -> Path:
    """Path of the step's aggregate."""
    return Path(folder) / "results" / "aggregate" / f"{step}.json"


def read_object(path: str | Path) -> dict[str, Any]:
    """Reads one JSON object from a file.

    Raises:
      UserError: the file is missing or holds no JSON object.
    """
    try:
        content = files.parse_json(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read {path} ({' '.join(str(error).split())}): expected a JSON object.") from error
    if not isinstance(content, dict):
        raise UserError(f"Cannot read {path}: expected a JSON object, got a {type(content).__name__}.")
    return content


def parse_metric_number(value: Any) -> float | None:
    """A score as a float; None for anything that is no number or larger than any score."""
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if plain and abs(value) <= _LARGEST_SCORE else None


def sort_paths(paths: Iterable[Path]) -> list[Path]:
    """Paths sorted by name and numbers by value: model 2 comes before model 10."""
    return sorted(paths, key=lambda path: [(int(p), "") if p.isdecimal() else (-1, p) for p in path.parts])


def find_aggregates(root: Path) -> dict[Path, Layout]:
    """The ``evaluation.json`` of each metric in all result trees under a folder, with the tree's root, in order."""
    found = {aggregate_path(folder, "evaluation"): run for folder, run in folders.find_metric_folders(root).items()}
    return {path: found[path] for path in sort_paths(path for path in found if path.is_file())}


def join_aggregates(paths: Iterable[Path], root: str | Path) -> dict[str, dict[str, Any]]:
    """Many aggregates as one table in disentanglement_lib's form of aggregated results.

    The form is that of pandas' ``to_json``: {column: {row: value}} with rows "0", "1", .. and None where a file lacks
    the column. The column ``path`` holds the path of the aggregate relative to ``root``.
    """
    rows = [{**read_object(path), "path": str(path.relative_to(root))} for path in paths]
    columns = dict.fromkeys(key for row in rows for key in row)
    return {column: {str(i): row.get(column) for i, row in enumerate(rows)} for column in columns}
