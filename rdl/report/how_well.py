"""Section 2, how well: this run's scores beside the x-model's, random members' and the baselines'."""

from collections.abc import Sequence

import numpy as np

from rdl.config import parse_gin_text
from rdl.report import figures
from rdl.report.baselines import Baseline
from rdl.report.evidence import TREE_POINTS, Evidence
from rdl.report.found import behind_the_verdict
from rdl.report.gallery import Gallery
from rdl.report.markup import Markup, join, table, tag
from rdl.report.reading import Records
from rdl.results.conditions import run_conditions
from rdl.results.summary import describe_sample
from rdl.results.training_settings import TrainingSettings, label_differences, select_training_settings
from rdl.scoring.names import METRICS

Values = dict[str, list[float]]
_RANDOM = "random hyperparameters"


def section(
    runs: Sequence[Records], baselines: Sequence[Baseline], evidence: Evidence | None, gallery: Gallery
) -> Markup:
    """Tables and figures; ``evidence`` is the (only) run's; without runs the baselines stand for themselves."""
    groups = compare(runs, baselines)
    verdict = behind_the_verdict(runs[0].verdict) if len(runs) == 1 else None
    finished = any(run.summary is not None for run in runs)
    nothing = "No true factors are known, so nothing was measured on them." if finished else "Nothing was measured yet."
    return join(
        verdict,
        tag("h3", "On the true factors") if verdict is not None and groups else None,
        _table(groups, runs, baselines) if groups else tag("p", nothing),
        _dots(groups, bool(runs), gallery),
        _heatmaps(evidence, gallery) if evidence is not None and evidence.factors else None,
    )


def compare(runs: Sequence[Records], baselines: Sequence[Baseline]) -> dict[str, Values]:
    """For each kind of model its values of each metric, in the order in which they are shown."""
    groups: dict[str, Values] = {}
    kinds: dict[TrainingSettings, list[Records]] = {}
    for run in runs:
        kinds.setdefault(select_training_settings(parse_gin_text(run.reader.config)), []).append(run)
    for found, label in zip(kinds.values(), label_differences(list(kinds)), strict=True):
        groups |= _own(found, f" ({label})" if label else "")
    alike = not runs and len({baseline.dataset for baseline in baselines}) == 1
    for baseline in baselines:
        name = baseline.name if alike or not baseline.dataset else f"{baseline.name} ({baseline.dataset})"
        groups[name] = {key: baseline.values.get(key, []) for key in METRICS}
    return {name: values for name, values in groups.items() if any(values.values())}


def _own(runs: Sequence[Records], label: str) -> dict[str, Values]:
    """The models of runs that differ in their seeds alone."""
    groups: dict[str, Values] = {}
    for measured, title in (("final", "final model"), ("x_model", "x-model")):
        found = [records.measured[measured] for records in runs if measured in records.measured]
        if found:
            groups[title + label] = {key: [scores[key] for scores in found if key in scores] for key in METRICS}
    random = [m.details["measured"][0] for run in runs for m in run.random_members if m.details.get("measured")]
    if random:
        groups[_RANDOM + label] = {key: [s[key] for s in random if key in s] for key in METRICS}
    return groups


def mean_and_interval(values: Sequence[float]) -> str:
    """``0.512``, or ``0.512 [0.480, 0.544] (n = 5)``: the mean with its interval of 95 %."""
    if not values:
        return "–"
    mean = describe_sample(values).replace(", ", ",\u00a0")
    return f"{mean} (n\u00a0=\u00a0{len(values)})" if len(values) > 1 else mean  # breaks before [ and (, nowhere else


def _table(groups: dict[str, Values], runs: Sequence[Records], baselines: Sequence[Baseline]) -> Markup:
    shown = [key for key in METRICS if any(values[key] for values in groups.values())]
    rows = []
    for name, values in groups.items():
        rows.append([name, *(mean_and_interval(values[key]) for key in shown)])
        if name.startswith(_RANDOM):
            rows.append(["… their median", *(_one(np.median, values[key]) for key in shown)])
            rows.append(["… the best of each column", *(_one(np.max, values[key]) for key in shown)])
    members = [member for records in runs for member in records.random_members]
    failed = sum(member.score is None for member in members)
    lost = f" ({failed} of {len(members)} diverged in training and are left out)" if failed else ""
    blind = "The true factors were used for nothing but these numbers." if all(run.leaves for run in runs) else ""
    random = (
        "Random hyperparameters: the first members of the x-run, trained on as many images as the final model without "
        f"any search{lost}. "
        if members
        else ""
    )
    return join(
        table(["model", *(METRICS[key] for key in shown)], rows, class_="scores" if runs else None),
        tag(
            "p",
            "Higher is better; all lie between 0 and 1. In brackets the 95 % interval of the mean, or the values if "
            f"there are fewer than 5. {random}{blind}",
            class_="small",
        ),
        [tag("p", line, class_="small") for line in _measured_otherwise(runs, baselines)],
    )


def _measured_otherwise(runs: Sequence[Records], baselines: Sequence[Baseline]) -> list[str]:
    """A line for every way in which baselines were measured that is not the runs' own."""
    own = {
        name: value
        for run in runs
        for metric in ("mig", "dci")
        for condition in run_conditions(metric, run.reader.settings, run.measured.get("final", {})).split("; ")
        for name, value in [condition.split(" ", 1)]
    }
    found: dict[str, list[str]] = {}
    for baseline in baselines:
        other = [
            f"{name} {value}, here {own[name]}" for name, value in baseline.conditions if own.get(name, value) != value
        ]
        if other:
            found.setdefault("; ".join(sorted(other)), []).append(baseline.name)
    return [f"Measured otherwise, so not comparable: {'; '.join(names)} ({how})." for how, names in found.items()]


def _one(function, values: Sequence[float]) -> str:
    return f"{function(values):.3f}" if values else "–"


def _dots(groups: dict[str, Values], own: bool, gallery: Gallery) -> Markup | None:
    drawn = []
    for key in ("discrete_mig", "disentanglement"):
        shown = {name: values[key] for name, values in groups.items() if values[key]}
        if len(shown) > 1:
            alt = f"{METRICS[key]} of every model"
            drawn.append(gallery.drawing(f"scores_{key}", figures.scores(shown, METRICS[key], own), alt, None))
    return tag("div", drawn, class_="drawings") if drawn else None


def _heatmaps(evidence: Evidence, gallery: Gallery) -> Markup:
    order = [latent.number for latent in evidence.latents]
    rows = [f"z{number}" for number in order]
    information = figures.heatmap(
        evidence.information[order], rows, evidence.factors, "I(z; v) / H(v)", "latent, by KL", "factor"
    )
    importances = figures.heatmap(
        evidence.importances[order], rows, evidence.factors, "importance", "latent, by KL", "factor"
    )
    return join(
        tag("h3", "What each latent knows of each factor"),
        tag(
            "div",
            gallery.drawing(
                "mutual_information",
                information,
                "mutual information of latents and factors",
                "Mutual information over the factor's entropy: 1 is all there is to know. One bright cell a row and "
                "a column is a disentangled model.",
            ),
            gallery.drawing(
                "dci_importances",
                importances,
                "importances of the latents for predicting the factors",
                f"Importance of each latent for boosted trees that predict the factor (columns sum to 1); trees from "
                f"{TREE_POINTS:,} images, fewer than the table's DCI.",
            ),
            class_="drawings",
        ),
    )
