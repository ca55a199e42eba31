"""What a recursion can be in the time given: a pure function of images, machine, speed and minutes.

Costs are counted in images of models: one image seen by one VAE in training. How many of them a second holds is
measured before (`speed`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rdl.errors import UserError

FEWEST_IMAGES = 100  # fewer leave a leaf run nothing to hold constant
X_MODELS = 3  # VAEs of a member that UDR compares
FINAL_MODELS = 2  # enough for two cores, and the verdict compares them
ENOUGH = 150_000  # images that a VAE sees in the x-run; where it would be fewer, images are shrunk
LONGEST = 24 * 60 * 365  # minutes

_SHARE_X, _SHARE_LEAVES, _SHARE_FINAL = 0.35, 0.35, 0.30  # of all images of models; a leaf run may well need less
_PLENTY = 400_000  # images that a VAE sees in the x-run; time beyond goes into more members
_MEMBERS = (4, 16)
_GENERATIONS = (4, 6)  # of the x-run: in a short run and in one of plenty
_LEAF_GENERATIONS, _LEAF_STAGES = 3, 2  # a leaf run trains at most two populations (iterate.max_iterations)
_LEAVES = (2_000_000, 6_000_000)  # images of models; more are enough for a second, and for a third leaf run
LEAST_IMAGES = 5_000  # that a model sees in a generation of the x-run: with fewer, nothing is learned
_SCORED = 60  # members in all generations, about
_SECONDS_AT_THE_END = 15.0  # verdict, pictures, page
_ENCODED = 60_000  # images of models at the end: the verdict's
_BETA_OF_1024 = (1, 2, 4, 8, 16, 32, 64)  # at 32 x 32; on other sizes in proportion to the pixels
_TREE_SECONDS = {"sklearn": 0.0006, "lightgbm": 0.00006}  # of DCI, a point and value of a factor
_MEASURED_SHARE = 0.1  # of the time: what measuring on true factors may take


@dataclass(frozen=True)
class Speed:
    """What this machine does with the networks at one size, measured.

    Attributes:
      size: height and width.
      training: images of models a second.
      encoding: images a second through one model.
      member: seconds that a member takes besides: scored, saved and recorded.
      starting: seconds until the first image was trained on, such as for tracing the graph.
    """

    size: tuple[int, int]
    training: float
    encoding: float
    member: float = 0.1
    starting: float = 0.0


@dataclass(frozen=True)
class Stage:
    """A population's size: members, images that each model sees in a generation, generations."""

    members: int
    images: int
    generations: int


@dataclass(frozen=True)
class Plan:
    """The settings that were chosen.

    Attributes:
      size: of the images: height and width as they are learned from.
      x_run, leaf_run: what they train.
      final: the least that the final run trains.
      leaf_runs: how many.
      total_images: of models, in all stages; the final run has what the others leave over.
      betas: to begin with.
      num_train: points that measure, where there are factors.
      trees: who grows DCI's trees.
      seconds: that the run is expected to take.
    """

    size: tuple[int, int]
    x_run: Stage
    leaf_run: Stage
    final: Stage
    leaf_runs: int
    total_images: int
    betas: tuple[float, ...]
    num_train: int
    trees: str
    seconds: float


def sizes(height: int, width: int) -> list[tuple[int, int]]:
    """The sizes at which images of this one can be learned from, the largest first.

    Images from 16 to 64 pixels whose sides are multiples of 8, as the networks need them, stay as they are. Others
    become squares, of 64 or 32 pixels, and what takes too long at a size above 32 is shrunk to 32.
    """
    if all(16 <= side <= 64 and side % 8 == 0 for side in (height, width)):
        first = (height, width)
    else:
        first = (64, 64) if max(height, width) >= 48 else (32, 32) if max(height, width) > 16 else (16, 16)
    return [first, *([(32, 32)] if first[0] * first[1] > 32 * 32 else [])]


def worth_it(speed: Speed, seconds: float) -> bool:
    """Whether the models of an x-run see enough images at this speed."""
    return _seen_in_x_run(speed.training * seconds) >= ENOUGH


def at_other_size(speed: Speed, size: tuple[int, int]) -> Speed:
    """A guess of the speed at another size, in proportion to the pixels: whether it is worth measuring."""
    ratio = math.prod(speed.size) / math.prod(size)
    return Speed(size, speed.training * ratio, speed.encoding * ratio, speed.member, speed.starting)


