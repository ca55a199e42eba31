"""The latents of the final model: the verdict on each, animated traversals, and reconstructions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from rdl.data.display import encode_png, tile_images
from rdl.posterior import VERDICT_INACTIVE_KL
from rdl.report import figures
from rdl.report.figure_writer import FigureWriter
from rdl.report.model_analysis import VALUES, LatentSummary, ModelAnalysis
from rdl.report.rendering import render, render_image
from rdl.report.run_records import RunRecords
from rdl.verdict import LatentStatus, LatentVerdict, Verdict

_MARKS = {
    LatentStatus.SUPPORTED: "●",
    LatentStatus.UNCERTAIN: "◐",
    LatentStatus.ENTANGLED: "○",
    LatentStatus.INACTIVE: "·",
}


@dataclass(frozen=True)
class _Card:
    """The card of a latent: all frames of its traversal below each other, and some of them in a row for print."""

    latent: LatentSummary
    sprite: Markup
    film: Markup
    frames: int
    aspect: str


def render_verdict(records: RunRecords) -> Markup:
    """The verdict with a line for every active latent, in the order of their KL."""
    latents = _select_active(records.verdict)
    finished = records.summary is not None
    return render("verdict.html", verdict=records.verdict, latents=latents, marks=_MARKS, finished=finished)


def render_latents(records: RunRecords, analysis: ModelAnalysis | None, writer: FigureWriter) -> Markup:
    """The section about latents; ``analysis`` is None if the model or its images cannot be loaded."""
    values: dict[str, Any] = {
        "verdict": records.verdict,
        "verdict_rows": [_verdict_row(latent) for latent in _select_active(records.verdict)],
        "finished": records.summary is not None,
        "analysis": analysis,
    }
    if analysis is not None:
        values |= {
            "groups": _group_cards(analysis),
            "low": f"{VALUES[0]:g}",
            "high": f"{VALUES[-1]:g}",
            "threshold": VERDICT_INACTIVE_KL,
            "inactive_rows": [[f"z{one.number}", f"{one.kl:.4f}"] for one in analysis.latents if one.inactive],
            "traversals": _draw_traversals(analysis, writer),
            "reconstructions": _draw_reconstructions(analysis, writer),
        }
    return render("latents.html", **values)


def _select_active(verdict: Verdict | None) -> list[LatentVerdict]:
    latents = [] if verdict is None else [one for one in verdict.latents if one.status != LatentStatus.INACTIVE]
    return sorted(latents, key=lambda latent: -latent.kl)


def _verdict_row(latent: LatentVerdict) -> list[str]:
    return [
        f"z{latent.latent}",
        latent.description,
        f"{latent.kl:.2f}",
        _format_share(latent.replication),
        _format_share(latent.explained),
        f"{latent.discreteness:.2f}",
        f"{latent.dependence:.2f}",
    ]


def _format_share(value: float | None) -> str:
    return "–" if value is None else f"{max(0.0, value):.2f}"


def _group_cards(analysis: ModelAnalysis) -> list[tuple[str, list[_Card]]]:
    """Cards in the order of KL; those of a ladder model by level, the deepest level first."""
    levels = sorted({latent.level or "" for latent in analysis.active}, reverse=True)
    return [
        (
            level.replace("_", " ").capitalize(),
            [_make_card(latent, analysis) for latent in analysis.active if (latent.level or "") == level],
        )
        for level in levels
    ]


def _make_card(latent: LatentSummary, analysis: ModelAnalysis) -> _Card:
    frames = analysis.traversals[latent.number]
    rows = np.stack([tile_images(frame, frames.shape[1]) for frame in frames])  # [values, height, width, channels]
    sprite = encode_png(rows.reshape(-1, *rows.shape[2:]))
    shown = frames[:: max(1, (len(frames) - 1) // 8), 0]
    film = encode_png(tile_images(shown, len(shown)))
    return _Card(
        latent,
        render_image(sprite, f"traversal of {latent.name}", "pixels"),
        render_image(film, f"{latent.name} from {VALUES[0]:g} to {VALUES[-1]:g}", "pixels film"),
        len(frames),
        f"{rows.shape[2]}/{rows.shape[1]}",
    )


def _draw_traversals(analysis: ModelAnalysis, writer: FigureWriter) -> Markup | None:
    if not analysis.active:
        return None
    step = (len(VALUES) - 1) // 8
    images = np.stack([analysis.traversals[latent.number][::step, 0] for latent in analysis.active])
    columns = [f"{value:g}" for value in VALUES[::step]]
    names = [latent.name for latent in analysis.active]
    figure = figures.draw_image_grid(images, names, columns, "latent", "value of the latent")
    return writer.write_figure("traversals", figure, "traversals of all active latents")


def _draw_reconstructions(analysis: ModelAnalysis, writer: FigureWriter) -> Markup:
    images = np.stack([analysis.originals, analysis.reconstructions])
    columns = [str(i + 1) for i in range(len(analysis.originals))]
    return writer.write_figure(
        "reconstructions",
        figures.draw_image_grid(images, ["original", "reconstruction"], columns),
        "images of the data set above, their reconstructions from posterior means below",
        "Images of the data set and their reconstructions from posterior means.",
    )
