"""Names of methods and data sets in tables, from settings of rdl or of disentanglement_lib."""

from collections.abc import Mapping

_OBJECTIVES = {"vae": "beta_vae"}
_STRENGTHS = ("vae.beta", "factor_vae.gamma", "dip_vae.lambda_od", "beta_tc_vae.beta", "annealed_vae.c_max")


def strip_gin_quotes(value: str) -> str:
    """gin's text without quotes, ``@`` and ``()``: ``'mig'`` and ``@mig()`` are both ``mig``."""
    return str(value).strip("'\"@()")


def name_run(config: Mapping[str, str]) -> str:
    """The method of a run: disentanglement_lib's name of the objective for a single model, otherwise the job."""
    job, objective = (strip_gin_quotes(config.get(key, "")) for key in ("experiment.job", "model.objective"))
    if config.get("population.size") != "1" or job not in ("", "search"):
        return job
    if objective == "dip_vae":
        return f"dip_vae_{strip_gin_quotes(config.get('dip_vae.dip_type', 'i'))}"
    return _OBJECTIVES.get(objective, objective)


def name_method(settings: Mapping[str, str]) -> str:
    """The method of a result tree's training step with its regularisation strength: ``beta_vae, beta 4``."""
    name = strip_gin_quotes(settings.get("model.name", "")) or strip_gin_quotes(settings.get("model.model", "model"))
    factory = "dip_vae" if name.startswith("dip_vae") else {"beta_vae": "vae"}.get(name, name)
    if name == "dip_vae":
        name += f"_{strip_gin_quotes(settings.get('dip_vae.dip_type', 'i'))}"
    strength = next((key for key in _STRENGTHS if key in settings and key.split(".")[0] == factory), None)
    if strength is None:
        return name
    value = strip_gin_quotes(settings[strength])
    try:
        return f"{name}, {strength.split('.')[1]} {float(value):g}"
    except ValueError:
        return f"{name}, {value}"


def name_dataset(settings: Mapping[str, str]) -> str:
    """The data set with its options: ``dsprites_full (size 32)``."""
    name = strip_gin_quotes(settings.get("dataset.name", ""))
    options = {key: value for key, value in settings.items() if key.startswith("dataset.") and key != "dataset.name"}
    parts = [f"{key.split('.')[1]} {value}" for key, value in sorted(options.items())]
    return f"{name} ({'; '.join(parts)})" if parts else name
