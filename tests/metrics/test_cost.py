import os

import pytest

from rdl.metrics.cost import estimate_metric_seconds


def test_the_expected_time_follows_points_classes_and_back_end(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)

    def seconds(settings, sizes=(3, 6, 40, 32, 32)):
        return estimate_metric_seconds(settings, sizes, 10)

    trees = {"evaluation.evaluation_fn": "@dci", "dci.num_train": "10_000"}
    whole = seconds(trees)
    assert 120 < whole < 200  # half of some 300 CPU seconds
    assert seconds(trees | {"dci.num_train": "1000"}) == pytest.approx(whole / 10)
    assert seconds(trees | {"evaluation.repeats": "3"}) == pytest.approx(3 * whole)
    assert seconds(trees, (2,)) == pytest.approx(whole * 2 / 113)  # one class instead of 113, on one core of two
    assert seconds(trees | {"dci.backend": "'lightgbm'"}) < whole / 10
    downstream = {"evaluation.evaluation_fn": "@downstream_task", "downstream_task.num_train": "(10_000,)"}
    assert seconds(downstream) == pytest.approx(whole)
    assert seconds(downstream | {"predictor.predictor_fn": "@logistic_regression_cv"}) < whole / 10
