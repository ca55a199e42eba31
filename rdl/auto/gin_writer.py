"""Writes a plan as a gin file, and describes it to the user."""

from collections.abc import Mapping
from typing import Any

from rdl.auto.inspection import PixelSummary
from rdl.auto.plan import AutoPlan, TrainingSpeed

_FILTERS = {32: "(16, 32, 32)", 64: "(16, 32, 32, 32)"}  # by the side of the images, pixels
_MOSTLY_EXTREME = 0.5  # share of values near black or white from which on pixels count as black and white


def choose_likelihood(size: tuple[int, int], pixels: PixelSummary) -> str:
    """gin's name of the likelihood p(x | z) that fits the values.

    Rows of a table get a Gaussian with a learned scale. Images whose values are mostly black or white get Bernoulli
    pixels, others continuous Bernoulli ones, for which the same values of beta apply.
    """
    if size[0] == 1:
        return "gaussian"
    return "bernoulli" if pixels.extreme >= _MOSTLY_EXTREME else "continuous_bernoulli"


def format_networks(size: tuple[int, int], precision: str, likelihood: str = "bernoulli") -> str:
    """gin's lines for the networks: dense ones for rows of a table, convolutions for images."""
    if size[0] == 1:
        networks = "model.encoder = @small_fc_encoder\nmodel.decoder = @small_fc_decoder\n"
    else:
        side = 64 if all(length % 16 == 0 and length >= 48 for length in size) else 32
        filters = _FILTERS[side]
        mirrored = "(" + ", ".join(reversed(filters.strip("()").split(", "))) + ")"
        networks = f"""\
model.encoder = @small_conv_encoder
model.decoder = @small_conv_decoder
small_conv_encoder.filters = {filters}
small_conv_decoder.filters = {mirrored}
"""
    if likelihood != "bernoulli":  # the default
        networks += f"model.likelihood = @{likelihood}\n"
    return f"""\
{networks}model.num_latents = 10
model.precision = "{precision}"
"""


def format_objective(plan: AutoPlan | None = None) -> str:
    """gin's lines for the objective; with a plan of a recursion, one that takes its labels."""
    if plan is None or not plan.has_recursion:
        return "model.objective = @beta_tc_vae\n"
    return f"""\
model.objective = @pooled_labels
pooled_labels.objective = @beta_tc_vae
pooled_labels.label_updates = {plan.label_updates}   # a third of the final run
"""


def format_dataset(options: Mapping[str, Any]) -> str:
    """gin's lines for the images; options that are None are left out."""
    given = {"prepare": True, **options}
    return "".join(f"dataset.{name} = {value!r}\n" for name, value in given.items() if value is not None)


def format_gin_file(
    plan: AutoPlan, head: str, images: str, models: str, gpu: bool, seed: int, measured: bool = True
) -> str:
    """The plan as a gin file of the job `rpu_vae`, or of `search` where there is no recursion.

    Args:
      plan: the plan.
      head: the opening comment, without number signs.
      images: gin's lines for the images.
      models: gin's lines for the models.
      gpu: whether models are trained on a GPU.
      seed: seed of the run.
      measured: whether there are true factors to measure on.
    """
    comment = "\n".join(f"# {line}".rstrip() for line in head.splitlines())
    job = _recursion(plan) if plan.has_recursion else _population_alone()
    return f"""\
{comment}
{images}
experiment.seed = {seed}

# On processors each operation has one thread: several VAEs train side by side, and results do not depend on the cores.
threads.models_side_by_side = {not gpu}
{models}{format_objective(plan)}
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
population.models = {plan.x_run.models}
population.images = {plan.x_run.images}
population.generations = {plan.x_run.generations}
population.until_converged = False
{job}{_measurement(plan) if measured else ""}"""


def _population_alone() -> str:
    return """
# One population without a recursion, as the time is short: members are compared by the number of replicated latents,
# and selected from the last generation, which has trained longest.
experiment.job = @search
search.score = @UDRScore()
UDRScore.replication = True
UDRScore.min_active = 2
population.best_of = "last"
population.min_score = 0.0
"""


