"""A finished run in disentanglement_lib's terms: settings and results under that library's names."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rdl import data
from rdl.config import RunConfig
from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.models.likelihoods import likelihood_of
from rdl.models.saving import saved
from rdl.models.saving.saved import TrainedModel
from rdl.posterior import mean_kl_to_prior
from rdl.results import result_tree
from rdl.results.method_names import name_run
from rdl.results.training_settings import RUN
from rdl.runs import Layout, RunReader
from rdl.seeds import generator

_INTEGERS = ("annealed_vae.gamma", "annealed_vae.iteration_threshold")  # integers in disentanglement_lib
_REQUIRED = ("seed", "images_trained", "elapsed_seconds")  # keys of a summary
_ADAMS = {"vae": (0.9, 0.999), "discriminator": (0.5, 0.9)}


@dataclass(frozen=True)
class FinishedRun:
    """A run directory with a summary and a model.

    Attributes:
      paths: layout of the run directory.
      config: resolved configuration.
      summary: content of ``results/summary.json``.
    """

    paths: Layout
    config: RunConfig
    summary: dict[str, Any]

    @classmethod
    def open(cls, root: str | Path) -> "FinishedRun":
        """Reads a run directory.

        Raises:
          UserError: the directory holds no finished run, or a summary that rdl did not write.
        """
        run = RunReader(Layout(Path(root)))
        summary = run.paths.summary
        if not summary.is_file() or not run.paths.config.is_file():
            raise UserError(f"{root} holds no finished run ({summary.name} is missing): finish it with bin/train.")
        found = result_tree.read_object(summary)
        if missing := [key for key in _REQUIRED if key not in found]:
            raise UserError(
                f"{summary} is not a summary of rdl ({missing[0]!r} is missing): train again into a new folder."
            )
        return cls(run.paths, run.config, found)

    @cached_property
    def model(self) -> TrainedModel:
        """The trained model."""
        return saved.load_model(self.paths.model)

    @cached_property
    def images(self) -> ImageSet:
        """The data set that the run was trained on; leaves gin empty."""
        return data.from_config(self.config)

    @property
    def dataset(self) -> dict[str, str]:
        """The bindings of the data set, as gin writes their values."""
        return {key: value for key, value in self.config.texts().items() if key.startswith("dataset.")}

    @property
    def method(self) -> str:
        """disentanglement_lib's name of the objective of a single model, otherwise the name of the job."""
        return name_run(self.config.texts())

    def training_settings(self) -> dict[str, str]:
        """Settings in the names of disentanglement_lib's gin files, and all bindings of the run under ``run/``."""
        objective, config = self.config.name("model.objective"), self.config.texts()
        likelihood = self.config.name("model.likelihood") or "bernoulli"
        settings = {"model.name": f"'{self.method}'", "model.model": f"@{objective}()"}
        batch_size = self.summary.get("final.batch_size")
        if batch_size:
            steps = -(-int(self.summary["images_trained"]) // int(batch_size))
            settings |= {"model.batch_size": str(int(batch_size)), "model.training_steps": str(steps)}
        settings |= {
            "model.random_seed": str(self.summary["seed"]),
            "encoder.num_latent": str(self.model.num_latents),
            "encoder.encoder_fn": config.get("model.encoder", ""),
            "decoder.decoder_fn": config.get("model.decoder", ""),
            "reconstruction_loss.loss_fn": f"@{likelihood}_loss",
            **self.dataset,
            **{key: value for key, value in config.items() if key.startswith(f"{objective}.")},
            **self._final_hyperparameters(objective),
            **self._describe_optimizers(objective),
            **{f"{RUN}{key}": value for key, value in config.items()},
        }
        return {key: value for key, value in settings.items() if value}

    def training_results(self, points: int = 1000) -> dict[str, float]:
        """Losses in nats per image on images drawn with the run's seed, with one latent sample per image.

        Args:
          points: maximal number of images.
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

    def write_training_results(self, extra_settings: Mapping[str, str] | None = None) -> None:
        """Writes the step ``train`` of the result tree unless it is there."""
        if result_tree.is_complete(self.paths.model, "train"):
            return
        settings = {**self.training_settings(), **(extra_settings or {})}
        results: dict[str, Any] = self.training_results()
        if "model.training_steps" in settings:
            results["global_step"] = int(settings["model.training_steps"])
        results["elapsed_time"] = float(self.summary["elapsed_seconds"])
        result_tree.write_step(self.paths.model, "train", settings, results)

    def _final_hyperparameters(self, objective: str) -> dict[str, str]:
        """Hyperparameters at the end, which a search may have moved away from the configuration."""
        known = ("beta", "gamma", "delta", "c_max", "iteration_threshold", "lambda_od", "lambda_d_factor")
        found = {name: self.summary[f"final.{name}"] for name in known if f"final.{name}" in self.summary}
        return {f"{objective}.{name}": _format_value(f"{objective}.{name}", value) for name, value in found.items()}

    def _describe_optimizers(self, objective: str) -> dict[str, str]:
        rates = {"vae": self.summary.get("final.learning_rate"), "discriminator": 1e-4}
        if objective != "factor_vae":
            rates.pop("discriminator")
        settings: dict[str, str] = {}
        for player, rate in rates.items():
            if rate is not None:
                beta1, beta2 = _ADAMS[player]
                settings[f"{player}_optimizer.optimizer_fn"] = f"@{player}/AdamOptimizer"
                values = {"learning_rate": rate, "beta1": beta1, "beta2": beta2}
                settings |= {f"{player}/AdamOptimizer.{name}": repr(float(value)) for name, value in values.items()}
        return settings


def _format_value(key: str, value: float) -> str:
    return str(int(value)) if key in _INTEGERS and float(value).is_integer() else repr(float(value))
