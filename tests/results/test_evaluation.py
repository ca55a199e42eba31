"""The result tree of a run: names, keys and types of disentanglement_lib, and the measurements in it."""

import importlib.util
import json
import math
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gin
import numpy as np
import pytest

from rdl import data, models
from rdl.errors import UserError
from rdl.models.networks import small as small_networks
from rdl.models.objectives import objective as objectives
from rdl.models.saving import saved
from rdl.results import evaluation, result_tree
from rdl.results.finished_run import FinishedRun
from rdl.results.results_table import read_results
from rdl.runs import RunReader, files
from tests.run_configs import parse_config, write_config

VALUES = {"scale": 2, "orientation": 2, "x": 2, "y": 2}
SMALL = (
    "mig.num_train = 200", "dci.num_train = 60", "dci.num_test = 40", "sap_score.num_train = 200",
    "sap_score.num_test = 100", "modularity_explicitness.num_train = 200", "modularity_explicitness.num_test = 100",
    "irs.num_train = 200", "unsupervised_metrics.num_train = 200", "beta_vae_sklearn.num_train = 60",
    "beta_vae_sklearn.num_eval = 40", "beta_vae_sklearn.batch_size = 8", "factor_vae_score.num_train = 60",
    "factor_vae_score.num_eval = 40", "factor_vae_score.num_variance_estimate = 100",
    "factor_vae_score.batch_size = 8", "downstream_task.num_train = (60,)", "downstream_task.num_test = 40",
)  # fmt: skip
# Result keys of disentanglement_lib by metric.
KEYS = {
    "beta_vae_sklearn": {"train_accuracy", "eval_accuracy"},
    "factor_vae_metric": {"train_accuracy", "eval_accuracy", "num_active_dims"},
    "mig": {"discrete_mig"},
    "dci": {"informativeness_train", "informativeness_test", "disentanglement", "completeness"},
    "sap_score": {"SAP_score"},
    "modularity_explicitness": {"modularity_score", "explicitness_score_train", "explicitness_score_test"},
    "irs": {"IRS", "num_active_dims"},
    "unsupervised": {
        "gaussian_total_correlation",
        "gaussian_wasserstein_correlation",
        "gaussian_wasserstein_correlation_norm",
        "mutual_info_score",
    },
    "downstream_task_boosted_trees": {"60:mean_train_accuracy", "60:mean_test_accuracy", "60:test_accuracy_factor_0"},
    "downstream_task_logistic_regression": {"60:mean_train_accuracy", "60:mean_test_accuracy"},
}
TREES = ("dci", "downstream_task_boosted_trees")  # hundreds of trees, however few the points


def make_run(root: Path) -> Path:
    """A finished run of dip_vae_i with an untrained model."""
    small = (24,)
    ensemble = models.build(
        (16, 16, 1),
        encoder=lambda shape, latents: small_networks.small_fc_encoder(shape, latents, small),
        decoder=lambda shape, latents: small_networks.small_fc_decoder(shape, latents, small),
        objective=objectives.dip_vae,
        num_latents=4,
    )
    saved.save(ensemble.models[0], root / "model")
    config = f"""
dataset.name = 'dsprites_full'
dataset.size = 16
dataset.values = {VALUES!r}
experiment.job = @search
population.size = 1
model.objective = @dip_vae
model.encoder = @small_fc_encoder
model.decoder = @small_fc_decoder
dip_vae.dip_type = 'i'
"""
    write_config(root, config)
    (root / "results").mkdir()
    summary = {
        "experiment": "search", "dataset": "dsprites_full", "seed": 3, "images_trained": 6400,
        "elapsed_seconds": 1.5, "final.batch_size": 64, "final.learning_rate": 0.001, "final.lambda_od": 5.0,
        "final.lambda_d_factor": 10.0,
    }  # fmt: skip
    (root / "results" / "summary.json").write_text(json.dumps(summary))
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    root = make_run(tmp_path_factory.mktemp("runs") / "run")
    evaluation.evaluate_run(root, [metric for metric in KEYS if metric not in TREES], bindings=SMALL)
    return root


def load(path: Path):
    return json.loads(path.read_text())


