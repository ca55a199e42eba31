"""How fast this machine trains the chosen networks: members of a population are trained for some seconds."""

import tempfile
import time
from pathlib import Path

import numpy as np

from rdl.auto.plan import X_MODELS, Speed
from rdl.data import ImageSet
from rdl.execution import Executor
from rdl.jobs.learner import Learner, MemberTask, Trained
from rdl.population import Member
from rdl.runs import Layout
from rdl.scoring import UDRScore

_MEMBERS = 4
_FEW = 512  # images
_ENCODED = 4096


def measure(images: ImageSet, learner: Learner, executor: Executor, seconds: float = 4.0) -> Speed:
    """Trains, scores and saves members as a run does, in a folder of its own; what they learned is thrown away.

    The learner keeps its traced graphs, so that the run need not make them again.

    Args:
      images: at the size at which they are learned from.
      learner: of gin's present configuration.
      executor: trains them as it will in the run.
      seconds: to train for, at least.
    """
    with tempfile.TemporaryDirectory(prefix="rdl-speed-") as folder:

        def train(num_images: int) -> float:
            began = time.perf_counter()
            done[:] = executor.map(task(num_images), [_member(index) for index in range(_MEMBERS)])
            return time.perf_counter() - began

        def task(num_images: int) -> MemberTask:
            return MemberTask(
                learner, Layout(Path(folder)), "speed", images, num_images, X_MODELS, UDRScore(), score_seed=0
            )

        done: list[Member] = []
        starting, few = train(_FEW), train(_FEW)
        # What a member costs whatever it sees is told apart by seeing more.
        more = max(4, round(seconds / few)) * _FEW
        an_image = max(train(more) - few, 1e-9) / (more - _FEW)
        encoding = _encoding(task(more), done, images)
    a_member = max(0.0, few - an_image * _FEW) / _MEMBERS
    return Speed(images.shape[:2], X_MODELS * _MEMBERS / an_image, encoding, a_member, starting)


def _encoding(task: MemberTask, done: list[Member], images: ImageSet) -> float:
    """Images a second through one model."""
    member = next(member for member in done if member.status == "scored")
    trained = Trained(task.paths, task.stage, member, images.shape, X_MODELS)
    some = images.subset(np.arange(min(_ENCODED, len(images))))
    task.learner.encode(trained, some)
    began = time.perf_counter()
    task.learner.encode(trained, some)
    return len(some) / (time.perf_counter() - began)


def _member(index: int) -> Member:
    """Of either batch size that a plan's members begin with."""
    return Member(index, 0, None, {"learning_rate": 1e-3, "batch_size": 32 << index % 2, "beta": 4.0}, seed=index)
