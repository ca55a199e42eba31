"""Writes the front matter and Markdown of a model card from a run's records; parts without records are left out.

Texts of the run appear only as quoted values and spans of code (`rdl.results.model_card.markdown`). The front matter
has the hub's documented form: https://github.com/huggingface/hub-docs/blob/main/modelcard.md. `huggingface_hub` would
write the same mapping but not the sections, and cards must not need it; so the few lines that format it are here.
"""

from typing import Any

import pandas as pd

from rdl.models.saving.export import CARD_BEGINS
from rdl.models.saving.saved import TrainedModel
from rdl.results.metric_names import describe_metric
from rdl.results.model_card import citations, loading
from rdl.results.model_card.markdown import (
    LINE,
    format_code,
    format_code_block,
    format_front_matter,
    format_table,
    to_printable,
)
from rdl.results.model_card.records import CardRecords
from rdl.results.pool_table import EVIDENCE, LABEL_COLUMNS, STAGE_COLUMNS
from rdl.runs import Layout
from rdl.verdict import LatentStatus
from rdl.version import __version__

_TASK = {"type": "image-feature-extraction", "name": "Disentangled representation"}
_TAGS = ["disentanglement", "representation-learning", "variational-autoencoder"]
Rows = list[tuple[str, str]]


def write_card(run: Layout, model: TrainedModel, format: str, license: str | None = None) -> str:
    """Writes a model card; returns its text.

    Args:
      run: the run directory, finished or not.
      model: the trained model.
      format: format of the exported model: ``keras``, ``saved_model`` or ``onnx``.
      license: the model's licence, by its name on the hub.

    Raises:
      UserError: a file of the run's scores is damaged.
    """
    records = CardRecords(run)
    sections = {
        "Model": _describe_model(records, model),
        "Data": _describe_data(records),
        "Configuration": _describe_configuration(records),
        "Scores": _describe_scores(records.results),
        "Verdict": _describe_verdict(records),
        "Labels": _describe_labels(records),
        "How to load it": _describe_loading(model, format),
        "Licence": _describe_license(license),
        "Citation": _describe_citation(records),
    }
    body = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections.items() if text)
    front = format_front_matter(_make_front_matter(records, format, license))
    return f"{CARD_BEGINS}{front}\n---\n\n# Disentangled representation {format_code(records.name)}\n\n{body}\n"


def _make_front_matter(records: CardRecords, format: str, license: str | None) -> dict[str, Any]:
    front: dict[str, Any] = {"license": license} if license else {}
    objective = citations.OBJECTIVES.get(records.read_setting("model.objective"))
    front |= {
        "library_name": loading.LIBRARIES[format],
        "tags": [*_TAGS, *([objective[0].lower()] if objective else [])],
    }
    name = records.read_setting("dataset.name")
    if name and not records.results.empty:
        metrics = [
            {
                "type": score.metric,
                "value": score.value,
                "name": _name_score(score) or score.metric,
                "args": {key: _parse_gin_value(text) for key, text in _list_conditions(score)},
            }
            for score in records.results.itertuples()
        ]
        dataset = {
            "type": name,
            "name": name,
            "args": {key: _parse_gin_value(text) for key, text in records.dataset_options.items()},
        }
        result = {"task": _TASK, "dataset": dataset, "metrics": metrics}
        front["model-index"] = [{"name": records.name, "results": [result]}]
    return front


def _name_score(score: Any) -> str:
    """The usual name of a row of results; empty for an unknown metric."""
    name = describe_metric(score.metric)
    known = name != score.metric and score.representation in ("mean", "sampled")
    return f"{name}{', of samples' if score.representation == 'sampled' else ''}" if known else ""


def _list_conditions(score: Any) -> list[tuple[str, str]]:
    parts = [part.partition(" ") for part in score.conditions.split("; ") if part]
    return [("measured_by", score.measured_by), *((name, value) for name, _, value in parts)]


def _parse_gin_value(text: str) -> int | str:
    """An integer, or text without gin's quotes."""
    return int(text) if text.isdecimal() and len(text) < 10 else text.strip("'\"")


def _describe_model(records: CardRecords, model: TrainedModel) -> str:
    objective = records.read_setting("model.objective")
    kind = citations.OBJECTIVES[objective][0] if objective in citations.OBJECTIVES else "variational autoencoder"
    size = " x ".join(map(str, model.image_shape))
    text = (
        f"A {kind} with {model.num_latents} latents for images of {size} (height, width, channels), trained by rdl. "
        "The encoder outputs the mean and the log variance of each latent, the decoder the logits of the pixels."
    )
    return " ".join(filter(None, [text, _describe_selection(records)]))


def _describe_selection(records: CardRecords) -> str:
    """Describes the selection of the model; empty for an unknown job or one that trains a single model."""
    if records.job == "rpu_vae":
        use = "train and select" if records.pool else "select"
        return (
            "It was trained by rPU-VAE: populations of models label the images with their own latents, and those "
            f"labels, not ground-truth factors, {use} the final population."
        )
    if not records.searched:
        return ""
    among = "population" if records.evolved else "random search"
    method = citations.POPULATION_SCORES.get(records.score, ("",))[0] if records.evolved else ""
    by = f"scored by {format_code(records.score)}" if records.score else "by its training loss"
    return f"It is the best of a {among}, {by}{f' ({method})' if method else ''}."


