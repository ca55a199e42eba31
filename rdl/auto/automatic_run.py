"""Plans and trains an automatic run: from images and minutes to a gin file, and from the gin file to a model.

The plan is made once. A resumed run reads the written gin file, and does not measure the machine again.
"""

import importlib.util
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import gin
import tensorflow as tf

from rdl import data
from rdl.auto import gin_writer, plan, request
from rdl.auto.inspection import ImageCount, PixelSummary, summarize_pixels
from rdl.auto.plan import AutoPlan, TrainingSpeed
from rdl.auto.request import AutoRequest, MemoryImages
from rdl.auto.speed import measure_speed
from rdl.auto.time_budget import TimeBudget
from rdl.callbacks.callback import Callback
from rdl.config import configured
from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.execution import Executor
from rdl.jobs import experiment, resume
from rdl.jobs.vae_learner import VAELearner
from rdl.runs import Layout, RunDirectory, RunReader, environment, files
from rdl.runs.keys import SessionKey
from rdl.runs.typed import typed
from rdl.training.threads import configure_threads

Print = Callable[[str], None]


def run_automatically(
    auto_request: AutoRequest,
    root: Path,
    found: ImageCount | None,
    array: MemoryImages | None,
    make_executor: Callable[[], Executor],
    started: float,
    show: Print,
) -> dict[str, Any]:
    """Plans a new run and trains it, or resumes a planned one; returns the summary.

    Args:
      auto_request: the user's request.
      root: the run directory.
      found: from `inspect_request`; may be None if the run is planned already.
      array: images in memory.
      make_executor: makes the executor of gin's configuration.
      started: `time.perf_counter()` at the start of the command, whose whole duration counts.
      show: prints a line.

    Raises:
      UserError: the images or their labels are wrong, the time is too short, or training fails.
    """
    gin_file = request.find_plan(auto_request, root)
    earlier = 0.0
    if gin_file is None:
        found = found or request.inspect_request(auto_request, root, array)
        gin_file = write_plan(auto_request, root, found, array, make_executor, started, show)
    else:
        earlier = _read_planning_seconds(Layout(root))

    def make_callbacks(run: RunDirectory, seed: int) -> Sequence[Callback]:
        budget = _make_time_budget(run.paths, auto_request, started, earlier)
        return (*experiment.default_callbacks(run, seed), *([budget] if budget else []))

    with configured([str(gin_file)]):
        return train_configured(str(root), make_executor, make_callbacks)


def write_plan(
    auto_request: AutoRequest,
    root: Path,
    found: ImageCount,
    array: MemoryImages | None,
    make_executor: Callable[[], Executor],
    started: float,
    show: Print,
) -> Path:
    """Measures the speed, makes the plan and writes it as a gin file; leaves no configuration in gin.

    Args: as in `run_automatically`.

    Returns:
      The gin file's path.

    Raises:
      UserError: the images or their labels are wrong, or the time is too short.
    """
    with RunDirectory(root) as run:  # locks the directory
        request.save_images(array, root)
        gpu = bool(tf.config.list_physical_devices("GPU"))
        candidate = _choose_size(auto_request, root, found, gpu, make_executor, started, show)
        space = candidate.images.factor_space
        left = 60 * auto_request.minutes - (time.perf_counter() - started)
        trees = "lightgbm" if importlib.util.find_spec("lightgbm") else "sklearn"
        cores = 1 if gpu else environment.cores()
        chosen = plan.make_plan(
            len(candidate.images), candidate.speed, left, cores, space.sizes if space else None, trees
        )
        processors = "a GPU" if gpu else f"{cores} cores" if cores > 1 else "1 core"
        lines = gin_writer.describe_plan(
            chosen, found.shape, candidate.speed, processors, candidate.likelihood, auto_request.size is not None
        )
        more = _describe_more_time(chosen, candidate.speed, time.perf_counter() - started)
        images = gin_writer.describe_images(found.images, found.shape, candidate.pixels)
        text = gin_writer.format_gin_file(
            chosen,
            _format_head(auto_request, run.paths.plan, [*images, *lines]),
            gin_writer.format_dataset(_resized(auto_request, root, found, chosen.size)),
            candidate.models,
            gpu,
            auto_request.seed,
            measured=space is not None,
        )
        record = {
            "request": asdict(auto_request),
            "images": asdict(found) | asdict(candidate.pixels),
            "speed": asdict(candidate.speed),
            "plan": asdict(chosen),
            "planning": {"seconds": time.perf_counter() - started},
        }
        files.write_json(run.paths.plan_record, record)
        files.write_text(run.paths.plan, text)
    for line in (*lines, *more, f"The plan is {run.paths.plan}.", _describe_end(chosen)):
        show(line)
    return run.paths.plan


