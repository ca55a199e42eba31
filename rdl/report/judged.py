"""The verdict without labels: on the first screen in words, in section 2 with the numbers behind each word."""

from rdl.report.markup import Markup, join, table, tag
from rdl.verdict import LatentVerdict, Verdict, Word

_MARKS = {Word.SUPPORTED: "●", Word.DOUBTFUL: "◐", Word.ENTANGLED: "○", Word.DEAD: "·"}


def first_words(verdict: Verdict | None, finished: bool) -> Markup | None:
    """Whether it worked: what a reader sees first of a finished run."""
    if verdict is None:
        missing = "There is no verdict on this run: it is from before there were any, or of more than one model."
        return tag("p", missing, class_="status") if finished else None
    latents = [tag("li", _in_words(latent)) for latent in _in_order(verdict)]
    return tag("div", tag("p", verdict.headline, class_="headline"), tag("ul", latents), class_="verdict")


def section(verdict: Verdict | None) -> Markup | None:
    """The evidence on each latent that is not dead."""
    if verdict is None:
        return None
    rows = [
        [
            f"z{one.latent}",
            one.words,
            f"{one.kl:.2f}",
            _number(one.found_again),
            _number(one.told),
            f"{one.gathering:.2f}",
        ]
        for one in _in_order(verdict)
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


def _in_order(verdict: Verdict) -> list[LatentVerdict]:
    return [latent for word in (Word.SUPPORTED, Word.DOUBTFUL, Word.ENTANGLED) for latent in verdict.of(word)]


def _in_words(latent: LatentVerdict) -> Markup:
    mark, words = tag("span", _MARKS[latent.word], aria_hidden="true"), latent.words
    return join(mark, " ", tag("b", f"z{latent.latent}"), f" {words} ", tag("span", latent.reasons, class_="small"))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{max(0.0, value):.2f}"
