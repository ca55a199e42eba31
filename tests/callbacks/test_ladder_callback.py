"""The ladder callback counts the updates of the best member and its ancestors."""

import numpy as np

from rdl.callbacks.ladder_callback import LadderCallback
from rdl.models.ladder.levels import Levels
from rdl.models.ladder.schedule import ProgressiveSchedule
from rdl.population import Member, PopulationSettings
from rdl.runs import RunDirectory


def trained(index, generation, parent, batch_size, score):
    hyperparameters = {"batch_size": batch_size, "learning_rate": 1e-3}
    member = Member(index, generation, parent, hyperparameters, seed=1)
    return (
        member.with_failure("diverged")
        if score is None
        else member.with_score(score, "0", per_model=[0.0], kl=[[1.0, 0.5]])
    )


def test_updates_use_the_batch_size_of_every_generation(tmp_path):
    example = np.zeros((8, 8, 1), np.uint8)
    with RunDirectory(tmp_path / "run") as run:
        schedule = ProgressiveSchedule(2, None, 1000, 0)
        callback = LadderCallback(run, Levels((1, 1)), schedule, example, lambda *_: None)
        callback.on_stage_begin("population", PopulationSettings(models=1), 100, 1000)
        callback.on_generation_end("population", [trained(0, 0, None, 10, 0.5), trained(1, 0, None, 30, 0.4)])
        callback.on_generation_end("population", [trained(0, 1, 0, 20, 0.5), trained(1, 1, 0, 40, 0.6)])
        callback.on_generation_end("population", [trained(0, 2, 1, 40, 0.7), trained(1, 2, 1, 9, None)])
        callback.close()
    # 100 / 10; then 100 / 40 on top of its parent's 10; then 100 / 40 on top of that.
    assert callback.updates == [10, 13, 16]
    assert np.shape(callback.kl) == (3, 2)
