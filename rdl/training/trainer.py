"""Trains an ensemble by a number of images, in a graph that is traced once for all members of a population."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import gin
import numpy as np
import tensorflow as tf

from rdl.config.ranges import Count
from rdl.data import ImageSet
from rdl.errors import NonFiniteError, UserError
from rdl.models.finite import collect_non_finite
from rdl.models.vae import Ensemble
from rdl.seeds import derive
from rdl.training import batches
from rdl.training.adam import Adam
from rdl.training.arguments import check_arguments, check_labels
from rdl.training.checkpoints import State
from rdl.training.held_out import HeldOutSettings, held_out_losses
from rdl.training.labels import LabelledImages, LabelSettings
from rdl.training.pairs import PairSettings
from rdl.training.step import Batch, Clock, LabelledBatch, Step, StepSettings

LossTerms = dict[str, dict[str, float]]
"""Player -> the terms of its loss."""


class ImageDraws(NamedTuple):
    """The parts that a stage's images play in training."""

    trained: np.ndarray  # indices, int64
    held_out: np.ndarray  # indices, int64
    labelled: LabelledImages | None


@gin.configurable(allowlist=["chunk_images", "jit_compile"])
class Trainer:
    """Trains an ensemble under the tf.distribute strategy that is current when the trainer is made.

    The ensemble must be built in the same `strategy.scope()`. Batch size, learning rate, hyperparameters and the data
    set's size are arguments of the graph, which is traced once. The weights are initialised from seed 0.

    Args:
      model: the ensemble.
      chunk_images: images passed to the graph at once; fewer take less memory and more calls. No effect on the result.
      jit_compile: compile the step by XLA, once per batch size.
    """

    def __init__(self, model: Ensemble, *, chunk_images: Count = 4096, jit_compile: bool = False):
        self.model = model
        self._strategy = tf.distribute.get_strategy()
        if jit_compile and self._strategy.num_replicas_in_sync > 1:
            raise UserError(
                "XLA cannot compile a step of several replicas: set Trainer.jit_compile = False, or train with one "
                "replica."
            )
        self._chunk_images = chunk_images
        self.traces = 0  # of the graph
        self._updates = 0  # made since the weights were drawn
        self._pairs = PairSettings() if model.takes_pairs else None
        self._labels = LabelSettings() if model.takes_labels else None
        self._held_out = HeldOutSettings()
        if self._held_out.share and model.takes_pairs:
            raise UserError("held_out.share must be 0 for an objective of pairs, whose partners may be any images.")
        with self._strategy.scope():
            self._step = Step(model)
        self._variables = self._step.variables()
        scalar, count = tf.TensorSpec((), tf.float32), tf.TensorSpec((), tf.int32)
        images = tf.TensorSpec((None, *model.image_shape), tf.uint8)
        labels = tf.TensorSpec((None, None), tf.float32)
        labelled = LabelledBatch(images, labels) if model.takes_labels else ()
        self._chunk = tf.function(
            self._train_chunk,
            input_signature=[
                Batch(images, labelled, labels if model.takes_batch_labels else ()),
                count,
                Clock(count, count, count),
                StepSettings(scalar, scalar, dict.fromkeys(model.hyperparameters, scalar)),
            ],
            autograph=False,
        )
        self._graph_step = tf.function(self._step.__call__, jit_compile=True) if jit_compile else self._step
        self._read = tf.function(self._read_variables)
        self.initialize(0)

    # -- the graph ----------------------------------------------------------------------------------------------

    def _train_chunk(self, chunk: Batch, batch_size: tf.Tensor, clock: Clock, settings: StepSettings):
        """Makes a chunk's updates; returns the terms [steps, models, terms], and whether all variables are finite."""
        self.traces += 1
        steps = tf.shape(chunk.images)[0] // batch_size

        def body(i, history):
            batch = chunk.rows(i * batch_size, (i + 1) * batch_size)
            shares = self._strategy.run(self._replica_step, (self._graph_step, batch, clock.after(i), settings))
            return i + 1, history.write(i, self._strategy.reduce("SUM", shares, axis=None))

        history = tf.TensorArray(tf.float32, size=steps)
        _, history = tf.while_loop(lambda i, _: i < steps, body, [0, history])
        finite = [tf.reduce_all(tf.math.is_finite(variable)) for variable in self._variables.values()]
        return history.stack(), tf.reduce_all(tf.stack(finite))

    def _replica_step(self, step, batch: Batch, clock: Clock, settings: StepSettings):
        """Makes the update on this replica's rows of the batch."""
        context = tf.distribute.get_replica_context()
        replica, replicas = context.replica_id_in_sync_group, context.num_replicas_in_sync
        if replicas > 1:
            size = tf.shape(batch.images)[0]
            start, end = (((replica + i) * size + replicas - 1) // replicas for i in (0, 1))
            batch = batch.rows(start, end)
        return step(batch, clock, settings)

    @property
    def optimizers(self) -> list[dict[str, Adam]]:
        """The optimiser of every player of every model."""
        return self._step.optimizers

    # -- training -----------------------------------------------------------------------------------------------

    def train(
        self,
        images: ImageSet,
        num_images: int,
        *,
        batch_size: int,
        learning_rate: float,
        hyperparameters: Mapping[str, float] | None = None,
        seed: int,
        start_step: int = 0,
        draws_seed: int | None = None,
        labels: np.ndarray | None = None,
        on_chunk: Callable[[int, LossTerms], None] | None = None,
    ) -> LossTerms:
        """Trains for ceil(num_images / batch_size) updates.

        Args:
          images: the training set.
          num_images: number of images that every model sees.
          batch_size: images per update, over all replicas.
          learning_rate: of Adam.
          hyperparameters: of the objective; those not given keep the model's defaults.
          seed: of the order of the images and of the latent noise.
          start_step: updates already made with this seed; training continues after them.
          draws_seed: of the draws of labelled and held-out images; None: `seed`.
          labels: of all images, for an objective that takes labels of the batch, float32 [len(images), labels], NaN
            where unknown; None: no labels.
          on_chunk: called after every chunk with (updates made since step 0, mean terms of the chunk).

        Returns:
          The loss terms of each player, means over the models and the updates of the last chunk.

        Raises:
          NonFiniteError: a loss term, a weight or a moment is NaN or infinite; names the first tensor in the order of
            the computation. The trainer is reset to its state before that update.
          UserError: an argument does not fit the model.
        """
        replicas = self._strategy.num_replicas_in_sync
        values = check_arguments(self.model, images, num_images, batch_size, hyperparameters, replicas)
        batch_labels = check_labels(self.model, images, labels)
        draws = self._draw(images, seed if draws_seed is None else draws_seed)
        end_step = start_step + -(-num_images // (batch_size * self.model.counts_per_update))
        chunk_steps = max(1, self._chunk_images // batch_size)
        starts = range(start_step, end_step, chunk_steps)
        noise_seed = derive(seed, "noise")
        if self._pairs is None:
            order = batches.shuffled_batches(draws.trained, seed)
        else:
            order = self._pairs.order(images, seed)

        def fetch(step: int) -> Batch:
            steps = min(chunk_steps, end_step - step)
            rows = order(step, steps, batch_size)
            chunk = Batch(images.images(rows), labels=batch_labels[rows] if self.model.takes_batch_labels else ())
            if draws.labelled is None:
                return chunk
            indices, labels = draws.labelled.batch(seed, step, steps, batch_size)
            return chunk._replace(labelled=LabelledBatch(images.images(indices), labels))

        settings = StepSettings(float(len(draws.trained)), float(learning_rate), values)
        terms: LossTerms = {}
        for step, chunk in zip(starts, batches.prefetch(fetch, starts), strict=True):
            clock = Clock(noise_seed, step, self._updates)
            before = self._read()
            history, finite = self._run(chunk, batch_size, clock, settings)
            if not finite:
                tensor, bad_step = self._find_non_finite(before, chunk, batch_size, clock, settings)
                described = {"batch_size": batch_size, "learning_rate": learning_rate, **values}
                raise NonFiniteError(f"At step {bad_step}, {tensor} is not finite, with {described}.")
            self._updates += len(history)
            terms = self._name_terms(history.mean(axis=(0, 1), dtype=np.float64).tolist())
            if on_chunk is not None:
                on_chunk(step + len(history), terms)
        return terms

    def held_out_losses(self, images: ImageSet, draws_seed: int) -> list[float] | None:
        """The negative ELBO of each model on the held-out images, in nats per image; None if none are held out."""
        if not self._held_out.share:
            return None
        return held_out_losses(self.model, images, self._draw(images, draws_seed).held_out, draws_seed)

    def _draw(self, images: ImageSet, seed: int) -> ImageDraws:
        labelled = None if self._labels is None else self._labels.draw(images, seed, self.model.num_latents)
        reserved = () if labelled is None else labelled.indices
        return ImageDraws(*self._held_out.split(len(images), seed, reserved), labelled)

    def _run(self, chunk: Batch, batch_size: int, clock: Clock, settings: StepSettings) -> tuple[np.ndarray, bool]:
        """Trains on a chunk; returns the terms [steps, models, terms], and whether all numbers are finite."""
        history, finite = self._chunk(*_as_tensors(chunk, batch_size, clock, settings))
        return history.numpy(), bool(finite) and bool(np.isfinite(history).all())

    def _name_terms(self, values: list[float]) -> LossTerms:
        terms: LossTerms = {}
        for (player, name), value in zip(self._step.terms, values, strict=True):
            terms.setdefault(player, {})[name] = value
        return terms

    def _find_non_finite(
        self, before: list[tf.Tensor], chunk: Batch, batch_size: int, clock: Clock, settings: StepSettings
    ) -> tuple[str, int]:
        """Repeats a chunk's updates one by one, then the first bad one eagerly; returns the tensor's name and the step.

        Resets the trainer to its state before the bad update.
        """
        for i in range(len(chunk.images) // batch_size):
            batch, now = chunk.rows(i * batch_size, (i + 1) * batch_size), clock.after(i)
            self._write(before)
            if self._run(batch, batch_size, now, settings)[1]:
                before = self._read()
                continue
            self._write(before)
            tensors, _, *rest = _as_tensors(batch, batch_size, now, settings)
            with collect_non_finite() as names:
                self._strategy.run(self._replica_step, (self._step, tensors, *rest))
            self._write(before)
            self._updates += i
            return names[0] if names else "a tensor that is finite outside the compiled graph", now.noise_step
        return "a tensor that is finite when the updates are repeated", clock.noise_step

    # -- state --------------------------------------------------------------------------------------------------

    def initialize(self, seed: int) -> None:
        """Draws weights from a seed, different ones for each model, and resets the optimisers."""
        self._step.initialize(seed)
        self._updates = 0

    def _read_variables(self) -> list[tf.Tensor]:
        """Weights and moments without a copy: updates write to new memory."""
        return [variable.read_value() for variable in self._variables.values()]

    def _write(self, values: Iterable) -> None:
        for variable, value in zip(self._variables.values(), values, strict=True):
            variable.assign(value)

    def state(self) -> State:
        """Weights, optimiser state and the number of updates: all that training continues from."""
        arrays = {name: variable.numpy() for name, variable in self._variables.items()}
        return arrays | {"updates": np.asarray(self._updates, np.int64)}

    def set_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Restores a state, of this process or another one.

        Raises:
          UserError: the state is of another model.
        """
        expected = {name: tuple(variable.shape) for name, variable in self._variables.items()} | {"updates": ()}
        received = {name: np.shape(array) for name, array in state.items()}
        if received != expected:
            name = min(k for k in expected.keys() | received.keys() if expected.get(k) != received.get(k))
            raise UserError(
                f"Expected the state of this model, in which {name} has shape {expected.get(name, 'none')}, got shape "
                f"{received.get(name, 'none')}: build the model that the state was saved from."
            )
        self._write(state[name] for name in self._variables)
        self._updates = int(state["updates"])


def _as_tensors(chunk: Batch, batch_size: int, clock: Clock, settings: StepSettings):
    """The arguments of the graph as tensors."""
    return (
        tf.nest.map_structure(tf.constant, chunk),
        tf.constant(batch_size, tf.int32),
        tf.nest.map_structure(lambda value: tf.constant(value, tf.int32), clock),
        tf.nest.map_structure(lambda value: tf.constant(value, tf.float32), settings),
    )
