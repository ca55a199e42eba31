"""Moves models on by a number of images, in one traced graph whatever the member of a population asks for."""

from collections.abc import Callable, Mapping

import gin
import numpy as np
import tensorflow as tf

from rdl.errors import NonFiniteError, UserError
from rdl.models import replicas
from rdl.models.initialization import initialize
from rdl.models.vae import Ensemble, as_float
from rdl.seeds import derive
from rdl.training import batches, threads
from rdl.training.adam import Adam

State = dict[str, np.ndarray]


@gin.configurable(allowlist=["chunk_images", "jit_compile"])
class Trainer:
    """Trains an ensemble under the tf.distribute strategy that is current when it is made.

    The ensemble has to be built in the same `strategy.scope()`. Batch size, learning rate, hyperparameters, data set
    and its size are arguments of the graph: it is traced once. Fresh weights are those of seed 0.

    Args:
      model: what to train.
      chunk_images: images handed to the graph at once; memory against calls, no effect on what is learned.
      jit_compile: compile the step by XLA, once per batch size.
    """

    def __init__(self, model: Ensemble, *, chunk_images: int = 4096, jit_compile: bool = False):
        self.model = model
        self._strategy = tf.distribute.get_strategy()
        if jit_compile and self._strategy.num_replicas_in_sync > 1:
            raise UserError(
                "TensorFlow cannot compile a step of several replicas by XLA; set Trainer.jit_compile = False or "
                "train with one replica."
            )
        self._chunk_images = chunk_images
        self.traces = 0  # how often the graph was traced
        self._updates = 0  # since the optimisers' moments were zero
        self._terms: list[str] = []
        with self._strategy.scope():
            self._players = [
                {
                    name: (player, Adam(player.variables, player.beta_1, player.beta_2))
                    for name, player in each.players().items()
                }
                for each in model.models
            ]
        scalar, count = tf.TensorSpec((), tf.float32), tf.TensorSpec((), tf.int32)
        self._chunk = tf.function(
            self._run_chunk,
            input_signature=[
                tf.TensorSpec((None, *model.image_shape), tf.uint8),
                {"batch_size": count, "step": count, "update": count, "seed": count},
                {"dataset_size": scalar, "learning_rate": scalar},
                dict.fromkeys(model.hyperparameters, scalar),
            ],
            autograph=False,
        )
        self._step = tf.function(self._replica_step, jit_compile=True) if jit_compile else self._replica_step
        self.initialize(0)

    # -- one update ---------------------------------------------------------------------------------------------

    def _replica_step(self, images, counts, scalars, hyperparameters):
        """This replica's part of one update; returns its shares of the terms, [models, terms]."""
        rows = []
        for index, (model, players) in enumerate(zip(self.model.models, self._players, strict=True)):
            seed = tf.stack([counts["seed"] + index, counts["step"]])
            with tf.GradientTape(persistent=len(players) > 1) as tape:
                made = counts["update"] - 1  # since the weights were drawn: what anneals goes on where it stopped
                losses = model.losses(images, seed, made, scalars["dataset_size"], hyperparameters)
                totals = {name: tf.add_n(list(terms.values())) for name, terms in losses.items()}
            gradients = {
                name: replicas.total(tape.gradient(totals[name], [v.value for v in player.variables]))
                for name, (player, _) in players.items()
            }
            for name, (player, adam) in players.items():
                rate = scalars["learning_rate"] if player.learning_rate is None else player.learning_rate
                adam.apply(gradients[name], rate, counts["update"])
            named = [(name, term) for terms in losses.values() for name, term in terms.items()]
            self._terms = [name for name, _ in named]
            rows.append(tf.stack([term for _, term in named]))
            if not threads.models_run_side_by_side():
                # The next model starts when this one's activations are done with: memory of one model, not of all.
                with tf.control_dependencies([g for some in gradients.values() for g in some]):
                    images = tf.identity(images)
        return tf.stack(rows)

    def _run_chunk(self, images, counts, scalars, hyperparameters):
        """All updates of a chunk; returns the terms [steps, models, terms], and whether all weights are finite."""
        self.traces += 1
        size = counts["batch_size"]
        steps = tf.shape(images)[0] // size

        def body(i, history):
            batch = images[i * size : (i + 1) * size]
            now = counts | {"step": counts["step"] + i, "update": counts["update"] + i}
            shares = self._strategy.run(self._on_rows, (batch, now, scalars, hyperparameters))
            return i + 1, history.write(i, self._strategy.reduce("SUM", shares, axis=None))

        history = tf.TensorArray(tf.float32, size=steps)
        _, history = tf.while_loop(lambda i, _: i < steps, body, [0, history])
        weights = [v.value for model in self.model.models for v in model.weights]
        finite = [tf.reduce_all(tf.math.is_finite(weight)) for weight in weights]
        return history.stack(), tf.reduce_all(tf.stack(finite))

    def _on_rows(self, batch, counts, scalars, hyperparameters):
        context = tf.distribute.get_replica_context()
        replica, among = context.replica_id_in_sync_group, context.num_replicas_in_sync
        if among > 1:
            size = tf.shape(batch)[0]
            batch = batch[(replica * size + among - 1) // among : ((replica + 1) * size + among - 1) // among]
        return self._step(as_float(batch), counts, scalars, hyperparameters)

    @property
    def optimizers(self) -> list[dict[str, Adam]]:
        """The optimiser of every player of every model."""
        return [{name: adam for name, (_, adam) in players.items()} for players in self._players]

    # -- training -----------------------------------------------------------------------------------------------

    def train(
        self,
        images,
        num_images: int,
        *,
        batch_size: int,
        learning_rate: float,
        hyperparameters: Mapping[str, float] | None = None,
        seed: int,
        start_step: int = 0,
        on_chunk: Callable[[int, dict[str, float]], None] | None = None,
    ) -> dict[str, float]:
        """Trains for ceil(num_images / batch_size) updates.

        Args:
          images: an `ImageSet`.
          num_images: how many images every model sees.
          batch_size: images per update, over all replicas.
          learning_rate: Adam's.
          hyperparameters: of the objective; those not named keep the model's defaults.
          seed: of the order of the images and the latent noise.
          start_step: updates already made with this seed: training goes on where they ended.
          on_chunk: called after every chunk with (updates made since step 0, mean terms of the chunk).

        Returns:
          The loss terms, means over the models and the updates of the last chunk.

        Raises:
          NonFiniteError: a loss term or a weight is NaN or infinite.
          UserError: an argument does not fit the model.
        """
        values = self._checked(images, num_images, batch_size, hyperparameters)
        scalars = {"dataset_size": float(len(images)), "learning_rate": float(learning_rate)}
        end_step = start_step + -(-num_images // (batch_size * self.model.counts_per_update))
        chunk_steps = max(1, self._chunk_images // batch_size)
        starts = range(start_step, end_step, chunk_steps)
        noise_seed = derive(seed, "noise")
        means: dict[str, float] = {}

        def fetch(step):
            steps = min(chunk_steps, end_step - step)
            return images.images(batches.stream(seed, len(images), step * batch_size, steps * batch_size))

        for step, chunk in zip(starts, batches.prefetch(fetch, starts), strict=True):
            counts = {"batch_size": batch_size, "step": step, "update": self._updates + 1, "seed": noise_seed}
            history, finite = self._chunk(
                tf.constant(chunk),
                {name: tf.constant(count, tf.int32) for name, count in counts.items()},
                {name: tf.constant(value, tf.float32) for name, value in scalars.items()},
                {name: tf.constant(value, tf.float32) for name, value in values.items()},
            )
            history = history.numpy()
            self._updates += len(history)
            settings = {"batch_size": batch_size, "learning_rate": learning_rate, **values}
            self._check_finite(history, bool(finite), step, settings)
            means = dict(zip(self._terms, history.mean(axis=(0, 1), dtype=np.float64).tolist(), strict=True))
            if on_chunk is not None:
                on_chunk(step + len(history), means)
        return means

    def _checked(self, images, num_images, batch_size, hyperparameters) -> dict[str, float]:
        if tuple(images.shape) != self.model.image_shape:
            raise UserError(
                f"The model takes images of shape {self.model.image_shape}, the data set {images.name!r} has "
                f"{tuple(images.shape)}; build the model with image_shape={tuple(images.shape)}."
            )
        if batch_size < max(2, self._strategy.num_replicas_in_sync):
            raise UserError(
                f"Batch size must be at least 2 and at least the number of replicas "
                f"({self._strategy.num_replicas_in_sync}), got {batch_size}; ask for a larger one."
            )
        if num_images < 1 or len(images) < 1:
            raise UserError(f"Expected images to train on, got num_images={num_images} of {len(images)}.")
        unknown = sorted(set(hyperparameters or {}) - set(self.model.hyperparameters))
        if unknown:
            raise UserError(
                f"The objective has no hyperparameter {unknown[0]!r}; it has {sorted(self.model.hyperparameters)}."
            )
        return self.model.hyperparameters | {k: float(v) for k, v in (hyperparameters or {}).items()}

    def _check_finite(self, history: np.ndarray, finite: bool, start_step: int, settings: dict) -> None:
        bad = np.argwhere(~np.isfinite(history).all(axis=2))
        if len(bad):
            row, index = bad[0]
            terms = dict(zip(self._terms, history[row, index].tolist(), strict=True))
            raise NonFiniteError(
                f"Loss of model {index} is not finite at step {start_step + row}: {terms}, with {settings}."
            )
        if not finite:
            raise NonFiniteError(f"Weights are not finite after step {start_step + len(history) - 1}, with {settings}.")

    # -- state --------------------------------------------------------------------------------------------------

    def initialize(self, seed: int) -> None:
        """Fresh weights and optimisers from a seed; the models of an ensemble get different ones."""
        for index, (model, players) in enumerate(zip(self.model.models, self._players, strict=True)):
            initialize(model, derive(seed, "model", index))
            for _, adam in players.values():
                adam.reset()
        self._updates = 0

    def _variables(self) -> dict[str, tf.Variable]:
        named = {}
        for index, (model, players) in enumerate(zip(self.model.models, self._players, strict=True)):
            for i, variable in enumerate(model.weights):
                named[f"model_{index}/{i:03d}_{variable.name}"] = variable.value
            for name, (_, adam) in players.items():
                for kind in ("first_moments", "second_moments"):
                    for i, variable in enumerate(getattr(adam, kind)):
                        named[f"model_{index}/{name}/{kind}/{i:03d}"] = variable
        return named

    def state(self) -> State:
        """Weights and optimiser state: all that training goes on from, besides `train`'s arguments."""
        arrays = {name: variable.numpy() for name, variable in self._variables().items()}
        return arrays | {"updates": np.asarray(self._updates, np.int64)}

    def set_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Goes back to what `state` returned, here or in another process.

        Raises:
          UserError: the state is another model's.
        """
        variables = self._variables()
        expected = {name: tuple(variable.shape) for name, variable in variables.items()} | {"updates": ()}
        received = {name: np.shape(array) for name, array in state.items()}
        if received != expected:
            name = min(k for k in expected.keys() | received.keys() if expected.get(k) != received.get(k))
            raise UserError(
                f"The state is another model's: {name} has shape {received.get(name, 'none')}, this model's "
                f"{expected.get(name, 'none')}; build the model as it was when the state was saved."
            )
        for name, variable in variables.items():
            variable.assign(state[name])
        self._updates = int(state["updates"])
