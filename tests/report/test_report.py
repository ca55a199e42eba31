import importlib.util
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from rdl import data
from rdl.errors import UserError
from rdl.report import evidence, how_well, live, write_report
from rdl.report.baselines import Baseline, read_baselines
from rdl.report.how_well import mean_and_interval
from rdl.report.markup import tag
from rdl.report.reading import read_records
from rdl.runs import Run
from rdl.runs.layout import MeasureKey

_spec = importlib.util.spec_from_file_location("made_up", Path(__file__).with_name("made_up.py"))
assert _spec
assert _spec.loader
made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_up)

EVIL = "<script>alert('x\")</script>--><img src=x onerror=alert(1)>&$x_1$"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = made_up.make_run(tmp_path_factory.mktemp("runs") / "finished", leaves=1, count=2)
    return root, write_report([root]).read_text()


def test_the_page_answers_the_four_questions_in_order(finished):
    _, page = finished
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles == ["What was found", "How well", "How it was found", "Can I trust it"]
    for text in (
        "0.400",
        "0.200 [-0.048,\u00a00.448] (n\u00a0=\u00a03)",
        "a warning",
        "numpy 2.4",
        "label.kl_threshold",
        "abc",
    ):
        assert text in page


def test_the_page_needs_nothing_else(finished):
    _, page = finished
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    addresses = set(re.findall(r"https?://[^\s\"<]+", page))
    assert all("w3.org" in address for address in addresses)  # names of SVG's namespaces: nothing is fetched


def test_figures_lie_beside_the_page(finished):
    root, page = finished
    figures = root / "report" / "figures"
    for name in ("reconstructions", "mutual_information", "dci_importances", "x_run_lineage"):
        assert (figures / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "</svg>" in (figures / f"{name}.svg").read_text()
    assert page.count("<svg") == len(list(figures.glob("*.svg")))


def test_every_factor_that_varies_is_looked_at(monkeypatch):
    images = data.load("dsprites_full", values={"orientation": [0, 20], "x": 4, "y": 4}, size=16)
    chosen = np.arange(len(images))  # sorted by shape, then by scale
    trees = []

    def importances(codes, factors, *_):
        trees.append(factors.shape)
        return np.zeros((len(codes), len(factors))), 0.0, 0.0

    monkeypatch.setattr(evidence.dci, "compute_importance_gbt", importances)
    names, information, _ = evidence._know(images, chosen, images.factors(chosen) * 1.0, lambda line: None)
    assert names == ("shape", "scale", "orientation", "x", "y")
    np.testing.assert_allclose(np.diag(information), 1.0)
    assert trees == [(5, evidence.TREE_POINTS)]


def test_the_recursion_is_told_step_by_step(finished):
    root, page = finished
    records = read_records(root)
    assert [found.images for found in records.leaves["leaf_0"]] == [288, 18]
    assert "z0 x, z2 y" in page  # the latents are named after the factors that they are
    assert "shape 33%, scale 17%, x 100%, y 100%" in page
    assert records.leaves["leaf_0"][-1].stop.explanation in page


def test_the_member_handed_over_is_the_one_on_record_with_its_active_latents(tmp_path):
    root = made_up.make_run(tmp_path / "run", finished=False, leaves=1, count=3)
    assert read_records(root).best("x_run").generation == 2  # an older run does not say: the last generation's
    found = made_up.generations(4, 3, 0, pairwise_udr=[[0.0, 0.4], [0.5, 0.0]], active_latents=[1, 2])
    best = found[1][2]
    with Run(root, made_up.CONFIG) as run:
        for members in found:
            for member in members:
                run.journal.append(f"x_run/{member.name}", member.to_record())
        run.journal.append("x_run/outcome", {"best": best.name, "stopped": "3 generations done"})
    records = read_records(root)
    assert records.best("x_run") == best
    assert records.best("nowhere") is None
    page = write_report([root]).read_text()
    told = f"{best.score:.3f} (1.5 active)"
    assert f"best UDR {told}" in page
    assert f"Best UDR {told}, in generation 1. " in page
    assert f"Best member: number 2 in generation 1, UDR {told}, with" in page


@pytest.mark.slow
def test_text_from_a_run_is_shown_as_text(tmp_path):
    root = made_up.make_run(
        tmp_path / "run", leaves=1, count=2, word=EVIL.replace("/", "|"), reason=EVIL, config=made_up.CONFIG
    )
    (root / "environment" / "000.log").write_text(EVIL + "\n")
    page = write_report([root], baselines=[Baseline(EVIL, EVIL, {"discrete_mig": [0.1, 0.2]})]).read_text()
    assert page.count("<script") == 1  # the page's own
    assert "<img src=x" not in page
    assert page.count("&lt;script&gt;alert(") > 10
    for path in (root / "report" / "figures").glob("*.svg"):
        assert "<script" not in path.read_text()


def test_a_running_run_shows_what_there_is(tmp_path):
    root = made_up.make_run(tmp_path / "run", finished=False, leaves=1, count=1)
    with open(root / "journal.jsonl", "ab") as file:
        file.write(b'{"key": "x_run/gener')  # being written right now
    before = (root / "journal.jsonl").read_bytes()
    page = write_report([root], live=True).read_text()
    assert "Not finished" in page
    assert 'http-equiv="refresh"' in page
    assert "x_run" in page
    assert read_records(root).reader.damaged == 0
    assert (root / "journal.jsonl").read_bytes() == before


def test_a_run_without_any_record_has_a_page(tmp_path):
    (tmp_path / "config.gin").write_text("")
    page = write_report([tmp_path]).read_text()
    assert "No member has finished training yet" in page
    assert "Pictures and factor names are left out" in page  # no data set is named


@pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff"])
def test_surroundings_that_cannot_be_read_are_not_recorded(tmp_path, content):
    root = made_up.make_run(tmp_path / "run", finished=False, leaves=0, count=1)
    (root / "environment" / "000.json").write_bytes(content)
    assert [session.environment for session in read_records(root).reader.sessions] == [{}]
    assert "not recorded" in write_report([root]).read_text()


def test_a_damaged_line_is_told_and_left_alone(tmp_path):
    root = made_up.make_run(tmp_path / "run", finished=False, leaves=0, count=1)
    journal = root / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0].replace(b"scored", b"SCORED"), *lines[1:]]))
    page = write_report([root]).read_text()
    assert "1 lines of the journal are damaged" in page


