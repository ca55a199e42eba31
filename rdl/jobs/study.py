"""disentanglement_lib's study of 12,600 models (Locatello et al., arXiv 1811.12359) by its model numbers.

A model number counts, seeds fastest, through 7 data sets x 6 methods x 6 strengths x 50 seeds, in the order of that
library's code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import gin

from rdl import shipped
from rdl.config import read_gin
from rdl.errors import UserError

_FILES = shipped.GIN_CONFIGS / "baselines"


@dataclass(frozen=True)
class Method:
    """One of the six methods.

    Attributes:
      factory: the objective's gin name.
      strength: the parameter that the study varies ..
      strengths: .. over these values.
      fixed: the objective's other parameters, as disentanglement_lib's bindings give them.
    """

    factory: str
    strength: str
    strengths: tuple[float, ...]
    fixed: Mapping[str, float | str] = field(default_factory=dict)


DATASETS = (
    "dsprites_full", "color_dsprites", "noisy_dsprites", "scream_dsprites", "smallnorb", "cars3d", "shapes3d",
)  # fmt: skip
METHODS = {
    "beta_vae": Method("vae", "beta", (1.0, 2.0, 4.0, 6.0, 8.0, 16.0)),
    "factor_vae": Method("factor_vae", "gamma", (10.0, 20.0, 30.0, 40.0, 50.0, 100.0)),
    "dip_vae_i": Method(
        "dip_vae", "lambda_od", (1.0, 2.0, 5.0, 10.0, 20.0, 50.0), {"lambda_d_factor": 10.0, "dip_type": "i"}
    ),
    "dip_vae_ii": Method(
        "dip_vae", "lambda_od", (1.0, 2.0, 5.0, 10.0, 20.0, 50.0), {"lambda_d_factor": 1.0, "dip_type": "ii"}
    ),
    "beta_tc_vae": Method("beta_tc_vae", "beta", (1.0, 2.0, 4.0, 6.0, 8.0, 10.0)),
    "annealed_vae": Method(
        "annealed_vae", "c_max", (5.0, 10.0, 25.0, 50.0, 75.0, 100.0), {"iteration_threshold": 100000, "gamma": 1000}
    ),
}
_STRENGTHS, _SEEDS = 6, 50
NUM_MODELS = len(DATASETS) * len(METHODS) * _STRENGTHS * _SEEDS


@dataclass(frozen=True)
class Setting:
    """What one model number stands for."""

    number: int
    dataset: str
    method: str
    strength: float
    seed: int

    @classmethod
    def of(cls, number: int) -> "Setting":
        """The setting of a model number.

        Raises:
          UserError: there is no such model.
        """
        if not 0 <= number < NUM_MODELS:
            raise UserError(f"unsupervised_study_v1 has models 0 to {NUM_MODELS - 1}, got --model_num={number}.")
        rest, seed = divmod(number, _SEEDS)
        rest, strength = divmod(rest, _STRENGTHS)
        dataset, method = divmod(rest, len(METHODS))
        name = list(METHODS)[method]
        return cls(number, DATASETS[dataset], name, METHODS[name].strengths[strength], seed)

    @property
    def place(self) -> str:
        """Its folder in the study's."""
        return str(self.number)

    @property
    def title(self) -> str:
        """For a person."""
        return f"{self.dataset}, {self.method} {self.strength:g}, seed {self.seed}"

    @property
    def graph(self) -> str:
        """The method: a traced graph holds it, and all its strengths are hyperparameters."""
        return self.method

    @property
    def labels(self) -> dict[str, str]:
        """What disentanglement_lib's result tree is told besides."""
        return {"model.model_num": str(self.number)}

    def configure(self, gin_files: Sequence[str], bindings: Sequence[str]) -> None:
        """Gives gin this model's configuration, and nothing else."""
        gin.clear_config()
        # The number's own settings come before the files, so that a smaller scale may shorten a schedule.
        read_gin([str(self.gin_file)], [*self.bindings(), "display.quiet = True"])
        with gin.unlock_config():
            read_gin(gin_files, bindings)

    @property
    def gin_file(self) -> Path:
        """The settings that all models of the method share."""
        return _FILES / f"{self.method}.gin"

    @property
    def objective(self) -> dict[str, float | str]:
        """The objective's parameters under their gin names, the same here and in disentanglement_lib."""
        method = METHODS[self.method]
        values = {method.strength: self.strength, **method.fixed}
        return {f"{method.factory}.{name}": value for name, value in values.items()}

    def bindings(self) -> list[str]:
        """rdl's gin bindings, on top of ``gin_file``."""
        values = {"dataset.name": self.dataset, **self.objective, "experiment.seed": self.seed}
        return [f"{name} = {value!r}" for name, value in values.items()]

    def dlib_bindings(self) -> list[str]:
        """The bindings that disentanglement_lib's own study gives its model."""
        values = {
            "dataset.name": self.dataset,
            "model.name": self.method,
            **self.objective,
            "model.random_seed": self.seed,
        }
        references = {
            "model.model": f"@{METHODS[self.method].factory}()",
            "encoder.encoder_fn": "@conv_encoder",
            "decoder.decoder_fn": "@deconv_decoder",
        }
        if self.method == "factor_vae":
            references["discriminator.discriminator_fn"] = "@fc_discriminator"
        lines = [f"{name} = {value!r}" for name, value in values.items()]
        return lines + [f"{name} = {value}" for name, value in references.items()]

    def describe(self) -> str:
        """All of it, for a person."""
        lines = [f"Model {self.number} of unsupervised_study_v1, gin file gin_configs/baselines/{self.gin_file.name}"]
        lines += ["Gin bindings:", *(f"  {line}" for line in self.bindings())]
        lines += ["Bindings of disentanglement_lib:", *(f"  {line}" for line in self.dlib_bindings())]
        return "\n".join(lines)


