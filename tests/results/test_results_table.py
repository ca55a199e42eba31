"""The table of results: reading, summarizing, plotting, and marking scores that are not comparable."""

import csv
import io
import json

import numpy as np
import pytest

from rdl.cli import command_line
from rdl.errors import UserError
from rdl.results.dot_plot import draw_dots, save_dots
from rdl.results.results_table import COLUMNS, read_results, read_run_results
from rdl.results.summary import format_summary, select_comparable, select_results, summarize, summarize_metrics
from rdl.runs import Layout
from tests.run_configs import write_config


def aggregate(
    method, factory, strength, mig, num_train="10000", representation="mean", dataset="dsprites_full", **more
):
    """A row of disentanglement_lib's aggregated results."""
    return {
        "train_config.model.name": f"'{method}'",
        "train_config.model.model": f"@{factory}()",
        f"train_config.{factory}.{strength[0]}": str(strength[1]),
        "train_config.dataset.name": f"'{dataset}'",
        "train_config.model.random_seed": "0",
        "postprocess_config.postprocess.name": f"'{representation}'",
        "postprocess_config.postprocess.postprocess_fn": f"@{representation}_representation",
        "evaluation_config.evaluation.name": "'mig'",
        "evaluation_config.evaluation.evaluation_fn": "@mig",
        "evaluation_config.mig.num_train": num_train,
        "evaluation_config.discretizer.num_bins": "20",
        "evaluation_config.discretizer.discretizer_fn": "@histogram_discretizer",
        "evaluation_results.discrete_mig": mig,
        "evaluation_results.elapsed_time": 12.5,
        "evaluation_results.uuid": "9f0c",
        "path": "output/0/metrics/mean/mig/results/aggregate/evaluation.json",
        **more,
    }


def as_pandas_writes(rows):
    columns = dict.fromkeys(key for row in rows for key in row)
    return {column: {str(i): row.get(column) for i, row in enumerate(rows)} for column in columns}


@pytest.fixture
def baselines(tmp_path):
    rows = [aggregate("beta_vae", "vae", ("beta", 4.0), mig) for mig in (0.1, 0.2, 0.3, 0.6)]
    rows += [aggregate("dip_vae_i", "dip_vae", ("lambda_od", 5.0), 0.25)]
    rows += [aggregate("factor_vae", "factor_vae", ("gamma", 10.0), 0.4, num_train="50000")]
    rows += [aggregate("beta_vae", "vae", ("beta", 4.0), 0.05, representation="sampled")]
    path = tmp_path / "dlib.json"
    path.write_text(json.dumps(as_pandas_writes(rows)))
    return path


def table_of(*paths, metric="mig.discrete_mig", reference=None):
    """The summary of one metric, its rows by method."""
    results = select_results(read_results(paths))
    (table,) = [table for key, table in summarize(results, reference).items() if key[2] == metric]
    return table.set_index("method")


def test_an_aggregate_is_read_back_and_summarized(baselines):
    results = read_results([baselines])
    assert tuple(results.columns) == COLUMNS
    assert set(results["method"]) == {"beta_vae, beta 4", "dip_vae_i, lambda_od 5", "factor_vae, gamma 10"}
    first = results.iloc[0]
    assert (first["dataset"], first["representation"], first["metric"]) == ("dsprites_full", "mean", "mig.discrete_mig")
    assert (first["value"], first["seed"], first["measured_by"]) == (0.1, 0, "bin/evaluate")
    table = table_of(baselines)
    # By hand: mean 1.2 / 4; squares of (-0.2, -0.1, 0, 0.3) sum to 0.14. Below 5 seeds the values replace an interval.
    row = table.loc["beta_vae, beta 4"]
    assert (row["n"], row["mean [95 %]"]) == ("4", "0.300 (0.100, 0.200, 0.300, 0.600)")
    assert (row["std"], row["worst"], row["best"]) == (f"{np.sqrt(0.14 / 3):.3f}", "0.100", "0.600")
    assert table.loc["dip_vae_i, lambda_od 5"]["std"] == ""


def test_other_points_are_marked(baselines):
    table = table_of(baselines)
    assert table.loc["factor_vae, gamma 10"]["note"] == "not comparable: mig.num_train 50000"
    assert table.loc["beta_vae, beta 4"]["note"] == ""
    text = format_summary(summarize(select_results(read_results([baselines]))))
    assert "### MIG (dsprites_full, mean)" in text
    assert "| factor_vae, gamma 10 | 1 | 0.400 |  | 0.400 | 0.400 | not comparable: mig.num_train 50000 |" in text