def train_configured(
    root: str,
    make_executor: Callable[[], Executor],
    make_callbacks: Callable[[RunDirectory, int], Sequence[Callback]] = experiment.default_callbacks,
) -> dict[str, Any]:
    """Trains gin's present configuration with the threads that it asks for; returns the summary."""
    configure_threads()
    return experiment.experiment(root, make_executor, make_callbacks=make_callbacks)


@dataclass(frozen=True)
class _Candidate:
    """The images at one size, gin's lines for the models, and the speed measured with them."""

    images: ImageSet
    pixels: PixelSummary
    speed: TrainingSpeed
    models: str
    likelihood: str


def _choose_size(
    auto_request: AutoRequest,
    root: Path,
    found: ImageCount,
    gpu: bool,
    make_executor: Callable[[], Executor],
    started: float,
    show: Print,
) -> _Candidate:
    """Measures the speed at the smallest size, and at larger ones as far as they may fit the time."""
    sizes = [(auto_request.size, auto_request.size)] if auto_request.size else plan.candidate_sizes(*found.shape[:2])

    def measure(size: tuple[int, int]) -> _Candidate:
        images = data.load(**_resized(auto_request, root, found, size), prepare=True)
        pixels = summarize_pixels(images)
        if size == sizes[-1]:
            for line in (*gin_writer.describe_images(found.images, found.shape, pixels), *images.notes):
                show(line)
        likelihood = gin_writer.choose_likelihood(size, pixels)
        lines = gin_writer.format_networks(size, "auto", likelihood)
        objective = gin_writer.format_objective()
        with configured([], [f"threads.models_side_by_side = {not gpu}\n{lines}{objective}"]):
            configure_threads()
            resume.resolve_precision(root)
            executor = make_executor()
            try:
                speed = measure_speed(images, VAELearner.from_gin(), executor)
            finally:
                executor.close()
            lines = gin_writer.format_networks(size, gin.query_parameter("model.precision"), likelihood)
        return _Candidate(images, pixels, speed, lines, likelihood)

    smallest = measure(sizes[-1])
    for size in sizes[:-1]:
        left = 60 * auto_request.minutes - (time.perf_counter() - started)
        if plan.affords_recursion(plan.scale_speed(smallest.speed, size), left):  # worth the time of measuring
            larger = measure(size)
            if plan.affords_recursion(larger.speed, left):
                return larger
    return smallest


def _resized(auto_request: AutoRequest, root: Path, found: ImageCount, size: tuple[int, int]) -> dict[str, Any]:
    """Options of `rdl.data.load` for images of this size; images that have it already are not resized."""
    options = auto_request.load_options(root)
    return options if auto_request.size or size == found.shape[:2] else options | {"size": size[0]}


def _make_time_budget(paths: Layout, auto_request: AutoRequest, started: float, earlier: float) -> TimeBudget | None:
    """The callback that keeps to the request's minutes, less the time of earlier sessions.

    None if plan.json is damaged, or if the run was extended beyond its plan.
    """
    if paths.archives.exists():
        return None
    try:
        chosen = typed(AutoPlan, request.read_plan_record(paths, "plan"))
        speed = typed(TrainingSpeed, request.read_plan_record(paths, "speed"))
    except UserError:
        return None
    sessions = sum(record["seconds"] for record in RunReader(paths).of_kind(SessionKey).values())
    spent = earlier + sessions + time.perf_counter() - started
    return TimeBudget(chosen, 60 * auto_request.minutes - spent, speed.training)


def _read_planning_seconds(paths: Layout) -> float:
    seconds = request.read_plan_record(paths, "planning").get("seconds")
    return float(seconds) if isinstance(seconds, (int, float)) else 0.0


def _format_head(auto_request: AutoRequest, path: Path, lines: Sequence[str]) -> str:
    return "\n".join(
        [
            f"Written by bin/disentangle for {auto_request.images}, {auto_request.minutes:g} minutes. To repeat it:",
            "",
            f"  bin/train --gin_file={path} --output_dir=ANOTHER_FOLDER",
            "",
            *lines,
        ]
    )


def _describe_more_time(chosen: AutoPlan, speed: TrainingSpeed, planning: float) -> list[str]:
    """A line on what more minutes would bring; none where there is plenty of time."""
    suggestion = plan.suggest_more_time(chosen, speed)
    if suggestion is None:
        return []
    seconds, gain = suggestion
    return [f"With --minutes={math.ceil((seconds + planning) / 60)} {gain}."]


def _describe_end(chosen: AutoPlan) -> str:
    end = datetime.now() + timedelta(seconds=chosen.seconds)
    return f"It should end at about {end:%H:%M}."
