"""What every job works with: the run, its seed, its data, what members are trained by and where, and who watches."""

from dataclasses import dataclass

from rdl.callbacks.callback import Callback
from rdl.data import ImageSet
from rdl.execution import Executor
from rdl.jobs.learner import Learner
from rdl.runs import RunDirectory


@dataclass(frozen=True)
class Context:
    """The surroundings of one job.

    Attributes:
      run: the open run directory.
      seed: of the run; all randomness derives from it.
      images: the data set.
      learner: trains members, and makes use of them ..
      executor: .. here or in other processes.
      callback: is told what happens.
    """

    run: RunDirectory
    seed: int
    images: ImageSet
    learner: Learner
    executor: Executor
    callback: Callback