def betas(size: tuple[int, int]) -> tuple[float, ...]:
    """The values of beta to begin with, in proportion to the pixels; never under 1, the evidence lower bound's.

    The reconstruction term is a sum over pixels, so on as many images beta weighs less the larger they are. At 32 x 32
    black and white sprites ask for 8 to 64 and coloured scenes for 1 to 4: what images ask for is not known before.
    """
    factor = math.prod(size) / 1024
    return tuple(sorted({max(1.0, round(beta * factor, 2)) for beta in _BETA_OF_1024}))


def choose(
    images: int,
    speed: Speed,
    seconds: float,
    cores: int = 1,
    factor_values: Sequence[int] | None = None,
    trees: str = "sklearn",
) -> Plan:
    """The settings of a recursion that takes so long.

    Args:
      images: of the data set.
      speed: at the size at which they are learned from.
      seconds: that are left, from the moment that training begins to the last word.
      cores: that train members; more of them train more members.
      factor_values: of the true factors, how many values each has, where they are known: measuring takes time.
      trees: ``sklearn`` or ``lightgbm``, who grows the trees that measure.

    Raises:
      UserError: too few images, or too little time.
    """
    if images < FEWEST_IMAGES:
        raise UserError(
            f"Finding factors needs at least {FEWEST_IMAGES} images, some thousands are better, got {images}: add more."
        )
    num_train, measuring = _measuring(factor_values, seconds, trees)
    fixed = _SECONDS_AT_THE_END + 0.02 * seconds + speed.starting + measuring
    fixed += (3 * images + _ENCODED) / speed.encoding + speed.member * _SCORED
    training = seconds - fixed
    total = int(speed.training * max(0.0, training))
    if _seen_in_x_run(total) < LEAST_IMAGES * _GENERATIONS[0]:
        needed = _least_total() / speed.training + fixed
        raise UserError(
            f"Too little time: at {speed.training:,.0f} images of models a second a recursion takes at least "
            f"{math.ceil(needed / 6) / 10:g} minutes, and {max(0.0, seconds) / 60:.1f} are left: give more --minutes."
        )
    members = _members(total, cores)
    generations = _GENERATIONS[0] if members == _MEMBERS[0] else _GENERATIONS[1]
    leaf_runs = 1 + sum(total >= enough for enough in _LEAVES)
    a_generation = _round(_SHARE_X * total / (X_MODELS * members * generations))
    of_leaves = leaf_runs * _LEAF_STAGES * X_MODELS * members * _LEAF_GENERATIONS
    leaf = Stage(members, _round(_SHARE_LEAVES * total / of_leaves), _LEAF_GENERATIONS)
    rounds = int(_SHARE_FINAL * total / (FINAL_MODELS * members * a_generation))
    final = Stage(members, a_generation, max(2, rounds - 1))
    return Plan(
        speed.size, Stage(members, a_generation, generations), leaf, final, leaf_runs, total, betas(speed.size),
        num_train, trees, seconds,
    )  # fmt: skip


def _members(total: float, cores: int) -> int:
    few, many = _MEMBERS
    enough = int(_SHARE_X * total / (X_MODELS * _PLENTY))
    # Cores beyond those of one member train further members, as long as all see enough.
    beside = min(cores // X_MODELS, int(_SHARE_X * total / (X_MODELS * ENOUGH)))
    return min(many, max(few, enough, beside))


def _seen_in_x_run(total: float) -> float:
    """Images that each model of an x-run of the fewest members sees."""
    return _SHARE_X * total / (X_MODELS * _MEMBERS[0])


def _least_total() -> float:
    return LEAST_IMAGES * _GENERATIONS[0] * X_MODELS * _MEMBERS[0] / _SHARE_X


def _measuring(factor_values: Sequence[int] | None, seconds: float, trees: str) -> tuple[int, float]:
    """Points that MIG and DCI may take in this time, and how long that will be: of the x-model and the final one."""
    values = sum(size for size in factor_values or () if size > 1)
    if not values:
        return 10_000, 0.0
    a_point = 2 * values * _TREE_SECONDS[trees]
    points = int(min(10_000, max(500, _MEASURED_SHARE * seconds / a_point)))
    return points, points * a_point


def _round(images: float) -> int:
    """Down to two digits, but no fewer than a generation needs."""
    step = 10 ** max(0, int(math.log10(max(images, 1))) - 1)
    return max(256, int(images // step * step))
