"""One update of an ensemble: losses, gradients, Adam."""

import tensorflow as tf

from rdl.models import replicas
from rdl.models.finite import owner, watch
from rdl.models.initialization import initialize
from rdl.models.vae import VAE_PLAYER, Ensemble, as_float
from rdl.seeds import derive
from rdl.training import threads
from rdl.training.adam import Adam

Batch = dict[str, tf.Tensor]
"""Rows that belong together: uint8 `images` [rows, height, width, channels], and where the objective learns from labels
`labelled`, as many images more, with their `labels`, float32 [rows, factors]."""


class Step:
    """Moves every model of an ensemble on by one update, on the rows of the batch that this replica holds.

    Args:
      model: the ensemble.
    """

    def __init__(self, model: Ensemble):
        self.model = model
        self.terms: list[tuple[str, str]] = []  # (player, name) of the terms, known once the step was traced
        self._players = [
            {name: (player, Adam(player.variables, player.beta_1, player.beta_2)) for name, player in players.items()}
            for players in (each.players() for each in model.models)
        ]

    @property
    def optimizers(self) -> list[dict[str, Adam]]:
        """The optimiser of every player of every model."""
        return [{name: adam for name, (_, adam) in players.items()} for players in self._players]

    def __call__(self, batch: Batch, counts, scalars, hyperparameters) -> tf.Tensor:
        """Makes the update; returns this replica's shares of the terms, [models, terms].

        Args:
          batch: this replica's rows of it.
          counts: int32 scalars: step (since the seed), update (since the weights were drawn, from 1), seed.
          scalars: float32 scalars: dataset_size, learning_rate.
          hyperparameters: of the objective, float32 scalars.
        """
        batch = {name: as_float(rows) if rows.dtype == tf.uint8 else rows for name, rows in batch.items()}
        shares = []
        for index in range(len(self.model)):
            with owner(f"model {index}"):
                terms, gradients = self._update(index, batch, counts, scalars, hyperparameters)
            shares.append(terms)
            if not threads.models_run_side_by_side():
                # The next model starts when this one's activations are done with: memory of one model, not of all.
                with tf.control_dependencies(gradients):
                    batch = {name: tf.identity(rows) for name, rows in batch.items()}
        return tf.stack(shares)

    def _update(self, index, batch, counts, scalars, hyperparameters) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Moves one model on; returns its terms, [terms], and all gradients."""
        model, players = self.model.models[index], self._players[index]
        seed = tf.stack([counts["seed"] + index, counts["step"]])
        with tf.GradientTape(persistent=len(players) > 1) as tape:
            made = counts["update"] - 1  # since the weights were drawn: what anneals goes on where it stopped
            of_batch = {"labels": batch["batch_labels"]} if model.takes_batch_labels else {}
            losses = model.losses(batch["images"], seed, made, scalars["dataset_size"], hyperparameters, **of_batch)
            if model.takes_labels:
                added = model.supervised(batch["labelled"], batch["labels"], hyperparameters)
                losses[VAE_PLAYER] = losses[VAE_PLAYER] | added
            totals = {name: tf.add_n(list(terms.values())) for name, terms in losses.items()}
        self.terms = [(player, name) for player, terms in losses.items() for name in terms]
        terms = tf.stack([watch(f"the loss term {name}", losses[player][name]) for player, name in self.terms])
        gradients = {
            name: replicas.total(tape.gradient(totals[name], [v.value for v in player.variables]))
            for name, (player, _) in players.items()
        }
        names = {id(variable): name for name, variable in model.weight_names().items()}
        for name, (player, adam) in players.items():
            for variable, gradient in zip(player.variables, gradients[name], strict=True):
                watch(f"the gradient of {names[id(variable)]}", gradient)
            rate = scalars["learning_rate"] if player.learning_rate is None else player.learning_rate
            adam.apply(gradients[name], rate, counts["update"])
            for variable, square in zip(player.variables, adam.second_moments, strict=True):
                watch(f"the mean squared gradient of {names[id(variable)]}", square)
        for variable in model.weights:
            watch(f"the updated {names[id(variable)]}", variable.value)
        return terms, [gradient for some in gradients.values() for gradient in some]

    def initialize(self, seed: int) -> None:
        """Fresh weights and optimisers from a seed; the models get different ones."""
        for index, (model, adams) in enumerate(zip(self.model.models, self.optimizers, strict=True)):
            initialize(model, derive(seed, "model", index))
            for adam in adams.values():
                adam.reset()

    def variables(self) -> dict[str, tf.Variable]:
        """All that an update changes: weights and moments."""
        named = {}
        for index, (model, adams) in enumerate(zip(self.model.models, self.optimizers, strict=True)):
            for i, variable in enumerate(model.weights):
                named[f"model_{index}/{i:03d}_{variable.name}"] = variable.value
            for name, adam in adams.items():
                for kind in ("first_moments", "second_moments"):
                    for i, variable in enumerate(getattr(adam, kind)):
                        named[f"model_{index}/{name}/{kind}/{i:03d}"] = variable
        return named
