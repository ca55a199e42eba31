"""The plan of an automatic run is a pure function: it fits the time, grows with it, and takes images of any size."""

import dataclasses
import math

import gin
import pytest

from rdl.auto import gin_writer
from rdl.auto.inspection import PixelSummary
from rdl.auto.plan import (
    ENOUGH,
    LEAF_STAGES,
    LEAST,
    TrainingSpeed,
    affords_recursion,
    candidate_sizes,
    initial_betas,
    make_plan,
    scale_speed,
    suggest_more_time,
)
from rdl.cli import configure
from rdl.config import RunConfig, read_gin
from rdl.errors import UserError
from rdl.jobs.unused_bindings import find_unused
from rdl.population import PopulationSettings, count_affordable_generations

configure()

SPEED = TrainingSpeed((32, 32), training=7_000, encoding=20_000, member=0.1, starting=8)
PIXELS = PixelSummary(3_000, 0, 255, 0, 1.0)


def longest_leaf_runs(plan):
    """Training images of leaf runs that do not stop early."""
    return plan.leaf_runs * LEAF_STAGES * plan.leaf_run.total_images


@pytest.mark.parametrize("minutes", [5, 8, 13, 20, 60, 180, 1000])
@pytest.mark.parametrize("speed", [1_000, 3_000, 7_000, 14_000, 200_000])
@pytest.mark.parametrize("data_size", [100, 3_000, 60_000])
def test_the_planned_images_fit_the_time(minutes, speed, data_size):
    plan = make_plan(data_size, dataclasses.replace(SPEED, training=speed, encoding=3 * speed), 60 * minutes)
    assert plan.total_images / speed < 60 * minutes
    x_run = plan.x_run.total_images
    if not plan.has_recursion:
        assert 0.85 * plan.total_images < x_run <= plan.total_images
        return
    # The budget decides, not the smallest final run.
    assert x_run + longest_leaf_runs(plan) + plan.final.total_images <= 1.1 * plan.total_images
    # Without any leaf run, the final run uses what they leave.
    settings = PopulationSettings(
        size=plan.final.members,
        models=plan.final.models,
        initial_factor=plan.final.initial_factor,
        generations=plan.final.generations,
    )
    generations = count_affordable_generations(settings, plan.final.images, plan.total_images - x_run)
    final = dataclasses.replace(plan.final, generations=generations)
    assert 0.85 * plan.total_images < x_run + final.total_images <= plan.total_images


def test_more_minutes_never_train_less():
    plans = [make_plan(3_000, SPEED, 60 * minutes) for minutes in range(2, 400)]
    for few, more in zip(plans, plans[1:], strict=False):
        assert few.total_images < more.total_images
        assert few.leaf_runs <= more.leaf_runs
        assert few.x_run.members <= more.x_run.members
        assert few.x_run.models <= more.x_run.models
    assert plans[0].x_run.total_images * 30 < plans[-1].x_run.total_images
    assert [plan.leaf_runs for plan in plans[:1] + plans[-1:]] == [0, 3]


@pytest.mark.parametrize("minutes", [5, 10, 20, 28, 40, 90])
@pytest.mark.parametrize("speed", [500, 1_200, 6_000])
def test_slow_machines_train_few_models_for_long(minutes, speed):
    plan = make_plan(20_000, dataclasses.replace(SPEED, training=speed, encoding=3 * speed), 60 * minutes)
    assert plan.x_run.images_per_model >= 0.9 * LEAST
    if plan.has_recursion or plan.x_run.members > 2:
        assert plan.x_run.images_per_model >= 0.9 * ENOUGH


