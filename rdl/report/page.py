"""The page of one or several runs: one HTML file, with its figures also beside it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from rdl import data
from rdl.data import ImageSet
from rdl.errors import UserError, in_one_line
from rdl.report.figure_writer import FigureWriter
from rdl.report.images_section import render_images
from rdl.report.latents_section import render_latents, render_verdict
from rdl.report.model_analysis import ModelAnalysis, analyze_model
from rdl.report.provenance_section import render_provenance
from rdl.report.rendering import Article, Section, Tile, render, render_page
from rdl.report.run_records import RunRecords, read_records
from rdl.report.scores_section import render_scores
from rdl.report.search_section import render_search
from rdl.runs import files
from rdl.scoring.names import METRICS
from rdl.time_left import format_duration

_log = logging.getLogger(__name__)
_REFRESH = 15  # seconds between two reloads of the page of an unfinished run
_OVERVIEW_SCORES = list(METRICS)[:4]


@dataclass(frozen=True)
class _LoadedRun:
    """A run with its images and the analysis of its model, and the reasons why one of them is missing."""

    records: RunRecords
    images: ImageSet | None
    analysis: ModelAnalysis | None
    missing: tuple[str, ...]


def write_report(
    roots: Sequence[str | Path],
    output_dir: str | Path | None = None,
    baselines: pd.DataFrame | None = None,
    live: bool = False,
    note: Callable[[str], None] = _log.info,
) -> Path:
    """Writes ``index.html`` and its figures for one or several runs; returns the path of the page.

    Args:
      roots: run directories.
      output_dir: folder of the page; ``report/`` in the first run if None.
      baselines: further results, as `rdl.results.results_table.read_results` returns them.
      live: whether the page of an unfinished run reloads every few seconds.
      note: called with lines about the progress.

    Raises:
      UserError: no run, or a folder that cannot be written.
    """
    if not roots:
        raise UserError("Expected a run directory, received none: bin/report runs/quickstart.")
    folder = Path(output_dir) if output_dir else Path(roots[0]) / "report"
    runs = [_load_run(read_records(root), note) for root in roots]
    several = len(runs) > 1
    overview = _render_overview(runs, baselines, FigureWriter(folder / "figures")) if several else ""
    articles = []
    for number, run in enumerate(runs):
        prefix = f"run_{number}" if several else ""
        note(f"drawing {run.records.name}")
        writer = FigureWriter(folder / "figures" / prefix, f"{prefix}_" if prefix else "")
        articles.append(_make_article(run, None if several else baselines, writer))
    title = ", ".join(run.records.name for run in runs)
    unfinished = any(run.records.summary is None for run in runs)
    page = render_page(title, articles, overview, _REFRESH if live and unfinished else None)
    files.write_text(folder / "index.html", page)
    return folder / "index.html"


def _load_run(records: RunRecords, note: Callable[[str], None]) -> _LoadedRun:
    images, analysis, missing = None, None, []
    try:
        note(f"loading the images of {records.name}")
        images = data.from_config(records.reader.config)
    except UserError as error:
        missing.append(f"{error} Pictures and names of factors are missing.")
    if images is not None and records.reader.paths.model.is_dir():
        try:
            analysis = analyze_model(records, images, note)
        except UserError as error:
            missing.append(str(error))
    return _LoadedRun(records, images, analysis, tuple(missing))


def _render_overview(runs: Sequence[_LoadedRun], baselines: pd.DataFrame | None, writer: FigureWriter) -> Markup:
    """A table of several runs, and their scores together."""
    rows = []
    for number, run in enumerate(runs):
        records = run.records
        final = records.measured.get("final", {})
        supported = "–" if records.verdict is None else str(records.verdict.factors_found)
        link = Markup('<a href="#run_{}_top">{}</a>').format(number, records.name)
        scores = [f"{final[key]:.3f}" if key in final else "–" for key in _OVERVIEW_SCORES]
        rows.append([link, _describe_status(records), supported, *scores])
    head = ["run", "state", "supported latents", *(METRICS[key] for key in _OVERVIEW_SCORES)]
    scores_of_all = render_scores([run.records for run in runs], baselines, None, writer)
    return render("overview.html", head=head, rows=rows, scores=scores_of_all)


def _make_article(run: _LoadedRun, baselines: pd.DataFrame | None, writer: FigureWriter) -> Article:
    records = run.records
    sections = {
        ("latents", "Latents"): lambda: render_latents(records, run.analysis, writer),
        ("scores", "Scores"): lambda: render_scores([records], baselines, run.analysis, writer),
        ("images", "Images"): lambda: render_images(run.images, writer),
        ("search", "Search"): lambda: render_search(records, run.images, writer),
        ("provenance", "Provenance"): lambda: render_provenance(records),
    }
    try:
        tiles = _list_tiles(run)
    except Exception as error:  # contradicting records, as in `_render_or_explain`
        tiles = [Tile("result", "–", _describe_contradiction(error))]
    return Article(
        title=records.name,
        status=_render_or_explain(lambda: _describe_status(records)),
        tiles=tiles,
        sections=[Section(*names, Markup(_render_or_explain(make))) for names, make in sections.items()],
        missing=run.missing,
        prefix=writer.prefix,
        verdict=_render_or_explain(lambda: render_verdict(records)),
    )


def _render_or_explain(make: Callable[[], str]) -> str:
    """A part of the page, or the reason why it is missing.

    Every record has the right types, but the records of a run directory that somebody edited may contradict each other
    in more ways than can be checked: lengths of lists, names, numbers.
    """
    try:
        return make()
    except UserError:
        raise
    except Exception as error:
        _log.debug("a part of the page is missing", exc_info=True)
        return Markup("<p>{}</p>").format(_describe_contradiction(error))


def _describe_contradiction(error: Exception) -> str:
    return f"This part is missing, because the records of the run contradict each other ({in_one_line(error)})."


def _describe_status(records: RunRecords) -> str:
    if records.summary is not None:
        experiment, dataset = records.summary.get("experiment", "run"), records.summary.get("dataset", "")
        return f"{experiment} on {dataset}, seed {records.summary.get('seed')}, finished"
    stage = next(reversed(records.stages), None)
    place = f", in {stage}, generation {records.stages[stage][-1][0].generation}" if stage is not None else ""
    return f"Not finished{place}; last record {format_duration(records.reader.age)} ago"


def _list_tiles(run: _LoadedRun) -> list[Tile]:
    """The most important numbers of a run."""
    records, analysis = run.records, run.analysis
    summary, final = records.summary or {}, records.measured.get("final", {})
    tiles = []
    if records.verdict is not None:
        tiles.append(Tile("supported latents", str(records.verdict.factors_found), "distinct, judged without labels"))
    if analysis is not None:
        encoded = sorted({latent.factor for latent in analysis.active if latent.factor})
        if analysis.factors:
            tiles.append(Tile("encoded factors", f"{len(encoded)} of {len(analysis.factors)}", ", ".join(encoded)))
        tiles.append(Tile("active latents", f"{len(analysis.active)} of {len(analysis.latents)}"))
    for key in ("discrete_mig", "disentanglement"):
        if key in final:
            median = summary.get(f"first_generation.median_{key}")
            comment = "" if median is None else f"median of random members {median:.3f}"
            tiles.append(Tile(METRICS[key], f"{final[key]:.3f}", comment))
    if "final.held_out_loss" in summary:
        tiles.append(Tile("held-out loss", f"{summary['final.held_out_loss']:.1f}", "nats per image"))
    if "elapsed_seconds" in summary:
        tiles.append(Tile("time", format_duration(summary["elapsed_seconds"])))
    return tiles