def test_other_bins_and_data_sets_are_not_mixed(tmp_path):
    rows = [aggregate("beta_vae", "vae", ("beta", 4.0), mig) for mig in (0.1, 0.2)]
    rows.append(aggregate("beta_vae", "vae", ("beta", 4.0), 0.9) | {"evaluation_config.discretizer.num_bins": "5"})
    rows.append(aggregate("beta_vae", "vae", ("beta", 4.0), 0.8, dataset="cars3d"))
    rows.append(aggregate("beta_vae", "vae", ("beta", 4.0), 0.7) | {"train_config.dataset.values": "{'x': 8}"})
    (tmp_path / "rows.json").write_text(json.dumps([row | {"path": str(i)} for i, row in enumerate(rows)]))
    tables = summarize(read_results([tmp_path / "rows.json"]))
    found = {key[0]: list(zip(table["n"], table.get("note", [""]), strict=False)) for key, table in tables.items()}
    assert found == {
        "dsprites_full": [("2", ""), ("1", "not comparable: discretizer.num_bins 5")],
        "cars3d": [("1", "")],
        "dsprites_full (values {'x': 8})": [("1", "")],
    }


def test_each_column_uses_one_protocol_and_marks_the_other(tmp_path):
    config = "population.size = 4\nexperiment.seed = {}\n"
    runs = [finished_run(tmp_path / str(i), config.format(i), 0.1 * i) for i in range(3)]
    evaluate_run(runs[0], 0.9)
    # One of three runs is measured by bin/evaluate: all count by their own measurement.
    table = table_of(tmp_path)
    assert (table.loc["rpu_vae"]["mean [95 %]"], "note" in table) == ("0.100 (0.000, 0.100, 0.200)", False)
    # A baseline that only bin/evaluate has measured tips the balance: the other two runs are marked.
    rows = [aggregate("beta_vae", "vae", ("beta", 4.0), 0.5) | {"path": str(i)} for i in range(3)]
    (tmp_path / "dlib.json").write_text(json.dumps(rows))
    results = select_comparable(read_results([*runs, tmp_path / "dlib.json"]))
    mig = results[results["metric"] == "mig.discrete_mig"]
    assert dict(zip(mig["value"], mig["note"], strict=True)) == {
        0.9: "", 0.1: "measured by end of run", 0.2: "measured by end of run", 0.5: "",
    }  # fmt: skip


def test_reference_is_compared_with_each_method(tmp_path):
    rows = [aggregate("beta_vae", "vae", ("beta", 4.0), mig) for mig in (0.1, 0.2, 0.3, 0.4, 0.5)]
    rows += [aggregate("factor_vae", "factor_vae", ("gamma", 10.0), mig) for mig in (0.6, 0.7, 0.8, 0.9, 0.95)]
    (tmp_path / "rows.json").write_text(json.dumps([row | {"path": str(i)} for i, row in enumerate(rows)]))
    table = table_of(tmp_path / "rows.json", reference="factor_vae, gamma 10")
    assert list(table.index) == ["factor_vae, gamma 10", "beta_vae, beta 4"]
    assert list(table["P(factor_vae, gamma 10 better)"]) == ["", "1.000 [0.655, 1.000]"]


def test_models_of_the_same_runs_are_compared_in_pairs(tmp_path):
    for seed in range(5):
        finished_run(
            tmp_path / str(seed), f"experiment.seed = {seed}\n", 0.4 + 0.01 * seed, **{"x_model.discrete_mig": 0.3}
        )
    table = table_of(tmp_path, reference="rpu_vae")
    assert table.loc["rpu_vae: x-model"]["P(rpu_vae better)"] == "1.000 [0.655, 1.000], paired p = 0.06"


def test_trees_aggregates_and_summaries_of_runs_meet_in_one_table(tmp_path, baselines):
    tree = tmp_path / "dlib" / "0" / "metrics" / "mean" / "mig" / "results" / "aggregate"
    tree.mkdir(parents=True)
    (tree / "evaluation.json").write_text(json.dumps(aggregate("beta_vae", "vae", ("beta", 4.0), 0.5)))
    finished_run(tmp_path / "run", "Measurement.num_train = 2_000\n", 0.45)
    table = table_of(baselines, tmp_path / "dlib", tmp_path / "run")
    assert table.loc["beta_vae, beta 4"]["n"] == "5"
    assert table.loc["rpu_vae"]["note"] == "not comparable: measured by end of run; mig.num_train 2000"


