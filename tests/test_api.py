"""The Python interface: training, measuring, loading and saving without gin text."""

import inspect
import pydoc
import subprocess
import sys

import gin
import numpy as np
import pytest

import rdl

TINY = {
    "small_fc_encoder.widths": (8,),
    "small_fc_decoder.widths": (8,),
    "population.images": 128,
    "population.generations": 1,
    "Measurement.num_train": 32,
    "Measurement.num_test": 32,
    "display.quiet": True,
    "threads.deterministic": False,  # would outlast the test
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    images = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1), dtype=np.uint8)
    np.savez(folder / "images.npz", images=images, factors=np.arange(128).reshape(64, 2) % 4)
    return rdl.train("one_vae.gin", TINY | {"dataset.name": folder / "images.npz"}, output_dir=folder / "run")


def test_one_vae_is_trained_loaded_and_saved_and_gin_left_empty(run, tmp_path):
    assert gin.config_str() == ""
    assert run.summary["images_trained"] == 128
    images = run.images.images([0, 1, 2])
    codes = run.model.encode(images)
    assert codes.shape == (3, 8)
    run.save(tmp_path / "alone")
    np.testing.assert_array_equal(rdl.load(tmp_path / "alone").encode(images), codes)
    np.testing.assert_array_equal(rdl.load(run.root).encode(images), codes)


def test_the_verdict_on_a_lone_model(run):
    assert "without other models to compare with" in str(run.verdict)
    assert run.verdict.factors_found == run.summary["verdict.factors_found"] == 0


def test_latents_results_and_beta_are_tables_and_a_sentence(run):
    assert (
        list(run.latents.index[:2])
        == [latent.latent for latent in sorted(run.verdict.latents, key=lambda one: -one.kl)][:2]
    )
    assert list(run.latents["kl"]) == sorted(run.latents["kl"], reverse=True)
    (mig,) = run.results.query("metric == 'mig.discrete_mig'")["value"]
    assert mig == run.summary["final.discrete_mig"]
    assert run.beta_summary.endswith("only: nothing was searched.")


def test_settings_reach_the_run(run):
    config = (run.root / "config.gin").read_text()
    assert "small_fc_encoder.widths = [8]" in config
    assert "model.objective = @vae" in config


@pytest.mark.slow
def test_evaluate_and_report(run):
    few = {"mig.num_train": 64}
    scores = rdl.evaluate(run, ["mig"], bindings=few)
    assert 0 <= scores["mig"]["discrete_mig"] <= 1
    assert rdl.evaluate(run.root, ["mig"], bindings=few) == scores
    assert run.report().name == "index.html"


def test_wrong_input_is_refused(tmp_path):
    with pytest.raises(rdl.UserError, match="nowhere.gin does not exist; rdl ships .*one_vae.gin"):
        rdl.train("nowhere.gin")
    with pytest.raises(rdl.UserError, match="put it in"):
        rdl.train("one_vae.gin", "experiment.seed = 1")
    with pytest.raises(rdl.UserError, match="no finished run"):
        _ = rdl.Run(tmp_path).summary


def test_the_interface_is_listed_and_documented_with_examples():
    assert {"Run", "data", "disentangle", "evaluate", "extend", "load", "train"} <= set(dir(rdl))
    shown = pydoc.render_doc(rdl, renderer=pydoc.plaintext)
    for name in ("disentangle", "train", "extend", "evaluate", "load"):
        assert f"{name}(" in shown
        assert f"rdl.{name}(" in inspect.getdoc(getattr(rdl, name))
    assert "rdl.Run(" in inspect.getdoc(rdl.Run)


def test_importing_rdl_does_not_import_tensorflow():
    code = "import sys, rdl; rdl.train, rdl.Run; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
