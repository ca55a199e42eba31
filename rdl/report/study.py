"""The page of a study: many runs, grouped by method and strength, or by gin file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rdl.errors import UserError
from rdl.report import how_well, trust
from rdl.report.baselines import Baseline, read_baselines
from rdl.report.document import article, document
from rdl.report.gallery import Gallery
from rdl.report.markup import Content, Markup, fold, join, table, tag
from rdl.report.reading import Records, read_records
from rdl.results import result_tree, study_results
from rdl.results.metric_names import describe_metric
from rdl.results.results_table import read_results
from rdl.runs import Layout, files, folders


@dataclass(frozen=True)
class _Model:
    """One model: its place in the study, what it wrote down, its method and strength, its MIG if measured."""

    name: str
    records: Records
    kind: str
    mig: float | None

    @property
    def seconds(self) -> float | None:
        """Of training and measuring; None while it is not finished."""
        return (self.records.summary or {}).get("elapsed_seconds")


def models_of(folder: str | Path) -> list[Path]:
    """The runs that lie in a folder which is no run itself, or in folders of it; model 2 comes before model 10."""
    folder = Path(folder)
    if not folder.is_dir() or Layout(folder).config.exists():
        return []
    return result_tree.sort_paths(folders.begun_in(folder, 1) or folders.begun_in(folder, 2))


def write_study(
    root: str | Path,
    output_dir: str | Path | None = None,
    baselines: Sequence[Baseline] = (),
    note: Callable[[str], None] = lambda line: None,
) -> Path:
    """Writes ``index.html`` and its pictures about the models in a folder; returns the page's path.

    Args:
      root: a folder of runs, as ``bin/study`` leaves it.
      output_dir: where to; ``report/`` in the folder if None.
      baselines: other models to set beside them.
      note: is told what is done.

    Raises:
      UserError: no run, nothing measured, or a place where nothing can be written.
    """
    root = Path(root)
    places = models_of(root)
    if not places:
        raise UserError(f"{root} holds no runs: give a run directory, or the --output_dir of a bin/study.")
    note(f"reading the scores of {len(places)} models")
    models = [_model(place, root) for place in places]
    folder = Path(output_dir) if output_dir else root / "report"
    gallery = Gallery(folder / "figures")
    kinds = read_baselines([root])
    sections = [
        ("found", "What was found", _found(models, gallery)),
        ("well", "How well", join(_intervals(root), how_well.section([], [*kinds, *baselines], None, gallery))),
        ("how", "How it was found", _table(models)),
        ("trust", "Can I trust it", _trust(models[0])),
    ]
    name = root.resolve().name
    body = article(name, _status(models), _tiles(models, kinds), sections)
    files.write_text(folder / "index.html", document(f"{name} – rdl", body))
    return folder / "index.html"


def _model(root: Path, study: Path) -> _Model:
    records = read_records(root)
    try:
        results = [result for result in read_results([root]).itertuples() if result.representation == "mean"]
    except UserError:  # nothing measured yet
        results = []
    found = [result.value for result in results if result.metric == "mig.discrete_mig" and result.run == str(root)]
    return _Model(
        str(root.relative_to(study)),
        records,
        results[0].method if results else "not measured",
        found[0] if found else None,
    )


def _status(models: Sequence[_Model]) -> str:
    done = sum(model.seconds is not None for model in models)
    datasets = sorted({model.records.reader.settings.get("dataset.name", "unknown").strip("'\"") for model in models})
    state = "finished" if done == len(models) else f"{done} finished"
    return f"{len(models)} models on {', '.join(datasets)}, {state}"


def _tiles(models: Sequence[_Model], kinds: Sequence[Baseline]) -> list[tuple[str, Content]]:
    """The result in a few numbers."""
    tiles: list[tuple[str, Content]] = [("models", len(models)), ("methods and strengths", len(kinds))]
    for key in ("discrete_mig", "disentanglement"):
        means = {kind.name: float(np.mean(kind.values[key])) for kind in kinds if kind.values.get(key)}
        if means:
            best = max(means, key=lambda name: means[name])
            tiles.append((f"highest mean {how_well.METRICS[key]}", join(f"{means[best]:.3f}", tag("i", best))))
    return [*tiles, ("time of all models", trust.duration(sum(model.seconds or 0.0 for model in models)))]


def _found(models: Sequence[_Model], gallery: Gallery) -> Markup:
    """Traversals of each kind's model with the highest MIG."""
    best: dict[str, _Model] = {}
    for model in models:
        if model.mig is not None and (model.kind not in best or model.mig > (best[model.kind].mig or 0.0)):
            best[model.kind] = model
    drawn = []
    for model in best.values():
        path = model.records.reader.paths.result("traversals.png")
        if path.is_file():
            alt, name = f"traversals of model {model.name}", f"traversals_{model.name.replace('/', '_')}"
            caption = f"{model.kind}: model {model.name}, MIG {model.mig:.3f}"
            drawn.append(gallery.picture(name, path.read_bytes(), alt, caption))
    if not drawn:
        return tag("p", "No model has drawn its traversals yet.")
    return join(
        tag("p", "Of each method and strength the model with the highest MIG; every row moves one latent."),
        tag("div", drawn, class_="drawings"),
    )


def _table(models: Sequence[_Model]) -> Markup:
    rows = []
    for model in models:
        images = (model.records.summary or {}).get("images_trained")
        rows.append(
            [
                model.name,
                model.kind,
                model.records.reader.settings.get("experiment.seed", "0"),
                "–" if images is None else f"{images:,}",
                "–" if model.mig is None else f"{model.mig:.3f}",
                "not finished" if model.seconds is None else trust.duration(model.seconds),
            ]
        )
    head = ["model", "method and strength", "seed", "images trained", "MIG", "time"]
    return join(
        tag("p", "Every run with the settings of its number, or of its gin file and seed."),
        fold(f"All {len(models)} models", table(head, rows)),
    )


def _intervals(root: Path) -> Markup | None:
    """Of a study of gin files: means with intervals, and every run that failed."""
    if not folders.begun_in(root, 2):
        return None
    runs = study_results.read_study(root)
    drawn: list[Markup] = []
    for (_, _, metric), rows in study_results.summarize_study(runs).items():
        drawn += [tag("h3", describe_metric(metric)), table(rows.columns, rows.to_numpy().tolist())]
    failed = [tag("li", f"{run.file}, seed {run.seed}: {run.reason}") for run in runs if run.reason]
    if failed:
        drawn += [tag("h3", f"{len(failed)} of {len(runs)} runs failed"), tag("ul", failed)]
    return join(*drawn)


def _trust(model: _Model) -> Markup:
    records = model.records
    return join(
        tag("p", "Of model ", model.name, "; the page of each model: ", tag("code", f"bin/report {records.root}")),
        trust.section(records),
    )