@gin.configurable("study")
@dataclass(frozen=True)
class Plan:
    """Which of the published study's models are trained, and how any study measures its runs.

    Attributes:
      datasets: data sets; None: all.
      methods: methods; None: all.
      strengths: by method, which of its strengths; None: all.
      seeds: the first so many of the 50.
      metrics: what to measure after training, as ``bin/evaluate --metrics``.
      representations: of ``mean`` and ``sampled``.
      repeats: evaluation seeds per metric.
      metric_bindings: gin bindings on top of the metrics' files.
    """

    datasets: Sequence[str] | None = None
    methods: Sequence[str] | None = None
    strengths: Mapping[str, Sequence[float]] | None = None
    seeds: int = _SEEDS
    metrics: Sequence[str] = ()
    representations: Sequence[str] = ("mean",)
    repeats: int = 1
    metric_bindings: Sequence[str] = ()

    def __post_init__(self):
        _check("study.datasets", self.datasets or (), DATASETS)
        _check("study.methods", self.methods or (), METHODS)
        for method, strengths in (self.strengths or {}).items():
            _check("study.strengths", [method], METHODS)
            _check(f"study.strengths of {method}", strengths, METHODS[method].strengths)
        if not 1 <= self.seeds <= _SEEDS:
            raise UserError(f"study.seeds must lie in 1 .. {_SEEDS}, got {self.seeds}.")

    def settings(self) -> list[Setting]:
        """The models of the plan, in the order of their numbers."""
        datasets = DATASETS if self.datasets is None else self.datasets
        methods = METHODS if self.methods is None else self.methods
        chosen = self.strengths or {}
        return [
            setting
            for setting in map(Setting.of, range(NUM_MODELS))
            if setting.dataset in datasets
            and setting.method in methods
            and setting.strength in chosen.get(setting.method, METHODS[setting.method].strengths)
            and setting.seed < self.seeds
        ]


def _check(name: str, given: Sequence, known: Sequence | Mapping) -> None:
    if unknown := [each for each in given if each not in known]:
        raise UserError(f"{name} must be of {', '.join(map(str, known))}; got {unknown[0]!r}.")


def parse_numbers(text: str) -> list[int]:
    """Model numbers such as ``7``, ``0-49`` or ``3,10-12``, both ends included.

    Raises:
      UserError: anything else, or a number that no model has.
    """
    return [number for low, high in ranges(text, "--model_num") for number in range(low, Setting.of(high).number + 1)]


def ranges(text: str, flag: str) -> list[tuple[int, int]]:
    """First and last number of each part of a text such as ``3,10-12``.

    Raises:
      UserError: another text, or a range that falls.
    """
    found = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        if not low.isdecimal() or (dash and not high.isdecimal()) or int(low) > int(high or low):
            raise UserError(f"Expected {flag} as 7, 0-49 or 3,10-12; got {text!r}.")
        found.append((int(low), int(high or low)))
    return found
