"""Reading of other people's results, statistics, and what is marked as not comparable."""

import csv
import io
import json

import numpy as np
import pytest

from rdl.errors import UserError
from rdl.results import comparison, comparison_plots, run_scores


def aggregate(
    method, factory, strength, mig, num_train="10000", representation="mean", dataset="dsprites_full", **more
):
    """One row as disentanglement_lib's aggregation makes it, written by hand from its files' form."""
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


def test_a_hand_made_aggregate_is_read_back_and_summarised(baselines):
    rows = {row.method: row for row in comparison.table(run_scores.read([baselines]))}
    assert set(rows) == {"beta_vae, beta 4", "dip_vae_i, lambda_od 5", "factor_vae, gamma 10"}
    assert rows["beta_vae, beta 4"].column == ("dsprites_full", "mean", "mig", "discrete_mig")
    found = rows["beta_vae, beta 4"].statistics()
    # By hand: mean 1.2 / 4; squares of (-0.2, -0.1, 0, 0.3) sum to 0.14; quartiles interpolate linearly.
    assert found["n"] == 4
    assert found["mean"] == pytest.approx(0.3)
    assert found["std"] == pytest.approx(np.sqrt(0.14 / 3))
    half = 3.18244630528 * np.sqrt(0.14 / 3) / 2  # Student's t of 3 degrees of freedom, from a table
    assert (found["mean_low"], found["mean_high"]) == pytest.approx((0.3 - half, 0.3 + half))
    assert found["iqm"] == pytest.approx(0.25)  # of 0.2 and 0.3
    assert (found["q25"], found["median"], found["q75"]) == pytest.approx((0.175, 0.25, 0.375))
    assert np.isnan(rows["dip_vae_i, lambda_od 5"].statistics()["std"])


def test_other_points_are_marked(baselines):
    rows = {row.method: row for row in comparison.table(run_scores.read([baselines]))}
    assert rows["factor_vae, gamma 10"].note == "mig.num_train 50000"
    assert rows["beta_vae, beta 4"].note == ""
    text = comparison.markdown(list(rows.values()))
    assert (
        "| factor_vae, gamma 10 | 1 | 0.400 | 0.400 |  | 0.400 | 0.400 .. 0.400 | not comparable: mig.num_train 50000 |"
        in text
    )


def test_other_bins_and_data_sets_are_not_mixed(tmp_path):
    rows = [aggregate("beta_vae", "vae", ("beta", 4.0), mig) for mig in (0.1, 0.2)]
    rows.append(aggregate("beta_vae", "vae", ("beta", 4.0), 0.9) | {"evaluation_config.discretizer.num_bins": "5"})
    rows.append(aggregate("beta_vae", "vae", ("beta", 4.0), 0.8, dataset="cars3d"))
    part = aggregate("beta_vae", "vae", ("beta", 4.0), 0.7) | {"train_config.dataset.values": "{'x': 8}"}
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([*rows, part]))
    found = comparison.table(run_scores.read([path]))
    assert {(row.column[0], row.values, row.note) for row in found} == {
        ("dsprites_full", (0.1, 0.2), ""),
        ("dsprites_full", (0.9,), "discretizer.num_bins 5"),
        ("cars3d", (0.8,), ""),
        ("dsprites_full (values {'x': 8})", (0.7,), ""),
    }


def test_trees_aggregates_and_summaries_of_runs_meet_in_one_table(tmp_path, baselines):
    tree = tmp_path / "dlib" / "0" / "metrics" / "mean" / "mig" / "results" / "aggregate"
    tree.mkdir(parents=True)
    (tree / "evaluation.json").write_text(json.dumps(aggregate("beta_vae", "vae", ("beta", 4.0), 0.5)))
    results = tmp_path / "run" / "results"
    results.mkdir(parents=True)
    (tmp_path / "run" / "config.gin").write_text("dataset.name = 'dsprites_full'\nMeasurement.num_train = 2_000\n")
    summary = {"experiment": "rpu_vae", "final.discrete_mig": 0.45, "final.disentanglement": 0.6}
    (results / "summary.json").write_text(json.dumps(summary))
    rows = comparison.table(run_scores.read([baselines, tmp_path / "dlib", tmp_path / "run"]), ["mig"])
    values = {(row.method, row.note): row.values for row in rows}
    assert values["beta_vae, beta 4", ""] == (0.1, 0.2, 0.3, 0.6, 0.5)
    assert values["rpu_vae", "mig.num_train 2000"] == (0.45,)


