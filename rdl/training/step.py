"""One update of an ensemble: losses, gradients, Adam."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from rdl.models import replicas
from rdl.models.finite import check_finite, checked_model
from rdl.models.initialization import initialize
from rdl.models.vae import VAE_PLAYER, Ensemble, as_float
from rdl.seeds import derive
from rdl.training import threads
from rdl.training.adam import Adam


class LabelledBatch(NamedTuple):
    """Labelled images of a batch."""

    images: Any  # uint8 [rows, height, width, channels]
    labels: Any  # float32 [rows, factors]


class Batch(NamedTuple):
    """The images of an update, or of several; arrays, tensors or their specs."""

    images: Any  # uint8 [rows, height, width, channels]
    labelled: LabelledBatch | tuple[()] = ()  # as many labelled images, for a supervised objective
    labels: Any = ()  # of the images, float32 [rows, labels], for an objective that takes labels of the batch

    def rows(self, start, end) -> "Batch":
        """Rows `start` .. `end` of all parts."""
        return tf.nest.map_structure(lambda part: part[start:end], self)


class Clock(NamedTuple):
    """The progress of training, int32 scalars. Two counters, since a clone continues with other noise."""

    noise_seed: Any
    noise_step: Any  # updates made with this noise seed; both together seed the latent noise of an update
    updates: Any  # updates made since the weights were drawn, for Adam and for schedules

    def after(self, updates) -> "Clock":
        """The clock that many updates later."""
        return self._replace(noise_step=self.noise_step + updates, updates=self.updates + updates)


class StepSettings(NamedTuple):
    """Settings of an update that are arguments of the graph, float32 scalars."""

    dataset_size: Any  # number of images in the training set
    learning_rate: Any
    hyperparameters: Mapping[str, Any]  # of the objective


class Step:
    """Makes one update of every model of an ensemble, on the rows of the batch that this replica holds.

    Args:
      model: the ensemble.
    """

    def __init__(self, model: Ensemble):
        self.model = model
        self.terms: list[tuple[str, str]] = []  # (player, name) of each term, known once the step is traced
        self._players = [
            {name: (player, Adam(player.variables, player.beta_1, player.beta_2)) for name, player in players.items()}
            for players in (each.players() for each in model.models)
        ]

    @property
    def optimizers(self) -> list[dict[str, Adam]]:
        """The optimiser of every player of every model."""
        return [{name: adam for name, (_, adam) in players.items()} for players in self._players]

    def __call__(self, batch: Batch, clock: Clock, settings: StepSettings) -> tf.Tensor:
        """Makes the update; returns this replica's shares of the terms, [models, terms]."""
        batch = tf.nest.map_structure(lambda rows: as_float(rows) if rows.dtype == tf.uint8 else rows, batch)
        shares = []
        for index in range(len(self.model)):
            with checked_model(f"model {index}"):
                terms, gradients = self._update(index, batch, clock, settings)
            shares.append(terms)
            if not threads.models_run_side_by_side():
                # The next model waits for this one's gradients, so that memory holds one model's activations at a time.
                with tf.control_dependencies(gradients):
                    batch = tf.nest.map_structure(tf.identity, batch)
        return tf.stack(shares)

    def _update(
        self, index: int, batch: Batch, clock: Clock, settings: StepSettings
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Updates one model; returns its terms, [terms], and all gradients."""
        model, players = self.model.models[index], self._players[index]
        seed = tf.stack([clock.noise_seed + index, clock.noise_step])
        with tf.GradientTape(persistent=len(players) > 1) as tape:
            labels = batch.labels if model.takes_batch_labels else None
            values = settings.hyperparameters
            losses = model.losses(batch.images, seed, clock.updates, settings.dataset_size, values, labels)
            if batch.labelled:
                losses[VAE_PLAYER] |= model.supervised(*batch.labelled, values)
            totals = {name: tf.add_n(list(terms.values())) for name, terms in losses.items()}
        self.terms = [(player, name) for player, terms in losses.items() for name in terms]
        terms = tf.stack([check_finite(f"the loss term {name}", losses[player][name]) for player, name in self.terms])
        gradients = {
            name: replicas.total(tape.gradient(totals[name], [v.value for v in player.variables]))
            for name, (player, _) in players.items()
        }
        names = {id(variable): name for name, variable in model.weight_names().items()}
        for name, (player, adam) in players.items():
            for variable, gradient in zip(player.variables, gradients[name], strict=True):
                check_finite(f"the gradient of {names[id(variable)]}", gradient)
            rate = settings.learning_rate if player.learning_rate is None else player.learning_rate
            adam.apply(gradients[name], rate, clock.updates + 1)
            for variable, square in zip(player.variables, adam.second_moments, strict=True):
                check_finite(f"the mean squared gradient of {names[id(variable)]}", square)
        for variable in model.weights:
            check_finite(f"the updated {names[id(variable)]}", variable.value)
        return terms, [gradient for each in gradients.values() for gradient in each]

    def initialize(self, seed: int) -> None:
        """Draws weights from a seed, different ones for each model, and resets the optimisers."""
        for index, (model, adams) in enumerate(zip(self.model.models, self.optimizers, strict=True)):
            initialize(model, derive(seed, "model", index))
            for adam in adams.values():
                adam.reset()

    def variables(self) -> dict[str, tf.Variable]:
        """All variables that an update changes: weights and moments."""
        named = {}
        for index, (model, adams) in enumerate(zip(self.model.models, self.optimizers, strict=True)):
            for i, variable in enumerate(model.weights):
                named[f"model_{index}/{i:03d}_{variable.name}"] = variable.value
            for name, adam in adams.items():
                for kind in ("first_moments", "second_moments"):
                    for i, variable in enumerate(getattr(adam, kind)):
                        named[f"model_{index}/{name}/{kind}/{i:03d}"] = variable
        return named
