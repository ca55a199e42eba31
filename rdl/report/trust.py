"""Section 4, can I trust it: seeds, versions, machine, commit, configuration, rules in force, warnings, time."""

from collections.abc import Sequence
from typing import Any

from rdl.population import Member
from rdl.report.markup import Content, Markup, fold, join, table, tag
from rdl.report.reading import Records
from rdl.runs.reader import Session

RULES = {
    "label.kl_threshold": ("1.0 of another estimate: 1.18817 nats", "a latent is learned above this mean KL (nats)"),
    "find_plateaus.method": ("differences", "how the jumps of a label are found"),
    "find_plateaus.smallest": ("1", "images of the smallest plateau that may be taken"),
    "find_plateaus.outer_up_to": (
        "3; 1 for a single label",
        "the outermost plateaus may be taken up to so many jumps",
    ),
    "reduce_images.flat_labels": ("stop", "what a learned label without a jump does"),
    "reduce_images.sharpest": ("5", "plateaus of each label that are intersected"),
    "reduce_images.more_than": ("5", "smaller intersections are left out"),
    "reduce_images.min_images": ("10", "a leaf run stops with fewer images"),
    "reduce_images.distinct": ("False", "leaf runs start from other values of every factor"),
    "reduce_images.trim": ("0.0", "share of a plateau left out at its two ends"),
    "iterate.max_iterations": ("3", "iterations of a leaf run, the x-model's included"),
    "leaf_mig.weights": ("columns", "what weighs alike in leaf MIG"),
    "leaf_mig.repeats": ("count", "whether a label learned again counts in leaf MIG"),
    "UDRScore.correlation": ("lasso", "how UDR compares latents"),
    "UDRScore.kl_threshold": ("0.01 of another estimate: 0.0101 nats", "UDR leaves out latents up to this KL (nats)"),
    "UDRScore.points": ("1000", "images on which UDR compares"),
    "UDRScore.min_active": ("1", "a model with fewer active latents scores 0"),
    "UDRScore.chance_corrected": ("False", "UDR is compared with that of randomly rotated latents"),
    "UDRScore.replication": ("False", "counts the latents that are found again, where UDR averages over them"),
    "population.size": ("56", "members"),
    "population.models": ("5", "VAEs a member"),
    "population.rule": ("truncation", "what becomes of the members between two generations"),
    "population.fraction": ("0.2", "share of the population that is replaced each generation"),
    "population.window": ("6", "converged: so many changes of the best score .."),
    "population.tolerance": ("0.005", ".. under this"),
    "population.min_score": ("0.1", "nothing is left to learn: the best score of a generation is under this"),
    "population.best_of": ("all", "generations whose best member may be handed over"),
}
"""gin's name -> (the value in the first paper's released code, what it decides)."""


def section(records: Records) -> Markup:
    """Tables of facts, what they are and where they come from."""
    return join(
        _facts(records),
        tag("h3", "Time and images"),
        _stages(records),
        tag("h3", "Rules in force"),
        _rules(records),
        tag("h3", "Warnings"),
        _warnings(records),
        fold("Configuration in force" if records.reader.operative else "Configuration asked for", _code(records)),
    )


def _facts(records: Records) -> Markup:
    known = [session for session in records.reader.sessions if session.environment]
    last = known[-1].environment if known else {}
    gib = f"{last['memory_bytes'] / 2**30:.1f} GiB" if last.get("memory_bytes") else "unknown"
    rows: list[list[Content]] = [
        ["run", tag("code", str(records.root))],
        ["seed", records.reader.settings.get("experiment.seed", "0")],
        ["precision", records.reader.settings.get("model.precision", "float32").strip("'\"")],
        ["data set", records.reader.settings.get("dataset.name", "unknown").strip("'\"")],
        ["git commit", last.get("commit") or "not recorded"],
        ["python, packages", _versions(last)],
        ["system", last.get("system") or "not recorded"],
        ["processor", f"{last.get('processor', 'not recorded')}, {last.get('cores', '?')} cores, {gib}"],
        ["GPUs", ", ".join(last.get("gpus", [])) or "none"],
        ["command", tag("code", " ".join(map(str, last.get("command", []))) or "not recorded")],
        ["sessions", _sessions(records.reader.sessions)],
    ]
    changed = _changes(known)
    if changed:
        rows.append(["changed between sessions", ", ".join(changed)])
    return table(["", ""], rows, class_="facts")


