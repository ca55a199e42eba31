"""Names of scores in a table of results, ``<metric>.<key>`` such as ``dci.completeness``, and how tables print them."""

from collections.abc import Iterable

from rdl.scoring.names import METRICS

HEADLINES = {
    "mig": ("discrete_mig",),
    "dci": ("disentanglement", "completeness", "informativeness_test"),
    "sap_score": ("SAP_score",),
    "modularity_explicitness": ("modularity_score", "explicitness_score_test"),
    "irs": ("IRS",),
    "beta_vae_sklearn": ("eval_accuracy",),
    "factor_vae_metric": ("eval_accuracy",),
    "unsupervised": ("gaussian_total_correlation", "mutual_info_score"),
    "infomec": ("infom", "infoe", "infoc"),
    "dci_es": ("explicitness", "size"),
    "downstream_task_boosted_trees": ("10000:mean_test_accuracy",),
    "downstream_task_logistic_regression": ("10000:mean_test_accuracy",),
}
"""Metric -> the keys that tables show by default; all keys of a metric that is not listed."""
UNBOUNDED = ("unsupervised", "dci_es")
"""Metrics whose numbers may lie outside [0, 1]."""
SUMMARY_METRICS = {
    "discrete_mig": "mig",
    "disentanglement": "dci",
    "completeness": "dci",
    "informativeness_test": "dci",
    "mig_sup": "mig_sup",
    "mig_chen": "chen",
    "mig_sup_chen": "chen",
}
"""Key that a run measures at its end -> its metric."""
_CHEN = {"mig_chen": "MIG (Chen's estimator)", "mig_sup_chen": "MIG-sup (Chen's estimator)"}


def describe_metric(name: str) -> str:
    """The usual name of ``<metric>.<key>``, such as ``MIG``; the name itself where there is none."""
    key = name.split(".", 1)[-1]
    return METRICS.get(name) or METRICS.get(key) or _CHEN.get(key) or name


def is_headline(name: str) -> bool:
    """Whether tables show ``<metric>.<key>`` by default."""
    metric, _, key = name.partition(".")
    return key in HEADLINES.get(metric, (key,))


def select_metrics(names: Iterable[str], metrics: Iterable[str] | None) -> list[str]:
    """The names that belong to ``metrics`` (``mig`` or ``dci.completeness``); the headlines of all metrics if None."""
    chosen = None if metrics is None else set(metrics)
    return [
        name
        for name in dict.fromkeys(names)
        if (is_headline(name) if chosen is None else {name, name.partition(".")[0]} & chosen)
    ]
