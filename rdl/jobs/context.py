"""What every job works with: the run, its seed, its data, where members are trained, and who watches."""

from dataclasses import dataclass

from rdl.data import ImageSet
from rdl.execution import Executor
from rdl.runs import Run
from rdl.watch.watching import Watcher


@dataclass(frozen=True)
class Context:
    """The surroundings of one job.

    Attributes:
      run: the open run directory.
      seed: of the run; all randomness derives from it.
      images: the data set.
      executor: trains members.
      watcher: is told what happens.
    """

    run: Run
    seed: int
    images: ImageSet
    executor: Executor
    watcher: Watcher