@pytest.mark.slow
def test_several_runs_stand_side_by_side(finished, tmp_path):
    root, _ = finished
    twin = tmp_path / "twin"
    shutil.copytree(root, twin, ignore=shutil.ignore_patterns("report", "model"))
    page = write_report([root, twin], tmp_path / "both").read_text()
    assert "2 runs" in page
    assert "0.400 [0.400,\u00a00.400] (n\u00a0=\u00a02)" in page
    assert page.count("<h2>Can I trust it</h2>") == 2
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_runs_that_differ_in_more_than_their_seed_are_not_averaged(tmp_path):
    def run(config, mig):
        root = tmp_path / str(mig)
        with Run(root, config) as run:
            run.unit(MeasureKey("final"), lambda: {"discrete_mig": mig})
            run.unit(MeasureKey("x_model"), lambda: {"discrete_mig": mig / 2})
        return read_records(root)

    runs = [run("a.x = 1\nexperiment.seed = 0\n", 0.4), run("a.x = 1\nexperiment.seed = 1\n", 0.5)]
    found = how_well.compare(runs, [])
    assert {name: values["discrete_mig"] for name, values in found.items()} == {
        "final model": [0.4, 0.5],
        "x-model": [0.2, 0.25],
    }
    found = how_well.compare([*runs, run("a.x = 2\n", 0.1)], [])
    assert {name: values["discrete_mig"] for name, values in found.items()} == {
        "final model (a.x 1)": [0.4, 0.5],
        "x-model (a.x 1)": [0.2, 0.25],
        "final model (a.x 2)": [0.1],
        "x-model (a.x 2)": [0.05],
    }


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="is not a run directory"):
        write_report([tmp_path])
    with pytest.raises(UserError, match="needs a run directory"):
        write_report([])


def test_watching_rewrites_when_records_land_and_ends_with_the_run(tmp_path, monkeypatch, capsys):
    root = made_up.make_run(tmp_path / "run", finished=False, leaves=0, count=1)
    landing = iter([("session/001", {"seconds": 1.0}), ("summary", {})])  # while a page is drawn
    written = []

    def write(roots, *_, **options):
        written.append((options["live"], read_records(root).summary is not None))
        if written[-1] != (True, True):
            with Run(root, made_up.CONFIG) as run:
                run.journal.append(*next(landing))
        return root / "config.gin"

    monkeypatch.setattr(live, "write_report", write)
    monkeypatch.setattr(live.time, "sleep", lambda _: pytest.fail("records have landed: there is nothing to wait for"))
    live.write([str(root)], None, [], watch=True)
    assert written == [(True, False), (True, False), (True, True)]  # the last page shows the end
    assert capsys.readouterr().out.count("config.gin") == 3


def test_contents_are_escaped_and_markup_is_not():
    page = tag("p", "a < b & 'c'", tag("b", 1), None, ["x", ["<y>"]], title='"><script>', hidden=True, lang=None)
    escaped = "a &lt; b &amp; &#x27;c&#x27;<b>1</b>x&lt;y&gt;"
    assert page == f'<p title="&quot;&gt;&lt;script&gt;" hidden>{escaped}</p>'


