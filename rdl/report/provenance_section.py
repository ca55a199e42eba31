"""The provenance of a run: seed, versions, machine, commit, rules, warnings, time and configuration."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from rdl.population import Member
from rdl.report.rendering import render
from rdl.report.run_records import RunRecords
from rdl.runs.reader import Session
from rdl.time_left import format_duration

RULES = {
    "label.kl_threshold": ("1.0 of another estimate: 1.18817 nats", "mean KL from which a latent is learned (nats)"),
    "find_plateaus.method": ("differences", "method that finds the jumps of a label"),
    "find_plateaus.smallest": ("1", "images of the smallest plateau that may be kept"),
    "find_plateaus.outer_up_to": ("3; 1 for a single label", "number of jumps up to which outer plateaus may be kept"),
    "reduce_images.flat_labels": ("stop", "effect of a learned label without a jump"),
    "reduce_images.sharpest": ("5", "plateaus of each label that are intersected"),
    "reduce_images.more_than": ("5", "intersections need more images than this"),
    "reduce_images.min_images": ("10", "a leaf run stops with fewer images"),
    "reduce_images.distinct": ("False", "leaf runs start from different values of every factor"),
    "reduce_images.trim": ("0.0", "share of a plateau that is cut off at both ends"),
    "iterate.max_iterations": ("3", "iterations of a leaf run, including the x-model's"),
    "leaf_mig.weights": ("columns", "what has equal weight in leaf MIG"),
    "leaf_mig.repeats": ("count", "whether a label learned again counts in leaf MIG"),
    "UDRScore.correlation": ("lasso", "comparison of latents in UDR"),
    "UDRScore.kl_threshold": ("0.01 of another estimate: 0.0101 nats", "UDR ignores latents up to this KL (nats)"),
    "UDRScore.points": ("1000", "images on which UDR compares models"),
    "UDRScore.min_active": ("1", "a model with fewer active latents scores 0"),
    "UDRScore.chance_corrected": ("False", "UDR is corrected by that of randomly rotated latents"),
    "UDRScore.replication": ("False", "UDR counts replicated latents instead of averaging over latents"),
    "population.size": ("56", "members"),
    "population.models": ("5", "VAEs per member"),
    "population.rule": ("truncation", "selection of members between two generations"),
    "population.fraction": ("0.2", "share of the population that is replaced each generation"),
    "population.window": ("6", "converged: number of last changes of the best score .."),
    "population.tolerance": ("0.005", ".. that are all below this"),
    "population.min_score": ("0.1", "nothing is left to learn if the best score of a generation is below this"),
    "population.best_of": ("all", "generations from which the best member is selected"),
}
"""gin name -> (value in the code released with the first paper, meaning)."""
_MAX_WARNINGS = 200


def render_provenance(records: RunRecords) -> Markup:
    """The section about the origin of a run's results."""
    differing, equal = _compare_rules(records)
    return render(
        "provenance.html",
        facts=_list_facts(records),
        stages=_list_stages(records),
        differing=differing,
        equal=equal,
        warnings=_list_warnings(records)[:_MAX_WARNINGS],
        recorded=any(session.environment for session in records.reader.sessions),
        finished=bool(records.reader.operative),
        config=records.reader.used.gin_text,
    )


def _list_facts(records: RunRecords) -> list[list[str]]:
    config, sessions = records.reader.used, records.reader.sessions
    known = [session for session in sessions if session.environment]
    last = known[-1].environment if known else {}
    memory = f"{last['memory_bytes'] / 2**30:.1f} GiB" if last.get("memory_bytes") else "unknown"
    facts = {
        "run": str(records.root),
        "seed": str(config.value("experiment.seed", 0)),
        "precision": config.name("model.precision") or "float32",
        "data set": config.name("dataset.name") or "unknown",
        "git commit": last.get("commit") or "not recorded",
        "Python, packages": _describe_versions(last),
        "system": last.get("system") or "not recorded",
        "processor": f"{last.get('processor', 'not recorded')}, {last.get('cores', '?')} cores, {memory}",
        "GPUs": ", ".join(last.get("gpus", [])) or "none",
        "command": " ".join(map(str, last.get("command", []))) or "not recorded",
        "sessions": _describe_sessions(sessions),
        "changed between sessions": ", ".join(_find_changes(known)),
    }
    return [[name, value] for name, value in facts.items() if value]


def _describe_versions(environment: dict[str, Any]) -> str:
    packages = environment.get("packages", {})
    if not packages:
        return "not recorded"
    return ", ".join([f"Python {environment.get('python')}", *(f"{name} {packages[name]}" for name in packages)])


def _describe_sessions(sessions: Sequence[Session]) -> str:
    if not sessions:
        return "not recorded"
    known = [session.seconds for session in sessions if session.seconds is not None]
    count = f"{len(sessions)} (the run was stopped and resumed)" if len(sessions) > 1 else "1"
    return f"{count}, {format_duration(sum(known))} in total" if known else count


def _find_changes(sessions: Sequence[Session]) -> list[str]:
    keys = ("commit", "packages", "system", "processor", "cores", "variables")
    return [key for key in keys if len({repr(session.environment.get(key)) for session in sessions}) > 1]


def _list_stages(records: RunRecords) -> list[list[str]]:
    stages = {stage: [m for members in found for m in members] for stage, found in records.stages.items()}
    if records.random_members:
        stages["random_members"] = records.random_members
    return [_describe_stage(stage, members) for stage, members in stages.items()]


def _describe_stage(stage: str, members: Sequence[Member]) -> list[str]:
    each = sorted({m.details["images"] for m in members if "images" in m.details})
    total = sum(m.details.get("images", 0) * len(m.details.get("per_model", [])) for m in members)
    return [
        stage or "population",
        f"{len(members):,}",
        f"{sum(m.score is None for m in members):,}",
        ", ".join(f"{count:,}" for count in each) or "not recorded",
        f"{total:,}" if each else "not recorded",
        format_duration(sum(m.details.get("seconds", 0.0) for m in members)),
    ]


def _compare_rules(records: RunRecords) -> tuple[list[list[Any]], list[list[Any]]]:
    """Rows of rules that differ from the released code's, and of rules that equal them.

    Scopes with the same value share a row.
    """
    scopes: dict[tuple[str, str], list[str]] = {}
    for name, value in sorted(records.reader.used.texts().items()):
        *scope, bare = name.split("/")
        if bare in RULES:
            scopes.setdefault((bare, value.strip("'\"")), []).extend(scope or ["other scopes"])
    rows = [
        [
            Markup("<code>{}</code>").format(name),
            value if where == ["other scopes"] else f"{value} in {', '.join(where)}",
        ]
        + list(RULES[name])
        for (name, value), where in scopes.items()
    ]
    equal = [value == RULES[name][0] for name, value in scopes]
    return (
        [row for row, same in zip(rows, equal, strict=True) if not same],
        [row for row, same in zip(rows, equal, strict=True) if same],
    )


def _list_warnings(records: RunRecords) -> list[str]:
    lines = [line for session in records.reader.sessions for line in session.warnings]
    if records.reader.damaged:
        lines.append(f"{records.reader.damaged} lines of the journal are damaged; a resumed run repeats their work")
    failed = [m for generations in records.stages.values() for members in generations for m in members if m.reason]
    if failed:
        lines.append(f"{len(failed)} members failed in training and were replaced (reasons: under each population)")
    random_failed = [member for member in records.random_members if member.reason]
    if random_failed:
        count = f"{len(random_failed)} of {len(records.random_members)}"
        lines.append(f"{count} random members failed in training: {random_failed[0].reason}")
    return lines
