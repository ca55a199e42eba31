import numpy as np
import pytest

from rdl.errors import UserError
from rdl.models.ladder.schedule import ProgressiveSchedule

SCHEDULE = ProgressiveSchedule(levels=3, updates_per_step=10, fade_in_updates=4)


def test_a_step_adds_the_next_shallower_level():
    active = {update: SCHEDULE.at(update).active.numpy().tolist() for update in (0, 9, 10, 19, 20, 1000)}
    assert active == {
        0: [1, 0, 0], 9: [1, 0, 0], 10: [1, 1, 0], 19: [1, 1, 0], 20: [1, 1, 1], 1000: [1, 1, 1],
    }  # fmt: skip


def test_fade_in_runs_from_0_to_1_and_starts_again_with_each_step():
    fade_in = [float(SCHEDULE.at(update).fade_in) for update in range(30)]
    rise = [0.0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1]
    assert fade_in == [1.0] * 10 + rise + rise


def test_gates_fade_only_the_newest_level_and_shut_the_decoder_to_inactive_ones():
    progress = SCHEDULE.at(11)
    assert progress.encoder_gates.numpy().tolist() == [1, 0.25, 1]
    assert progress.decoder_gates.numpy().tolist() == [1, 0.25, 0]


def test_kl_weights_are_beta_where_active_and_the_coefficient_elsewhere():
    assert np.allclose(SCHEDULE.at(15).kl_weights(8.0, 0.5), [8, 8, 0.5])
    assert np.allclose(SCHEDULE.at(25).kl_weights(8.0, 0.5), [8, 8, 8])


def test_vlae_is_the_schedule_of_one_step():
    vlae = ProgressiveSchedule(levels=4, steps=1, updates_per_step=10, fade_in_updates=4)
    for update in (0, 3, 500):
        progress = vlae.at(update)
        assert int(progress.step) == 1
        assert progress.active.numpy().tolist() == progress.decoder_gates.numpy().tolist() == [1] * 4
        assert progress.encoder_gates.numpy().tolist() == [1] * 4


def test_fewer_steps_than_levels_start_with_several_levels():
    schedule = ProgressiveSchedule(levels=4, steps=2, updates_per_step=10, fade_in_updates=0)
    assert schedule.at(0).active.numpy().tolist() == [1, 1, 1, 0]
    assert schedule.at(10).decoder_gates.numpy().tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"steps": 4}, {"updates_per_step": 0}, {"fade_in_updates": -1}])
def test_an_impossible_schedule_is_refused(wrong):
    with pytest.raises(UserError):
        ProgressiveSchedule(levels=3, **wrong)
