"""From images and minutes to the gin file of a run: looks, measures, chooses, writes it down and says why.

The plan is made once. A run that goes on takes the one that was written, whatever the machine does then.
"""

import importlib.util
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import gin
import numpy as np
import tensorflow as tf

from rdl import data
from rdl.auto import gin_writer
from rdl.auto import plan as planning
from rdl.auto import request as requests
from rdl.auto.inspection import Look
from rdl.auto.plan import Plan, Speed
from rdl.auto.request import Request
from rdl.auto.speed import measure
from rdl.config import configured
from rdl.data import ImageSet
from rdl.execution import Executor
from rdl.jobs import experiment, resume
from rdl.jobs.vae_learner import VAELearner
from rdl.runs import Run, environment, files
from rdl.training.threads import configure_threads

Say = Callable[[str], None]


def disentangle(
    request: Request,
    root: Path,
    found: Look | None,
    array: np.ndarray | None,
    make_executor: Callable[[], Executor],
    began: float,
    say: Say,
) -> dict[str, Any]:
    """Plans a run that has no plan yet, trains it as any gin file is trained, or goes on; returns the summary.

    Args: as `make`; ``found`` may be None where there is a plan.

    Raises:
      UserError: as `make` and `experiment`.
    """
    gin_file = requests.written(request, root)
    if gin_file is None:
        found = found or requests.seen(request, root, array)
        gin_file = make(request, root, found, array, make_executor, began, say)
    with configured([str(gin_file)]):
        return trained(str(root), make_executor)


def make(
    request: Request,
    root: Path,
    found: Look,
    array: np.ndarray | None,
    make_executor: Callable[[], Executor],
    began: float,
    say: Say,
) -> Path:
    """Measures, chooses and writes the plan; returns its gin file. gin holds nothing afterwards.

    Args:
      request: what is asked for.
      root: the run directory.
      found: by `seen`.
      array: images in memory.
      make_executor: makes what trains members, of gin's configuration.
      began: `time.perf_counter()` when the command was given: the time it takes counts.
      say: prints a line.

    Raises:
      UserError: the images or their labels are wrong, or the time is too short.
    """
    with Run(root) as run:  # held, so that nobody plans in it meanwhile
        requests.keep(array, root)
        gpu = bool(tf.config.list_physical_devices("GPU"))
        images, speed, models = _fitting(request, root, found, gpu, make_executor, began)
        space = images.factor_space
        left = 60 * request.minutes - (time.perf_counter() - began)
        trees = "lightgbm" if importlib.util.find_spec("lightgbm") else "sklearn"
        cores = 1 if gpu else environment.cores()
        chosen = planning.choose(len(images), speed, left, cores, space.sizes if space else None, trees)
        where = "a GPU" if gpu else f"{cores} cores" if cores > 1 else "1 core"
        lines = gin_writer.spoken(chosen, len(images), found.shape, speed, where, request.size is not None)
        head = _head(request, run.paths.plan, lines)
        text = gin_writer.gin_text(
            chosen,
            head,
            gin_writer.dataset(_resized(request, root, found, chosen.size)),
            models,
            gpu,
            request.seed,
            measured=space is not None,
        )
        record = {"request": asdict(request), "seen": asdict(found), "speed": asdict(speed), "plan": asdict(chosen)}
        files.write_json(run.paths.plan_record, record)
        files.write_text(run.paths.plan, text)
    for line in (*lines, f"The plan is {run.paths.plan}.", _until(chosen)):
        say(line)
    return run.paths.plan


def _fitting(
    request: Request, root: Path, found: Look, gpu: bool, make_executor: Callable[[], Executor], began: float
) -> tuple[ImageSet, Speed, str]:
    """The images at the largest size that the time allows, and what was measured with them."""
    sizes = [(request.size, request.size)] if request.size else planning.sizes(*found.shape[:2])

    def at(size: tuple[int, int]) -> tuple[ImageSet, Speed, str]:
        images = data.load(**_resized(request, root, found, size), prepare=True)
        with configured([], [f"threads.models_side_by_side = {not gpu}\n{gin_writer.networks(size, 'auto')}"]):
            configure_threads()
            resume.resolve_precision(root)
            executor = make_executor()
            try:
                speed = measure(images, VAELearner.from_gin(), executor)
            finally:
                executor.close()
            models = gin_writer.networks(size, gin.query_parameter("model.precision"))
        return images, speed, models

    found_last = at(sizes[-1])
    for size in sizes[:-1]:  # a larger one, where it is worth the time to measure it
        left = 60 * request.minutes - (time.perf_counter() - began)
        if planning.worth_it(planning.at_other_size(found_last[1], size), left):
            larger = at(size)
            if planning.worth_it(larger[1], left):
                return larger
    return found_last


def _resized(request: Request, root: Path, found: Look, size: tuple[int, int]) -> dict[str, Any]:
    """Options of `rdl.data.load` for images of this size; those that have it already are left alone."""
    options = request.dataset(root)
    return options if request.size or size == found.shape[:2] else options | {"size": size[0]}


def trained(root: str, make_executor: Callable[[], Executor]) -> dict[str, Any]:
    """Trains what gin is configured for, in threads as it says; returns the summary."""
    configure_threads()
    return experiment.experiment(root, make_executor)


def _head(request: Request, path: Path, lines: Sequence[str]) -> str:
    return "\n".join(
        [
            f"Made by bin/disentangle for {request.images}, {request.minutes:g} minutes. To repeat the run:",
            "",
            f"  bin/train --gin_file={path} --output_dir=ANOTHER_FOLDER",
            "",
            *lines,
        ]
    )


def _until(plan: Plan) -> str:
    end = datetime.now() + timedelta(seconds=plan.seconds)
    return f"It should end at about {end:%H:%M}."
