"""The model card: the hub's form, text of the run never taken as markup, parts without records left out."""

import json
import re
import sys

import numpy as np
import pytest

from rdl import models
from rdl.cli import command_line
from rdl.config import Reference, RunConfig
from rdl.errors import UserError
from rdl.models.likelihoods import Bernoulli, ContinuousBernoulli, with_likelihood
from rdl.models.networks import small as small_networks
from rdl.models.objectives import objective as objectives
from rdl.models.saving import saved
from rdl.models.saving.export import CARD_BEGINS, export
from rdl.population import Member
from rdl.results.model_card import citations, loading, markdown, write_card
from rdl.results.model_card.markdown import format_code
from rdl.runs import Layout, RunDirectory, files
from rdl.verdict import LatentStatus, LatentVerdict, Verdict
from rdl.verdict.label_pool import LabelSource, PooledLabel
from tests.run_configs import parse_config

CONFIG = """
dataset.name = 'dsprites_full'
dataset.values = {'x': 4}
experiment.job = @search
experiment.seed = 3
executor.address = '10.0.0.7:6379'
model.objective = @beta_tc_vae
population.size = 4
search.score = @UDRScore()
"""
SUMMARY = {
    "experiment": "search", "dataset": "dsprites_full", "seed": 3, "elapsed_seconds": 5400.0, "images_trained": 640,
    "final.discrete_mig": 0.25, "final.mig_sup": 0.00001, "measurement.num_train": 200, "measurement.num_bins": 20,
}  # fmt: skip
VERDICT = Verdict(
    (LatentVerdict(0, LatentStatus.SUPPORTED, 2.0, 0.9, 0.95, 0.5), LatentVerdict(1, LatentStatus.INACTIVE, 0.001)),
    3,
    0.87,
)
HOSTILE = (
    "a\n---\nlicense: evil\n# Evil <script>x</script> | b ` ![p](http://evil) \"'&*!!python/object:os.system {}[]: -\\"
    "\x1b[31m\u202e\u2028\x85\ud800\U0001f600"
)


@pytest.fixture(scope="module")
def model():
    encoder, decoder = (getattr(small_networks, f"small_fc_{name}") for name in ("encoder", "decoder"))
    ensemble = models.build(
        (16, 16, 1),
        encoder=lambda shape, latents: encoder(shape, latents, (8,)),
        decoder=lambda shape, latents: decoder(shape, latents, (8,)),
        objective=objectives.vae,
        num_latents=2,
    )
    return saved.TrainedModel.of(ensemble.models[0])


def make_run(root, config=CONFIG, summary=SUMMARY, word="", verdict=VERDICT):
    """A finished search without its model; ``word`` is put into every text that a card quotes."""
    with RunDirectory(root, config if isinstance(config, RunConfig) else parse_config(config)) as run:
        values = {"beta": 4.5, **({word: 1.0} if word else {})}
        member = Member(2, 1, 0, values, 7).with_score(0.4, "0")
        run.journal.append(f"population/{member.name}", member.to_record())
        run.journal.append("population/outcome", {"best": member.name, "stopped": "done"})
    factors = {f"shape{word}": 3, "x": 4}
    files.write_json(
        run.paths.dataset, {"images": 5120, "shape": [16, 16, 1], "factors": factors, "content": f"ab{word}"}
    )
    surroundings = {"commit": f"c0ffee{word}", "python": f"3.11{word}", "packages": {f"numpy{word}": f"2{word}"}}
    files.write_json(run.paths.environment(0), surroundings)
    if summary is not None:
        files.write_json(run.paths.summary, summary)
    if verdict is not None:
        files.write_json(run.paths.verdict, verdict.to_json())
    return run.paths


def measure(run, metric, values, representation="mean"):
    """Writes a result as bin/evaluate does."""
    row = {"evaluation_config.evaluation.name": f"'{metric}'", "postprocess_config.postprocess.name": representation}
    row |= {"train_config.dataset.name": "'dsprites_full'", "train_config.dataset.values": "{'x': 4}"}
    row |= {f"evaluation_results.{key}": value for key, value in values.items()}
    files.write_json(run.metric(representation, metric) / "results" / "aggregate" / "evaluation.json", row)


def parts(text):
    """The parsed front matter and the Markdown of a card."""
    yaml = pytest.importorskip("yaml")
    assert text.startswith(CARD_BEGINS)
    front, body = text.removeprefix("---\n").split("\n---\n", 1)
    return yaml.safe_load(front), body