def write_result(folder, metric, seed, **values):
    path = folder / str(seed) / "metrics" / "mean" / metric / "results" / "aggregate" / "evaluation.json"
    path.parent.mkdir(parents=True)
    content = {f"evaluation_results.{key}": value for key, value in values.items()}
    content |= {
        "train_config.model.name": "'beta_vae'",
        "train_config.vae.beta": "4.0",
        "train_config.dataset.name": "'dsprites_full'",
        "evaluation_config.evaluation.name": f"'{metric}'",
        "evaluation_config.mig.num_train": "50000",
    }
    path.write_text(json.dumps(content))
    return path


def test_baselines_are_read_from_disentanglement_libs_results(tmp_path):
    for seed, value in enumerate((0.1, 0.2, 0.6)):
        write_result(tmp_path, "mig", seed, discrete_mig=value, uuid="a")
        write_result(tmp_path, "dci", seed, disentanglement=value / 2)
        write_result(tmp_path, "beta_vae_sklearn", seed, eval_accuracy=0.9)
        write_result(tmp_path, "factor_vae_metric", seed, eval_accuracy=0.7)
    (baseline,) = read_baselines([tmp_path])
    assert (baseline.name, baseline.dataset) == ("beta_vae, beta 4", "dsprites_full")
    assert sorted(baseline.values["discrete_mig"]) == [0.1, 0.2, 0.6]
    assert sorted(baseline.values["disentanglement"]) == [0.05, 0.1, 0.3]
    assert baseline.values["beta_vae_sklearn.eval_accuracy"] == [0.9] * 3  # another metric's than the next
    assert baseline.values["factor_vae_metric.eval_accuracy"] == [0.7] * 3
    assert mean_and_interval([0.1, 0.2, 0.6]) == "0.300 (0.100,\u00a00.200,\u00a00.600) (n\u00a0=\u00a03)"
    assert mean_and_interval([0.25]) == "0.250"


@pytest.mark.slow
def test_baselines_in_aggregated_json_stand_in_the_table_and_other_conditions_below_it(finished, tmp_path):
    rows = [json.loads(write_result(tmp_path, "mig", seed, discrete_mig=0.5).read_text()) for seed in range(2)]
    (tmp_path / "dlib.json").write_text(
        json.dumps({key: {str(i): row[key] for i, row in enumerate(rows)} for key in rows[0]})
    )
    page = write_report([finished[0]], tmp_path / "page", read_baselines([tmp_path / "dlib.json"])).read_text()
    assert "beta_vae, beta 4 (dsprites_full)" in page
    assert "0.500 [0.500,\u00a00.500] (n\u00a0=\u00a02)" in page
    assert "not comparable: beta_vae, beta 4 (mig.num_train 50000, here 10000)." in page


def test_wrong_baselines_are_refused(tmp_path):
    with pytest.raises(UserError, match="holds no results"):
        read_baselines([tmp_path])
    write_result(tmp_path, "mig", 0, discrete_mig=0.5).write_text("{")
    with pytest.raises(UserError, match="Cannot read .*evaluation.json"):
        read_baselines([tmp_path])


def test_the_first_thing_said_is_whether_it_worked(finished):
    root, page = finished
    assert page.index(made_up.VERDICT.headline) < page.index('class="tiles"')
    assert "entangled with z2" in page
    well = page[page.index("<h2>How well</h2>") : page.index("<h2>How it was found</h2>")]
    assert "Compared with 6 models trained apart" in well and "On the true factors" in well


def test_how_well_is_not_empty_without_labels(tmp_path):
    root = made_up.make_run(tmp_path / "run", leaves=0, count=1)
    lines = (root / "journal.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if b"measure" not in line and b"random_members" not in line]
    (root / "journal.jsonl").write_bytes(b"".join(kept))
    page = write_report([root]).read_text()
    well = page[page.index("<h2>How well</h2>") : page.index("<h2>How it was found</h2>")]
    assert "No true factors are known" in well and "Without labels" in well and "found again" in well


@pytest.mark.parametrize("content", [None, b"[1]", b"{}", b'{"latents": 3, "compared": 1, "reconstruction": 0.5}'])
def test_a_verdict_that_cannot_be_read_is_none(tmp_path, content):
    root = made_up.make_run(tmp_path / "run", leaves=0, count=1)
    path = read_records(root).reader.paths.verdict
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert read_records(root).verdict is None
    assert "There is no verdict on this run" in write_report([root]).read_text()


def test_the_udr_of_two_models_is_one_number(finished):
    _, page = finished
    assert "Its two VAEs are alike to a UDR of 0.450" in page
    assert "pairwise UDR" not in page