def finished_run(root, config, mig=0.4, job="rpu_vae", **more):
    """A run that has measured its final model."""
    (root / "results").mkdir(parents=True)
    write_config(root, f"dataset.name = 'dsprites_full'\nexperiment.job = @{job}\n{config}")
    summary = {"experiment": "rpu_vae", "final.discrete_mig": mig, "final.disentanglement": mig / 2, **more}
    (root / "results" / "summary.json").write_text(json.dumps(summary))
    return root


def evaluate_run(root, mig):
    """What bin/evaluate leaves of the metric mig."""
    tree = root / "metrics" / "mean" / "mig" / "results" / "aggregate"
    tree.mkdir(parents=True)
    (tree / "evaluation.json").write_text(json.dumps(aggregate("rpu_vae", "none", ("beta", 4.0), mig)))


def migs_of(*paths):
    """MIGs by method."""
    results = select_results(read_results(paths), ["mig"])
    return {method: tuple(own["value"]) for method, own in results.groupby("method", sort=False)}


def test_runs_that_differ_only_in_their_seed_are_pooled(tmp_path):
    config = "population.size = 4\nexperiment.seed = {}\nexecutor.name = '{}'\ndisplay.quiet = {}\n"
    finished_run(tmp_path / "a", config.format(0, "serial", False), 0.4)
    finished_run(tmp_path / "b", config.format(1, "ray", True), 0.5)
    assert migs_of(tmp_path) == {"rpu_vae": (0.4, 0.5)}


def test_runs_of_other_sizes_are_distinguished_by_the_shortest_setting(tmp_path):
    whole = "x_run/population.size = 16\npopulation.images_per_generation = 100000\n"
    finished_run(tmp_path / "a", whole, 0.4)
    finished_run(tmp_path / "b", whole + "experiment.seed = 1\n", 0.5)
    finished_run(tmp_path / "c", whole.replace("16", "4").replace("100000", "1000"), 0.1)
    assert migs_of(tmp_path) == {
        "rpu_vae (x_run/population.size 16)": (0.4, 0.5),
        "rpu_vae (x_run/population.size 4)": (0.1,),
    }


def test_several_settings_distinguish_methods_where_one_does_not(tmp_path):
    for name, config in {"a": "", "b": "a.x = 1\n", "c": "a.x = 1\na.y = 2\n", "d": "a.y = 2\n"}.items():
        finished_run(tmp_path / name, config)
    assert set(migs_of(tmp_path)) == {
        "rpu_vae (a.x not set, a.y not set)",
        "rpu_vae (a.x 1, a.y not set)",
        "rpu_vae (a.x 1, a.y 2)",
        "rpu_vae (a.x not set, a.y 2)",
    }


def test_other_data_sets_and_methods_need_no_labels(tmp_path):
    finished_run(tmp_path / "a", "dataset.size = 16\n")
    finished_run(tmp_path / "b", "dataset.size = 32\n")
    finished_run(tmp_path / "c", "a.x = 1\n", job="search")
    assert set(read_results([tmp_path])["method"]) == {"rpu_vae", "search"}


def test_aggregated_rows_of_unlike_trainings_are_not_pooled(tmp_path):
    rows = [aggregate("beta_vae", "vae", ("beta", 4.0), mig) for mig in (0.1, 0.2)]
    rows[1]["train_config.model.random_seed"] = "1"
    rows[1]["train_config.model.model_num"] = "1200"
    rows.append(aggregate("beta_vae", "vae", ("beta", 4.0), 0.9) | {"train_config.model.training_steps": "10"})
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    assert migs_of(tmp_path / "rows.json") == {
        "beta_vae, beta 4 (model.training_steps not set)": (0.1, 0.2),
        "beta_vae, beta 4 (model.training_steps 10)": (0.9,),
    }


def test_a_run_and_an_aggregated_row_with_the_same_settings_are_pooled(tmp_path):
    run = finished_run(tmp_path / "a", "population.size = 4\nexperiment.seed = 1\n", 0.4)
    asked = {"dataset.name": "'dsprites_full'", "experiment.job": "@rpu_vae", "population.size": "4"}
    row = {
        "train_config.model.name": "'rpu_vae'",
        "train_config.dataset.name": "'dsprites_full'",
        "train_config.vae/AdamOptimizer.learning_rate": "0.00123",  # found by the search, another with each seed
        **{f"train_config.run/{key}": value for key, value in asked.items()},
        "evaluation_config.evaluation.name": "'mig'",
        "evaluation_results.discrete_mig": 0.5,
    }
    (tmp_path / "rows.json").write_text(json.dumps([row]))
    assert migs_of(run, tmp_path / "rows.json") == {"rpu_vae": (0.4, 0.5)}