def finished_run(root, config, mig=0.4, **more):
    """A run of the recursion that has measured its final model."""
    (root / "results").mkdir(parents=True)
    (root / "config.gin").write_text("dataset.name = 'dsprites_full'\nexperiment.job = @rpu_vae\n" + config)
    summary = {"experiment": "rpu_vae", "final.discrete_mig": mig, "final.disentanglement": mig / 2, **more}
    (root / "results" / "summary.json").write_text(json.dumps(summary))
    return root


def rows_of(*paths, metrics=("mig",)):
    return {row.method: row.values for row in comparison.table(run_scores.read(paths), metrics)}


def test_runs_that_differ_in_their_seed_alone_are_pooled(tmp_path):
    config = "population.size = 4\nexperiment.seed = {}\nexecutor.name = '{}'\ndisplay.quiet = {}\n"
    finished_run(tmp_path / "a", config.format(0, "serial", False), 0.4)
    finished_run(tmp_path / "b", config.format(1, "ray", True), 0.5)
    assert rows_of(tmp_path) == {"rpu_vae": (0.4, 0.5)}


def test_a_shrunk_run_is_not_pooled_with_the_whole_one_and_the_shortest_setting_tells_them_apart(tmp_path):
    whole = "x_run/population.size = 16\npopulation.images_per_generation = 100000\n"
    finished_run(tmp_path / "a", whole, 0.4)
    finished_run(tmp_path / "b", whole + "experiment.seed = 1\n", 0.5)
    finished_run(tmp_path / "c", whole.replace("16", "4").replace("100000", "1000"), 0.1)
    assert rows_of(tmp_path) == {
        "rpu_vae (x_run/population.size 16)": (0.4, 0.5),
        "rpu_vae (x_run/population.size 4)": (0.1,),
    }


def test_where_one_setting_does_not_tell_all_apart_several_do_and_unset_ones_are_named(tmp_path):
    for name, config in {"a": "", "b": "a.x = 1\n", "c": "a.x = 1\na.y = 2\n", "d": "a.y = 2\n"}.items():
        finished_run(tmp_path / name, config)
    assert set(rows_of(tmp_path)) == {
        "rpu_vae (a.x not set, a.y not set)",
        "rpu_vae (a.x 1, a.y not set)",
        "rpu_vae (a.x 1, a.y 2)",
        "rpu_vae (a.x not set, a.y 2)",
    }


def test_other_data_sets_and_methods_need_no_telling_apart(tmp_path):
    finished_run(tmp_path / "a", "dataset.size = 16\n")
    finished_run(tmp_path / "b", "dataset.size = 32\n")
    finished_run(tmp_path / "c", "a.x = 1\n", experiment="search")
    results = run_scores.read([tmp_path])
    assert {result.method for result in results} == {"rpu_vae", "search"}


def test_aggregated_rows_of_unlike_trainings_are_not_pooled(tmp_path):
    rows = [aggregate("beta_vae", "vae", ("beta", 4.0), mig) for mig in (0.1, 0.2)]
    rows[1]["train_config.model.random_seed"] = "1"
    rows[1]["train_config.model.model_num"] = "1200"
    rows.append(aggregate("beta_vae", "vae", ("beta", 4.0), 0.9) | {"train_config.model.training_steps": "10"})
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    assert rows_of(tmp_path / "rows.json") == {
        "beta_vae, beta 4 (model.training_steps not set)": (0.1, 0.2),
        "beta_vae, beta 4 (model.training_steps 10)": (0.9,),
    }


def test_a_run_and_a_row_that_tells_all_that_was_asked_of_another_are_pooled(tmp_path):
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
    assert rows_of(run, tmp_path / "rows.json") == {"rpu_vae": (0.4, 0.5)}


