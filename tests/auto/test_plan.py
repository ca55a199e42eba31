"""The plan as a pure function: it fits the time, grows with it, and takes any images."""

import dataclasses
import math

import gin
import pytest

from rdl.auto import gin_writer
from rdl.auto import plan as planning
from rdl.auto.plan import FINAL_MODELS, X_MODELS, Speed, choose
from rdl.cli import configure
from rdl.config import read_gin
from rdl.errors import UserError
from rdl.jobs import no_effect
from rdl.population import PopulationSettings
from rdl.population.budget import count_affordable_generations

configure()

SPEED = Speed((32, 32), training=7_000, encoding=20_000, member=0.1, starting=8)


def cost(stage, models, first=1):
    return stage.members * models * stage.images * (stage.generations + first - 1)


def of_stages(plan):
    """Images of models of the x-run, of leaf runs that are as long as they can be, and of the least final run."""
    leaves = plan.leaf_runs * 2 * cost(plan.leaf_run, X_MODELS)
    return cost(plan.x_run, X_MODELS), leaves, cost(plan.final, FINAL_MODELS, first=2)


@pytest.mark.parametrize("minutes", [5, 8, 13, 20, 60, 180, 1000])
@pytest.mark.parametrize("pace", [3_000, 7_000, 14_000, 200_000])
@pytest.mark.parametrize("images", [100, 3_000, 60_000])
def test_the_longest_recursion_ends_within_a_tenth_of_the_time(minutes, pace, images):
    speed = dataclasses.replace(SPEED, training=pace, encoding=3 * pace)
    if pace == 3_000 and minutes == 5:
        return  # refused, below
    plan = choose(images, speed, 60 * minutes)
    assert plan.total_images / pace < 60 * minutes
    x_run, leaves, final = of_stages(plan)
    assert x_run + leaves + final <= 1.1 * plan.total_images  # so the budget decides, not the least final run
    # A recursion without leaf runs spends the same: the final run takes what they leave.
    settings = PopulationSettings(
        size=plan.final.members, models=FINAL_MODELS, initial_factor=2, generations=plan.final.generations
    )
    generations = count_affordable_generations(settings, plan.final.images, plan.total_images - x_run)
    spent = x_run + plan.final.members * FINAL_MODELS * plan.final.images * (generations + 1)
    assert 0.85 * plan.total_images < spent <= plan.total_images


def test_more_minutes_never_train_less():
    plans = [choose(3_000, SPEED, 60 * minutes) for minutes in range(5, 400)]
    for few, more in zip(plans, plans[1:], strict=False):
        assert few.total_images < more.total_images
        assert few.leaf_runs <= more.leaf_runs
        assert few.x_run.members <= more.x_run.members
    assert of_stages(plans[0])[0] * 30 < of_stages(plans[-1])[0]
    for plan in plans:
        seen = plan.x_run.images * plan.x_run.generations
        assert seen >= planning.LEAST_IMAGES * 3.5


def test_too_little_time_says_how_much_is_needed():
    with pytest.raises(UserError, match=r"at least ([\d.]+) minutes, and 1.0 are left: give more --minutes") as error:
        choose(3_000, SPEED, 60)
    assert "\n" not in str(error.value)
    needed = float(str(error.value).split("at least ")[1].split()[0])
    choose(3_000, SPEED, 60 * needed * 1.1)
    with pytest.raises(UserError, match="Too little time"):
        choose(3_000, SPEED, 60 * needed * 0.8)
    with pytest.raises(UserError, match="and 0.0 are left"):
        choose(3_000, SPEED, -5)


def test_too_few_images():
    with pytest.raises(UserError, match="at least 100 images, some thousands are better, got 99: add more"):
        choose(99, SPEED, 3600)
    choose(100, SPEED, 3600)


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
    ],
)
def test_sizes(height, width, expected):
    assert planning.sizes(height, width) == expected


def test_larger_images_are_worth_it_where_models_see_enough_of_them():
    slow = planning.at_other_size(SPEED, (64, 64))
    assert slow.training == SPEED.training / 4
    assert not planning.worth_it(slow, 20 * 60)
    assert planning.worth_it(slow, 180 * 60)


def test_beta_is_in_proportion_to_the_pixels_and_reaches_down_to_1():
    assert planning.betas((32, 32)) == (1, 2, 4, 8, 16, 32, 64)
    assert planning.betas((64, 64)) == (4, 8, 16, 32, 64, 128, 256)
    assert planning.betas((16, 16)) == (1, 2, 4, 8, 16)


def test_many_cores_train_more_members_where_all_see_enough():
    assert choose(3_000, SPEED, 3600, cores=2).x_run.members <= choose(3_000, SPEED, 3600, cores=64).x_run.members
    many = dataclasses.replace(SPEED, training=100_000)
    assert choose(3_000, many, 600, cores=48).x_run.members == 16
    assert choose(3_000, SPEED, 600, cores=48).x_run.members == 4


def test_measuring_takes_its_share_of_the_time():
    without, few, many = (choose(3_000, SPEED, 1200, factor_values=values) for values in (None, [3, 4], [10] * 20))
    assert many.num_train < few.num_train <= without.num_train == 10_000
    assert many.total_images < few.total_images < without.total_images
    assert choose(3_000, SPEED, 1200, factor_values=[10] * 20, trees="lightgbm").num_train > many.num_train


@pytest.mark.parametrize("size", [(16, 16), (32, 32), (40, 40), (64, 64), (32, 64)])
def test_the_gin_file_is_whole_and_nothing_in_it_is_without_effect(size):
    plan = choose(3_000, dataclasses.replace(SPEED, size=size), 1200)
    models = gin_writer.networks(size, "float32")
    text = gin_writer.gin_text(
        plan, "two\nlines", gin_writer.dataset({"name": "a's.npz", "size": None}), models, False, 7
    )
    blind = gin_writer.gin_text(
        plan, "two\nlines", gin_writer.dataset({"name": "a.npz"}), models, False, 7, measured=False
    )
    assert "dci_backend" in text and "easure" not in blind
    read_gin([], [text])
    assert no_effect.known() == []
    assert gin.query_parameter("dataset.name") == "a's.npz"
    assert gin.query_parameter("experiment.seed") == 7
    with gin.config_scope("x_run"):
        settings = PopulationSettings()
    assert (settings.size, settings.models, settings.generations) == (plan.x_run.members, X_MODELS, 4)
    with gin.config_scope("leaf_run"):
        assert PopulationSettings().images == plan.leaf_run.images
    assert settings.search_space.dimensions["beta"].initial == plan.betas


@pytest.mark.slow
@pytest.mark.parametrize("size", [(16, 16), (32, 32), (40, 40), (64, 64), (32, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_networks_take_the_size(size, channels):
    from rdl import models

    read_gin([], [gin_writer.networks(size, "float32")])
    assert models.build((*size, channels)).num_latents == 10


@pytest.mark.parametrize("shape", [(32, 32, 1), (28, 28, 1), (200, 150, 3), (64, 64, 3)])
def test_what_was_chosen_is_said_with_its_reason(shape):
    plan = choose(3_000, SPEED, 1200)
    said = " ".join(gin_writer.spoken(plan, 3_000, shape, SPEED, "2 cores", asked=False))
    assert f"3,000 images of {shape[0]} x {shape[1]}, {'grey' if shape[2] == 1 else 'RGB'}" in said
    reason = {32: "", 28: "which the networks need", 200: "see fewer than", 64: "see fewer than"}[shape[0]]
    assert ("Learned from at 32 x 32" in said) == bool(reason)
    assert reason in said
    assert not math.isnan(plan.seconds)
