"""A task without TensorFlow. A member's state consists of random numbers, and its score is a function of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rdl.population import Dimension, Member, SearchSpace
from rdl.runs import Layout, files
from rdl.seeds import generator

SPACE = SearchSpace(
    {
        "learning_rate": Dimension(initial=(0.001, 0.01, 0.1), high=1.0),
        "batch_size": Dimension(initial=(8, 16, 32), low=2, high=64, integer=True),
        "beta": Dimension(initial=(1.0, 4.0)),
    }
)


@dataclass(frozen=True)
class FakeTask:
    """Adds random numbers to a member's state; fails at high learning rates.

    Attributes:
      root: the run directory.
      stage: name of the stage.
      diverges_at: members with this learning rate or a higher one fail.
      weights: size of the state.
    """

    root: Path
    stage: str
    diverges_at: float = float("inf")
    weights: int = 50

    def __call__(self, member: Member) -> Member:
        if member.parent_name is None:
            state = generator(member.seed, "initial").normal(size=self.weights)
        else:
            path = Layout(self.root).checkpoint(self.stage, member.parent_name)
            with np.load(path, allow_pickle=False) as parent:
                state = parent["state"]
        if member.hyperparameters["learning_rate"] >= self.diverges_at:
            return member.with_failure(f"diverged with {member.hyperparameters}")
        state = 0.9 * state + member.hyperparameters["learning_rate"] * generator(member.seed).normal(size=self.weights)
        path = Layout(self.root).checkpoint(self.stage, member.name)
        files.write_npz(path, {"state": state})
        return member.with_score(float(-np.abs(state).mean()), files.sha256(path), beta=member.hyperparameters["beta"])
