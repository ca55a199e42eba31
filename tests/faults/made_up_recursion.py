"""The whole recursion with a made-up learner in place of training: real runs, populations and leaf runs.

Images show two factors with six values each. The x-run learns the first factor, the first iteration of a leaf run the
second, and the second iteration nothing. A member's state consists of random numbers that decide its score and the
noise of its labels. A wrong state, seed or order therefore changes the results.
"""

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gin
import numpy as np

from rdl.callbacks.callback import Callback
from rdl.callbacks.session_log import SessionLog
from rdl.callbacks.terminal import terminal
from rdl.cli import configure
from rdl.data import ImageSet
from rdl.errors import UserError
from rdl.execution import SerialExecutor
from rdl.jobs import experiment
from rdl.jobs.learner import MemberModel, MemberTask
from rdl.population import Member
from rdl.runs import RunDirectory, files
from rdl.runs.journal import Journal
from rdl.seeds import generator
from rdl.training import checkpoints

configure()

CONFIG = """
dataset.name = "{images}"
experiment.job = @rpu_vae
display.quiet = True
rpu_vae.leaf_runs = 2
population.size = 3
population.models = 2
population.generations = 3
leaf_run/population.generations = 2
final/population.initial_factor = 2
"""


def make_images(path: Path) -> None:
    """Writes 720 images of 8 x 8 pixels. The first two pixels are the factors, the others noise."""
    random = generator(0, "images")
    images = random.integers(0, 256, (720, 8, 8, 1), dtype=np.uint8)
    images[:, 0, 0, 0] = 30 * (np.arange(720) % 6)
    images[:, 0, 1, 0] = 30 * (np.arange(720) // 6 % 6)
    np.savez(path, images=images)


@dataclass(frozen=True)
class MadeUpModel:
    """A model without networks."""

    state: np.ndarray

    def save(self, folder: Path) -> None:
        files.write_npy(folder / "state.npy", self.state)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        return np.full((len(latents), 8, 8, 1), 0.5, np.float32)

    def traverse(self, image: np.ndarray, latent: int, values: Sequence[float]) -> np.ndarray:
        return np.zeros((len(values), *image.shape), np.float32) + abs(np.tanh(self.state[latent]))


@dataclass(frozen=True)
class MadeUpLearner:
    """A learner without training."""

    def train(self, task: MemberTask, member: Member) -> Member:
        if member.parent_name is None and task.start is not None:
            state = self.load_model(task.start).state
        elif member.parent_name is None:
            state = generator(member.seed, "initial").normal(size=200)
        else:
            state = checkpoints.load_checkpoint(task.path(member.parent_name))["state"]
        if member.hyperparameters["learning_rate"] > 0.2:
            return member.with_failure(f"diverged with {member.hyperparameters}", seconds=0.1)
        state = 0.9 * state + 0.3 * generator(member.seed).normal(size=200)
        score = (0.05 if task.stage.endswith("iteration_2") else 0.5) + 0.01 * float(np.tanh(state[0]))
        checksum = checkpoints.save_checkpoint(task.path(member.name), {"state": state})
        return member.with_score(score, checksum, per_model=[score, score - 0.001], kl=[[1.0, 0.0]] * 2)

    def encode(
        self, model: MemberModel, images: ImageSet, indices: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        state = self.load_model(model).state
        pixels = images.images(np.arange(len(images)) if indices is None else indices)[:, 0, :2, 0] / 30
        means = 0.01 * generator(int(abs(state[1]) * 1e9), "noise").normal(size=pixels.shape)
        log_variances = np.zeros_like(means)
        learned = {"x_run": 0, "leaf_0/iteration_1": 1, "leaf_1/iteration_1": 1}.get(model.stage)
        if learned is not None:
            means[:, learned] += (pixels[:, learned] - 2.5) / 1.7
            log_variances[:, learned] = -4
        return means, log_variances

    def load_model(self, model: MemberModel) -> MadeUpModel:
        return MadeUpModel(checkpoints.load_checkpoint(model.checkpoint, model.member.checksum)["state"])


def _callbacks(run: RunDirectory, seed: int) -> Sequence[Callback]:
    """Callbacks without TensorBoard, which would start TensorFlow in every child process."""
    return terminal(), SessionLog(run)


def train(root: Path, images: Path, bindings: tuple[str, ...] = (), at_once: int | None = None) -> int:
    """Starts or resumes the run like bin/train and returns the exit code. For child processes, as it silences the log.

    Args:
      root: the run directory.
      images: the data set.
      bindings: gin bindings on top of the configuration.
      at_once: number of members that are trained concurrently.
    """
    logging.getLogger("rdl").setLevel(logging.ERROR)
    gin.parse_config([CONFIG.format(images=images), *bindings])
    try:
        executor = partial(SerialExecutor, at_once)
        experiment.experiment(str(root), executor, make_learner=MadeUpLearner, make_callbacks=_callbacks)
    except UserError as error:
        print(f"error: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2
    return 0


def untimed(record):
    """The record without durations."""
    if isinstance(record, dict):
        return {key: untimed(value) for key, value in record.items() if not key.endswith("seconds")}
    return [untimed(part) for part in record] if isinstance(record, list) else record


def state(root: Path) -> dict[str, object]:
    """The records and files of a finished run, without durations, logs and temporary files."""
    found: dict[str, object] = {
        key: untimed(record)
        for key, record in sorted(Journal(root / "journal.jsonl").items())
        if not key.startswith("session/")
    }
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_dir() or name.startswith((".", "environment/", "tensorboard/", "trials/", "journal.", "model/")):
            continue
        if path.name.startswith("."):
            continue
        found[name] = untimed(json.loads(path.read_bytes())) if path.suffix == ".json" else files.sha256(path)
    return found