def test_a_plan_states_the_benefit_of_more_time():
    short = make_plan(3_000, dataclasses.replace(SPEED, training=1_200), 60 * 20)
    seconds, gain = suggest_more_time(short, dataclasses.replace(SPEED, training=1_200))
    assert not short.has_recursion
    assert "leaf runs" in gain
    longer = make_plan(3_000, dataclasses.replace(SPEED, training=1_200), seconds)
    assert longer.has_recursion
    seconds, gain = suggest_more_time(longer, dataclasses.replace(SPEED, training=1_200))
    assert "320,000" in gain and seconds > longer.seconds
    assert suggest_more_time(make_plan(3_000, SPEED, 60 * 600), SPEED) is None


def test_too_little_time_is_refused_with_the_time_that_is_needed():
    slow = dataclasses.replace(SPEED, training=500)
    with pytest.raises(UserError, match=r"at least ([\d.]+) minutes, and 1.0 are left") as error:
        make_plan(3_000, slow, 60)
    assert "\n" not in str(error.value)
    needed = float(str(error.value).split("at least ")[1].split()[0])
    make_plan(3_000, slow, 60 * needed * 1.1)
    with pytest.raises(UserError, match="minutes"):
        make_plan(3_000, slow, 60 * needed * 0.8)
    with pytest.raises(UserError, match="and 0.0 are left"):
        make_plan(3_000, slow, -5)


def test_too_few_images_are_refused():
    with pytest.raises(UserError, match="100 images.* got 99"):
        make_plan(99, SPEED, 3600)
    make_plan(100, SPEED, 3600)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (32, 32, [(32, 32)]),
        (64, 64, [(64, 64), (32, 32)]),
        (28, 28, [(32, 32)]),
        (200, 150, [(64, 64), (32, 32)]),
        (150, 200, [(64, 64), (32, 32)]),
        (16, 16, [(16, 16)]),
        (8, 8, [(16, 16)]),
        (40, 40, [(40, 40), (32, 32)]),
        (32, 64, [(32, 64), (32, 32)]),
        (45, 30, [(32, 32)]),
        (4000, 10, [(64, 64), (32, 32)]),
        (1, 64, [(1, 64)]),  # rows of a table
        (1, 3, [(1, 3)]),
    ],
)
def test_candidate_sizes(height, width, expected):
    assert candidate_sizes(height, width) == expected


def test_larger_images_need_the_time_of_a_recursion():
    slow = scale_speed(SPEED, (64, 64))
    assert slow.training == SPEED.training / 4
    assert not affords_recursion(slow, 20 * 60)
    assert affords_recursion(slow, 180 * 60)


def test_beta_is_in_proportion_to_the_pixels_and_at_least_1():
    assert initial_betas((32, 32)) == (1, 2, 4, 8, 16, 32, 64)
    assert initial_betas((64, 64)) == (4, 8, 16, 32, 64, 128, 256)
    assert initial_betas((16, 16)) == (1, 2, 4, 8, 16)
    assert initial_betas((1, 64)) == (1, 2, 4)
    assert initial_betas((64, 64), (2, 4)) == (8, 16)


def test_many_cores_train_more_members_if_all_see_enough_images():
    assert make_plan(3_000, SPEED, 3600, 2).x_run.members <= make_plan(3_000, SPEED, 3600, 64).x_run.members
    fast = dataclasses.replace(SPEED, training=100_000)
    assert make_plan(3_000, fast, 600, cores=64).x_run.members == 16
    assert make_plan(3_000, SPEED, 600, cores=64).x_run.members == 4


def test_measuring_takes_its_share_of_the_time():
    without, few, many = (make_plan(3_000, SPEED, 1200, factor_values=values) for values in (None, [3, 4], [10] * 20))
    assert many.num_train < few.num_train <= without.num_train == 10_000
    assert many.total_images < few.total_images < without.total_images
    assert many.ending_seconds > without.ending_seconds
    assert make_plan(3_000, SPEED, 1200, factor_values=[10] * 20, trees="lightgbm").num_train > many.num_train