def check_step(folder: Path, step: str, steps_so_far: list[str]) -> dict:
    """Checks names and types of one step's files; returns its aggregate."""
    results = folder / "results"
    names = {str(path.relative_to(results)) for path in results.rglob("*") if path.is_file()}
    expected = {f"gin/{s}.gin" for s in steps_so_far} | {f"aggregate/{s}.json" for s in steps_so_far}
    expected |= {f"json/{s}_{kind}.json" for s in steps_so_far for kind in ("config", "results")}
    assert names == expected
    aggregate = load(results / "aggregate" / f"{step}.json")
    parts = {path.stem: load(path) for path in (results / "json").glob("*.json")}
    assert aggregate == {f"{stem}.{key}": value for stem, part in parts.items() for key, value in part.items()}
    for s in steps_so_far:
        config, found = parts[f"{s}_config"], parts[f"{s}_results"]
        assert all(isinstance(value, str) and "\n" not in value for value in config.values())
        assert dict(line.split(" = ", 1) for line in (results / "gin" / f"{s}.gin").read_text().splitlines()) == config
        assert isinstance(found["elapsed_time"], float)
        assert len(found["uuid"]) == 36
        assert all(isinstance(value, (int, float, str)) for value in found.values())
        assert config["dataset.name"] == "'dsprites_full'"
    return aggregate


def check_metric(run: Path, representation: str, metric: str) -> None:
    folder = run / "metrics" / representation / metric
    aggregate = check_step(folder, "evaluation", ["evaluation", "postprocess", "train"])
    assert aggregate["evaluation_config.evaluation.name"] == f"'{metric}'"
    assert aggregate["evaluation_config.evaluation.evaluation_fn"].startswith("@")
    assert aggregate["postprocess_config.postprocess.postprocess_fn"] == f"@{representation}_representation"
    for key in KEYS[metric]:
        value = aggregate[f"evaluation_results.{key}"]
        # IRS gives the sum of the active codes under this name, as the original does.
        whole = key == "num_active_dims" and metric == "factor_vae_metric"
        assert isinstance(value, int if whole else float), key
        assert math.isfinite(value)


@pytest.mark.parametrize("representation", evaluation.REPRESENTATIONS)
def test_the_tree_has_disentanglement_lib_s_names_keys_and_types(run, representation):
    check_step(run / "model", "train", ["train"])
    check_step(run / "postprocessed" / representation, "postprocess", ["postprocess", "train"])
    assert {path.name for path in (run / "metrics" / representation).iterdir()} >= set(KEYS) - set(TREES)
    for metric in set(KEYS) - set(TREES):
        check_metric(run, representation, metric)


@pytest.mark.slow
def test_the_tree_of_metrics_by_boosted_trees(run):
    evaluation.evaluate_run(run, TREES, ["mean"], bindings=SMALL)
    for metric in TREES:
        check_metric(run, "mean", metric)


def test_training_settings_have_disentanglement_lib_s_names(run):
    aggregate = load(run / "model/results/aggregate/train.json")
    expected = {
        "model.name": "'dip_vae_i'",
        "model.model": "@dip_vae()",
        "model.batch_size": "64",
        "model.training_steps": "100",
        "model.random_seed": "3",
        "encoder.num_latent": "4",
        "dip_vae.lambda_od": "5.0",
        "dip_vae.lambda_d_factor": "10.0",
        "dip_vae.dip_type": "'i'",
        "reconstruction_loss.loss_fn": "@bernoulli_loss",
        "vae/AdamOptimizer.learning_rate": "0.001",
        "dataset.size": "16",
    }
    assert {key: aggregate[f"train_config.{key}"] for key in expected} == expected
    losses = {key: aggregate[f"train_results.{key}"] for key in ("reconstruction_loss", "kl_loss", "elbo")}
    assert losses["elbo"] == pytest.approx(-losses["reconstruction_loss"] - losses["kl_loss"])
    # Untrained logits are near 0: about log 2 for each of the 256 pixels.
    assert losses["reconstruction_loss"] == pytest.approx(256 * math.log(2), rel=0.1)


def test_measured_metrics_are_skipped(run):
    path = run / "metrics/mean/mig/results/aggregate/evaluation.json"
    before, lines = path.read_bytes(), []
    assert evaluation.evaluate_run(run, ["mig"], ["mean"], log=lines.append) == [path]
    assert lines == ["[1/1] mean mig: already measured"]
    assert path.read_bytes() == before
    evaluation.evaluate_run(run, ["mig"], ["mean"], bindings=["mig.num_train = 200"], overwrite=True)
    again = load(path)
    assert again["evaluation_results.discrete_mig"] == json.loads(before)["evaluation_results.discrete_mig"]
    assert again["evaluation_results.uuid"] != json.loads(before)["evaluation_results.uuid"]


def measured(run, metric, **how):
    """The aggregate of one metric on the means, measured unless it is there, and the lines of the log."""
    lines = []
    (path,) = evaluation.evaluate_run(run, [metric], ["mean"], log=lines.append, **how)
    return load(path), [line for line in lines if line.startswith("[")]  # without the notes on the data set