def test_conditions_are_those_that_the_run_recorded(tmp_path):
    used = {"num_train": 300, "num_test": 200, "num_bins": 5, "dci_backend": "lightgbm"}
    recorded = {f"measurement.{key}": value for key, value in used.items()}
    run = finished_run(tmp_path / "run", "Measurement.num_train = 7\n", **recorded)
    conditions = dict(zip(*(read_results([run])[name] for name in ("metric", "conditions")), strict=True))
    assert conditions["mig.discrete_mig"].startswith("mig.num_train 300; discretizer.num_bins 5; ")
    assert conditions["dci.disentanglement"] == "dci.num_train 300; dci.num_test 200; dci.backend 'lightgbm'"


def test_results_of_one_run_have_the_requested_name(tmp_path):
    root = finished_run(tmp_path / "run", "", 0.4, **{"x_model.discrete_mig": 0.3, "seed": 7})
    results = read_run_results(Layout(root), "mine")
    assert dict(zip(results["method"], results["value"], strict=True)) == {"mine": 0.2, "mine: x-model": 0.3}
    assert set(results["run"]) == {str(root), f"{root}: x-model"} and set(results["seed"]) == {7}
    assert read_run_results(Layout(tmp_path / "nowhere")).empty


def test_metrics_stand_beside_each_other(tmp_path):
    root = finished_run(tmp_path / "run", "", 0.4, **{"x_model.discrete_mig": 0.3})
    table = summarize_metrics(read_results([root]))
    assert list(table.columns) == ["method", "MIG", "DCI disentanglement"]
    assert table.to_numpy().tolist() == [["rpu_vae", "0.400", "0.200"], ["rpu_vae: x-model", "0.300", ""]]


def test_plots_are_written_and_the_same_each_time(tmp_path, baselines):
    results = select_results(read_results([baselines]))
    first = save_dots(draw_dots(results), tmp_path / "a")
    again = save_dots(draw_dots(results), tmp_path / "b")
    assert [path.suffix for path in first] == [".png", ".svg"]
    assert first[0].read_bytes().startswith(b"\x89PNG")
    assert first[1].read_bytes() == again[1].read_bytes()
    assert "factor_vae" not in first[1].read_text()  # not comparable, so not drawn


def test_the_command_prints_and_writes_the_comparison(tmp_path, baselines, capsys):
    flags = [str(baselines), f"--output_dir={tmp_path / 'out'}", "--reference=beta_vae, beta 4"]
    assert command_line.run("compare", flags) == 0
    assert "### MIG (dsprites_full, mean)" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"comparison.{k}" for k in ("md", "csv", "png", "svg")
    }
    lines = list(csv.DictReader(io.StringIO((tmp_path / "out" / "comparison.csv").read_text())))
    assert [float(line["value"]) for line in lines] == [0.1, 0.2, 0.3, 0.6, 0.25, 0.4]
    assert command_line.run("compare", [str(baselines), "--reference=nobody"]) == 2


@pytest.mark.parametrize("value", ["NaN", "1e999", "1e308", "-1e31", "9" * 400, "true", '"0.5"', "[]", "{}"])
def test_values_that_are_no_scores_are_left_out(tmp_path, value):
    rows = [aggregate("beta_vae", "vae", ("beta", 4.0), mig) for mig in (0.25, 0.5)]
    (tmp_path / "a.json").write_text(json.dumps(rows).replace("0.25", value))
    assert list(read_results([tmp_path / "a.json"])["value"]) == [0.5]


def test_names_that_nothing_can_draw_are_drawn_escaped(tmp_path):
    text = json.dumps(aggregate("beta_vae", "vae", ("beta", 4.0), 0.25))
    (tmp_path / "a.json").write_text(text.replace("beta_vae", "b\\ud800"))
    results = read_results([tmp_path / "a.json"])
    assert "b\\ud800" in format_summary(summarize(results))
    assert save_dots(draw_dots(results), tmp_path)


def test_wrong_input_is_refused_in_one_line(tmp_path, baselines):
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "empty").mkdir()
    for path, said in {"broken.json": "Cannot read", "empty": "holds no results", "absent": "does not exist"}.items():
        with pytest.raises(UserError, match=said) as error:
            read_results([tmp_path / path])
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match=r"mig \(mean\), mig \(sampled\)"):
        select_results(read_results([baselines]), ["dci"])
