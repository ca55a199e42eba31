"""The page of a study: many runs by method, with the scores of each method."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from rdl.errors import UserError
from rdl.report.figure_writer import FigureWriter
from rdl.report.provenance_section import render_provenance
from rdl.report.rendering import Article, Section, Tile, render, render_page
from rdl.report.run_records import RunRecords, read_records
from rdl.report.scores_section import render_scores
from rdl.results import result_tree
from rdl.results.metric_names import describe_metric
from rdl.results.results_table import read_results
from rdl.results.summary import select_comparable
from rdl.runs import Layout, files, folders
from rdl.time_left import format_duration

_MIG = "mig.discrete_mig"


@dataclass(frozen=True)
class _StudyModel:
    """One model of the study.

    Attributes:
      name: its folder within the study.
      records: of its run.
      method: with its strength.
      mig: its MIG; None if it is not measured.
    """

    name: str
    records: RunRecords
    method: str
    mig: float | None

    @property
    def seconds(self) -> float | None:
        """Time of training and measuring; None while the run is not finished."""
        return (self.records.summary or {}).get("elapsed_seconds")


def find_models(folder: str | Path) -> list[Path]:
    """The runs in a study's folder, in the order of their numbers; none if the folder is a run itself."""
    folder = Path(folder)
    if not folder.is_dir() or Layout(folder).config.exists():
        return []
    return result_tree.sort_paths(folders.find_runs(folder, 1) or folders.find_runs(folder, 2))


def write_study(
    root: str | Path,
    output_dir: str | Path | None = None,
    baselines: pd.DataFrame | None = None,
    note: Callable[[str], None] = lambda line: None,
) -> Path:
    """Writes ``index.html`` and its figures for a study; returns the path of the page.

    Args:
      root: folder of the study, as ``bin/study`` writes it.
      output_dir: folder of the page; ``report/`` in the study if None.
      baselines: further results, as `rdl.results.results_table.read_results` returns them.
      note: called with lines about the progress.

    Raises:
      UserError: no run, no results, or a folder that cannot be written.
    """
    root = Path(root)
    runs = find_models(root)
    if not runs:
        raise UserError(f"Expected a run or a study, found no run in {root}: give the --output_dir of a bin/study.")
    note(f"reading the scores of {len(runs)} models")
    results = read_results([root])
    models = [_read_model(run, root, results) for run in runs]
    folder = Path(output_dir) if output_dir else root / "report"
    writer = FigureWriter(folder / "figures")
    everything = results if baselines is None else pd.concat([results, baselines], ignore_index=True)
    sections = [
        Section("latents", "Latents", _render_latents(models, writer)),
        Section("scores", "Scores", render_scores([], everything, None, writer)),
        Section("runs", "Runs", _render_runs(models, root)),
        Section("provenance", "Provenance", _render_provenance(models[0])),
    ]
    name = root.resolve().name
    article = Article(name, _describe_status(models), _list_tiles(models, results), sections)
    files.write_text(folder / "index.html", render_page(name, [article]))
    return folder / "index.html"


def _read_model(run: Path, study: Path, results: pd.DataFrame) -> _StudyModel:
    own = select_comparable(results[(results["run"] == str(run)) & (results["representation"] == "mean")])
    migs = own.loc[own["metric"] == _MIG, "value"]
    return _StudyModel(
        str(run.relative_to(study)),
        read_records(run),
        "not measured" if own.empty else own["method"].iloc[0],
        None if migs.empty else float(migs.iloc[0]),
    )


def _describe_status(models: Sequence[_StudyModel]) -> str:
    finished = sum(model.seconds is not None for model in models)
    datasets = sorted({model.records.reader.used.name("dataset.name") or "unknown" for model in models})
    state = "finished" if finished == len(models) else f"{finished} finished"
    return f"{len(models)} models on {', '.join(datasets)}, {state}"


def _list_tiles(models: Sequence[_StudyModel], results: pd.DataFrame) -> list[Tile]:
    """The most important numbers of the study."""
    tiles = [Tile("models", str(len(models))), Tile("methods", str(results["method"].nunique()))]
    for metric in (_MIG, "dci.disentanglement"):
        means = results[results["metric"] == metric].groupby("method")["value"].mean()
        if not means.empty:
            tiles.append(Tile(f"highest mean {describe_metric(metric)}", f"{means.max():.3f}", str(means.idxmax())))
    return [*tiles, Tile("time of all models", format_duration(sum(model.seconds or 0.0 for model in models)))]


def _render_latents(models: Sequence[_StudyModel], writer: FigureWriter) -> Markup:
    """Traversals of the model with the highest MIG of each method."""
    best: dict[str, _StudyModel] = {}
    for model in models:
        if model.mig is not None and (model.method not in best or model.mig > (best[model.method].mig or 0.0)):
            best[model.method] = model
    figures = []
    for model in best.values():
        path = model.records.reader.paths.result("traversals.png")
        if path.is_file():
            name, alt = f"traversals_{model.name.replace('/', '_')}", f"traversals of model {model.name}"
            caption = f"{model.method}: model {model.name}, MIG {model.mig:.3f}"
            figures.append(writer.write_png(name, path.read_bytes(), alt, caption))
    return render("study_latents.html", figures=figures)


def _render_runs(models: Sequence[_StudyModel], root: Path) -> Markup:
    rows = []
    for model in models:
        images = (model.records.summary or {}).get("images_trained")
        rows.append(
            [
                model.name,
                model.method,
                str(model.records.reader.used.value("experiment.seed", 0)),
                "–" if images is None else f"{images:,}",
                "–" if model.mig is None else f"{model.mig:.3f}",
                "not finished" if model.seconds is None else format_duration(model.seconds),
            ]
        )
    failures = {
        folder: result_tree.read_object(folders.failure_file(folder)) for folder in folders.find_failed_runs(root)
    }
    failed = [
        f"{folder.relative_to(root)}: {content.get('reason', 'unknown reason')}" for folder, content in failures.items()
    ]
    return render("study_runs.html", rows=rows, failed=failed)


def _render_provenance(model: _StudyModel) -> Markup:
    provenance = render_provenance(model.records)
    return render("study_provenance.html", name=model.name, root=model.records.root, provenance=provenance)
