"""Extends a run: enlarges its configuration, archives the results that this invalidates, and resumes training."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rdl.auto.request import read_plan_record
from rdl.config import RunConfig, configured
from rdl.errors import UserError
from rdl.extending.reusable_units import STAGES, Settings, plan_retraining
from rdl.population import Member
from rdl.runs import RunDirectory, RunReader
from rdl.runs.archive import move_to_archive
from rdl.runs.keys import MemberKey, OutcomeKey

Say = Callable[[str], None]


def extend_run(
    root: Path,
    train: Callable[[str], dict[str, Any]],
    say: Say,
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
      say: prints a line.
      generations: total number of generations of the last stage.
      leaf_runs: total number of leaf runs.
      images: additional training images, summed over all models.
      minutes: additional minutes of training, at the speed of the run so far.
      bindings: further gin bindings, which override the run's configuration.

    Raises:
      UserError: there is no run, or its records do not allow the change.
    """
    reader = RunReader.open(root)
    before = reader.config
    with configured([], [before.gin_text]):
        old = Settings.from_gin()
        lines = _lines(old, reader, generations, leaf_runs, images, minutes)
    with configured([], [before.gin_text, *lines, *bindings]):
        new = Settings.from_gin()
        again = plan_retraining(old, new)
        _check_goes_on(reader, old, new)
        if again is None:
            say("The run has these settings already: it is resumed if it has not ended.")
        else:
            stages = dict.fromkeys(key.stage for key in reader.of_kind(MemberKey))
            with RunDirectory(root, before) as run:
                place = move_to_archive(
                    run, replace(RunConfig.from_gin(), kernels=before.kernels), again.keeps, again.folders(stages)
                )
            words = again.describe(stages)
            say(f"Trained again: {words}." if words else "All trained members stay.")
            say(f"The earlier results are in {place}.")
        return train(str(root))


def _lines(
    old: Settings,
    reader: RunReader,
    generations: int | None,
    leaf_runs: int | None,
    images: int | None,
    minutes: float | None,
) -> list[str]:
    """The requested settings as lines of gin."""
    last = STAGES[old.job][-1]
    lines = [] if leaf_runs is None else [f"rpu_vae.leaf_runs = {leaf_runs}"]
    if leaf_runs is not None and last != "final":
        raise UserError("Only a run of rpu_vae has leaf runs, this one has none: leave --leaf_runs out.")
    for name, value in (("minutes", minutes), ("images", images)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UserError(f"--{name} must be a number above 0, got {value}.")
    if (minutes is not None) + (images is not None) + (generations is not None) > 1:
        raise UserError("--generations, --images and --minutes say the same in three ways: give one of them.")
    members = [Member.from_record(record) for record in reader.of_kind(MemberKey).values()]
    if minutes is not None:
        images = int(60 * minutes * _pace(reader, members))
    settings, total = old.stages[last], old.numbers["rpu_vae.total_images"]
    if images is not None and last == "final" and total is not None:
        return [*lines, f"rpu_vae.total_images = {max(total, sum(map(_images, members))) + images}"]
    if images is not None:
        done = {key.generation: member for key, member in zip(reader.of_kind(MemberKey), members, strict=True)
                if key.stage == last and member.status == "scored"}  # fmt: skip
        a_generation = settings.members(max(len(done), settings.generations or 0)) * max(
            map(_images, done.values()), default=0
        )
        if not a_generation:
            raise UserError(f"The run has not begun its last stage, {last}: let it begin, or give --generations.")
        if images < a_generation:
            raise UserError(
                f"A generation of {last} takes {a_generation:,} images of models, more than the {images:,} of --images."
            )
        generations = max(len(done), settings.generations or 0) + images // a_generation
    if generations is not None:
        lines.append(f"{_key(old, last, 'generations')} = {generations}")
        if _stopped(reader, last).startswith("converged"):
            lines.append(f"{_key(old, last, 'until_converged')} = False")
    return lines


def _stopped(reader: RunReader, stage: str) -> str:
    """The reason why a stage stopped; empty if it has not."""
    return str(reader.of_kind(OutcomeKey).get(OutcomeKey(stage), {}).get("stopped", ""))


def _check_goes_on(reader: RunReader, old: Settings, new: Settings) -> None:
    """Refuses further generations of a last stage that would stop at the same point again."""
    last = STAGES[new.job][-1]
    there, here = old.stages[last], new.stages[last]
    stopped = _stopped(reader, last)
    if stopped.startswith("nothing") and there.generations != here.generations and there.min_score == here.min_score:
        raise UserError(
            f"{last} stopped since {stopped}, so more generations change nothing: lower it too, "
            f"--gin_bindings='{_key(old, last, 'min_score')} = 0.0'."
        )


def _key(old: Settings, scope: str, field: str) -> str:
    """The name of the binding that sets a field of the last stage."""
    scoped = f"{scope}/population.{field}"
    return scoped if scoped in old.counts or scope == "final" else f"population.{field}"


def _images(member: Member) -> int:
    """Number of training images of a member in its generation, summed over its models."""
    return member.details.get("images", 0) * len(member.details.get("kl", ()))


def _pace(reader: RunReader, members: Sequence[Member]) -> float:
    """Training images per second: from the run's plan, or from the durations of its members."""
    measured = read_plan_record(reader.paths, "speed").get("training")
    if isinstance(measured, (int, float)) and measured > 0:
        return float(measured)
    seconds = sum(member.details.get("seconds", 0.0) for member in members if _images(member))
    if not seconds:
        raise UserError("Nothing was trained yet, so its speed is unknown: give --generations or --images.")
    return sum(map(_images, members)) / seconds
