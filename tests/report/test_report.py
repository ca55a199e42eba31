"""The page of one run and of several: its content, escaping, and what it needs."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape

from rdl import data
from rdl.errors import UserError
from rdl.population import Member
from rdl.report import model_analysis, watch
from rdl.report.figure_writer import FigureWriter
from rdl.report.images_section import render_images
from rdl.report.page import write_report
from rdl.report.population_section import render_population
from rdl.report.rendering import render_table
from rdl.report.run_records import read_records
from rdl.report.scores_section import collect_results, render_scores
from rdl.results.results_table import read_results
from rdl.runs import RunDirectory, files
from rdl.runs.keys import MeasureKey
from tests.report import made_up
from tests.run_configs import parse_config, write_config

EVIL = "<script>alert('x\")</script>--><img src=x onerror=alert(1)>&$x_1$"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = made_up.make_run(tmp_path_factory.mktemp("runs") / "finished", leaves=1, count=2)
    return root, write_report([root]).read_text()


def section(page, heading):
    return page[page.index(f"<h2>{heading}</h2>") :].partition("<h2>")[2].partition("<h2>")[0]


def test_the_page_has_five_sections(finished):
    _, page = finished
    assert re.findall(r"<h2>(.*?)</h2>", page) == ["Latents", "Scores", "Images", "Search", "Provenance"]
    for text in ("0.400", "0.200 (0.100, 0.200, 0.300)", "a warning", "numpy 2.4", "label.kl_threshold", "abc"):
        assert text in page


def test_the_page_loads_nothing(finished):
    _, page = finished
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    addresses = set(re.findall(r"https?://[^\s\"<]+", page))
    assert all("w3.org" in address for address in addresses)  # namespaces of SVG, which are not fetched


def test_figures_are_also_files_beside_the_page(finished):
    root, page = finished
    folder = root / "report" / "figures"
    for name in ("reconstructions", "mutual_information", "dci_importances", "x_run_lineage"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "</svg>" in (folder / f"{name}.svg").read_text()
    assert page.count("<svg") == len(list(folder.glob("*.svg")))


def test_every_factor_that_varies_is_analyzed(monkeypatch):
    images = data.load("dsprites_full", values={"orientation": [0, 20], "x": 4, "y": 4}, size=16)
    chosen = np.arange(len(images))  # sorted by shape, then by scale
    trees = []

    def importances(codes, factors, *_, **__):
        trees.append(factors.shape)
        return np.zeros((len(codes), len(factors))), 0.0, 0.0

    monkeypatch.setattr(model_analysis.dci, "compute_importance_gbt", importances)
    factors = images.factors(chosen) * 1.0
    names, information, _ = model_analysis._measure_factors(images, chosen, factors, lambda line: None)
    assert names == ("shape", "scale", "orientation", "x", "y")
    np.testing.assert_allclose(np.diag(information), 1.0)
    assert trees == [(5, model_analysis.TREE_POINTS)]


def test_the_search_shows_every_iteration(finished):
    root, page = finished
    records = read_records(root)
    assert [found.images for found in records.leaves["leaf_0"]] == [288, 18]
    assert "z0 x, z2 y" in page  # latents are named after the factors that they encode
    assert "shape 33%, scale 17%, x 100%, y 100%" in page
    assert records.leaves["leaf_0"][-1].stop.explanation in page


def test_the_selected_member_is_the_best_member(tmp_path):
    root = made_up.make_run(tmp_path / "run", finished=False, leaves=1, count=3)
    assert read_records(root).best("x_run").generation == 2  # while the stage trains: of the last generation
    found = made_up.generations(4, 3, 0, pairwise_udr=[[0.0, 0.4], [0.5, 0.0]], active_latents=[1, 2])
    best = found[1][2]
    with RunDirectory(root, parse_config(made_up.CONFIG)) as run:
        for members in found:
            for member in members:
                run.journal.append(f"x_run/{member.name}", member.to_record())
        run.journal.append("x_run/outcome", {"best": best.name, "stopped": "3 generations done"})
    records = read_records(root)
    assert records.best("x_run") == best
    assert records.best("nowhere") is None
    page = write_report([root]).read_text()
    score = f"{best.score:.3f} (1.5 active)"
    assert f"best UDR {score}" in page
    assert f"Best UDR {score}, in generation 1. " in page
    assert f"Best member: number 2 in generation 1, UDR {score}, with" in page


@pytest.mark.slow
def test_text_from_a_run_is_escaped(tmp_path):
    root = made_up.make_run(
        tmp_path / "run", leaves=1, count=2, word=EVIL.replace("/", "|"), reason=EVIL, config=made_up.CONFIG
    )
    (root / "environment" / "000.log").write_text(EVIL + "\n")
    others = collect_results([read_records(root)]).assign(method=EVIL, dataset=EVIL)
    page = write_report([root], baselines=others).read_text()
    assert page.count("<script") == 1  # the page's own
    assert "<img src=x" not in page
    assert page.count("&lt;script&gt;alert(") > 10
    for path in (root / "report" / "figures").glob("*.svg"):
        assert "<script" not in path.read_text()


def test_cells_of_tables_are_escaped():
    table = render_table([EVIL, EVIL], [[EVIL, EVIL]], EVIL)
    assert "<img" not in table and table.count("&lt;script&gt;") == 6


def test_the_page_of_a_running_run_shows_the_finished_part(tmp_path):
    root = made_up.make_run(tmp_path / "run", finished=False, leaves=1, count=1)
    with open(root / "journal.jsonl", "ab") as file:
        file.write(b'{"key": "x_run/gener')  # a record that is being written
    before = (root / "journal.jsonl").read_bytes()
    page = write_report([root], live=True).read_text()
    assert "Not finished" in page
    assert 'http-equiv="refresh"' in page
    assert "x_run" in page
    assert read_records(root).reader.damaged == 0
    assert (root / "journal.jsonl").read_bytes() == before


def test_a_run_without_records_has_a_page(tmp_path):
    write_config(tmp_path)
    page = write_report([tmp_path]).read_text()
    assert "No member has finished training yet" in page
    assert "Pictures and names of factors are missing" in page  # no data set is named


@pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff"])
def test_a_damaged_environment_is_not_recorded(tmp_path, content):
    root = made_up.make_run(tmp_path / "run", finished=False, leaves=0, count=1)
    (root / "environment" / "000.json").write_bytes(content)
    assert [session.environment for session in read_records(root).reader.sessions] == [{}]
    assert "not recorded" in write_report([root]).read_text()


def test_a_damaged_line_is_reported_and_kept(tmp_path):
    root = made_up.make_run(tmp_path / "run", finished=False, leaves=0, count=1)
    journal = root / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0].replace(b"scored", b"SCORED"), *lines[1:]]))
    assert "1 lines of the journal are damaged" in write_report([root]).read_text()


@pytest.mark.slow
def test_several_runs_are_compared(finished, tmp_path):
    root, _ = finished
    twin = tmp_path / "twin"
    shutil.copytree(root, twin, ignore=shutil.ignore_patterns("report", "model"))
    page = write_report([root, twin], tmp_path / "both").read_text()
    assert "2 runs" in page
    assert "0.400 (0.400, 0.400)" in page and "final model (n\u00a0=\u00a02)" in page
    assert page.count("<h2>Provenance</h2>") == 2
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_only_runs_that_differ_in_their_seeds_are_averaged(tmp_path):
    def run(config, mig):
        root = tmp_path / str(mig)
        with RunDirectory(root, parse_config(config)) as run:
            run.unit(MeasureKey("final"), lambda: {"discrete_mig": mig})
            run.unit(MeasureKey("x_model"), lambda: {"discrete_mig": mig / 2})
        return read_records(root)

    def values(runs):
        return collect_results(runs).groupby("method", sort=False)["value"].apply(list).to_dict()

    runs = [run("a.x = 1\nexperiment.seed = 0\n", 0.4), run("a.x = 1\nexperiment.seed = 1\n", 0.5)]
    assert values(runs) == {"final model": [0.4, 0.5], "x-model": [0.2, 0.25]}
    assert values([*runs, run("a.x = 2\n", 0.1)]) == {
        "final model (a.x 1)": [0.4, 0.5],
        "x-model (a.x 1)": [0.2, 0.25],
        "final model (a.x 2)": [0.1],
        "x-model (a.x 2)": [0.05],
    }


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="not a run directory"):
        write_report([tmp_path])
    with pytest.raises(UserError, match="run directory"):
        write_report([])


def test_watch_rewrites_the_page_for_every_record_until_the_run_ends(tmp_path, monkeypatch, capsys):
    root = made_up.make_run(tmp_path / "run", finished=False, leaves=0, count=1)
    landing = iter([("session/001", {"seconds": 1.0}), ("summary", {})])  # while a page is drawn
    written = []

    def write(roots, *_, **options):
        written.append((options["live"], read_records(root).summary is not None))
        if written[-1] != (True, True):
            with RunDirectory(root, parse_config(made_up.CONFIG)) as run:
                run.journal.append(*next(landing))
        return root / "config.json"

    monkeypatch.setattr(watch, "write_report", write)
    monkeypatch.setattr(watch.time, "sleep", lambda _: pytest.fail("new records, so there is nothing to wait for"))
    watch.write_pages([str(root)], None, [], watch=True)
    assert written == [(True, False), (True, False), (True, True)]  # the last page shows the end
    assert capsys.readouterr().out.count("config.json") == 3


def write_result(folder, metric, seed, dataset="'dsprites_full'", **values):
    path = folder / str(seed) / "metrics" / "mean" / metric / "results" / "aggregate" / "evaluation.json"
    path.parent.mkdir(parents=True)
    content = {f"evaluation_results.{key}": value for key, value in values.items()}
    content |= {
        "train_config.model.name": "'beta_vae'",
        "train_config.vae.beta": "4.0",
        "train_config.dataset.name": dataset,
        "evaluation_config.evaluation.name": f"'{metric}'",
        "evaluation_config.mig.num_train": "50000",
    }
    path.write_text(json.dumps(content))
    return path


def test_baselines_are_in_the_table_and_other_conditions_below_it(tmp_path):
    with RunDirectory(tmp_path / "run", parse_config("dataset.name = 'dsprites_full'\n")) as run:
        run.unit(MeasureKey("final"), lambda: {"discrete_mig": 0.4, "disentanglement": 0.3})
        run.unit(MeasureKey("x_model"), lambda: {"discrete_mig": 0.2, "disentanglement": 0.1})
    for seed in range(2):
        write_result(tmp_path / "others", "dci", seed, disentanglement=0.5)
    write_result(tmp_path / "others", "mig", 2, discrete_mig=0.5)
    others = read_results([tmp_path / "others"])
    page = render_scores([read_records(tmp_path / "run")], others, None, FigureWriter(tmp_path / "figures"))
    assert "beta_vae, beta 4" in page and "final model" in page
    assert "mig.num_train 50000" in page.partition("Not comparable")[2]


def test_the_verdict_is_first_and_its_latents_are_in_the_order_of_kl(finished):
    _, page = finished
    assert page.index(str(escape(made_up.VERDICT.headline))) < page.index('class="tiles"')
    rows = re.findall(r'<th scope="row">(z\d)</th>', section(page, "Latents"))
    assert rows[:3] == ["z0", "z1", "z2"]
    assert "entangled with z2" in page and "replication" in section(page, "Latents")


def test_a_run_without_labels_has_a_latents_section(tmp_path):
    root = made_up.make_run(tmp_path / "run", leaves=0, count=1)
    lines = (root / "journal.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if b"measure" not in line and b"random_members" not in line]
    (root / "journal.jsonl").write_bytes(b"".join(kept))
    page = write_report([root]).read_text()
    assert "The true factors are unknown" in section(page, "Scores")
    assert "discreteness" in section(page, "Latents")


@pytest.mark.parametrize("content", [None, b"[1]", b"{}", b'{"latents": 3, "compared": 1, "reconstruction": 0.5}'])
def test_a_verdict_that_cannot_be_read_is_none(tmp_path, content):
    root = made_up.make_run(tmp_path / "run", finished=False, leaves=0, count=1)
    path = read_records(root).reader.paths.verdict
    if content is not None:
        files.write_bytes(path, content)
    assert read_records(root).verdict is None


def test_the_held_out_loss_is_shown(finished, tmp_path):
    root = tmp_path / "run"
    shutil.copytree(finished[0], root, ignore=shutil.ignore_patterns("report", "model"))
    with RunDirectory(root, parse_config(made_up.CONFIG)) as run:
        run.journal.append("summary", {**read_records(root).summary, "final.held_out_loss": 123.44})
    assert "<dt>held-out loss</dt><dd>123.4<i>nats per image</i></dd>" in write_report([root]).read_text()


def test_the_udr_of_two_models_is_one_number(finished):
    _, page = finished
    assert "Its two VAEs agree to a UDR of 0.450." in page
    assert "pairwise UDR" not in page


def test_the_choice_of_beta_and_a_negative_kl_are_explained(tmp_path):
    terms = {"reconstruction": 12.5, "dimension_wise_kl": -131.0}
    scores = [(2.0, 0.5), (4.0, 0.8), (6.0, 0.79), (16.0, 0.1)]
    members = [
        Member(index, 0, None, {"beta": beta}, 1).with_score(score, "0", terms=terms)
        for index, (beta, score) in enumerate(scores)
    ]
    page = render_population("x_run", [members], members[1], FigureWriter(tmp_path), True)
    assert "selected beta 4; the 2 of 4 members within 5% of its score have beta 4 to 6." in page
    assert "dimension_wise_kl -131" in page and "may be negative" in page


class FakeImages:
    name, notes = "<mine>", ("105 <other> files ignored",)

    def __init__(self, pixels):
        self._pixels, self.shape = pixels, pixels.shape[1:]

    def __len__(self):
        return len(self._pixels)

    def images(self, indices):
        return self._pixels[indices]


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 12])
def test_images_of_any_number_of_channels_are_shown_with_the_loader_s_notes(tmp_path, channels):
    pixels = np.random.default_rng(0).integers(0, 200, (20, 8, 8, channels), dtype=np.uint8)
    pixels[7] = pixels[3]
    page = render_images(FakeImages(pixels), FigureWriter(tmp_path))
    assert "&lt;mine&gt;" in page and "105 &lt;other&gt; files ignored" in page
    assert f"8 x 8 pixels, {channels} channel" in page
    assert re.search(r"equal to an earlier one</th>\s*<td[^>]*><div>1</div>", page)
    assert (tmp_path / "contact_sheet.png").read_bytes().startswith(b"\x89PNG")


def test_results_of_no_run_are_empty():
    assert collect_results([]).empty and isinstance(collect_results([]), pd.DataFrame)