def test_a_partly_evaluated_run_keeps_its_summarys_other_numbers(tmp_path):
    run = finished_run(tmp_path / "run", "", mig=0.4)
    tree = run / "metrics" / "mean" / "mig" / "results" / "aggregate"
    tree.mkdir(parents=True)
    row = aggregate("rpu_vae", "vae", ("beta", 4.0), 0.44)
    (tree / "evaluation.json").write_text(json.dumps(row))
    found = {(result.metric, result.key): result.value for result in run_scores.read([run])}
    assert found == {("mig", "discrete_mig"): 0.44, ("dci", "disentanglement"): 0.2}
    tree.parents[2].rename(run / "metrics" / "sampled")
    (run / "metrics/sampled/mig/results/aggregate/evaluation.json").write_text(
        json.dumps(aggregate("rpu_vae", "vae", ("beta", 4.0), 0.3, representation="sampled"))
    )
    found = {(result.representation, result.metric): result.value for result in run_scores.read([run])}
    assert found == {("sampled", "mig"): 0.3, ("mean", "mig"): 0.4, ("mean", "dci"): 0.2}


def test_what_was_measured_with_is_what_the_run_wrote_down(tmp_path):
    used = {"num_train": 300, "num_test": 200, "num_bins": 5, "dci_backend": "lightgbm"}
    recorded = {f"measurement.{key}": value for key, value in used.items()}
    new = finished_run(tmp_path / "new", "Measurement.num_train = 7\n", **recorded)
    (tmp_path / "old").mkdir()
    old = finished_run(tmp_path / "old" / "a", "Measurement.num_test = 4_000\nmeasure.num_bins = 10\n")
    conditions = {
        (path, result.metric): dict(result.conditions) for path in (new, old) for result in run_scores.read([path])
    }
    assert conditions[new, "mig"]["mig.num_train"] == "300"
    assert conditions[new, "mig"]["discretizer.num_bins"] == "5"
    assert conditions[new, "dci"] == {"dci.num_train": "300", "dci.num_test": "200", "dci.backend": "'lightgbm'"}
    assert conditions[old, "mig"]["mig.num_train"] == "10000"
    assert conditions[old, "mig"]["discretizer.num_bins"] == "10"
    assert conditions[old, "dci"] == {"dci.num_train": "10000", "dci.num_test": "4000", "dci.backend": "'sklearn'"}


def test_csv_holds_what_the_table_holds(baselines):
    rows = comparison.table(run_scores.read([baselines]), representation=None)
    lines = list(csv.DictReader(io.StringIO(comparison.csv_text(rows))))
    assert len(lines) == len(rows) == 4
    sampled = next(line for line in lines if line["representation"] == "sampled")
    assert (float(sampled["mean"]), sampled["n"], sampled["std"]) == (0.05, "1", "nan")


def test_plots_are_written_and_the_same_each_time(tmp_path, baselines):
    rows = comparison.table(run_scores.read([baselines]))
    first = comparison_plots.draw(rows, tmp_path / "a")
    again = comparison_plots.draw(rows, tmp_path / "b")
    assert [path.suffix for path in first] == [".png", ".svg"]
    assert first[0].read_bytes().startswith(b"\x89PNG")
    assert first[1].read_bytes() == again[1].read_bytes()
    assert "factor_vae" not in first[1].read_text()  # not comparable, so not drawn


@pytest.mark.parametrize("value", ["NaN", "1e999", "1e308", "-1e31", "9" * 400, "true", '"0.5"', "[]", "{}"])
def test_what_is_no_score_is_left_out(tmp_path, value):
    rows = [aggregate("beta_vae", "vae", ("beta", 4.0), mig) for mig in (0.25, 0.5)]
    (tmp_path / "a.json").write_text(json.dumps(rows).replace("0.25", value))
    assert [result.value for result in run_scores.read([tmp_path / "a.json"])] == [0.5]


def test_names_that_nothing_can_draw_are_drawn_escaped(tmp_path):
    text = json.dumps(aggregate("beta_vae", "vae", ("beta", 4.0), 0.25))
    (tmp_path / "a.json").write_text(text.replace("beta_vae", "b\\ud800"))
    rows = comparison.table(run_scores.read([tmp_path / "a.json"]))
    assert "b\\ud800" in comparison.markdown(rows)
    assert comparison_plots.draw(rows, tmp_path)


def test_wrong_input_is_said_in_one_line(tmp_path, baselines):
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "empty").mkdir()
    for path, said in {"broken.json": "Cannot read", "empty": "holds no results", "absent": "does not exist"}.items():
        with pytest.raises(UserError, match=said) as error:
            run_scores.read([tmp_path / path])
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match=r"there are mig \(mean\), mig \(sampled\)"):
        comparison.table(run_scores.read([baselines]), ["dci"])