def test_the_front_matter_has_the_hubs_form(model, tmp_path):
    run = make_run(tmp_path / "run", summary=SUMMARY | {"final.completeness": 0.75})
    measure(run, "dci", {"completeness": 0.5, "informativeness_train": 1.0})
    measure(run, "mig", {"discrete_mig": 0.125}, "sampled")
    front, body = parts(write_card(run, model, "keras", "cc-by-4.0"))
    assert front["license"] == "cc-by-4.0"
    assert front["library_name"] == "keras"
    assert "beta-tcvae" in front["tags"]
    (entry,) = front["model-index"]
    (result,) = entry["results"]
    assert entry["name"] == "run"
    assert set(result) == {"task", "dataset", "metrics"}
    assert result["dataset"] == {"type": "dsprites_full", "name": "dsprites_full", "args": {"values": "{'x': 4}"}}
    found = {metric["name"]: metric for metric in result["metrics"]}
    assert {name: metric["value"] for name, metric in found.items()} == {
        "DCI completeness": 0.5, "MIG": 0.25, "MIG, of samples": 0.125, "MIG-sup": 0.0,
    }  # fmt: skip
    assert found["MIG"]["type"] == "mig.discrete_mig"
    assert found["MIG"]["args"]["mig.num_train"] == 200
    assert "| MIG | 0.2500 | `measured_by = end of run`, `mig.num_train = 200`" in body
    assert f"z0 | {VERDICT.latents[0].description} | 2.00 | 0.90 | 0.95 | 0.50 |" in body
    assert f"| z1 | {VERDICT.latents[1].description} | 0.00 |  |  |  |" in body
    assert "`beta` 4.5" in body
    assert "scored by `UDRScore` (PBT-U-VAE)" in body
    assert re.findall(r"^@\w+\{(\w+),", body, re.M) == [
        "jaderberg2017population", "estermann2020robust", "duan2020unsupervised", "chen2018isolating", "rdl",
    ]  # fmt: skip
    assert "1.50 hours" in body
    assert "10.0.0.7" not in body


def test_labels_of_the_pool_are_in_the_card(model, tmp_path):
    run = make_run(tmp_path / "run", parse_config("experiment.job = @rpu_vae"))
    source = LabelSource("x_run", HOSTILE.replace("\ud800", ""), 1, 3)
    label = PooledLabel(source, 1.5, 0.25, 0.125, None)
    with RunDirectory(run.root, parse_config("experiment.job = @rpu_vae")) as opened:
        opened.journal.append("x_run/pool", {"labels": [label.to_json()], "sha256": ""})
        opened.journal.append("leaf_0/held", {"images": 1234, "labels": [0], "ranges": [[0.5, 0.75]]})
        opened.journal.append("leaf_0/iteration_1/pool", {"labels": [], "sha256": ""})
    text = write_card(run, model, "keras")
    assert f"| 0 | {format_code(source)} | 1.50 | 0.25 | 0.12 | – | `its own source` | leaf_0 |" in text
    assert "| leaf_0 | 1,234 | 0 in [0.50, 0.75] | none |" in text
    assert "those labels, not ground-truth factors, train and select" in text


def test_parts_without_records_are_left_out(model, tmp_path):
    front, body = parts(write_card(make_run(tmp_path / "run", summary=None, verdict=None), model, "onnx"))
    assert set(front) == {"library_name", "tags"}
    assert "## Scores" not in body
    assert "## Verdict" not in body
    assert "hours" not in body
    unmeasured = {key: value for key, value in SUMMARY.items() if not key.startswith("final.")}
    front, body = parts(write_card(make_run(tmp_path / "other", summary=unmeasured), model, "onnx"))
    assert "model-index" not in front
    assert "## Scores" not in body
    front, body = parts(write_card(Layout(tmp_path / "nowhere"), model, "onnx"))
    assert set(front) == {"library_name", "tags"}
    assert re.findall("^## (.*)", body, re.M) == ["Model", "How to load it", "Licence", "Citation"]
    assert "variational autoencoder with 2 latents" in body


def test_scores_that_are_no_numbers_are_left_out(model, tmp_path):
    summary = SUMMARY | {"final.discrete_mig": "1\nlicense: evil", "final.mig_sup": float("nan")}
    front, _ = parts(write_card(make_run(tmp_path / "run", summary=summary), model, "keras"))
    assert set(front) == {"library_name", "tags"}


def test_damaged_measurements_are_refused(model, tmp_path):
    run = make_run(tmp_path / "run")
    measure(run, "mig", {"discrete_mig": 0.5})
    (run.metric("mean", "mig") / "results" / "aggregate" / "evaluation.json").write_text("{")
    with pytest.raises(UserError, match=r"evaluation.json .*expected a JSON object"):
        write_card(run, model, "keras")


def test_text_of_a_run_is_never_markup(model, tmp_path):
    word = HOSTILE.replace("\ud800", "")  # which JSON's UTF-8 has no place for
    hostile = {"dataset.name": word, "model.objective": Reference(word), "search.score": "`<b>|`"}
    config = RunConfig({**parse_config(CONFIG).settings, **hostile})
    name = "r | ` <script> [p](http://evil) --- license: evil"
    run = make_run(tmp_path / name.replace("/", "_"), config, word=word)
    measure(run, "odd", {word: 0.5})
    text = write_card(run, model, "saved_model")
    front, body = parts(text)
    assert set(front) == {"library_name", "tags", "model-index"}
    assert front["model-index"][0]["name"] == name.replace("/", "_")
    assert len(front["model-index"][0]["results"][0]["metrics"]) == 3
    assert all(line.isprintable() for line in text.split("\n"))
    own = re.sub(r"(?ms)^(`{3,})\w+$.*?^\1$", "", body)
    own = re.sub(r"`[^`\n]+`", "", own)
    for markup in ("`", "<", "](", "evil", "http"):
        assert markup not in own, own
    for line in body.splitlines():
        if line.startswith("| "):
            assert line.count("|") in (3, 4, 8), line
    assert re.findall("^# .*", own, re.M) == ["# Disentangled representation "]
    assert set(re.findall("^## (.*)", own, re.M)) >= {"Data", "Scores", "Verdict", "Licence"}


