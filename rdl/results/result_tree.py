"""disentanglement_lib's tree of results: every step of a model's pipeline adds its files to those before.

    <out>/results/gin/<step>.gin                 the step's settings
    <out>/results/json/<step>_config.json        the same as a flat dict; values are gin's text, quotes and all
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
    """Writes one step's results and takes along those of the step before; returns the aggregate.

    The aggregate is written last: where it exists, the step is complete.

    Args:
      folder: of the step, such as ``<out>/model`` or ``<out>/metrics/mean/mig``.
      step: ``train``, ``postprocess`` or ``evaluation``.
      settings: the step's, in disentanglement_lib's names.
      results: numbers; ``elapsed_time`` in seconds among them. A ``uuid`` is added.
      before: the folder of the step before.
    """
    root = Path(folder) / "results"
    if before is not None:
        _take_along(Path(before) / "results", root)
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


def _take_along(old: Path, new: Path) -> None:
    if not old.is_dir():
        raise UserError(f"{old} is missing: it holds the results of the step before.")
    for path in sorted(old.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            files.write_bytes(new / path.relative_to(old), path.read_bytes())


def is_complete(folder: str | Path, step: str) -> bool:
    """Whether the step has been written whole."""
    return aggregate_path(folder, step).is_file()


def aggregate_path(folder: str | Path, step: str) -> Path:
    """Where the step's aggregate lies."""
    return Path(folder) / "results" / "aggregate" / f"{step}.json"


def read_object(path: str | Path) -> dict[str, Any]:
    """One JSON object from a file.

    Raises:
      UserError: no such file, or no JSON object in it.
    """
    try:
        content = files.parse_json(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read {path} ({' '.join(str(error).split())}): expected a JSON object.") from error
    if not isinstance(content, dict):
        raise UserError(f"Cannot read {path}: expected a JSON object, got a {type(content).__name__}.")
    return content


def number(value: Any) -> float | None:
    """A score as a float; None where it is no number, or beyond what any score is."""
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if plain and abs(value) <= _LARGEST_SCORE else None


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Sorted by name, numbers by value: model 2 comes before model 10."""
    return sorted(paths, key=lambda path: [(int(p), "") if p.isdecimal() else (-1, p) for p in path.parts])


def aggregates(root: Path) -> dict[Path, Layout]:
    """``evaluation.json`` of every metric of every result tree under a folder, in order, and whose it is."""
    found = {aggregate_path(folder, "evaluation"): run for folder, run in folders.metrics_in(root).items()}
    return {path: found[path] for path in in_order(path for path in found if path.is_file())}


def fuse(paths: Iterable[Path], root: str | Path) -> dict[str, dict[str, Any]]:
    """Many aggregates as one table, in the form of disentanglement_lib's aggregated results.

    That form is pandas' ``to_json``: {column: {row: value}}, rows "0", "1", .., None where a file lacks the column. The
    column ``path`` says where a row comes from, relative to ``root``.
    """
    rows = [{**read_object(path), "path": str(path.relative_to(root))} for path in paths]
    columns = dict.fromkeys(key for row in rows for key in row)
    return {column: {str(i): row.get(column) for i, row in enumerate(rows)} for column in columns}
