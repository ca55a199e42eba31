"""The page: one HTML file that needs nothing else, its pictures also beside it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdl import data
from rdl.data import ImageSet
from rdl.errors import UserError, in_one_line
from rdl.report import found, how_found, how_well, trust
from rdl.report.baselines import Baseline
from rdl.report.document import article, document
from rdl.report.evidence import Evidence, look
from rdl.report.gallery import Gallery
from rdl.report.markup import Content, Markup, join, table, tag
from rdl.report.reading import Records, read_records
from rdl.runs import files
from rdl.scoring.names import METRICS

_log = logging.getLogger(__name__)
_REFRESH = 15  # seconds after which the page of an unfinished run loads itself again


@dataclass(frozen=True)
class _Seen:
    """A run with all that could be seen of it, and why the rest could not."""

    records: Records
    images: ImageSet | None
    evidence: Evidence | None
    missing: tuple[str, ...]


def write_report(
    roots: Sequence[str | Path],
    output_dir: str | Path | None = None,
    baselines: Sequence[Baseline] = (),
    live: bool = False,
    note: Callable[[str], None] = _log.info,
) -> Path:
    """Writes ``index.html`` and its pictures about one or several runs; returns the page's path.

    Args:
      roots: run directories.
      output_dir: where to; ``report/`` in the first run if None.
      baselines: other models to set beside them.
      live: the page loads itself again every few seconds while a run is not finished.
      note: is told what is done.

    Raises:
      UserError: no run, or a place where nothing can be written.
    """
    if not roots:
        raise UserError("A report needs a run directory: bin/report runs/quickstart.")
    folder = Path(output_dir) if output_dir else Path(roots[0]) / "report"
    seen = [_see(read_records(root), note) for root in roots]
    contents = [_head(seen, baselines, Gallery(folder / "figures")) if len(seen) > 1 else None]
    for number, run in enumerate(seen):
        prefix = f"run_{number}" if len(seen) > 1 else ""
        note(f"drawing {run.records.name}")
        gallery = Gallery(folder / "figures" / prefix, f"{prefix}_" if prefix else "")
        contents.append(_run(run, baselines if len(seen) == 1 else (), gallery))
    title = ", ".join(run.records.name for run in seen)
    again = _REFRESH if live and any(run.records.summary is None for run in seen) else None
    page = document(f"{title} – rdl", join(contents), again)
    files.write_text(folder / "index.html", page)
    return folder / "index.html"


def _see(records: Records, note: Callable[[str], None]) -> _Seen:
    images, evidence, missing = None, None, []
    try:
        note(f"loading the images of {records.name}")
        images = data.from_config(records.reader.config)
    except UserError as error:
        missing.append(f"{error} Pictures and factor names are left out.")
    if images is not None and records.reader.paths.model.is_dir():
        try:
            evidence = look(records, images, note)
        except UserError as error:
            missing.append(str(error))
    return _Seen(records, images, evidence, tuple(missing))


def _head(seen: Sequence[_Seen], baselines: Sequence[Baseline], gallery: Gallery) -> Markup:
    """Several runs side by side."""
    runs = [run.records for run in seen]
    rows = []
    for number, records in enumerate(runs):
        final = records.measured.get("final", {})
        values = [how_well.mean_and_interval([final[key]] if key in final else []) for key in list(METRICS)[:4]]
        supported = "–" if records.verdict is None else str(records.verdict.factors_found)
        rows.append([tag("a", records.name, href=f"#run_{number}_top"), _status(records), supported, *values])
    titles = ["run", "state", "well supported", *(METRICS[key] for key in list(METRICS)[:4])]
    return tag(
        "section",
        tag("h1", f"{len(runs)} runs"),
        table(titles, rows, class_="scores"),
        tag("h2", "Together"),
        how_well.section(runs, baselines, None, gallery),
    )


def _run(run: _Seen, baselines: Sequence[Baseline], gallery: Gallery) -> Markup:
    records, prefix = run.records, gallery.prefix
    sections: list[tuple[str, str, Content]] = [
        ("found", "What was found", _drawn(lambda: _found(run, gallery))),
        ("well", "How well", _drawn(lambda: how_well.section([records], baselines, run.evidence, gallery))),
        ("how", "How it was found", _drawn(lambda: how_found.section(records, run.images, gallery))),
        ("trust", "Can I trust it", _drawn(lambda: trust.section(records))),
    ]
    try:
        tiles = _tiles(run)
    except Exception as error:  # as below
        tiles = [("what was found", _contradiction(error))]
    first = _drawn(lambda: join(found.whether_it_worked(records.verdict, records.summary is not None)))
    return article(records.name, _drawn(lambda: _status(records)), tiles, sections, run.missing, prefix, first)


def _drawn(draw: Callable[[], Markup]) -> Markup:
    """A part of the page; of a run whose records contradict each other, the words that it cannot be drawn.

    Each record is of the right types, but a run directory that somebody changed may hold lists of other lengths, other
    names and other numbers than belong together, in more ways than can be looked for.
    """
    try:
        return draw()
    except UserError:
        raise
    except Exception as error:
        _log.debug("a part of the page is left out", exc_info=True)
        return _contradiction(error)


def _contradiction(error: Exception) -> Markup:
    return tag("p", f"This cannot be drawn: the run's records contradict each other ({in_one_line(error)}).")


def _found(run: _Seen, gallery: Gallery) -> Markup:
    if run.evidence is not None:
        return found.section(run.evidence, gallery)
    if run.records.summary is None:
        return tag("p", "The run is not finished: the final model's latents will be shown here.")
    return tag("p", "The final model cannot be shown.")


def _status(records: Records) -> Markup:
    if records.summary is not None:
        experiment, dataset = records.summary.get("experiment", "run"), records.summary.get("dataset", "")
        return join(f"{experiment} on {dataset}, seed {records.summary.get('seed')}, finished")
    stage = next(reversed(records.stages), None)
    where = f", in {stage}, generation {records.stages[stage][-1][0].generation}" if stage is not None else ""
    return join(tag("b", "Not finished"), f"{where}; last record {trust.duration(records.reader.age)} ago")


def _tiles(run: _Seen) -> list[tuple[str, Content]]:
    """The result in a few numbers."""
    records, evidence = run.records, run.evidence
    summary, final = records.summary or {}, records.measured.get("final", {})
    tiles: list[tuple[str, Content]] = []
    if records.verdict is not None:
        how = tag("i", "distinct latents, judged without labels")
        tiles.append(("well supported", join(str(records.verdict.factors_found), how)))
    if evidence is not None:
        known = sorted({latent.factor for latent in evidence.latents if latent.factor and not latent.dead})
        if evidence.factors:
            named = join(f"{len(known)} of {len(evidence.factors)}", tag("i", ", ".join(known)))
            tiles.append(("factors of which a latent tells", named))
        alive = sum(not latent.dead for latent in evidence.latents)
        tiles.append(("latents in use", f"{alive} of {len(evidence.latents)}"))
    random = summary.get("first_generation.median_discrete_mig")
    if "discrete_mig" in final:
        beside = tag("i", f"random median {random:.3f}") if random is not None else None
        tiles.append((METRICS["discrete_mig"], join(f"{final['discrete_mig']:.3f}", beside)))
    if "disentanglement" in final:
        other = summary.get("first_generation.median_disentanglement")
        beside = tag("i", f"random median {other:.3f}") if other is not None else None
        tiles.append((METRICS["disentanglement"], join(f"{final['disentanglement']:.3f}", beside)))
    if "elapsed_seconds" in summary:
        tiles.append(("time", trust.duration(summary["elapsed_seconds"])))
    return tiles
