"""The numbering of the study's models, compared with settings computed by hand.

Number = ((dataset * 6 + method) * 6 + strength) * 50 + seed, with disentanglement_lib's order of data sets
(dsprites_full, color, noisy, scream, smallnorb, cars3d, shapes3d) and of methods (beta_vae, factor_vae, dip_vae_i,
dip_vae_ii, beta_tc_vae, annealed_vae).
"""

import subprocess
import sys
from pathlib import Path

import gin
import pytest

from rdl.cli import configure
from rdl.config import read_gin
from rdl.errors import UserError
from rdl.jobs import experiment  # noqa: F401  (register every gin name)
from rdl.jobs.one_point import one_point
from rdl.jobs.studies.published import METHODS, NUM_MODELS, StudyModel, StudyPlan, parse_numbers
from rdl.models.objectives import objective as objectives

configure()

ROOT = Path(__file__).resolve().parents[2]
# 1,800 models per data set, 300 per method, 50 per strength.
BY_HAND = {
    0: ("dsprites_full", "beta_vae", {"vae.beta": 1.0}, 0),
    299: ("dsprites_full", "beta_vae", {"vae.beta": 16.0}, 49),
    300: ("dsprites_full", "factor_vae", {"factor_vae.gamma": 10.0}, 0),
    # 1234 = 0 * 1800 + 4 * 300 + 0 * 50 + 34
    1234: ("dsprites_full", "beta_tc_vae", {"beta_tc_vae.beta": 1.0}, 34),
    # 1800 + 5 * 300 + 2 * 50 + 7
    3407: (
        "color_dsprites",
        "annealed_vae",
        {"annealed_vae.c_max": 25.0, "annealed_vae.gamma": 1000, "annealed_vae.iteration_threshold": 100000},
        7,
    ),
    # 2 * 1800 + 2 * 300 + 3 * 50 + 11
    4361: (
        "noisy_dsprites",
        "dip_vae_i",
        {"dip_vae.lambda_od": 10.0, "dip_vae.lambda_d_factor": 10.0, "dip_vae.dip_type": "i"},
        11,
    ),
    # 3 * 1800 + 3 * 300 + 5 * 50 + 1
    6551: (
        "scream_dsprites",
        "dip_vae_ii",
        {"dip_vae.lambda_od": 50.0, "dip_vae.lambda_d_factor": 1.0, "dip_vae.dip_type": "ii"},
        1,
    ),
    # 4 * 1800 + 1 * 300 + 5 * 50 + 27
    7777: ("smallnorb", "factor_vae", {"factor_vae.gamma": 100.0}, 27),
    # 5 * 1800 + 4 * 300 + 5 * 50 + 49
    10499: ("cars3d", "beta_tc_vae", {"beta_tc_vae.beta": 10.0}, 49),
    # 6 * 1800 + 5 * 300 + 5 * 50 + 49
    12599: (
        "shapes3d",
        "annealed_vae",
        {"annealed_vae.c_max": 100.0, "annealed_vae.gamma": 1000, "annealed_vae.iteration_threshold": 100000},
        49,
    ),
}


@pytest.mark.parametrize("number", BY_HAND)
def test_numbers_have_the_settings_computed_by_hand(number):
    model = StudyModel.from_number(number)
    assert (model.dataset, model.method, model.objective, model.seed) == BY_HAND[number]


def test_the_study_has_12600_different_models():
    assert NUM_MODELS == 12_600
    everything = {(s.dataset, s.method, s.strength, s.seed) for s in map(StudyModel.from_number, range(NUM_MODELS))}
    assert len(everything) == NUM_MODELS


@pytest.mark.parametrize("number", (-1, 12_600))
def test_numbers_out_of_range_are_refused_in_one_line(number):
    with pytest.raises(UserError, match="--model_num") as error:
        StudyModel.from_number(number)
    assert "\n" not in str(error.value)


def test_the_command_prints_the_settings_of_numbers():
    command = [sys.executable, str(ROOT / "bin" / "study"), "unsupervised_study_v1", "--only_print"]
    numbers = ",".join(map(str, BY_HAND))
    printed = subprocess.run([*command, f"--model_num={numbers}"], capture_output=True, text=True, check=True).stdout
    blocks = printed.strip().split("\n\n")
    assert len(blocks) == len(BY_HAND)
    for block, (dataset, method, objective, seed) in zip(blocks, BY_HAND.values(), strict=True):
        lines = {line.strip() for line in block.splitlines()}
        values = {"dataset.name": dataset, "experiment.seed": seed, "model.random_seed": seed, "model.name": method}
        assert {f"{name} = {value!r}" for name, value in (values | objective).items()} <= lines


def test_the_command_refuses_an_unknown_study():
    command = [sys.executable, str(ROOT / "bin" / "study"), "unsupervised_study_v9", "--model_num=1"]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 2
    assert finished.stderr.startswith("error: Expected gin files or the study unsupervised_study_v1")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [[], ["--gin_bindings=dataset.size = 16"]])
def test_the_command_does_not_train_all_models_by_default(arguments, tmp_path):
    command = [sys.executable, str(ROOT / "bin" / "study"), "unsupervised_study_v1", *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert finished.returncode == 2
    assert "all 12,600 models" in finished.stderr
    assert not list(tmp_path.iterdir())


def test_ranges_of_numbers_include_both_ends():
    assert parse_numbers("3,10-12") == [3, 10, 11, 12]
    # An empty range must not select all models, and a mistyped end must not fill the memory.
    for wrong in ("a", "3-", "-3", "1,,2", "1.5", "", "10-5", "7,10-5", "0-12600", "0-999999999999"):
        with pytest.raises(UserError, match="--model_num"):
            parse_numbers(wrong)


def test_a_plan_selects_models():
    plan = StudyPlan(("shapes3d",), ("dip_vae_i", "beta_vae"), {"beta_vae": (2.0,)}, seeds=2)
    first = 6 * 1800
    expected = [first + 50, first + 51]  # beta 2
    expected += [first + 600 + 50 * strength + seed for strength in range(6) for seed in range(2)]
    assert [model.number for model in plan.list_models()] == expected


def test_a_plan_with_unknown_parts_is_refused():
    for wrong in ({"datasets": ("mnist",)}, {"methods": ("vae",)}, {"strengths": {"beta_vae": (3.0,)}}, {"seeds": 51}):
        with pytest.raises(UserError, match=r"study\."):
            StudyPlan(**wrong)


@pytest.mark.parametrize("method", METHODS)
def test_the_gin_file_of_each_method_has_the_settings_of_the_study(method):
    model = next(s for s in map(StudyModel.from_number, range(1800)) if s.method == method)
    read_gin([str(model.gin_file)], model.bindings())
    dimensions = gin.query_parameter("population.search_space").scoped_configurable_fn().dimensions
    values = {name: dimension.initial[0] for name, dimension in dimensions.items()}
    hyperparameters = {k.split(".")[1]: v for k, v in model.objective.items() if not isinstance(v, str)}
    assert values == {**hyperparameters, "learning_rate": 1e-4, "batch_size": 64}
    steps = gin.query_parameter("population.images") * gin.query_parameter("population.generations") // 64
    assert steps == 300_000
    assert gin.query_parameter("model.num_latents") == 10


def test_one_point_never_changes():
    import numpy as np

    space = one_point(objectives.annealed_vae, learning_rate=3e-4, batch_size=32)
    random = np.random.default_rng(0)
    drawn = space.draw(random)
    assert space.perturb(drawn, random) == drawn
    assert drawn["batch_size"] == 32
    assert drawn["c_max"] == 25.0