def test_a_metric_logs_its_expected_time_and_its_scores(run):
    _, lines = measured(run, "mig", bindings=SMALL[:1], overwrite=True)
    assert re.fullmatch(r"\[1/1\] mean mig: about \d+ (s|min), \d+ (s|min) left in all", lines[0])
    assert re.fullmatch(r"\[1/1\] mean mig: discrete_mig \d\.\d{3} \(\d+\.\d s\)", lines[1])
    assert len(lines) == 2


def test_results_with_and_without_a_preset_are_distinguished(run, tmp_path):
    pytest.importorskip("lightgbm")
    root = tmp_path / "run"
    shutil.copytree(run, root, ignore=shutil.ignore_patterns("metrics"))
    small = ["downstream_task.num_train = (60,)", "downstream_task.num_test = 40"]
    fast, lines = measured(root, "downstream_task_boosted_trees", bindings=small, preset="fast")
    assert fast["evaluation_config.evaluation.preset"] == "'fast'"
    assert fast["evaluation_config.gradient_boosting_classifier.backend"] == "'lightgbm'"
    assert "60:mean_test_accuracy" in lines[1] or "60:mean_train_accuracy" in lines[1]
    _, lines = measured(root, "downstream_task_boosted_trees", bindings=small, preset="fast")
    assert lines == ["[1/1] mean downstream_task_boosted_trees: already measured"]
    assert not evaluation._Work(root / "metrics/mean/downstream_task_boosted_trees", "mean", (), (), 1).is_done("")
    exact, lines = measured(root, "mig", bindings=SMALL[:1])
    assert "evaluation_config.evaluation.preset" not in exact
    assert measured(root, "mig", preset="fast")[1] == ["[1/1] mean mig: already measured"]  # exact stands for both
    with pytest.raises(UserError, match="'quick': expected fast"):
        evaluation.evaluate_run(root, ["mig"], ["mean"], preset="quick")


def test_a_preset_without_its_package_is_refused_before_measuring(run, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="needs LightGBM: pip install lightgbm"):
        evaluation.evaluate_run(run, ["dci"], ["mean"], preset="fast")


def test_the_tree_can_be_read_back(run):
    results = read_results([run])
    mig = results[(results["metric"] == "mig.discrete_mig") & (results["representation"] == "mean")]
    assert list(mig["method"]) == ["dip_vae_i, lambda_od 5"]
    assert list(mig["seed"]) == [3]
    assert mig["conditions"].iloc[0].startswith("mig.num_train 200; ")


def test_seeds_come_from_one_generator_as_in_disentanglement_lib():
    seeds = evaluation.derive_study_seeds()
    # The first 32-bit outputs of MT19937 seeded by 0.
    assert seeds["mean", "postprocess"] == 2357136044
    assert seeds["sampled", "postprocess"] == 2546248239
    assert seeds["mean", "beta_vae_sklearn"] == 3071714933
    assert len(seeds) == 22
    assert list(evaluation.METRICS) == sorted(evaluation.METRICS)


class CountingModel:
    """A posterior that depends on the image's mean, and counts the images it sees."""

    def __init__(self):
        self.seen = 0

    def posterior(self, images):
        self.seen += len(images)
        means = images.mean(axis=(1, 2, 3))[:, None] * np.array([[1.0, -2.0]], np.float32)
        return models.distributions.DiagonalNormal(means, np.full_like(means, math.log(0.25)))


def test_every_image_is_encoded_once_for_all_metrics_and_representations():
    images, model = data.load("dsprites_full", values=VALUES, size=16), CountingModel()
    found = evaluation.Representations(model, images)
    asked = model.seen - len(images)  # encode_once asks twice for 16 images
    assert 0 < asked <= 32
    states = found.data.sample_observations(5000, np.random.RandomState(1))
    means, samples = found.make_encoder("mean", 0)(states), found.make_encoder("sampled", 7)(states)
    assert model.seen == len(images) + asked
    drawn = images.sample_observations(5000, np.random.RandomState(1)).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(means, drawn[:, None] * [[1.0, -2.0]], rtol=1e-5)
    noise = (samples - means) / 0.5
    assert abs(noise.mean()) < 0.05  # 3.5 standard errors
    assert abs(noise.std() - 1) < 0.04
    np.testing.assert_array_equal(samples, found.make_encoder("sampled", 7)(states))
    assert not np.array_equal(samples, found.make_encoder("sampled", 8)(states))


