"""The models of disentanglement_lib's study (Locatello et al., arXiv 1811.12359), by their numbers.

The 12,600 models are 7 data sets x 6 methods x 6 strengths x 50 seeds. They are numbered as in that library's code: the
seed varies fastest, the data set slowest.
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
class StudyMethod:
    """One of the six methods of the study.

    Attributes:
      factory: gin name of the objective.
      strength: name of the regularisation strength, which the study varies.
      strengths: its six values.
      fixed: the objective's other parameters, with disentanglement_lib's values.
    """

    factory: str
    strength: str
    strengths: tuple[float, ...]
    fixed: Mapping[str, float | str] = field(default_factory=dict)


DATASETS = (
    "dsprites_full", "color_dsprites", "noisy_dsprites", "scream_dsprites", "smallnorb", "cars3d", "shapes3d",
)  # fmt: skip
METHODS = {
    "beta_vae": StudyMethod("vae", "beta", (1.0, 2.0, 4.0, 6.0, 8.0, 16.0)),
    "factor_vae": StudyMethod("factor_vae", "gamma", (10.0, 20.0, 30.0, 40.0, 50.0, 100.0)),
    "dip_vae_i": StudyMethod(
        "dip_vae", "lambda_od", (1.0, 2.0, 5.0, 10.0, 20.0, 50.0), {"lambda_d_factor": 10.0, "dip_type": "i"}
    ),
    "dip_vae_ii": StudyMethod(
        "dip_vae", "lambda_od", (1.0, 2.0, 5.0, 10.0, 20.0, 50.0), {"lambda_d_factor": 1.0, "dip_type": "ii"}
    ),
    "beta_tc_vae": StudyMethod("beta_tc_vae", "beta", (1.0, 2.0, 4.0, 6.0, 8.0, 10.0)),
    "annealed_vae": StudyMethod(
        "annealed_vae", "c_max", (5.0, 10.0, 25.0, 50.0, 75.0, 100.0), {"iteration_threshold": 100000, "gamma": 1000}
    ),
}
_STRENGTHS, _SEEDS = 6, 50
NUM_MODELS = len(DATASETS) * len(METHODS) * _STRENGTHS * _SEEDS


@dataclass(frozen=True)
class StudyModel:
    """The settings of one model of the study."""

    number: int
    dataset: str
    method: str
    strength: float
    seed: int

    @classmethod
    def from_number(cls, number: int) -> "StudyModel":
        """The model of a number.

        Raises:
          UserError: the number is out of range.
        """
        if not 0 <= number < NUM_MODELS:
            raise UserError(f"--model_num must lie in 0 .. {NUM_MODELS - 1}, got {number}.")
        rest, seed = divmod(number, _SEEDS)
        rest, strength = divmod(rest, _STRENGTHS)
        dataset, method = divmod(rest, len(METHODS))
        name = list(METHODS)[method]
        return cls(number, DATASETS[dataset], name, METHODS[name].strengths[strength], seed)

    @property
    def place(self) -> str:
        """Folder of the run within the study's folder."""
        return str(self.number)

    @property
    def title(self) -> str:
        """Data set, method, strength and seed, for log lines."""
        return f"{self.dataset}, {self.method} {self.strength:g}, seed {self.seed}"

    @property
    def graph(self) -> str:
        """The method; its models share a traced graph, since strengths are hyperparameters."""
        return self.method

    @property
    def labels(self) -> dict[str, str]:
        """Extra training settings in disentanglement_lib's result tree."""
        return {"model.model_num": str(self.number)}

    def configure(self, gin_files: Sequence[str], bindings: Sequence[str]) -> None:
        """Replaces gin's configuration by that of this model."""
        gin.clear_config()
        # The model's own settings come first, so that a file can shorten a schedule.
        read_gin([str(self.gin_file)], [*self.bindings(), "display.quiet = True"])
        with gin.unlock_config():
            read_gin(gin_files, bindings)

    @property
    def gin_file(self) -> Path:
        """gin file with the settings that all models of the method share."""
        return _FILES / f"{self.method}.gin"

    @property
    def objective(self) -> dict[str, float | str]:
        """Parameters of the objective under their gin names, which rdl and disentanglement_lib share."""
        method = METHODS[self.method]
        values = {method.strength: self.strength, **method.fixed}
        return {f"{method.factory}.{name}": value for name, value in values.items()}

    def bindings(self) -> list[str]:
        """gin bindings of rdl on top of ``gin_file``."""
        values = {"dataset.name": self.dataset, **self.objective, "experiment.seed": self.seed}
        return [f"{name} = {value!r}" for name, value in values.items()]

    def dlib_bindings(self) -> list[str]:
        """gin bindings of the same model in disentanglement_lib."""
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
        """The bindings of rdl and of disentanglement_lib, for --only_print."""
        lines = [f"Model {self.number} of unsupervised_study_v1, gin file gin_configs/baselines/{self.gin_file.name}"]
        lines += ["Gin bindings:", *(f"  {line}" for line in self.bindings())]
        lines += ["Bindings of disentanglement_lib:", *(f"  {line}" for line in self.dlib_bindings())]
        return "\n".join(lines)


@gin.configurable("study")
@dataclass(frozen=True)
class StudyPlan:
    """Selects models of the published study, and sets how every study measures its runs.

    Attributes:
      datasets: data sets; None: all.
      methods: methods; None: all.
      strengths: strengths by method; None: all.
      seeds: number of seeds, counted from the first of the 50.
      metrics: metrics to measure after training, as in ``bin/evaluate --metrics``.
      representations: ``mean``, ``sampled`` or both.
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
        _check_known("study.datasets", self.datasets or (), DATASETS)
        _check_known("study.methods", self.methods or (), METHODS)
        for method, strengths in (self.strengths or {}).items():
            _check_known("study.strengths", [method], METHODS)
            _check_known(f"study.strengths of {method}", strengths, METHODS[method].strengths)
        if not 1 <= self.seeds <= _SEEDS:
            raise UserError(f"study.seeds must lie in 1 .. {_SEEDS}, got {self.seeds}.")

    def list_models(self) -> list[StudyModel]:
        """The selected models in the order of their numbers."""
        datasets = DATASETS if self.datasets is None else self.datasets
        methods = METHODS if self.methods is None else self.methods
        chosen = self.strengths or {}
        return [
            model
            for model in map(StudyModel.from_number, range(NUM_MODELS))
            if model.dataset in datasets
            and model.method in methods
            and model.strength in chosen.get(model.method, METHODS[model.method].strengths)
            and model.seed < self.seeds
        ]


def _check_known(name: str, given: Sequence, known: Sequence | Mapping) -> None:
    if unknown := [each for each in given if each not in known]:
        raise UserError(f"{name} must be among {', '.join(map(str, known))}; got {unknown[0]!r}.")


def parse_numbers(text: str) -> list[int]:
    """Model numbers from a text such as ``7``, ``0-49`` or ``3,10-12``, both ends included.

    Raises:
      UserError: another text, or a number out of range.
    """
    parts = parse_ranges(text, "--model_num")
    return [number for low, high in parts for number in range(low, StudyModel.from_number(high).number + 1)]


def parse_ranges(text: str, flag: str) -> list[tuple[int, int]]:
    """First and last number of each part of a text such as ``3,10-12``.

    Raises:
      UserError: another text, or a range whose end is smaller than its start.
    """
    found = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        if not low.isdecimal() or (dash and not high.isdecimal()) or int(low) > int(high or low):
            raise UserError(f"Expected {flag} as 7, 0-49 or 3,10-12; got {text!r}.")
        found.append((int(low), int(high or low)))
    return found
