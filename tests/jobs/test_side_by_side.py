"""Members that train concurrently in threads of one process have the same results as one after another."""

import gin
import pytest

from rdl import data
from rdl.callbacks.callback import Callback
from rdl.execution import SerialExecutor
from rdl.jobs.context import Context
from rdl.jobs.stage import StageSpec, train_population
from rdl.jobs.vae_learner import VAELearner, trainers_for
from rdl.runs import RunDirectory
from rdl.scoring import MIGScore
from rdl.training import threads
from tests.small_models import SMALL_VAE

CONFIG = (
    SMALL_VAE
    + """
Trainer.chunk_images = 64
population.size = 4
population.models = 1
population.images = 192
population.generations = 2
population.until_converged = False
MIGScore.points = 64
SearchSpace.dimensions = {
    "learning_rate": @rate/Dimension(),
    "batch_size": @batch/Dimension(),
    "beta": @beta/Dimension(),
}
rate/Dimension.initial = (1e-3, 1e-2, 1e9)
batch/Dimension.initial = (8, 16)
batch/Dimension.low = 2
batch/Dimension.integer = True
beta/Dimension.initial = (1.0, 4.0)
"""
)


def untimed(record):
    if isinstance(record, dict):
        return {key: untimed(value) for key, value in record.items() if not key.endswith("seconds")}
    return record


def records(root, at_once):
    """The keys and records of a search's journal, without times."""
    gin.clear_config()
    gin.parse_config(CONFIG)
    trainers_for.cache_clear()
    values = {"shape": [0, 1], "scale": [0, 5], "orientation": [0], "x": 8, "y": 4}
    images, executor = data.load("dsprites_full", values=values, size=8), SerialExecutor(at_once)
    with RunDirectory(root) as run:
        context = Context(run, 7, images, VAELearner.from_gin(), executor, Callback())
        train_population(context, StageSpec("population", "population", images, MIGScore()))
        executor.close()
        return [(key, untimed(record)) for key, record in run.journal.items()]


def test_concurrent_members_have_the_records_and_weights_of_sequential_ones(tmp_path):
    one, both = records(tmp_path / "one", 1), records(tmp_path / "both", 2)
    assert one == both
    states = {record.get("status") for _, record in one}
    assert {"scored", "failed"} <= states  # a failed member repeats its chunk for diagnosis while another trains


@pytest.mark.parametrize(("one_thread", "cores", "models", "members"), [
    (True, 2, 1, 2), (True, 2, 2, 1), (True, 2, 5, 1), (True, 8, 3, 2), (False, 8, 1, 1),
])  # fmt: skip
def test_concurrent_members_occupy_all_cores(monkeypatch, one_thread, cores, models, members):
    monkeypatch.setattr(threads.tf.config.threading, "get_intra_op_parallelism_threads", lambda: int(one_thread))
    monkeypatch.setattr(threads.tf.config.threading, "get_inter_op_parallelism_threads", lambda: cores)
    assert threads.members_at_once(models) == members
