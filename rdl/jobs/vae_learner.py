"""The learner of real runs: trains the VAEs that gin configures."""

import functools
import threading
import time
from dataclasses import dataclass

import numpy as np

from rdl import models, training
from rdl.config import RunConfig
from rdl.data import ImageSet
from rdl.errors import NonFiniteError
from rdl.execution import raise_if_stopped, worker_slot
from rdl.jobs.learner import MemberModel, MemberTask
from rdl.models import description
from rdl.models.saving.saved import TrainedModel
from rdl.models.vae import VAE_PLAYER
from rdl.population import Member
from rdl.posterior import mean_kl_to_prior
from rdl.scoring import Scored
from rdl.seeds import generator
from rdl.training.checkpoints import load_checkpoint, save_checkpoint
from rdl.training.progress import report_progress
from rdl.training.strategies import strategy

_building = threading.Lock()  # one thread at a time builds a trainer
_used: dict[str, frozenset[str]] = {}  # settings of a model -> the keys of those that its building has used


@functools.lru_cache(maxsize=2)
def trainers_for(described: str, image_shape: tuple[int, int, int], num_models: int) -> list[training.Trainer]:
    """The trainers of this process for one kind of model, one per worker slot. Members, stages and runs share them."""
    if described != description.from_gin():
        raise RuntimeError("gin's configuration has changed since the learner was made: make another learner.")
    return []


@dataclass(frozen=True)
class VAELearner:
    """Trains the models that gin configured when the learner was made.

    Attributes:
      described: the settings that the models are built from. Learners with equal settings share their traced graphs.
      hyperparameters: the objective's defaults, for members that do not set them.
    """

    described: str
    hyperparameters: dict[str, float]

    @classmethod
    def from_gin(cls) -> "VAELearner":
        """The learner of gin's present configuration."""
        return cls(description.from_gin(), description.objective().hyperparameters)

    @property
    def used_keys(self) -> frozenset[str]:
        """Keys of the settings that building the model has used; later runs of this process share its trainer."""
        return _used.get(self.described, frozenset())

    def trainer(self, image_shape: tuple[int, int, int], num_models: int) -> training.Trainer:
        """This thread's trainer for images of this shape and ensembles of this size; its graph is traced once."""
        with _building:
            trainers = trainers_for(self.described, image_shape, num_models)
            while len(trainers) <= worker_slot():
                with strategy().scope():
                    trainers.append(training.Trainer(models.build(image_shape, num_models)))
                bound = {line.partition(" = ")[0].rpartition("/")[2] for line in self.described.splitlines()}
                called = RunConfig.operative().settings
                _used.setdefault(self.described, frozenset(key for key in called if key.rpartition("/")[2] in bound))
            return trainers[worker_slot()]

    def train(self, task: MemberTask, member: Member) -> Member:
        """Restores or initialises the member, then trains, scores and saves it; see `Learner`."""
        started = time.perf_counter()
        trainer = self.trainer(task.images.shape, task.num_models)
        if member.parent_name is not None:
            trainer.set_state(load_checkpoint(task.path(member.parent_name)))
        elif task.start is None:
            trainer.initialize(member.seed)
        else:
            self._start_from(trainer, task.start, member.seed)
        hyperparameters = {**self.hyperparameters, **member.hyperparameters}
        per_update = int(hyperparameters["batch_size"]) * trainer.model.counts_per_update
        try:
            losses = trainer.train(
                task.images,
                task.num_images,
                batch_size=int(hyperparameters.pop("batch_size")),
                learning_rate=hyperparameters.pop("learning_rate"),
                hyperparameters=hyperparameters,
                seed=member.seed,
                draws_seed=task.score_seed,
                labels=task.labels,
                on_chunk=lambda updates, _: _on_chunk(member, updates * per_update, task.num_images),
            )
            trained = time.perf_counter()
            scored = _score(trainer, task, member, -sum(losses[VAE_PLAYER].values()))
        except NonFiniteError as error:
            return member.with_failure(str(error), seconds=time.perf_counter() - started)
        held_out = trainer.held_out_losses(task.images, task.score_seed)
        checksum = save_checkpoint(task.path(member.name), trainer.state())
        return member.with_score(
            scored.score,
            checksum,
            per_model=scored.per_model,
            kl=scored.kl,
            terms={name: mean for terms in losses.values() for name, mean in terms.items()},
            images=task.num_images,
            training_seconds=trained - started,
            seconds=time.perf_counter() - started,
            **({} if held_out is None else {"held_out_loss": held_out}),
            **scored.details,
        )

    def encode(
        self, model: MemberModel, images: ImageSet, indices: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Posterior means and log variances; see `Learner`."""
        single = self._restore(model).model.single(model.model)
        (means,), (log_variances,) = training.posterior_parameters(single, images, indices)
        return means, log_variances

    def load_model(self, model: MemberModel) -> TrainedModel:
        """Loads the model; see `Learner`."""
        return TrainedModel.of(self._restore(model).model.models[model.model])

    def _start_from(self, trainer: training.Trainer, start: MemberModel, seed: int) -> None:
        """Initialises the trainer, then sets the networks of all its models to those of a trained model."""
        before = self.load_model(start)
        encoder, decoder = before.encoder.get_weights(), before.decoder.get_weights()
        trainer.initialize(seed)
        for model in trainer.model.models:
            model.encoder.set_weights(encoder)
            model.decoder.set_weights(decoder)

    def _restore(self, model: MemberModel) -> training.Trainer:
        trainer = self.trainer(model.image_shape, model.num_models)
        trainer.set_state(load_checkpoint(model.checkpoint, model.member.checksum))
        return trainer


def _on_chunk(member: Member, images: int, total: int) -> None:
    raise_if_stopped()
    report_progress(member.name, images, total)


def _score(trainer: training.Trainer, task: MemberTask, member: Member, negative_loss: float) -> Scored:
    """Scores the trained member by the task's score, or by its negative training loss."""

    def encode(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        means, log_variances = training.posterior_parameters(trainer.model, task.images, indices)
        for name, values in (("means", means), ("log variances", log_variances)):
            bad = np.flatnonzero(~np.isfinite(values).all(axis=(1, 2)))
            if len(bad):
                raise NonFiniteError(
                    f"After training, the posterior {name} of model {bad[0]} are not finite, with "
                    f"{member.hyperparameters}."
                )
        return means, log_variances

    if task.score is not None:
        return task.score(encode, task.images, task.score_seed)
    points = generator(task.score_seed, "score").permutation(len(task.images))[:1000]
    return Scored(negative_loss, [negative_loss] * task.num_models, mean_kl_to_prior(*encode(points)).tolist())