def _versions(environment: dict[str, Any]) -> str:
    packages = environment.get("packages", {})
    if not packages:
        return "not recorded"
    return ", ".join([f"Python {environment.get('python')}", *(f"{name} {packages[name]}" for name in packages)])


def _sessions(sessions: Sequence[Session]) -> str:
    if not sessions:
        return "not recorded"
    known = [session.seconds for session in sessions if session.seconds is not None]
    words = f"{len(sessions)} (the run was stopped and went on)" if len(sessions) > 1 else "1"
    return f"{words}, {duration(sum(known))} in all" if known else words


def _changes(sessions: Sequence[Session]) -> list[str]:
    keys = ("commit", "packages", "system", "processor", "cores", "variables")
    return [key for key in keys if len({repr(session.environment.get(key)) for session in sessions}) > 1]


def _stages(records: Records) -> Markup:
    rows = [_stage(stage, [m for g in generations for m in g]) for stage, generations in records.stages.items()]
    if records.random_members:
        rows.append(_stage("random_members", records.random_members))
    return table(["stage", "members trained", "failed", "images a VAE and generation", "images in all", "time"], rows)


def _stage(stage: str, members: Sequence[Member]) -> list[Content]:
    each = {m.details["images"] for m in members if "images" in m.details}
    models = [m.details.get("images", 0) * len(m.details.get("per_model", [])) for m in members]
    seconds = sum(m.details.get("seconds", 0.0) for m in members)
    return [
        stage or "population",
        f"{len(members):,}",
        f"{sum(m.score is None for m in members):,}",
        ", ".join(f"{count:,}" for count in sorted(each)) or "not recorded",
        f"{sum(models):,}" if each else "not recorded",
        duration(seconds),
    ]


def _rules(records: Records) -> Markup:
    """Rules that differ from the released code's in a table, the others folded away; scopes of equal values as one."""
    scopes: dict[tuple[str, str], list[str]] = {}
    for name, value in sorted(records.reader.settings.items()):
        *scope, bare = name.split("/")
        if bare in RULES:
            scopes.setdefault((bare, value.strip("'\"")), []).extend(scope or ["everywhere else"])
    differing, same = [], []
    for (name, value), where in scopes.items():
        reference, meaning = RULES[name]
        place = "" if where == ["everywhere else"] else f" in {', '.join(where)}"
        row: list[Content] = [tag("code", name), [value, tag("span", place, class_="small")], reference, meaning]
        (same if value == reference else differing).append(row)
    if not scopes:
        return tag("p", "The configuration sets none; the values used are known when the run is finished.")
    unfinished = (
        "" if records.reader.operative else " The run is not finished: only what its configuration sets is listed."
    )
    head = ["parameter", "this run", "released code", "decides"]
    return join(
        tag(
            "p", f"Where the run does otherwise than the first paper's released code (docs/deviations.md).{unfinished}"
        ),
        table(head, differing, class_="rules") if differing else tag("p", "Nowhere."),
        fold(f"{len(same)} rules as in the released code", table(head, same, class_="rules")) if same else None,
    )


def _warnings(records: Records) -> Markup:
    lines = [line for session in records.reader.sessions for line in session.warnings]
    if records.reader.damaged:
        lines.append(
            f"{records.reader.damaged} lines of the journal are damaged; their units of work are done again on resume"
        )
    failed = [m for generations in records.stages.values() for members in generations for m in members if m.reason]
    if failed:
        lines.append(f"{len(failed)} members failed in training and were replaced (why: under each population)")
    lost = [member for member in records.random_members if member.reason]
    if lost:
        lines.append(
            f"{len(lost)} of {len(records.random_members)} random members failed in training: {lost[0].reason}"
        )
    recorded = any(session.environment for session in records.reader.sessions)
    if not lines:
        return tag("p", "None." if recorded else "Warnings were not recorded.")
    return tag("ul", [tag("li", line) for line in lines[:200]], class_="warnings")


def _code(records: Records) -> Markup:
    return tag("pre", tag("code", records.reader.operative or records.reader.config), tabindex=0)


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
