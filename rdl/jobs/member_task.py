"""What an executor does with one member: restore, train, score, save."""

import functools
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rdl import models, training
from rdl.data import ImageSet
from rdl.errors import NonFiniteError
from rdl.models import VAE
from rdl.population import Member, checkpoint_path
from rdl.scoring import Score, Scored, mean_kl
from rdl.seeds import generator
from rdl.training import checkpoints
from rdl.training.strategies import strategy


@functools.lru_cache(maxsize=2)
def trainer_for(image_shape: tuple[int, int, int], num_models: int) -> training.Trainer:
    """The process's trainer for such models: traced once, then shared by all members and stages."""
    with strategy().scope():
        return training.Trainer(models.build(image_shape, num_models))


@dataclass(frozen=True)
class MemberTask:
    """Moves a member on by one generation.

    Attributes:
      root: the run directory.
      stage: where in it the members' checkpoints lie.
      images: the data set of the stage.
      num_images: how many images each model sees.
      num_models: models per member.
      score: what the population maximises; None: the negative of the training loss.
      score_seed: of the score's points: one set for all members and generations, so that none is lucky.
    """

    root: Path
    stage: str
    images: ImageSet
    num_images: int
    num_models: int
    score: Score | None
    score_seed: int

    def __call__(self, member: Member) -> Member:
        """The member, trained and scored, its checkpoint on disk; or failed, with the reason."""
        started = time.perf_counter()
        trainer = trainer_for(self.images.shape, self.num_models)
        if member.parent_name is None:
            trainer.initialize(member.seed)
        else:
            trainer.set_state(checkpoints.load(checkpoint_path(self.root, self.stage, member.parent_name)))
        hyperparameters = dict(member.hyperparameters)
        try:
            terms = trainer.train(
                self.images,
                self.num_images,
                batch_size=int(hyperparameters.pop("batch_size")),
                learning_rate=hyperparameters.pop("learning_rate"),
                hyperparameters=hyperparameters,
                seed=member.seed,
            )
            trained = time.perf_counter()
            scored = self._scored(trainer, member, -sum(terms.values()))
        except NonFiniteError as error:
            return member.failed(str(error), seconds=time.perf_counter() - started)
        checksum = checkpoints.save(self.path(member), trainer.state())
        return member.scored(
            scored.score,
            checksum,
            per_model=scored.per_model,
            kl=scored.kl,
            terms=terms,
            images=self.num_images,
            training_seconds=trained - started,
            seconds=time.perf_counter() - started,
            **scored.details,
        )

    def _scored(self, trainer: training.Trainer, member: Member, likelihood: float) -> Scored:
        def encode(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            means, log_variances = training.posterior_parameters(trainer.model, self.images, indices)
            if not (np.isfinite(means).all() and np.isfinite(log_variances).all()):
                raise NonFiniteError(f"the posterior holds NaN or infinity, with {member.hyperparameters}")
            return means, log_variances

        if self.score is not None:
            return self.score(encode, self.images, self.score_seed)
        few = generator(self.score_seed, "score").permutation(len(self.images))[:1000]
        return Scored(likelihood, [likelihood] * self.num_models, mean_kl(*encode(few)).tolist())

    def restore(self, member: Member, model: int = 0) -> VAE:
        """A model of a trained member, ready for use in the process's trainer until that trains again.

        Raises:
          CorruptCheckpoint: its checkpoint is missing or damaged.
        """
        trainer = trainer_for(self.images.shape, self.num_models)
        trainer.set_state(checkpoints.load(self.path(member), member.checksum))
        return trainer.model.models[model]

    def path(self, member: Member) -> Path:
        """Where the member's checkpoint lies."""
        return checkpoint_path(self.root, self.stage, member.name)
