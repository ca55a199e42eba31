"""The conditions that a score depends on: points, bins and trees of its metric, and the protocol that measured it."""

from collections.abc import Mapping
from typing import Any

from rdl.scoring.measure import MEASURED_WITH

EVALUATE, END_OF_RUN = "bin/evaluate", "end of run"
"""The origin of a score: `rdl.results.evaluation` by disentanglement_lib's protocol, or the run's own measurement. They
use different points, so a table contains scores of only one (`rdl.results.summary.select_comparable`)."""

# What a metric's value depends on, with disentanglement_lib's defaults.
_BINS = {"discretizer.num_bins": "20", "discretizer.discretizer_fn": "@histogram_discretizer"}
_DEFAULTS: dict[str, dict[str, str]] = {
    "mig": {"mig.num_train": "10000", **_BINS},
    "mig_sup": {"mig_sup.num_train": "10000", **_BINS},
    "dci": {"dci.num_train": "10000", "dci.num_test": "5000", "dci.backend": "'sklearn'"},
    "sap_score": {
        "sap_score.num_train": "10000",
        "sap_score.num_test": "5000",
        "sap_score.continuous_factors": "False",
    },
    "modularity_explicitness": {
        "modularity_explicitness.num_train": "10000",
        "modularity_explicitness.num_test": "5000",
        **_BINS,
    },
    "irs": {"irs.num_train": "10000", **_BINS},
    "beta_vae_sklearn": {"beta_vae_sklearn.num_train": "10000", "beta_vae_sklearn.batch_size": "64"},
    "factor_vae_metric": {
        "factor_vae_score.num_train": "10000",
        "factor_vae_score.batch_size": "64",
        "prune_dims.threshold": "0.05",
    },
    "infomec": {"infomec.num_train": "10000", "infomec.neighbours": "10"},
    "dci_es": {"dci_es.num_train": "10000", "dci_es.num_test": "5000", "dci_es.trees": "100"},
    "unsupervised": {"unsupervised_metrics.num_train": "10000", **_BINS},
    "downstream_task_boosted_trees": {
        "predictor.predictor_fn": "@gradient_boosting_classifier",
        "gradient_boosting_classifier.backend": "'sklearn'",
    },
    "downstream_task_logistic_regression": {"predictor.predictor_fn": "@logistic_regression_cv"},
}
_SEPARATOR = "; "


def evaluation_conditions(metric: str, settings: Mapping[str, str]) -> str:
    """The conditions of a metric measured with these settings, as text: ``mig.num_train 10000; ..``."""
    defaults = _DEFAULTS.get(metric, {})
    return _SEPARATOR.join(f"{key} {settings.get(key, default)}" for key, default in defaults.items())


def run_conditions(metric: str, config: Mapping[str, str], recorded: Mapping[str, Any]) -> str:
    """The conditions of a metric that a run measures at its end.

    Args:
      metric: such as ``mig``.
      config: the run's bindings.
      recorded: the measurement's record or the run's summary, which state what was used.
    """

    def read(key: str, binding: str, default: str) -> str:
        if MEASURED_WITH + key in recorded:
            return repr(recorded[MEASURED_WITH + key])
        return config.get(binding, default)

    points = read("num_train", "Measurement.num_train", "10000")
    settings = {
        "mig.num_train": points,
        "mig_sup.num_train": points,
        "dci.num_train": points,
        "dci.num_test": read("num_test", "Measurement.num_test", "5000"),
        "dci.backend": read("dci_backend", "measure.dci_backend", "'sklearn'"),
        "discretizer.num_bins": read("num_bins", "measure.num_bins", "20"),
    }
    return evaluation_conditions(metric, settings)


def describe_difference(conditions: str, usual: str) -> str:
    """The conditions that differ from the usual ones."""
    expected = set(usual.split(_SEPARATOR))
    return _SEPARATOR.join(part for part in conditions.split(_SEPARATOR) if part not in expected)