def test_wrong_input_is_refused_in_one_line(tmp_path, run):
    with pytest.raises(UserError, match="no finished run"):
        evaluation.evaluate_run(tmp_path)
    with pytest.raises(UserError, match="'mgi'"):
        evaluation.evaluate_run(run, ["mgi"])
    with pytest.raises(UserError, match="mean and sampled"):
        evaluation.evaluate_run(run, ["mig"], ["median"])
    with pytest.raises(UserError, match="No configurable matching 'mgi'"):
        evaluation.evaluate_run(run, ["mig"], ["mean"], bindings=["mgi.x = 1"], overwrite=True)
    with pytest.raises(UserError, match="mig.num_train must be a whole number, got 1.5"):
        evaluation.evaluate_run(run, ["mig"], ["mean"], bindings=["mig.num_train = 1.5"], overwrite=True)
    lines = []
    for binding in ("mig.num_train = 0", "mig.batch_size = -2"):
        with pytest.raises(UserError, match="1 of 1 could not be measured"):
            evaluation.evaluate_run(run, ["mig"], ["mean"], bindings=[binding], overwrite=True, log=lines.append)
        assert "expected at least one point in batches of at least one" in lines[-1]
    (tmp_path / "empty.gin").write_text("# nothing\n")
    with pytest.raises(UserError, match="1 of 1 could not be measured"):
        evaluation.evaluate_run(run, [str(tmp_path / "empty.gin")], ["mean"], log=lines.append)
    assert "evaluation_fn" in lines[-1]
    assert gin.config_str() == ""


def test_repeats_give_means_and_standard_errors(run, tmp_path):
    def measured(name, seed, repeats):
        (tmp_path / f"{name}.gin").write_text("evaluation.evaluation_fn = @mig\nmig.num_train = 200\n")
        seeds = [f"evaluation.random_seed = {seed}"]
        (path,) = evaluation.evaluate_run(run, [str(tmp_path / f"{name}.gin")], ["mean"], repeats, seeds)
        return load(path)

    single = [measured(f"seed_{seed}", seed, 1)["evaluation_results.discrete_mig"] for seed in range(3)]
    repeated = measured("repeated", 0, 3)
    assert repeated["evaluation_config.evaluation.repeats"] == "3"
    assert repeated["evaluation_results.num_seeds"] == 3
    assert repeated["evaluation_results.discrete_mig"] == pytest.approx(np.mean(single))
    error = repeated["evaluation_results.discrete_mig.standard_error"]
    assert error == pytest.approx(np.std(single, ddof=1) / math.sqrt(3))


@pytest.mark.parametrize("arguments", [[], ["--run=x", "--metrics="], ["--run=x", "--representations="]])
def test_the_command_refuses_empty_flags(arguments):
    command = [sys.executable, str(Path(__file__).resolve().parents[2] / "bin" / "evaluate"), *arguments]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 2
    assert finished.stderr.startswith("error: --")


def test_damaged_runs_are_refused_in_one_line(tmp_path, run):
    def refused(match):
        with pytest.raises(UserError, match=match) as error:
            evaluation.evaluate_run(tmp_path / "run", ["mig"], ["mean"], bindings=SMALL[:1])
        assert "\n" not in str(error.value)
        assert gin.config_str() == ""

    shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("metrics", "postprocessed"))
    config, summary = tmp_path / "run" / "config.json", tmp_path / "run" / "results" / "summary.json"
    whole = config.read_bytes(), summary.read_bytes()
    others = ("dataset.nam = 3", "dataset.name = 3", "dataset.name = 'nowhere.npz'", "dataset.name = @call()", "")
    for content in (b"\xff\xfe", b"", b"{}", *(json.dumps(parse_config(text).to_json()).encode() for text in others)):
        config.write_bytes(content)
        refused("cannot be loaded|nowhere.npz|must be a text|damaged")
    config.write_bytes(whole[0])
    for damage, match in (
        (b'{"accuracy": 1}', "'seed' is missing"),
        (b"[1]", "JSON object"),
        (whole[1][:40], "Cannot read"),
    ):
        summary.write_bytes(damage)
        refused(match)
    summary.write_bytes(whole[1])
    (tmp_path / "run" / "model" / "results" / "json" / "train_results.json").write_bytes(b'{"elbo"')
    refused(r"Cannot read .*train_results\.json")


