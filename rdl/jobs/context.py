"""The context of a job: its run, seed, data, learner, executor and callback."""

from dataclasses import dataclass

from rdl.callbacks.callback import Callback
from rdl.data import ImageSet
from rdl.execution import Executor
from rdl.jobs.learner import Learner
from rdl.runs import RunDirectory


@dataclass(frozen=True)
class Context:
    """The context of one job.

    Attributes:
      run: the open run directory.
      seed: the run's seed, from which all randomness derives.
      images: the data set.
      learner: trains members, and encodes with and loads their models.
      executor: runs the learner in this process or in others.
      callback: follows the progress of the run.
    """

    run: RunDirectory
    seed: int
    images: ImageSet
    learner: Learner
    executor: Executor
    callback: Callback