def _recursion(plan: AutoPlan) -> str:
    leaf, final = plan.leaf_run, plan.final
    if leaf is None or final is None:
        raise ValueError("a plan with a recursion has leaf runs and a final run")
    return f"""
# The recursion with a label pool (docs/recursion.md): one label for each factor, from whichever model has it cleanest,
# and these labels in the loss of the final run.
experiment.job = @rpu_vae
rpu_vae.labels = "population"
rpu_vae.leaf_runs = {plan.leaf_runs}
rpu_vae.random_members = False
# Training images of all models and stages: the final run uses what the x-run and the leaf runs leave.
rpu_vae.total_images = {plan.total_images}

# The time is used up: a low score ends nothing, and the x-model comes from the last generation, not from an earlier one
# with a luckier score. Members are compared by the number of replicated latents, since the paper's UDR is 0.9 for one
# latent as for three (docs/model_selection.md). None takes over another's weights: that leaves more models to take
# labels from.
population.rule = "none"
x_run/population.min_score = 0.0
x_run/population.best_of = "last"
x_run/UDRScore.replication = True
x_run/UDRScore.min_active = 2
leaf_run/population.min_score = 0.0
leaf_run/population.images = {leaf.images}
leaf_run/population.generations = {leaf.generations}

final/population.rule = "truncation"
final/population.search_space = @final/SearchSpace()
final/SearchSpace.dimensions = {{
    "learning_rate": @learning_rate/Dimension(),
    "batch_size": @batch_size/Dimension(),
    "beta": @final_beta/Dimension(),
}}
final_beta/Dimension.initial = {plan.final_betas}
final_beta/Dimension.low = 1
final/population.best_of = "last"
final/population.size = {final.members}
final/population.models = {final.models}
final/population.images = {final.images}
final/population.generations = {final.generations}
"""


def _measurement(plan: AutoPlan) -> str:
    return f"""
Measurement.num_train = {plan.num_train}
Measurement.num_test = {max(1, plan.num_train // 2)}
measure.dci_backend = "{plan.trees}"
"""


def describe_images(images: int, shape: tuple[int, int, int], pixels: PixelSummary) -> list[str]:
    """Describes the inspected images: number, size, channels, values and repetitions."""
    height, width, channels = shape
    if height == 1:
        return [f"{images:,} rows of {width} columns.", pixels.describe()]
    colours = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")
    return [f"{images:,} images of {height} x {width}, {colours}.", pixels.describe()]


def describe_plan(
    plan: AutoPlan, shape: tuple[int, int, int], speed: TrainingSpeed, processors: str, likelihood: str, requested: bool
) -> list[str]:
    """The chosen settings and the reasons for them.

    Args:
      plan: the plan.
      shape: height, width and channels of the stored images.
      speed: the measured speed.
      processors: what trains the models, such as "2 cores".
      likelihood: gin's name of the likelihood.
      requested: whether the user requested the image size.
    """
    table = shape[0] == 1
    lines = [f"Speed: {speed.training:,.0f} training images per second, summed over all models, on {processors}."]
    if plan.size != shape[:2]:
        reason = "as requested" if requested else _explain_size(plan.size, shape)
        lines.append(f"The models see them at {plan.size[0]} x {plan.size[1]}, {reason}.")
    networks = "Dense" if table else "Small convolutional"
    x_run = plan.x_run
    lines += [
        f"{networks} networks, 10 latents, {likelihood.replace('_', ' ')} likelihood; beta from {plan.betas[0]:g} to "
        f"{plan.betas[-1]:g} at first, searched by a population.",
        f"{'x-run' if plan.has_recursion else 'Population'}: {x_run.members} members of {x_run.models} VAEs, "
        f"{x_run.generations} generations of {x_run.images:,} images.",
    ]
    if plan.leaf_run is None:
        lines.append("No recursion (leaf runs and a final run): the time is too short for it.")
    else:
        lines.append(
            f"{plan.leaf_runs} leaf run{'s' if plan.leaf_runs > 1 else ''}: {plan.leaf_run.generations} generations of "
            f"{plan.leaf_run.images:,} images. Final run: what is left of {plan.total_images:,} training "
            "images in all."
        )
    return lines


def _explain_size(size: tuple[int, int], shape: tuple[int, int, int]) -> str:
    if size[0] * size[1] > shape[0] * shape[1]:
        return "the smallest size that the networks take"
    if size == (64, 64) or max(shape[:2]) < 48:
        return "the largest size that the networks take"
    return "since the time is too short for 64 x 64"
