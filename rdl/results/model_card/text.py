"""A card's YAML and Markdown, from a run's records: what they do not say is left out.

Texts of the run go in as quoted scalars and spans of code only (`markdown`). The YAML has the hub's documented form:
https://github.com/huggingface/hub-docs/blob/main/modelcard.md
"""

from typing import Any

from rdl.models.saving.export import CARD_BEGINS
from rdl.models.saving.saved import TrainedModel
from rdl.results.model_card import citations, loading
from rdl.results.model_card.markdown import LINE, block, code, printable, table, yaml
from rdl.results.model_card.records import CardRecords, Score
from rdl.runs import Layout
from rdl.verdict import LatentStatus
from rdl.version import __version__

_TASK = {"type": "image-feature-extraction", "name": "Disentangled representation"}
_TAGS = ["disentanglement", "representation-learning", "variational-autoencoder"]
Rows = list[tuple[str, str]]


def written(run: Layout, model: TrainedModel, format: str, license: str | None = None) -> str:
    """The card's text.

    Args:
      run: the run directory, read as it is.
      model: the run's.
      format: in which the model lies beside the card: ``keras``, ``saved_model`` or ``onnx``.
      license: the hub's name of the licence that the model's owner gives it.

    Raises:
      UserError: a file of the run's scores is damaged.
    """
    records = CardRecords(run)
    sections = {
        "What it is": _model(records, model),
        "Data": _data(records),
        "Configuration": _configuration(records),
        "Scores": _scores(records.scores),
        "Verdict": _verdict(records),
        "How to load it": _loading(model, format),
        "Licence": _license(license),
        "Citation": _citation(records),
    }
    body = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections.items() if text)
    front = yaml(_front(records, format, license))
    return f"{CARD_BEGINS}{front}\n---\n\n# Disentangled representation {code(records.name)}\n\n{body}\n"


def _front(records: CardRecords, format: str, license: str | None) -> dict[str, Any]:
    front: dict[str, Any] = {"license": license} if license else {}
    objective = citations.OBJECTIVES.get(records.named("model.objective"))
    front |= {
        "library_name": loading.LIBRARIES[format],
        "tags": [*_TAGS, *([objective[0].lower()] if objective else [])],
    }
    name = records.named("dataset.name")
    if records.scores and name:
        metrics = [_metric(score) for score in records.scores]
        dataset = {"type": name, "name": name, "args": {key: _plain(text) for key, text in records.part.items()}}
        result = {"task": _TASK, "dataset": dataset, "metrics": metrics}
        front["model-index"] = [{"name": records.name, "results": [result]}]
    return front


def _metric(score: Score) -> dict[str, Any]:
    conditions = {key: _plain(text) for key, text in score.conditions}
    return {"type": score.kind, "value": score.value, "name": score.words or score.kind, "args": conditions}


def _plain(text: str) -> int | str:
    """gin's text without its quotes, or as a whole number."""
    return int(text) if text.isdecimal() and len(text) < 10 else text.strip("'\"")


def _model(records: CardRecords, model: TrainedModel) -> str:
    objective = records.named("model.objective")
    kind = citations.OBJECTIVES[objective][0] if objective in citations.OBJECTIVES else "variational autoencoder"
    size = " x ".join(map(str, model.image_shape))
    text = (
        f"A {kind} with {model.num_latents} latents for images of {size} (height, width, channels), trained by rdl. "
        "Its encoder gives the mean and the log variance of each latent, its decoder the logits of the pixels."
    )
    return " ".join([text, *filter(None, [_found_by(records)])])


def _found_by(records: CardRecords) -> str:
    """How the model was chosen, where the job is one of rdl's."""
    if records.job == "rpu_vae":
        return (
            "It was found by rPU-VAE: populations of models label parts of the images by their own latents, and the "
            "final population is chosen by those labels, not by the true factors."
        )
    if not records.searched:
        return ""
    among = "population" if records.evolved else "random search"
    method = citations.SCORES.get(records.score, ("",))[0] if records.evolved else ""
    by = f"scored by {code(records.score)}" if records.score else "by its training loss"
    return f"It is the best of a {among}, {by}{f' ({method})' if method else ''}."


def _data(records: CardRecords) -> str:
    rows: Rows = []
    if name := records.named("dataset.name"):
        rows.append(("data set", code(name)))
    if part := records.part:
        rows.append(("taken of it", ", ".join(code(f"{key} = {text}") for key, text in part.items())))
    if images := records.images:
        factors = [f"{code(name)} {size}" for name, size in (images.factors or {}).items()]
        rows += [
            ("images", f"{images.images:,} of {' x '.join(map(str, images.shape))}"),
            ("true factors and how many values each has", ", ".join(factors) or "not known"),
            ("SHA-256 of up to 1,000 of them", code(images.content)),
        ]
    return table(("", ""), rows) if rows else ""


