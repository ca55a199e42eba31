"""Names of the metrics in tables and pages, by result key of disentanglement_lib and rdl."""

METRICS = {
    "discrete_mig": "MIG",
    "mig_sup": "MIG-sup",
    "disentanglement": "DCI disentanglement",
    "completeness": "DCI completeness",
    "informativeness_test": "DCI informativeness (test)",
    "SAP_score": "SAP",
    "modularity_score": "modularity",
    "beta_vae_sklearn.eval_accuracy": "beta-VAE score",
    "factor_vae_metric.eval_accuracy": "FactorVAE score",
    "infom": "InfoM",
    "infoe": "InfoE",
    "infoc": "InfoC",
    "explicitness": "DCI-ES explicitness",
    "size": "DCI-ES size",
}
"""Keys that several metrics share are prefixed with the name of their metric."""