def test_scores_that_compare_factors_are_not_defined_for_one(run, tmp_path):
    root, lines = tmp_path / "run", []
    shutil.copytree(run, root, ignore=shutil.ignore_patterns("metrics", "postprocessed"))
    pixels = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
    np.savez(tmp_path / "one.npz", images=pixels, factors=np.arange(60) % 4)
    config = RunReader.open(root).config
    others = {key: value for key, value in config.settings.items() if not key.startswith("dataset.")}
    config = replace(config, settings=others | {"dataset.name": str(tmp_path / "one.npz")})
    files.write_json(root / "config.json", config.to_json())
    evaluation.evaluate_run(root, ["modularity_explicitness"], ["mean"], bindings=SMALL, log=lines.append)
    (path,) = result_tree.find_aggregates(root)
    results = result_tree.read_object(path)
    assert "evaluation_results.modularity_score" not in results
    assert "evaluation_results.explicitness_score_test" in results
    assert results["evaluation_results.undefined"].startswith("modularity_score: ")
    assert "modularity_score: " in lines[-1]
    assert any("60 labelled points are few" in line for line in lines)


def test_rdls_own_metrics_are_measured_as_the_others_are(run, capsys):
    small = ("infomec.num_train = 200", "dci_es.num_train = 60", "dci_es.num_test = 40", "dci_es.trees = 3")
    paths = evaluation.evaluate_run(run, ["infomec", "dci_es"], ["mean"], bindings=small)
    found = load(paths[0]) | load(paths[1])
    for key in ("infom", "infoe", "infoc", "explicitness", "size", "dci_es_completeness"):
        assert math.isfinite(found[f"evaluation_results.{key}"]), key
    assert found["evaluation_results.size"] == 5 / 4  # five factors in four latents
    with pytest.raises(UserError, match="1 of 1 could not be measured: mean dci_es") as error:
        evaluation.evaluate_run(
            run, ["dci_es"], ["mean"], bindings=("dci_es.depths = (4, 2)",), overwrite=True, log=print
        )
    assert "\n" not in str(error.value)
    assert "expected at least two rising depths from 1 and a tree, received [4, 2]" in capsys.readouterr().out


def test_a_metric_that_cannot_be_computed_leaves_the_others_done(run, tmp_path):
    few = tmp_path / "few.gin"  # 2 points for cross-validation in 5 folds
    few.write_text("evaluation.evaluation_fn = @modularity_explicitness\nmodularity_explicitness.num_train = 2\n")
    more = tmp_path / "more.gin"
    more.write_text("evaluation.evaluation_fn = @mig\nmig.num_train = 100\n")
    with pytest.raises(UserError, match="1 of 2 could not be measured: mean few; the others are done"):
        evaluation.evaluate_run(run, [str(few), str(more)], ["mean"])
    assert result_tree.is_complete(run / "metrics/mean/more", "evaluation")
    assert not result_tree.is_complete(run / "metrics/mean/few", "evaluation")


def test_images_without_every_combination_of_factors_are_measured_by_metrics_that_sample_images(tmp_path):
    run, lines = make_run(tmp_path / "run"), []
    config = RunReader.open(run).config
    config = replace(config, settings={**config.settings, "dataset.correlation": ["x", "y", 0.05]})
    files.write_json(run / "config.json", config.to_json())
    assert 10 < len(FinishedRun.open(run).images) < 0.2 * np.prod(FinishedRun.open(run).images.factors_num_values)
    metrics = ["factor_vae_metric", "mig", "beta_vae_sklearn", "sap_score"]
    with pytest.raises(UserError, match="2 of 4 could not be measured: mean factor_vae_metric, mean beta_vae_sklearn"):
        evaluation.evaluate_run(run, metrics, ["mean"], bindings=SMALL, log=lines.append)
    assert sum("No image has the factors" in line for line in lines) == 2
    assert all(result_tree.is_complete(run / "metrics/mean" / done, "evaluation") for done in ("mig", "sap_score"))


def test_a_metric_that_cannot_be_computed_is_named():
    def metric(ground_truth, function, random_state, artifact_dir):
        raise ValueError("one factor only")

    gin.bind_parameter("evaluation.evaluation_fn", metric)
    gin.bind_parameter("evaluation.name", "x")
    with pytest.raises(UserError, match="metric 'x' cannot be computed: one factor only"):
        evaluation.compute_metric(None, None)


def test_a_run_that_is_more_than_one_model_goes_by_its_job(tmp_path):
    config = parse_config("experiment.job = @rpu_vae\nmodel.objective = @beta_tc_vae")
    assert FinishedRun(tmp_path, config, {}).method == "rpu_vae"
    config = parse_config("experiment.job = @search\npopulation.size = 1\nmodel.objective = @vae")
    assert FinishedRun(tmp_path, config, {}).method == "beta_vae"
