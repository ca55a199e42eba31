"""The learner of every real run: trains the VAEs that gin describes."""

import functools
import threading
import time
from dataclasses import dataclass

import numpy as np

from rdl import models, training
from rdl.data import ImageSet
from rdl.errors import NonFiniteError
from rdl.execution import go_on, place
from rdl.jobs.learner import MemberTask, Trained
from rdl.models import description
from rdl.models.saving.saved import TrainedModel
from rdl.models.vae import VAE_PLAYER
from rdl.population import Member
from rdl.posterior import mean_kl_to_prior
from rdl.scoring import Scored
from rdl.seeds import generator
from rdl.training import checkpoints, progress
from rdl.training.strategies import strategy

_building = threading.Lock()  # of trainers, by one thread at a time


@functools.lru_cache(maxsize=2)
def trainers_for(described: str, image_shape: tuple[int, int, int], num_models: int) -> list[training.Trainer]:
    """The process's trainers for such models, shared by all members, stages and runs: one for each at work at once."""
    if described != description.from_gin():
        raise RuntimeError("gin has changed since the learner was made; make another one from it")
    return []


@dataclass(frozen=True)
class VAELearner:
    """Trains the models that gin described when the learner was made.

    Attributes:
      described: what the models are built from. Learners that agree in it share their traced graphs.
      hyperparameters: the objective's, for members that do not name them.
    """

    described: str
    hyperparameters: dict[str, float]

    @classmethod
    def from_gin(cls) -> "VAELearner":
        """The learner of gin's present configuration."""
        return cls(description.from_gin(), description.objective().hyperparameters)

    def trainer(self, image_shape: tuple[int, int, int], num_models: int) -> training.Trainer:
        """This thread's trainer of such models: traced once."""
        with _building:
            trainers = trainers_for(self.described, image_shape, num_models)
            while len(trainers) <= place():
                with strategy().scope():
                    trainers.append(training.Trainer(models.build(image_shape, num_models)))
            return trainers[place()]

    def train(self, task: MemberTask, member: Member) -> Member:
        """Restores, trains, scores and saves; see `Learner`."""
        started = time.perf_counter()
        trainer = self.trainer(task.images.shape, task.num_models)
        if member.parent_name is not None:
            trainer.set_state(checkpoints.load(task.path(member.parent_name)))
        elif task.start is None:
            trainer.initialize(member.seed)
        else:
            self._begin_as(trainer, task.start, member.seed)
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
                labels_seed=task.score_seed,
                labels=task.labels,
                on_chunk=lambda updates, _: self._goes_on(member, updates * per_update, task.num_images),
            )
            trained = time.perf_counter()
            scored = _scored(trainer, task, member, -sum(losses[VAE_PLAYER].values()))
        except NonFiniteError as error:
            return member.with_failure(str(error), seconds=time.perf_counter() - started)
        checksum = checkpoints.save(task.path(member.name), trainer.state())
        return member.with_score(
            scored.score,
            checksum,
            per_model=scored.per_model,
            kl=scored.kl,
            terms={name: mean for terms in losses.values() for name, mean in terms.items()},
            images=task.num_images,
            training_seconds=trained - started,
            seconds=time.perf_counter() - started,
            **scored.details,
        )

    def _goes_on(self, member: Member, seen: int, of: int) -> None:
        go_on()
        progress.tell(member.name, seen, of)

    def encode(
        self, trained: Trained, images: ImageSet, indices: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The model's posterior means and log variances; see `Learner`."""
        alone = self._restored(trained).model.alone(trained.model)
        (means,), (log_variances,) = training.posterior_parameters(alone, images, indices)
        return means, log_variances

    def model(self, trained: Trained) -> TrainedModel:
        """The model in one's hands; see `Learner`."""
        return TrainedModel.of(self._restored(trained).model.models[trained.model])

    def _begin_as(self, trainer: training.Trainer, start: Trained, seed: int) -> None:
        """Every model of the trainer gets the networks of one trained before; all else, such as moments, is new."""
        before = self.model(start)
        networks = before.encoder.get_weights(), before.decoder.get_weights()
        trainer.initialize(seed)
        for model in trainer.model.models:
            model.encoder.set_weights(networks[0])
            model.decoder.set_weights(networks[1])

    def _restored(self, trained: Trained) -> training.Trainer:
        trainer = self.trainer(trained.image_shape, trained.num_models)
        trainer.set_state(checkpoints.load(trained.checkpoint, trained.member.checksum))
        return trainer


def _scored(trainer: training.Trainer, task: MemberTask, member: Member, likelihood: float) -> Scored:
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
    few = generator(task.score_seed, "score").permutation(len(task.images))[:1000]
    return Scored(likelihood, [likelihood] * task.num_models, mean_kl_to_prior(*encode(few)).tolist())
