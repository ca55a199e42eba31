"""A plan as a gin file, and in a few lines for a person."""

from collections.abc import Mapping
from typing import Any

from rdl.auto.plan import ENOUGH, FINAL_MODELS, X_MODELS, Plan, Speed

_FILTERS = {32: "(16, 32, 32)", 64: "(16, 32, 32, 32)"}  # of images of up to so many pixels a side


def networks(size: tuple[int, int], precision: str) -> str:
    """gin's text of the models, from which their speed is measured."""
    side = 64 if all(length % 16 == 0 and length >= 48 for length in size) else 32
    filters = _FILTERS[side]
    mirrored = "(" + ", ".join(reversed(filters.strip("()").split(", "))) + ")"
    return f"""\
model.encoder = @small_conv_encoder
model.decoder = @small_conv_decoder
small_conv_encoder.filters = {filters}
small_conv_decoder.filters = {mirrored}
model.objective = @beta_tc_vae
model.num_latents = 10
model.precision = "{precision}"
"""


def dataset(options: Mapping[str, Any]) -> str:
    """gin's text of the images; options that are None are left out."""
    given = {"prepare": True, **options}
    return "".join(f"dataset.{name} = {value!r}\n" for name, value in given.items() if value is not None)


def gin_text(plan: Plan, head: str, images: str, models: str, gpu: bool, seed: int, measured: bool = True) -> str:
    """The plan as an ordinary gin file of the job `rpu_vae`.

    Args:
      plan: what was chosen.
      head: the comment that opens it, without its number signs.
      images: gin's text of the images.
      models: gin's text of the models.
      gpu: whether models are trained on one.
      seed: of the run.
      measured: whether there are true factors to measure on.
    """
    measuring = f"""
Measurement.num_train = {plan.num_train}
Measurement.num_test = {max(1, plan.num_train // 2)}
measure.dci_backend = "{plan.trees}"
"""
    comment = "\n".join(f"# {line}".rstrip() for line in head.splitlines())
    return f"""\
{comment}
{images}
experiment.job = @rpu_vae
experiment.seed = {seed}
rpu_vae.leaf_runs = {plan.leaf_runs}
rpu_vae.random_members = False
rpu_vae.warm_start = True
# Of models, in all stages: the final run trains as many generations as x-run and leaf runs leave over.
rpu_vae.total_images = {plan.total_images}

# One thread an operation on processors: several VAEs side by side, and results that do not depend on the cores.
threads.models_side_by_side = {not gpu}
{models}
population.search_space = @SearchSpace()
SearchSpace.dimensions = {{
    "learning_rate": @learning_rate/Dimension(),
    "batch_size": @batch_size/Dimension(),
    "beta": @beta/Dimension(),
}}
Dimension.factors = (1.4, 1.2, 0.8, 0.7)
learning_rate/Dimension.initial = (1e-3, 2e-3)
learning_rate/Dimension.high = 3e-3
batch_size/Dimension.initial = (32, 64)
batch_size/Dimension.low = 32
batch_size/Dimension.high = 256
batch_size/Dimension.integer = True
beta/Dimension.initial = {plan.betas}
beta/Dimension.low = 1

population.size = {plan.x_run.members}
population.models = {X_MODELS}
population.images = {plan.x_run.images}
population.generations = {plan.x_run.generations}
population.until_converged = False

# The time given is used: a weak start ends nothing, and of the x-run the models that were trained longest are taken,
# not earlier ones of luckier scores: by the latents found again, where the paper's UDR is 0.9 for one latent as for
# three (docs/model_selection.md). One latent on which all models agree is no x-model.
x_run/population.min_score = 0.0
x_run/population.best_of = "last"
x_run/UDRScore.replication = True
x_run/UDRScore.min_active = 2
leaf_run/population.min_score = 0.0

leaf_run/population.images = {plan.leaf_run.images}
leaf_run/population.generations = {plan.leaf_run.generations}

# The labels are of the x-model's lineage, so leaf MIG falls with all that is learned after it.
final/population.best_of = "last"
final/population.models = {FINAL_MODELS}
final/population.initial_factor = 2
final/population.generations = {plan.final.generations}

# On labels of few and blurred values: cut at valleys of their density, and leave labels without a cut aside.
find_plateaus.method = "density"
reduce_images.flat_labels = "ignore"
reduce_images.min_images = 50
{measuring if measured else ""}"""


def spoken(plan: Plan, images: int, shape: tuple[int, int, int], speed: Speed, where: str, asked: bool) -> list[str]:
    """What was seen and chosen, and why, in lines of up to 80 columns.

    Args:
      plan: what was chosen.
      images: how many.
      shape: as they are stored: height, width, channels.
      speed: that was measured.
      where: what trains them, such as "2 cores".
      asked: whether the user asked for the size.
    """
    stored, learned = (f"{height} x {width}" for height, width in (shape[:2], plan.size))
    colour = "grey" if shape[2] == 1 else "RGB"
    lines = [
        f"{images:,} images of {stored}, {colour}; {where} train on {speed.training:,.0f} images of models a second."
    ]
    if plan.size != shape[:2]:
        why = "as asked" if asked else _why(plan.size, shape)
        lines.append(f"Learned from at {learned}, {why}.")
    lines += [
        f"Small convolutional networks, 10 latents; beta from {plan.betas[0]:g} to {plan.betas[-1]:g} at first, "
        "searched by a population.",
        f"x-run: {plan.x_run.members} members of {X_MODELS} VAEs, {plan.x_run.generations} generations of "
        f"{plan.x_run.images:,} images.",
        f"{plan.leaf_runs} leaf run{'s' if plan.leaf_runs > 1 else ''}: {plan.leaf_run.generations} generations of "
        f"{plan.leaf_run.images:,} images an iteration. Final run: what is left of "
        f"{plan.total_images:,} in all.",
    ]
    return lines


def _why(size: tuple[int, int], shape: tuple[int, int, int]) -> str:
    if size[0] * size[1] > shape[0] * shape[1]:
        return "which the networks need"
    if size == (64, 64) or max(shape[:2]) < 48:
        return "which small networks can take"
    return f"since at 64 x 64 a model would see fewer than {ENOUGH:,} in the time given"