def _configuration(records: CardRecords) -> str:
    rows: Rows = []
    if (images := records.number("images_trained")) is not None:
        rows.append(("images that it saw in training, repeats counted", f"{images:,.0f}"))
    if (seconds := records.number("elapsed_seconds")) is not None:
        rows.append(("time of the whole run", f"{seconds / 3600:.2f} hours"))
    if found := records.hyperparameters:
        rows.append(
            ("hyperparameters at the end", ", ".join(f"{code(name)} {value:g}" for name, value in found.items()))
        )
    around = records.surroundings
    if around.commit:
        rows.append(("rdl's commit", code(around.commit)))
    versions = [("Python", around.python), *around.packages.items()] if around.python else list(around.packages.items())
    if versions:
        rows.append(("versions", ", ".join(code(f"{name} {version}") for name, version in versions)))
    told = [printable(f"{key} = {value}", LINE) for key, value in records.settings.items()]
    parts = [table(("", ""), rows)] if rows else []
    if told:
        parts += ["What decided its training, for `bin/train --gin_file` (of absolute paths the last name):"]
        parts += [block("python", told)]
    return "\n\n".join(parts)


def _scores(scores: list[Score]) -> str:
    if not scores:
        return ""
    rows = [
        (
            score.words or code(score.kind),
            f"{score.value:.4f}",
            ", ".join(code(f"{name} = {value}") for name, value in score.conditions),
        )
        for score in scores
    ]
    numbers = table(("metric", "value", "measured with"), rows)
    return (
        "Measured by rdl on the true factors of the images that it was trained on. Numbers compare only with those of "
        f"the same data and conditions.\n\n{numbers}"
    )


_WORDS = """Well supported: models trained apart have the latent too, and its values gather in steps. Entangled: what
it tells is in the others, otherwise divided. Doubtful: neither is shown. Dead: it tells nothing.

KL: how much the latent tells. Found again: how well single latents of the other models order the images alike. Told by
others: the share of it that all latents of another model give. Steps: how much its values gather."""


def _verdict(records: CardRecords) -> str:
    """LatentStatus and evidence for each latent; two numbers are missing where there was nothing to compare with."""
    verdict = records.verdict
    if verdict is None:
        return ""

    def share(value: float | None) -> str:
        return "" if value is None else f"{max(0.0, value):.2f}"

    rows = []
    for one in verdict.latents:
        evidence = share(one.replication), share(one.explained), f"{one.discreteness:.2f}"
        rows.append(
            (
                f"z{one.latent}",
                one.description,
                f"{one.kl:.2f}",
                *(("",) * 3 if one.status == LatentStatus.INACTIVE else evidence),
            )
        )
    head = ("latent", "verdict", "KL (nats)", "found again", "told by others", "steps (nats)")
    return (
        f"{verdict.headline}\n\nJudged without labels, against {verdict.compared} models trained apart. The model "
        f"explains {verdict.reconstruction:.0%} of the pixels' variance.\n\n{table(head, rows)}\n\n{_WORDS}"
    )


def _loading(model: TrainedModel, format: str) -> str:
    lines = loading.lines(format, model.image_shape, model.num_latents)
    return f"In the folder of these files, without rdl:\n\n{block('python', lines)}"


def _license(license: str | None) -> str:
    model = f"The model: {code(license)}." if license else "None was named for the model; its owner may name one."
    return f"{model} The images have their publisher's terms. rdl itself is under Apache-2.0."


def _citation(records: CardRecords) -> str:
    entries = [citations.bibtex(key) for key in _papers(records)]
    entries.append(citations.software("rdl", "rdl: robust disentangled representations", __version__))
    return block("bibtex", [line for entry in entries for line in entry])


def _papers(records: CardRecords) -> list[str]:
    """Keys of the papers of the job and of the objective, each once."""
    keys: list[str] = []
    if records.job == "rpu_vae":
        keys.append(citations.RECURSION)
    elif records.searched and records.evolved:
        keys += [citations.POPULATIONS, *citations.SCORES.get(records.score, ("", ()))[1]]
    objective = records.named("model.objective")
    if objective in citations.OBJECTIVES:
        keys.append(citations.OBJECTIVES[objective][1])
    return list(dict.fromkeys(keys))
