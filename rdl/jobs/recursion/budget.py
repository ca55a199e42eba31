"""The budget of a recursion in training images, and the plan of stages that progress bars show."""

from collections.abc import Iterable

from rdl.jobs.context import Context
from rdl.jobs.stage import Stage, minimum_stage_images, population_settings
from rdl.runs.keys import RANDOM_MEMBERS


class RecursionBudget:
    """Counts the training images of a recursion, over all models, and announces the stages to come.

    Args:
      context: the job's context.
      leaf_runs: number of leaf runs.
      total: the whole budget; None: no budget.
      random_members: whether random members are trained at the end, if the true factors are known.
    """

    def __init__(self, context: Context, leaf_runs: int, total: int | None, random_members: bool):
        self._context, self._leaf_runs, self._left = context, leaf_runs, total
        self.random_members = random_members and context.images.factor_space is not None

    def start_x_run(self) -> None:
        """Announces the whole recursion."""
        first = minimum_stage_images("x_run", len(self._context.images))
        left = None if self._left is None else self._left - first
        self._context.callback.on_plan({"x_run": first, **self._stages(range(self._leaf_runs), left)})

    def start_leaf_run(self, number: int) -> None:
        """Announces leaf run `number` and everything after it."""
        self._context.callback.on_plan(self._stages(range(number, self._leaf_runs), self._left))

    def spend(self, stage: Stage) -> None:
        """Subtracts the cost of a finished stage."""
        if self._left is not None:
            self._left -= stage.images_spent

    def left(self) -> int | None:
        """Announces the final run and returns its budget; None: no budget."""
        self._context.callback.on_plan(self._stages((), self._left))
        return self._left

    def _stages(self, leaf_runs: Iterable[int], left: int | None) -> dict[str, int]:
        """Smallest number of training images of each stage; a leaf run trains at least one population."""
        size = len(self._context.images)
        leaves = {f"leaf_{number}/iteration_1": minimum_stage_images("leaf_run", 0) for number in leaf_runs}
        stages = {**leaves, "final": max(minimum_stage_images("final", size), (left or 0) - sum(leaves.values()))}
        if self.random_members:
            settings = population_settings("final")
            per_member = settings.images_per_generation(size) * (settings.generations or settings.window + 1)
            stages[RANDOM_MEMBERS] = population_settings("x_run").members(0) * per_member
        return stages