@pytest.mark.parametrize("minutes", [3, 20, 200])
@pytest.mark.parametrize("size", [(16, 16), (32, 32), (40, 40), (64, 64), (32, 64), (1, 64)])
def test_every_line_of_the_gin_file_has_an_effect(size, minutes):
    plan = make_plan(3_000, dataclasses.replace(SPEED, size=size), 60 * minutes)
    models = gin_writer.format_networks(size, "float32")
    images = gin_writer.format_dataset({"name": "a's.npz", "size": None})
    text = gin_writer.format_gin_file(plan, "two\nlines", images, models, False, 7)
    unmeasured = gin_writer.format_gin_file(plan, "two\nlines", images, models, False, 7, measured=False)
    assert "dci_backend" in text and "easure" not in unmeasured
    read_gin([], [text])
    assert find_unused(RunConfig.from_gin()) == []
    assert gin.query_parameter("dataset.name") == "a's.npz"
    assert gin.query_parameter("experiment.seed") == 7
    with gin.config_scope("x_run" if plan.has_recursion else "population"):
        settings = PopulationSettings()
    assert settings.size == plan.x_run.members
    assert (settings.models, settings.generations) == (plan.x_run.models, plan.x_run.generations)
    assert (settings.best_of, settings.min_score) == ("last", 0.0)
    assert settings.search_space.dimensions["beta"].initial == plan.betas
    if plan.has_recursion:
        with gin.config_scope("leaf_run"):
            assert PopulationSettings().images == plan.leaf_run.images
        with gin.config_scope("final"):
            final = PopulationSettings()
        assert (final.size, final.models, final.images) == (plan.final.members, 1, plan.final.images)
        assert final.search_space.dimensions["beta"].initial == plan.final_betas


@pytest.mark.slow
@pytest.mark.parametrize("size", [(16, 16), (32, 32), (40, 40), (64, 64), (32, 64), (1, 64)])
@pytest.mark.parametrize("channels", [1, 5])
def test_the_networks_take_the_size(size, channels):
    from rdl import models

    read_gin([], [gin_writer.format_networks(size, "float32"), gin_writer.format_objective()])
    assert models.build((*size, channels)).num_latents == 10


@pytest.mark.parametrize("shape", [(32, 32, 1), (28, 28, 1), (200, 150, 3), (64, 64, 5)])
def test_the_plan_is_described_with_its_reasons(shape):
    plan = make_plan(3_000, SPEED, 300)
    text = " ".join(
        [
            *gin_writer.describe_images(3_000, shape, PIXELS),
            *gin_writer.describe_plan(plan, shape, SPEED, "2 cores", "bernoulli", requested=False),
        ]
    )
    colours = {1: "grey", 3: "RGB", 5: "5 channels"}[shape[2]]
    assert f"3,000 images of {shape[0]} x {shape[1]}, {colours}. Values from 0 to 255; all images differ." in text
    reason = {32: "", 28: "smallest size", 200: "too short for 64 x 64", 64: "too short for 64 x 64"}[shape[0]]
    assert ("at 32 x 32" in text) == bool(reason)
    assert reason in text
    assert "No recursion" in text
    assert not math.isnan(plan.seconds)


def test_a_recursion_and_a_table_are_described_as_such():
    plan = make_plan(3_000, dataclasses.replace(SPEED, size=(1, 64)), 6000)
    text = " ".join(gin_writer.describe_plan(plan, (1, 64, 1), SPEED, "a GPU", "gaussian", requested=False))
    assert "Dense networks" in text and "gaussian" in text
    assert "leaf runs" in text and "Final run" in text
    assert gin_writer.describe_images(3_000, (1, 64, 1), PIXELS)[0] == "3,000 rows of 64 columns."


def test_the_likelihood_fits_the_values():
    grey = dataclasses.replace(PIXELS, extreme=0.1)
    assert gin_writer.choose_likelihood((32, 32), PIXELS) == "bernoulli"
    assert gin_writer.choose_likelihood((32, 32), grey) == "continuous_bernoulli"
    assert gin_writer.choose_likelihood((1, 64), PIXELS) == "gaussian"
