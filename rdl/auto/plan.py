"""Plans an automatic run: a pure function of the images, the processors, their speed and the time.

Costs are counted in training images summed over all models: one image that one VAE sees once. `rdl.auto.speed` measures
how many of them the machine trains per second.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rdl.errors import UserError

LEAST_DATA_SIZE = 100  # images; fewer leave a leaf run nothing to hold constant
LONGEST = 24 * 60 * 365  # minutes

# The best true MIG of a population on dSprites is 0.31 after 80,000 images per VAE, 0.37 after 160,000, 0.40 after
# 240,000 and 0.42 after 320,000 (means of three seeds of pbt_vae in docs/results/controls.json).
ENOUGH = 150_000  # images per VAE
PLENTY = 320_000  # images per VAE; more time trains more members instead
LEAST = 20_000  # images per VAE, below which too little is learned for any result

_FEW_MODELS, _MODELS = 2, 3  # VAEs per member; UDR compares them
_ALONE = (2, 4)  # members of a population without recursion
_MEMBERS = (4, 16)  # members of the x-run and of a leaf run
_GENERATIONS = (4, 6)  # of the x-run, with the fewest members and with more
_SHARE_X, _SHARE_LEAVES, _SHARE_FINAL = 0.5, 0.2, 0.3  # of all training images
LEAF_STAGES = 1  # populations that a leaf run trains
_FINAL_GENERATIONS = 3
_LOOSE_AFTER = 1 / 3  # share of the final run after which its labels weigh little
_MORE_LEAF_RUNS = (3_200_000, 8_000_000)  # training images from which on there are two and three leaf runs
_SECONDS_AT_THE_END = 15.0  # verdict, pictures, page
_ENCODED = 60_000  # images that the verdict encodes
_SCORED = 60  # members in all generations, about
_BETAS = (1, 2, 4, 8, 16, 32, 64)  # of a population alone, at 32 x 32 pixels
_BETAS_OF_RECURSION = (2, 4, 8, 16)  # labels may come from any of them, so the extremes are not worth a member
_BETAS_OF_FINAL_RUN = (2, 4, 8)  # the labels keep their factors apart, so lower ones suffice
TREE_SECONDS = {"sklearn": 0.0006, "lightgbm": 0.00006}  # of DCI, per point and value of a factor
_SHARE_MEASURED = 0.1  # of the time: the most that measuring on true factors may take


@dataclass(frozen=True)
class TrainingSpeed:
    """The measured speed of this machine with the chosen networks at one image size.

    Attributes:
      size: height and width of the images.
      training: training images per second, summed over all models.
      encoding: images per second that one model encodes.
      member: seconds per member and generation apart from training: scoring, saving, recording.
      starting: seconds until the first update, such as for tracing the graph.
    """

    size: tuple[int, int]
    training: float
    encoding: float
    member: float = 0.1
    starting: float = 0.0


@dataclass(frozen=True)
class StagePlan:
    """The size of one population.

    Attributes:
      members: members per generation.
      models: VAEs per member.
      images: images that each model sees in a generation.
      generations: number of generations.
      initial_factor: the first generation has this many times the members.
    """

    members: int
    models: int
    images: int
    generations: int
    initial_factor: int = 1

    @property
    def total_images(self) -> int:
        """Training images, summed over all models."""
        return self.members * self.models * self.images * (self.generations + self.initial_factor - 1)

    @property
    def images_per_model(self) -> int:
        """Images that a model sees from the first generation to the last."""
        return self.images * self.generations


_Stages = tuple[StagePlan, StagePlan | None, StagePlan | None, int]
"""x-run, leaf run, final run and number of leaf runs."""


@dataclass(frozen=True)
class AutoPlan:
    """The chosen settings.

    Attributes:
      size: height and width of the images as the models see them.
      x_run: the population on all images; the only one where there is no recursion.
      leaf_run: one population of a leaf run; None without a recursion.
      final: the smallest final run; None without a recursion.
      leaf_runs: number of leaf runs; 0 without a recursion.
      total_images: training images of all stages; the final run uses what the other stages leave.
      betas: initial values of beta.
      final_betas: those of the final run.
      num_train: points on which MIG and DCI are measured, where there are factors.
      trees: library that grows DCI's trees.
      seconds: expected duration, from now on.
      ending_seconds: the part of it after training: measuring, verdict, pictures.
    """

    size: tuple[int, int]
    x_run: StagePlan
    leaf_run: StagePlan | None
    final: StagePlan | None
    leaf_runs: int
    total_images: int
    betas: tuple[float, ...]
    final_betas: tuple[float, ...]
    num_train: int
    trees: str
    seconds: float
    ending_seconds: float

    @property
    def has_recursion(self) -> bool:
        """Whether there are leaf runs and a final run."""
        return self.leaf_runs > 0

    @property
    def label_updates(self) -> int:
        """Number of updates of the final run, at a batch of 64, after which its labels weigh little."""
        return 1 if self.final is None else max(1, int(_LOOSE_AFTER * self.final.images_per_model / 64))


def candidate_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """The sizes at which the models may see images of this size, the largest first.

    Rows of a table, which have height 1, keep their size. So do images from 16 to 64 pixels whose sides are multiples
    of 8, as the networks need. Others are resized to squares of 16, 32 or 64 pixels. Sizes above 32 x 32 have 32 x 32
    as a cheaper candidate.
    """
    if height == 1:
        return [(height, width)]
    if all(16 <= side <= 64 and side % 8 == 0 for side in (height, width)):
        first = (height, width)
    else:
        first = (64, 64) if max(height, width) >= 48 else (32, 32) if max(height, width) > 16 else (16, 16)
    return [first, *([(32, 32)] if first[0] * first[1] > 32 * 32 else [])]


def affords_recursion(speed: TrainingSpeed, seconds: float) -> bool:
    """Whether the time is enough for a recursion at this speed."""
    return speed.training * seconds >= _least_total_of_recursion()


def scale_speed(speed: TrainingSpeed, size: tuple[int, int]) -> TrainingSpeed:
    """Estimates the speed at another image size, in proportion to the number of pixels."""
    ratio = math.prod(speed.size) / math.prod(size)
    return TrainingSpeed(size, speed.training * ratio, speed.encoding * ratio, speed.member, speed.starting)


def initial_betas(size: tuple[int, int], at_32: Sequence[float] = _BETAS) -> tuple[float, ...]:
    """Initial values of beta, in proportion to the number of pixels and at least 1.

    The reconstruction term is a sum over pixels, so the same beta weighs less on larger images. At 32 x 32 pixels
    black-and-white sprites need 8 to 64 and coloured scenes 1 to 4, so the values of a single population cover both.

    Args:
      size: height and width of the images.
      at_32: the values at 32 x 32 pixels.
    """
    factor = math.prod(size) / 1024
    return tuple(sorted({max(1.0, round(beta * factor, 2)) for beta in at_32}))


def make_plan(
    data_size: int,
    speed: TrainingSpeed,
    seconds: float,
    cores: int = 1,
    factor_values: Sequence[int] | None = None,
    trees: str = "sklearn",
) -> AutoPlan:
    """Chooses the settings of a run that takes the given time.

    With little time a single population trains few members for long, and there is no recursion. With more time the
    x-run trains more models, then there are more leaf runs, then more members.

    Args:
      data_size: number of images.
      speed: at the size at which the models see them.
      seconds: time left, from the start of training to the end of the command.
      cores: cores that train members.
      factor_values: number of values of each true factor, where they are known, since measuring takes time.
      trees: ``sklearn`` or ``lightgbm``, which grows DCI's trees.

    Raises:
      UserError: too few images, or too little time.
    """
    if data_size < LEAST_DATA_SIZE:
        raise UserError(
            f"Finding factors needs at least {LEAST_DATA_SIZE} images, some thousands are better, got {data_size}: add "
            "more."
        )
    num_train, measuring = _plan_measurement(factor_values, seconds, trees)
    ending = _SECONDS_AT_THE_END + measuring + _ENCODED / speed.encoding
    overhead = ending + 0.02 * seconds + speed.starting + 3 * data_size / speed.encoding + speed.member * _SCORED
    total = int(speed.training * max(0.0, seconds - overhead))
    least = _ALONE[0] * _FEW_MODELS * LEAST
    if total < least:
        needed = least / speed.training + overhead
        raise UserError(
            f"Too little time: at {speed.training:,.0f} training images per second a run takes at least "
            f"{math.ceil(needed / 6) / 10:g} minutes, and {max(0.0, seconds) / 60:.1f} are left: give more --minutes."
        )
    stages = _plan_recursion(total, cores) if total >= _least_total_of_recursion() else _plan_population(total)
    x_run, leaf_run, final, leaf_runs = stages
    betas = initial_betas(speed.size, _BETAS_OF_RECURSION if leaf_runs else _BETAS)
    final_betas = initial_betas(speed.size, _BETAS_OF_FINAL_RUN)
    return AutoPlan(
        speed.size, x_run, leaf_run, final, leaf_runs, total, betas, final_betas, num_train, trees, seconds, ending
    )  # fmt: skip


def suggest_more_time(plan: AutoPlan, speed: TrainingSpeed) -> tuple[float, str] | None:
    """The time that would improve the plan, in seconds, and what it would bring; None if there is plenty already."""
    if not plan.has_recursion:
        needed = _least_total_of_recursion()
        gain = "leaf runs would look for further factors, and a final run would combine them with the first ones"
    elif plan.x_run.images_per_model < 0.9 * PLENTY:
        needed = int(PLENTY * plan.x_run.members * plan.x_run.models / _SHARE_X)
        gain = f"each VAE of the x-run would see {PLENTY:,} images, as in docs/evidence.md"
    else:
        return None
    return plan.seconds + 1.05 * (needed - plan.total_images) / speed.training, gain


def _plan_population(total: int) -> _Stages:
    few, many = _ALONE
    members = min(many, max(few, total // (_FEW_MODELS * ENOUGH)))
    generations = _GENERATIONS[0]
    images = _round_down(total / (_FEW_MODELS * members * generations))
    return StagePlan(members, _FEW_MODELS, images, generations), None, None, 0


def _plan_recursion(total: int, cores: int) -> _Stages:
    plenty = _SHARE_X * total >= _MEMBERS[0] * _MODELS * ENOUGH
    models = _MODELS if plenty else _FEW_MODELS
    members = _choose_members(total, models, cores)
    generations = _GENERATIONS[0] if members == _MEMBERS[0] else _GENERATIONS[1]
    images = _round_down(_SHARE_X * total / (models * members * generations))
    leaf_runs = 1 + sum(total >= enough for enough in _MORE_LEAF_RUNS)
    leaf_generations = 3 if plenty else 2
    leaf_members = leaf_runs * LEAF_STAGES * models * members * leaf_generations
    leaf = StagePlan(members, models, _round_down(_SHARE_LEAVES * total / leaf_members), leaf_generations)
    # One VAE per member: labels of other models judge the members, so they are not compared with one another.
    final_members = max(3, 3 * members // 4)
    final_images = _round_down(_SHARE_FINAL * total / (final_members * _FINAL_GENERATIONS))
    final = StagePlan(final_members, 1, final_images, _FINAL_GENERATIONS)
    return StagePlan(members, models, images, generations), leaf, final, leaf_runs


def _choose_members(total: int, models: int, cores: int) -> int:
    few, many = _MEMBERS
    affordable = int(_SHARE_X * total / (models * PLENTY))
    # Further cores train further members, as long as every model sees enough images.
    in_parallel = min(cores // models, int(_SHARE_X * total / (models * ENOUGH)))
    return min(many, max(few, affordable, in_parallel))


def _least_total_of_recursion() -> int:
    return int(ENOUGH * _MEMBERS[0] * _FEW_MODELS / _SHARE_X)


def _plan_measurement(factor_values: Sequence[int] | None, seconds: float, trees: str) -> tuple[int, float]:
    """Number of points for MIG and DCI, and the seconds that they take for the x-model and the final model."""
    values = sum(size for size in factor_values or () if size > 1)
    if not values:
        return 10_000, 0.0
    per_point = 2 * values * TREE_SECONDS[trees]
    points = int(min(10_000, max(500, _SHARE_MEASURED * seconds / per_point)))
    return points, points * per_point


def _round_down(images: float) -> int:
    """Rounds down to two digits; at least 256, one batch of the largest size."""
    step = 10 ** max(0, int(math.log10(max(images, 1))) - 1)
    return max(256, int(images // step * step))
