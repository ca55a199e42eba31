"""A finished run as disentanglement_lib would describe it: settings and results under that library's names."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rdl import data
from rdl.config import Bindings, gin_text
from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.models.likelihoods import likelihood_of
from rdl.models.saving import saved
from rdl.models.saving.saved import TrainedModel
from rdl.posterior import mean_kl_to_prior
from rdl.results import result_tree
from rdl.results.comparability import RUN
from rdl.runs import Layout, RunReader
from rdl.seeds import generator

_METHODS = {"vae": "beta_vae", "annealed_vae": "annealed_vae", "factor_vae": "factor_vae", "beta_tc_vae": "beta_tc_vae"}
_WHOLE = ("annealed_vae.gamma", "annealed_vae.iteration_threshold")  # integers in disentanglement_lib's files
_NEEDED = ("seed", "images_trained", "elapsed_seconds")  # of a summary
_ADAMS = {"vae": (0.9, 0.999), "discriminator": (0.5, 0.9)}


@dataclass(frozen=True)
class FinishedRun:
    """A run directory with a summary and a model.

    Attributes:
      paths: of the run directory.
      config: the bindings of its ``config.gin``.
      summary: its ``results/summary.json``.
    """

    paths: Layout
    config: Bindings
    summary: dict[str, Any]

    @classmethod
    def open(cls, root: str | Path) -> "FinishedRun":
        """Reads the run directory.

        Raises:
          UserError: it holds no finished run, or something else under a run's names.
        """
        run = RunReader(Layout(Path(root)))
        summary = run.paths.summary
        if not summary.is_file() or not run.paths.config.is_file():
            raise UserError(f"{root} holds no finished run ({summary.name} is missing): finish it with bin/train.")
        found = result_tree.read_object(summary)
        if missing := [key for key in _NEEDED if key not in found]:
            raise UserError(
                f"{summary} is no summary of a run of rdl (no {missing[0]!r}): train again into a new folder."
            )
        return cls(run.paths, gin_text.parse_gin_text(run.config), found)

    @cached_property
    def model(self) -> TrainedModel:
        """The trained model."""
        return saved.load(self.paths.model)

    @cached_property
    def images(self) -> ImageSet:
        """The data set it was trained on; gin holds nothing afterwards."""
        return data.from_config("".join(f"{key} = {value}\n" for key, value in self.dataset.items()))

    @property
    def dataset(self) -> Bindings:
        """The bindings of the data set."""
        return {key: value for key, value in self.config.items() if key.startswith("dataset.")}

    @property
    def method(self) -> str:
        """disentanglement_lib's name of the objective, or the job's where it is more than one model."""
        job, objective = self._named("experiment.job"), self._named("model.objective")
        if job != "search" or self.config.get("population.size") != "1":
            return job
        if objective == "dip_vae":
            return "dip_vae_ii" if "ii" in self.config.get("dip_vae.dip_type", "") else "dip_vae_i"
        return _METHODS.get(objective, objective)

    def training_settings(self) -> Bindings:
        """What was trained, in the names of disentanglement_lib's gin files; and all that was asked, under ``run/``."""
        objective = self._named("model.objective")
        settings = {"model.name": f"'{self.method}'", "model.model": f"@{objective}()"}
        batch_size = self.summary.get("final.batch_size")
        if batch_size:
            steps = -(-int(self.summary["images_trained"]) // int(batch_size))
            settings |= {"model.batch_size": str(int(batch_size)), "model.training_steps": str(steps)}
        settings |= {
            "model.random_seed": str(self.summary["seed"]),
            "encoder.num_latent": str(self.model.num_latents),
            "encoder.encoder_fn": self.config.get("model.encoder", ""),
            "decoder.decoder_fn": self.config.get("model.decoder", ""),
            "reconstruction_loss.loss_fn": f"@{self._named('model.likelihood') or 'bernoulli'}_loss",
            **self.dataset,
            **{key: value for key, value in self.config.items() if key.startswith(f"{objective}.")},
            **self._searched(objective),
            **self._optimisers(objective),
            **{f"{RUN}{key}": value for key, value in self.config.items()},
        }
        return {key: value for key, value in settings.items() if value}

    def training_results(self, points: int = 1000) -> dict[str, float]:
        """Losses in nats per image on images drawn from the run's seed, one latent sample each.

        Args:
          points: how many images at most.
        """
        images, random = self.images, generator(self.summary["seed"], "training_results")
        batch = images.images(np.sort(random.permutation(len(images))[:points]))
        posterior = self.model.posterior(batch)
        means, log_variances = np.asarray(posterior.loc), np.asarray(posterior.log_variance)
        latents = means + np.exp(0.5 * log_variances) * random.standard_normal(means.shape, np.float32)
        logits = np.asarray(self.model.decoder(latents, training=False), np.float64)
        likelihood = likelihood_of(self.model.decoder).distribution(tf.constant(logits))
        reconstruction = -float(np.mean(likelihood.log_prob(batch / 255.0)))
        kl = float(mean_kl_to_prior(means, log_variances).sum())
        return {"reconstruction_loss": reconstruction, "kl_loss": kl, "elbo": -(reconstruction + kl)}

    def write_training_results(self, more: Mapping[str, str] | None = None) -> None:
        """Writes the step ``train`` of the result tree, unless it is there; ``more`` joins its settings."""
        if result_tree.is_complete(self.paths.model, "train"):
            return
        settings = {**self.training_settings(), **(more or {})}
        results: dict[str, Any] = self.training_results()
        if "model.training_steps" in settings:
            results["global_step"] = int(settings["model.training_steps"])
        results["elapsed_time"] = float(self.summary["elapsed_seconds"])
        result_tree.write_step(self.paths.model, "train", settings, results)

    def _named(self, key: str) -> str:
        return self.config.get(key, "").strip("@()")

    def _searched(self, objective: str) -> Bindings:
        """The final hyperparameters: a search may have moved them away from gin's values."""
        found = _hyperparameters(self.summary)
        return {f"{objective}.{name}": _text(f"{objective}.{name}", value) for name, value in found.items()}

    def _optimisers(self, objective: str) -> Bindings:
        rates = {"vae": self.summary.get("final.learning_rate"), "discriminator": 1e-4}
        if objective != "factor_vae":
            rates.pop("discriminator")
        settings: Bindings = {}
        for player, rate in rates.items():
            if rate is not None:
                beta1, beta2 = _ADAMS[player]
                settings[f"{player}_optimizer.optimizer_fn"] = f"@{player}/AdamOptimizer"
                values = {"learning_rate": rate, "beta1": beta1, "beta2": beta2}
                settings |= {f"{player}/AdamOptimizer.{name}": repr(float(value)) for name, value in values.items()}
        return settings


def _hyperparameters(summary: Mapping[str, Any]) -> dict[str, float]:
    known = ("beta", "gamma", "delta", "c_max", "iteration_threshold", "lambda_od", "lambda_d_factor")
    return {name: summary[f"final.{name}"] for name in known if f"final.{name}" in summary}


def _text(key: str, value: float) -> str:
    return str(int(value)) if key in _WHOLE and float(value).is_integer() else repr(float(value))