def test_front_matter_holds_any_text_as_printable_text():
    text = markdown.format_front_matter({"a": {"b": [HOSTILE, {"c": HOSTILE, "d": 1, "e": 1e-7, "f": {}}]}})
    yaml = pytest.importorskip("yaml")
    shown = markdown.to_printable(HOSTILE, 2000)
    assert yaml.safe_load(text) == {"a": {"b": [shown, {"c": shown, "d": 1, "e": 0.0}]}}
    assert "\\ud800" in shown
    assert json.loads(text)["a"]["b"][0] == shown


def test_names_in_the_configuration_are_neither_imported_nor_called(model, tmp_path, monkeypatch):
    (tmp_path / "evil_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    run = make_run(tmp_path / "run", f"import evil_module\n{CONFIG}dataset.size = @evil_module.run()\n")
    assert "dataset.size = @evil_module.run()" in write_card(run, model, "keras")
    assert "evil_module" not in sys.modules


def test_folders_of_the_machine_are_left_out(model, tmp_path):
    config = CONFIG.replace("dsprites_full", "/home/ann/secret/cells.npz") + 'dataset.factors = "~/mine/labels.csv"\n'
    text = write_card(make_run(tmp_path / "run", config), model, "keras")
    assert "dataset.name = 'cells.npz'" in text
    assert "dataset.factors = 'labels.csv'" in text
    for folder in ("/home", "secret", "mine"):
        assert folder not in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    ("format", "likelihood"), [("keras", Bernoulli()), ("keras", ContinuousBernoulli()), ("saved_model", Bernoulli())]
)
def test_the_loading_code_runs(format, likelihood, model, tmp_path, monkeypatch):
    model = saved.TrainedModel(model.encoder, with_likelihood(model.decoder, likelihood))
    folder = tmp_path / "out"
    export(model, folder, format, write_card(make_run(tmp_path / "run"), model, format))
    (code,) = re.findall(r"How to load it\n.*?```python\n(.*?)\n```", (folder / "README.md").read_text(), re.S)
    assert code.splitlines() == loading.write_loading_code(format, model)
    monkeypatch.chdir(folder)
    names = {}
    exec(code, names)
    images = np.zeros((1, 16, 16, 1), np.float32)
    np.testing.assert_allclose(names["means"], model.encode(images), atol=1e-5)
    np.testing.assert_allclose(names["decoded"], model.decode(model.encode(images)), atol=1e-5)


def test_a_card_replaces_an_older_card_but_no_other_readme(model, tmp_path):
    folder = tmp_path / "out"
    first = write_card(make_run(tmp_path / "run"), model, "keras")
    export(model, folder, "keras", first)
    second = write_card(make_run(tmp_path / "other"), model, "keras")
    assert folder / "README.md" in export(model, folder, "keras", second)
    assert (folder / "README.md").read_text() == second != first
    with pytest.raises(ZeroDivisionError):
        export(BreaksWhenWritten(model), folder, "keras", first)
    assert (folder / "README.md").read_text() == second
    for own in (second.replace(CARD_BEGINS, "---\n"), "my thesis", ""):
        (folder / "README.md").write_text(own)
        with pytest.raises(UserError, match="README.md, which is not part of an export"):
            export(model, folder, "keras", first)
        assert (folder / "README.md").read_text() == own


class BreaksWhenWritten:
    def __init__(self, model):
        self.encoder = model.encoder

    @property
    def decoder(self):
        return 1 / 0


def test_the_command_writes_the_card(model, tmp_path, capsys):
    run = make_run(tmp_path / "run")
    saved.save(model, run.model)
    assert command_line.run("export", [str(run.root), "--format=keras", "--license=mit"]) == 0
    folder = run.root / "export" / "keras"
    assert capsys.readouterr().out.split() == [
        str(folder / name) for name in ("README.md", "decoder.keras", "encoder.keras")
    ]
    assert (folder / "README.md").read_text() == write_card(run, model, "keras", "mit")
    assert command_line.run("export", [str(run.root), "--license=MIT licence\n"]) == 2
    assert "error: --license must be a name" in capsys.readouterr().err


def test_every_method_has_a_paper():
    papers = [paper for _, paper in citations.OBJECTIVES.values()]
    papers += [paper for _, several in citations.POPULATION_SCORES.values() for paper in several]
    for key in (*papers, citations.RECURSION, citations.POPULATIONS):
        first, *fields, last = citations.format_bibtex(key)
        assert first.endswith(f"{{{key},")
        assert last == "}"
        assert [field.split()[0] for field in fields][:2] == ["title", "author"]
