"""Section 1, what was found: the verdict; the latents, each with an animated traversal; reconstructions."""

import numpy as np

from rdl.posterior import VERDICT_INACTIVE_KL
from rdl.report import figures
from rdl.report.evidence import VALUES, Evidence, Latent
from rdl.report.gallery import Gallery, picture, png, tile
from rdl.report.markup import Markup, fold, join, table, tag
from rdl.verdict import LatentStatus, LatentVerdict, Verdict

_MARKS = {
    LatentStatus.SUPPORTED: "●",
    LatentStatus.UNCERTAIN: "◐",
    LatentStatus.ENTANGLED: "○",
    LatentStatus.INACTIVE: "·",
}


def section(evidence: Evidence, gallery: Gallery) -> Markup:
    """Latents by KL, dead ones folded away, and reconstructions beside originals."""
    alive = [latent for latent in evidence.latents if not latent.dead]
    dead = [latent for latent in evidence.latents if latent.dead]
    return join(
        tag(
            "p",
            f"Each card moves one latent from {VALUES[0]:g} to {VALUES[-1]:g} standard deviations of the prior while "
            "the others stay as the encoder gave them. Drag a slider, or focus it and use the arrow keys.",
        ),
        tag("p", tag("button", "pause all", type="button", class_="play"), class_="screen"),
        _cards(alive, evidence),
        _dead(dead),
        _as_figure(alive, evidence, gallery),
        tag("h3", "Reconstructions"),
        gallery.drawing(
            "reconstructions",
            figures.grid(
                np.stack([evidence.originals, evidence.reconstructions]),
                ["original", "reconstruction"],
                [str(i + 1) for i in range(len(evidence.originals))],
            ),
            "images of the data set above, the model's reconstructions from posterior means below",
            "Images of the data set, and what the decoder makes of their posterior means.",
        ),
    )


def title(latent: Latent) -> Markup:
    """The latent's name, and the factor it stands for."""
    return join(tag("b", f"z{latent.number}"), " ", latent.factor or "")


def _cards(latents: list[Latent], evidence: Evidence) -> Markup:
    """A card for each latent; of a ladder model under its levels, the deepest first, as its vector has them."""
    levels: list[str | None] = sorted({latent.level for latent in latents if latent.level}, reverse=True) or [None]  # type: ignore[assignment, list-item]
    groups = []
    for level in levels:
        cards = [_card(latent, evidence) for latent in latents if latent.level == level]
        heading = tag("h3", level.replace("_", " ").capitalize()) if level else None
        groups.append(join(heading, tag("div", cards, class_="cards")))
    return join(groups)


def _card(latent: Latent, evidence: Evidence) -> Markup:
    frames = evidence.traversals[latent.number]
    count, bases, height, width, _ = frames.shape
    rows = np.stack([tile(frame, bases) for frame in frames])  # [values, height, bases wide, channels]
    sprite = rows.reshape(-1, *rows.shape[2:])
    film = tile(frames[:: max(1, (count - 1) // 8), 0], len(range(0, count, max(1, (count - 1) // 8))))
    name = f"z{latent.number}, {latent.factor}" if latent.factor else f"z{latent.number}"
    window = tag(
        "div",
        picture(png(sprite), f"traversal of {name}", class_="pixels"),
        class_="window",
        style=f"aspect-ratio:{rows.shape[2]}/{height}",
    )
    slider = tag(
        "input",
        type="range",
        min=0,
        max=count - 1,
        value=count // 2,
        aria_label=f"value of {name}",
        data_low=f"{VALUES[0]:g}",
        data_high=f"{VALUES[-1]:g}",
    )
    return tag(
        "article",
        tag("header", tag("h3", title(latent)), tag("p", _numbers(latent, evidence), class_="numbers")),
        window,
        tag("div", slider, tag("output", "0.00"), class_="slide screen"),
        picture(png(film), f"{name} from {VALUES[0]:g} to {VALUES[-1]:g}", class_="pixels film"),
        class_="card",
    )


def _numbers(latent: Latent, evidence: Evidence) -> str:
    parts = [f"KL {latent.kl:.2f} nats"]
    if evidence.factors:
        known = latent.factor if latent.factor else "any factor"
        parts.append(f"{latent.share:.0%} of {known}'s entropy, {latent.second:.0%} of the next")
    return " · ".join(parts)


def _dead(dead: list[Latent]) -> Markup | None:
    if not dead:
        return None
    rows = [[f"z{latent.number}", f"{latent.kl:.4f}"] for latent in dead]
    plural = "s" if len(dead) > 1 else ""
    count = f"{len(dead)} dead latent{plural} (KL under {VERDICT_INACTIVE_KL} nats): they change no image"
    return fold(count, table(["latent", "KL (nats)"], rows))


def _as_figure(alive: list[Latent], evidence: Evidence, gallery: Gallery) -> Markup | None:
    if not alive:
        return None
    step = (len(VALUES) - 1) // 8
    images = np.stack([evidence.traversals[latent.number][::step, 0] for latent in alive])
    names = [f"z{latent.number} {latent.factor or ''}".strip() for latent in alive]
    drawing = gallery.drawing(
        "traversals",
        figures.grid(images, names, [f"{value:g}" for value in VALUES[::step]], "latent", "value of the latent"),
        "traversals of all latents that are not dead",
    )
    return fold("All traversals as one figure", drawing)


def whether_it_worked(verdict: Verdict | None, finished: bool) -> Markup | None:
    """Whether it worked: what a reader sees first of a finished run."""
    if verdict is None:
        missing = "There is no verdict on this run: it was finished before there were any."
        return tag("p", missing, class_="status") if finished else None
    latents = [tag("li", _describe(latent)) for latent in _live_of(verdict)]
    return tag("div", tag("p", verdict.headline, class_="headline"), tag("ul", latents), class_="verdict")


def behind_the_verdict(verdict: Verdict | None) -> Markup | None:
    """The evidence on each latent that is not dead."""
    if verdict is None:
        return None
    rows = [
        [
            f"z{one.latent}",
            one.description,
            f"{one.kl:.2f}",
            _number(one.replication),
            _number(one.explained),
            f"{one.discreteness:.2f}",
        ]
        for one in _live_of(verdict)
    ]
    models = "model" if verdict.compared == 1 else "models"
    return join(
        tag("h3", "Without labels"),
        table(["latent", "verdict", "KL (nats)", "found again", "told", "steps"], rows) if rows else None,
        tag(
            "p",
            f"Compared with {verdict.compared} {models} trained apart. Found again: how far a single latent of another "
            "model is this one, 1 the same, 0 no more than a direction at random; told: the share of its variance that "
            "all latents of another model tell together; steps: how its values gather as one factor's few values do "
            f"(nats). The reconstructions explain {verdict.reconstruction:.0%} of the pixels' variance; well supported "
            f"latents hold {verdict.kl_supported:.0%} of the KL. How often these words are right: docs/verdict.md.",
            class_="small",
        ),
    )


def _live_of(verdict: Verdict) -> list[LatentVerdict]:
    return [
        latent
        for word in (LatentStatus.SUPPORTED, LatentStatus.UNCERTAIN, LatentStatus.ENTANGLED)
        for latent in verdict.of(word)
    ]


def _describe(latent: LatentVerdict) -> Markup:
    mark, words = tag("span", _MARKS[latent.status], aria_hidden="true"), latent.description
    return join(mark, " ", tag("b", f"z{latent.latent}"), f" {words} ", tag("span", latent.reasons, class_="small"))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{max(0.0, value):.2f}"
