"""Moves models on by a number of images, in one traced graph whatever the member of a population asks for."""

from collections.abc import Callable, Iterable, Mapping

import gin
import numpy as np
import tensorflow as tf

from rdl.config.ranges import Count
from rdl.errors import NonFiniteError, UserError
from rdl.models.finite import listening
from rdl.models.vae import Ensemble
from rdl.seeds import derive
from rdl.training import batches
from rdl.training.adam import Adam
from rdl.training.checkpoints import State
from rdl.training.labels import Labels
from rdl.training.pairs import Pairs
from rdl.training.step import Batch, Step

Means = dict[str, dict[str, float]]
"""Player -> the terms of its loss."""


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

    def __init__(self, model: Ensemble, *, chunk_images: Count = 4096, jit_compile: bool = False):
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
        self._pairs = Pairs() if model.takes_pairs else None
        self._labels = Labels() if model.takes_labels else None
        with self._strategy.scope():
            self._step = Step(model)
        self._variables = self._step.variables()
        scalar, count = tf.TensorSpec((), tf.float32), tf.TensorSpec((), tf.int32)
        batch = {"images": tf.TensorSpec((None, *model.image_shape), tf.uint8)}
        if model.takes_labels:
            batch |= {"labelled": batch["images"], "labels": tf.TensorSpec((None, None), tf.float32)}
        if model.takes_batch_labels:
            batch["batch_labels"] = tf.TensorSpec((None, None), tf.float32)
        self._chunk = tf.function(
            self._run_chunk,
            input_signature=[
                batch,
                {"batch_size": count, "step": count, "update": count, "seed": count},
                {"dataset_size": scalar, "learning_rate": scalar},
                dict.fromkeys(model.hyperparameters, scalar),
            ],
            autograph=False,
        )
        self._graph_step = tf.function(self._step.__call__, jit_compile=True) if jit_compile else self._step
        self._read = tf.function(self._read_variables)
        self.initialize(0)

    # -- the graph ----------------------------------------------------------------------------------------------

    def _run_chunk(self, chunk, counts, scalars, hyperparameters):
        """All updates of a chunk; returns the terms [steps, models, terms], and whether all variables are finite."""
        self.traces += 1
        size = counts["batch_size"]
        steps = tf.shape(chunk["images"])[0] // size

        def body(i, history):
            batch = _part(chunk, i * size, (i + 1) * size)
            now = counts | {"step": counts["step"] + i, "update": counts["update"] + i}
            shares = self._strategy.run(self._on_rows, (self._graph_step, batch, now, scalars, hyperparameters))
            return i + 1, history.write(i, self._strategy.reduce("SUM", shares, axis=None))

        history = tf.TensorArray(tf.float32, size=steps)
        _, history = tf.while_loop(lambda i, _: i < steps, body, [0, history])
        finite = [tf.reduce_all(tf.math.is_finite(variable)) for variable in self._variables.values()]
        return history.stack(), tf.reduce_all(tf.stack(finite))

    def _on_rows(self, step, batch, counts, scalars, hyperparameters):
        context = tf.distribute.get_replica_context()
        replica, among = context.replica_id_in_sync_group, context.num_replicas_in_sync
        if among > 1:
            size = tf.shape(batch["images"])[0]
            starts = [((replica + i) * size + among - 1) // among for i in (0, 1)]
            batch = _part(batch, *starts)
        return step(batch, counts, scalars, hyperparameters)

    @property
    def optimizers(self) -> list[dict[str, Adam]]:
        """The optimiser of every player of every model."""
        return self._step.optimizers

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
        labels_seed: int | None = None,
        labels: np.ndarray | None = None,
        on_chunk: Callable[[int, Means], None] | None = None,
    ) -> Means:
        """Trains for ceil(num_images / batch_size) updates.

        Args:
          images: an `ImageSet`.
          num_images: how many images every model sees.
          batch_size: images per update, over all replicas.
          learning_rate: Adam's.
          hyperparameters: of the objective; those not named keep the model's defaults.
          seed: of the order of the images and the latent noise.
          start_step: updates already made with this seed: training goes on where they ended.
          labels_seed: of the draw of the labelled images, where the objective learns from labels; None: `seed`.
          labels: of all images, where the objective takes labels of the batch, float32 [len(images), labels], NaN where
            unknown; None: no labels.
          on_chunk: called after every chunk with (updates made since step 0, mean terms of the chunk).

        Returns:
          The loss terms of each player, means over the models and the updates of the last chunk.

        Raises:
          NonFiniteError: a loss term, a weight or a moment is NaN or infinite; names the first tensor that is, in
            the order of the computation. The trainer is as it was before that update.
          UserError: an argument does not fit the model.
        """
        values = self._checked(images, num_images, batch_size, hyperparameters)
        batch_labels = self._checked_labels(images, labels)
        scalars = {"dataset_size": float(len(images)), "learning_rate": float(learning_rate)}
        end_step = start_step + -(-num_images // (batch_size * self.model.counts_per_update))
        chunk_steps = max(1, self._chunk_images // batch_size)
        starts = range(start_step, end_step, chunk_steps)
        noise_seed = derive(seed, "noise")
        order = batches.order(images, seed) if self._pairs is None else self._pairs.order(images, seed)
        means: Means = {}

        drawn = None
        if self._labels is not None:
            drawn = self._labels.draw(images, seed if labels_seed is None else labels_seed, self.model.num_latents)

        def fetch(step):
            steps = min(chunk_steps, end_step - step)
            rows = order(step, steps, batch_size)
            chunk = {"images": images.images(rows)}
            if self.model.takes_batch_labels:
                chunk["batch_labels"] = batch_labels[rows]
            if drawn is not None:
                indices, labels = drawn.batch(seed, step, steps, batch_size)
                chunk |= {"labelled": images.images(indices), "labels": labels}
            return chunk

        settings = {"batch_size": batch_size, "learning_rate": learning_rate, **values}
        floats = [{n: tf.constant(v, tf.float32) for n, v in some.items()} for some in (scalars, values)]
        for step, chunk in zip(starts, batches.prefetch(fetch, starts), strict=True):
            counts = {"batch_size": batch_size, "step": step, "update": self._updates + 1, "seed": noise_seed}
            before = self._read()
            history, finite = self._run(chunk, counts, *floats)
            if not finite:
                tensor, bad_step = self._first_not_finite(before, chunk, counts, *floats)
                raise NonFiniteError(f"At step {bad_step}, {tensor} is not finite, with {settings}.")
            self._updates += len(history)
            means = self._named(history.mean(axis=(0, 1), dtype=np.float64).tolist())
            if on_chunk is not None:
                on_chunk(step + len(history), means)
        return means

    def _run(self, chunk, counts, *floats) -> tuple[np.ndarray, bool]:
        """Makes a chunk's updates: the terms [steps, models, terms], and whether they and all variables are finite."""
        counts = {name: tf.constant(count, tf.int32) for name, count in counts.items()}
        history, finite = self._chunk(_constants(chunk), counts, *floats)
        return history.numpy(), bool(finite) and bool(np.isfinite(history).all())

    def _named(self, values: list[float]) -> Means:
        """{player: {term: value}}."""
        means: Means = {}
        for (player, name), value in zip(self._step.terms, values, strict=True):
            means.setdefault(player, {})[name] = value
        return means

    def _first_not_finite(self, before: list[tf.Tensor], chunk, counts, *floats) -> tuple[str, int]:
        """Makes a chunk's updates again, one by one; the first bad one a third time, to name the tensor and the step.

        Leaves the trainer as it was before the bad update.
        """
        size = counts["batch_size"]
        for i in range(len(chunk["images"]) // size):
            batch = _part(chunk, i * size, (i + 1) * size)
            now = counts | {"step": counts["step"] + i, "update": counts["update"] + i}
            self._write(before)
            if self._run(batch, now, *floats)[1]:
                before = self._read()
                continue
            self._write(before)
            now = {name: tf.constant(count, tf.int32) for name, count in now.items()}
            with listening() as found:
                self._strategy.run(self._on_rows, (self._step, _constants(batch), now, *floats))
            self._write(before)
            self._updates += i
            return found[0] if found else "a tensor that is finite outside the compiled graph", counts["step"] + i
        return "a tensor that is finite when the updates are made again", counts["step"]

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

    def _checked_labels(self, images, labels: np.ndarray | None) -> np.ndarray:
        """The labels of the batch, none where there are none."""
        if labels is None:
            return np.zeros((len(images), 0), np.float32)
        if not self.model.takes_batch_labels:
            raise UserError(
                "The images carry labels, and the objective takes none: set model.objective = @pooled_labels and "
                "pooled_labels.objective = @beta_tc_vae."
            )
        if labels.ndim != 2 or len(labels) != len(images) or labels.shape[1] > self.model.num_latents:
            raise UserError(
                f"Expected labels of {len(images)} images, at most {self.model.num_latents}, one for each latent, "
                f"got {labels.shape}: set a larger model.num_latents."
            )
        return labels.astype(np.float32)

    # -- state --------------------------------------------------------------------------------------------------

    def initialize(self, seed: int) -> None:
        """Fresh weights and optimisers from a seed; the models of an ensemble get different ones."""
        self._step.initialize(seed)
        self._updates = 0

    def _read_variables(self) -> list[tf.Tensor]:
        """Weights and moments as they are: no copies, for what is updated afterwards gets memory of its own."""
        return [variable.read_value() for variable in self._variables.values()]

    def _write(self, values: Iterable) -> None:
        for variable, value in zip(self._variables.values(), values, strict=True):
            variable.assign(value)

    def state(self) -> State:
        """Weights and optimiser state: all that training goes on from, besides `train`'s arguments."""
        arrays = {name: variable.numpy() for name, variable in self._variables.items()}
        return arrays | {"updates": np.asarray(self._updates, np.int64)}

    def set_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Goes back to what `state` returned, here or in another process.

        Raises:
          UserError: the state is another model's.
        """
        expected = {name: tuple(variable.shape) for name, variable in self._variables.items()} | {"updates": ()}
        received = {name: np.shape(array) for name, array in state.items()}
        if received != expected:
            name = min(k for k in expected.keys() | received.keys() if expected.get(k) != received.get(k))
            raise UserError(
                f"The state is another model's: {name} has shape {received.get(name, 'none')}, this model's "
                f"{expected.get(name, 'none')}; build the model as it was when the state was saved."
            )
        self._write(state[name] for name in self._variables)
        self._updates = int(state["updates"])


def _part(rows: dict, start, end) -> dict:
    """Rows `start` .. `end` of all that belongs together."""
    return {name: each[start:end] for name, each in rows.items()}


def _constants(arrays: dict[str, np.ndarray]) -> Batch:
    return {name: tf.constant(array) for name, array in arrays.items()}