def _describe_data(records: CardRecords) -> str:
    rows: Rows = []
    if name := records.read_setting("dataset.name"):
        rows.append(("data set", format_code(name)))
    if part := records.dataset_options:
        rows.append(("options", ", ".join(format_code(f"{key} = {text}") for key, text in part.items())))
    if dataset := records.dataset:
        factors = [f"{format_code(name)} {size}" for name, size in (dataset.factors or {}).items()]
        rows += [
            ("images", f"{dataset.images:,} of {' x '.join(map(str, dataset.shape))}"),
            ("factors and their numbers of values", ", ".join(factors) or "unknown"),
            ("SHA-256 of up to 1,000 images", format_code(dataset.content)),
        ]
    return format_table(("", ""), rows) if rows else ""


def _describe_configuration(records: CardRecords) -> str:
    rows: Rows = []
    if (images := records.read_number("images_trained")) is not None:
        rows.append(("images seen in training, with repetition", f"{images:,.0f}"))
    if (seconds := records.read_number("elapsed_seconds")) is not None:
        rows.append(("training time", f"{seconds / 3600:.2f} hours"))
    if found := records.hyperparameters:
        rows.append(
            ("hyperparameters at the end", ", ".join(f"{format_code(name)} {value:g}" for name, value in found.items()))
        )
    environment = records.environment
    if environment.commit:
        rows.append(("commit of rdl", format_code(environment.commit)))
    versions = [("Python", environment.python)] if environment.python else []
    versions += environment.packages.items()
    if versions:
        rows.append(("versions", ", ".join(format_code(f"{name} {version}") for name, version in versions)))
    settings = [to_printable(f"{key} = {value}", LINE) for key, value in records.settings.items()]
    parts = [format_table(("", ""), rows)] if rows else []
    if settings:
        parts += ["Training settings for `bin/train --gin_file`; absolute paths are cut to their last part:"]
        parts += [format_code_block("python", settings)]
    return "\n\n".join(parts)


def _describe_scores(results: pd.DataFrame) -> str:
    if results.empty:
        return ""
    rows = [
        (
            _name_score(score) or format_code(score.metric),
            f"{score.value:.4f}",
            ", ".join(format_code(f"{name} = {value}") for name, value in _list_conditions(score)),
        )
        for score in results.itertuples()
    ]
    numbers = format_table(("metric", "value", "conditions"), rows)
    return (
        "Measured on the ground-truth factors of the training images. Scores are comparable only for the same data and "
        f"conditions.\n\n{numbers}"
    )


_EXPLANATION = """Supported: independently trained models learn the same latent, and its values are discrete or
independent of the model's other latents. Entangled: other models encode the same information, but divided differently
among their latents. Uncertain: neither is shown. Inactive: the latent encodes nothing.

KL: information in the latent. Replication: how similarly the best single latent of the other models orders the images.
Explained by others: share of the latent that all latents of another model explain. Discreteness: KL divergence of the
histogram of its values from the smoothed histogram. Dependence: largest mutual information with another latent."""


def _describe_verdict(records: CardRecords) -> str:
    """Status and evidence of each latent; replication is missing where no other model was trained."""
    verdict = records.verdict
    if verdict is None:
        return ""

    def share(value: float | None) -> str:
        return "" if value is None else f"{max(0.0, value):.2f}"

    rows = []
    for one in verdict.latents:
        evidence = (
            share(one.replication), share(one.explained), f"{one.discreteness:.2f}", f"{one.dependence:.2f}",
        )  # fmt: skip
        rows.append(
            (
                f"z{one.latent}",
                one.description,
                f"{one.kl:.2f}",
                *(("",) * 4 if one.status == LatentStatus.INACTIVE else evidence),
            )
        )
    head = (
        "latent", "verdict", "KL (nats)", "replication", "explained by others", "discreteness (nats)",
        "dependence (nats)",
    )  # fmt: skip
    return (
        f"{verdict.headline}\n\nJudged without labels, against {verdict.compared} independently trained models. The "
        f"model explains {verdict.reconstruction:.0%} of the pixels' variance.\n\n"
        f"{format_table(head, rows)}\n\n{_EXPLANATION}"
    )


def _describe_labels(records: CardRecords) -> str:
    """The label pool that trained and selected the model."""
    pool = records.pool
    if pool is None or not pool.labels:
        return ""
    rows = [
        [cell if column not in (1, 6) else format_code(cell) for column, cell in enumerate(row)]
        for row in pool.label_rows
    ]
    labels, stages = format_table(LABEL_COLUMNS, rows), format_table(STAGE_COLUMNS, pool.stage_rows)
    return f"No ground-truth factors: {EVIDENCE[0].lower()}{EVIDENCE[1:]}\n\n{labels}\n\n{stages}"


def _describe_loading(model: TrainedModel, format: str) -> str:
    lines = loading.write_loading_code(format, model)
    return f"In the folder of these files, without rdl:\n\n{format_code_block('python', lines)}"


def _describe_license(license: str | None) -> str:
    model = f"The model: {format_code(license)}." if license else "No licence was given for the model."
    return f"{model} The images keep their publisher's terms. rdl itself is under Apache-2.0."


def _describe_citation(records: CardRecords) -> str:
    entries = [citations.format_bibtex(key) for key in _list_papers(records)]
    entries.append(citations.format_software("rdl", "rdl: robust disentangled representations", __version__))
    return format_code_block("bibtex", [line for entry in entries for line in entry])


def _list_papers(records: CardRecords) -> list[str]:
    """Keys of the papers of the job and of the objective, without duplicates."""
    keys: list[str] = []
    if records.job == "rpu_vae":
        keys.append(citations.RECURSION)
    elif records.searched and records.evolved:
        keys += [citations.POPULATIONS, *citations.POPULATION_SCORES.get(records.score, ("", ()))[1]]
    objective = records.read_setting("model.objective")
    if objective in citations.OBJECTIVES:
        keys.append(citations.OBJECTIVES[objective][1])
    return list(dict.fromkeys(keys))
