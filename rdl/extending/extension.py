"""Extends a run: enlarges its configuration, archives the results that this invalidates, and resumes training."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rdl.auto.request import read_plan_record
from rdl.config import RunConfig, configured
from rdl.errors import UserError
from rdl.extending.retraining import Settings, plan_retraining
from rdl.population import Member
from rdl.runs import RunDirectory, RunReader
from rdl.runs.archive import move_to_archive
from rdl.runs.keys import MemberKey, OutcomeKey

_Members = Mapping[MemberKey, Member]


def extend_run(
    root: Path,
    train: Callable[[str], dict[str, Any]],
    on_message: Callable[[str], None],
    *,
    generations: int | None = None,
    leaf_runs: int | None = None,
    images: int | None = None,
    minutes: float | None = None,
    bindings: Sequence[str] = (),
) -> dict[str, Any]:
    """Extends a finished or stopped run and returns the summary. Leaves no configuration in gin.

    The result equals that of a run started with the final settings.

    Args:
      root: the run directory.
      train: trains gin's present configuration in a run directory and returns the summary.
      on_message: prints a line.
      generations: total number of generations of the last stage.
      leaf_runs: total number of leaf runs.
      images: additional training images, summed over all models.
      minutes: additional minutes of training, at the speed of the run so far.
      bindings: further gin bindings, which override the run's configuration.

    Raises:
      UserError: the folder holds no run, or its records do not allow the change.
    """
    reader = RunReader.open(root)
    before = reader.config
    members = {key: Member.from_record(record) for key, record in reader.of_kind(MemberKey).items()}
    with configured([], [before.gin_text]):
        old = Settings.from_gin()
        lines = [
            *_bind_leaf_runs(old, leaf_runs), *_bind_length(old, reader, members, generations, images, minutes)
        ]  # fmt: skip
    with configured([], [before.gin_text, *lines, *bindings]):
        new = Settings.from_gin()
        retraining = plan_retraining(old, new)
        _check_continues(reader, old, new)
        if retraining is None:
            on_message("The run already has these settings. It is resumed if it has not ended.")
        else:
            stages = dict.fromkeys(key.stage for key in members)
            with RunDirectory(root, before) as run:
                config = replace(RunConfig.from_gin(), kernels=before.kernels)
                archive = move_to_archive(run, config, retraining.keeps, retraining.folders(stages))
            again = ", ".join(retraining.retrained(stages))
            on_message(f"Trained again: {again}." if again else "All trained members stay valid.")
            on_message(f"The earlier results are in {archive}.")
        return train(str(root))


def _bind_leaf_runs(old: Settings, leaf_runs: int | None) -> list[str]:
    if leaf_runs is None:
        return []
    if old.job != "rpu_vae":
        raise UserError(f"--leaf_runs needs a run of rpu_vae, got one of {old.job}: leave it out.")
    return [f"rpu_vae.leaf_runs = {leaf_runs}"]


def _bind_length(
    old: Settings, reader: RunReader, members: _Members, generations: int | None, images: int | None,
    minutes: float | None,
) -> list[str]:  # fmt: skip
    """Bindings that train the last stage longer, in the given unit."""
    for name, value in (("minutes", minutes), ("images", images)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UserError(f"--{name} must be a number above 0, got {value}.")
    if sum(value is not None for value in (generations, images, minutes)) > 1:
        raise UserError("--generations, --images and --minutes are alternatives, got several: give one of them.")
    if minutes is not None:
        images = int(60 * minutes * _images_per_second(reader, members))
    total = old.numbers["rpu_vae.total_images"]
    if images is not None and old.last_stage == "final" and total is not None:
        return [f"rpu_vae.total_images = {max(total, _count_images(members)) + images}"]
    if images is not None:
        generations = _count_generations(old, members, images)
    if generations is None:
        return []
    converged = _reason_of_end(reader, old.last_stage).startswith("converged")
    return [
        f"{_binding(old, 'generations')} = {generations}",
        *([f"{_binding(old, 'until_converged')} = False"] if converged else []),
    ]


def _count_generations(old: Settings, members: _Members, images: int) -> int:
    """The total number of generations of the last stage after this many additional images."""
    stage, settings = old.last_stage, old.stages[old.last_stage]
    scored = {key.generation: _images(member) for key, member in members.items()
              if key.stage == stage and member.status == "scored"}  # fmt: skip
    generations = max(len(scored), settings.generations or 0)
    cost = settings.members(generations) * max(scored.values(), default=0)
    if not cost:
        raise UserError(f"The run has not begun its last stage, {stage}: resume it first, or give --generations.")
    if images < cost:
        raise UserError(f"--images must be at least {cost:,}, which a generation of {stage} takes, got {images:,}.")
    return generations + images // cost


def _check_continues(reader: RunReader, old: Settings, new: Settings) -> None:
    """Refuses further generations of a last stage that would end at the same generation again."""
    stage = new.last_stage
    there, here = old.stages[stage], new.stages[stage]
    reason = _reason_of_end(reader, stage)
    if reason.startswith("nothing") and there.generations != here.generations and there.min_score == here.min_score:
        raise UserError(
            f"{stage} stopped since {reason}, so more generations change nothing: lower the minimum score too, "
            f"--gin_bindings='{_binding(old, 'min_score')} = 0.0'."
        )


def _reason_of_end(reader: RunReader, stage: str) -> str:
    """The reason why a stage stopped; empty if it has not."""
    return str(reader.of_kind(OutcomeKey).get(OutcomeKey(stage), {}).get("stopped", ""))


def _binding(old: Settings, field: str) -> str:
    """The name of the binding that sets a field of the last stage."""
    scoped = f"{old.last_stage}/population.{field}"
    return scoped if scoped in old.bindings or old.last_stage == "final" else f"population.{field}"


def _images(member: Member) -> int:
    """Number of training images of a member in its generation, summed over its models."""
    return member.details.get("images", 0) * len(member.details.get("kl", ()))


def _count_images(members: _Members) -> int:
    return sum(map(_images, members.values()))


def _images_per_second(reader: RunReader, members: _Members) -> float:
    """Training speed, from the run's plan or from the durations of its members."""
    measured = read_plan_record(reader.paths, "speed").get("training")
    if isinstance(measured, int | float) and measured > 0:
        return float(measured)
    seconds = sum(member.details.get("seconds", 0.0) for member in members.values() if _images(member))
    if not seconds:
        raise UserError("The run has no trained member, so its speed is unknown: give --generations or --images.")
    return _count_images(members) / seconds
