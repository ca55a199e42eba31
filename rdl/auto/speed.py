"""Measures the training speed of this machine: trains members of a population for some seconds."""

import tempfile
import time
from pathlib import Path

import numpy as np

from rdl.auto.plan import TrainingSpeed
from rdl.data import ImageSet
from rdl.execution import Executor
from rdl.jobs.learner import Learner, MemberModel, MemberTask
from rdl.population import Member
from rdl.runs import Layout
from rdl.scoring import UDRScore

_MEMBERS = 4
_FEW = 512  # images
_ENCODED = 4096  # images


def measure_speed(
    images: ImageSet, learner: Learner, executor: Executor, models: int = 2, seconds: float = 4.0
) -> TrainingSpeed:
    """Trains, scores and saves members as a run does, in a temporary folder.

    The learner keeps its traced graphs, so the run need not trace them again.

    Args:
      images: at the size at which the models see them.
      learner: of gin's present configuration.
      executor: the executor of the run.
      models: VAEs per member.
      seconds: minimum duration of the training.
    """
    with tempfile.TemporaryDirectory(prefix="rdl-speed-") as folder:

        def make_task(num_images: int) -> MemberTask:
            return MemberTask(
                learner, Layout(Path(folder)), "speed", images, num_images, models, UDRScore(), score_seed=0
            )

        def train(num_images: int) -> float:
            started = time.perf_counter()
            trained[:] = executor.map(make_task(num_images), [_make_member(index) for index in range(_MEMBERS)])
            return time.perf_counter() - started

        trained: list[Member] = []
        starting, few = train(_FEW), train(_FEW)
        # The slope between few and more images separates the time per image from the time per member.
        more = max(4, round(seconds / few)) * _FEW
        per_image = max(train(more) - few, 1e-9) / (more - _FEW)
        encoding = _measure_encoding(make_task(more), trained, images)
    per_member = max(0.0, few - per_image * _FEW) / _MEMBERS
    height, width, _ = images.shape
    return TrainingSpeed((height, width), models * _MEMBERS / per_image, encoding, per_member, starting)


def _measure_encoding(task: MemberTask, members: list[Member], images: ImageSet) -> float:
    """Images per second that one model encodes."""
    member = next(member for member in members if member.status == "scored")
    trained = MemberModel(task.paths, task.stage, member, images.shape, task.num_models)
    some = images.subset(np.arange(min(_ENCODED, len(images))))
    task.learner.encode(trained, some)
    started = time.perf_counter()
    task.learner.encode(trained, some)
    return len(some) / (time.perf_counter() - started)


def _make_member(index: int) -> Member:
    """A member with one of the two batch sizes that the members of a plan start with."""
    return Member(index, 0, None, {"learning_rate": 1e-3, "batch_size": 32 << index % 2, "beta": 4.0}, seed=index)
