import hashlib
import pickle

import numpy as np
import pytest

from rdl.training import checkpoints
from rdl.training.checkpoints import CorruptCheckpoint

STATE = {"model_0/000_kernel": np.arange(6.0, dtype=np.float32).reshape(2, 3), "updates": np.asarray(7)}


def test_round_trip(tmp_path):
    path = tmp_path / "new" / "state.npz"
    digest = checkpoints.save_checkpoint(path, STATE)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [p.name for p in path.parent.iterdir()] == ["state.npz"]
    loaded = checkpoints.load_checkpoint(path, digest)
    assert loaded.keys() == STATE.keys()
    for name, array in STATE.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype


def test_the_same_state_gives_the_same_file(tmp_path):
    assert checkpoints.save_checkpoint(tmp_path / "a.npz", STATE) == checkpoints.save_checkpoint(
        tmp_path / "b.npz", STATE
    )


@pytest.mark.parametrize("position", [5, 40, 150, 300, -30, -3])
def test_a_changed_byte_is_detected_and_the_file_named(tmp_path, position):
    path = tmp_path / "state.npz"
    digest = checkpoints.save_checkpoint(path, STATE)
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(CorruptCheckpoint, match="state.npz"):
        checkpoints.load_checkpoint(path, digest)


@pytest.mark.parametrize("keep", [0, 10, 200, -5])
def test_a_truncated_file_is_detected_without_its_checksum(tmp_path, keep):
    path = tmp_path / "state.npz"
    checkpoints.save_checkpoint(path, STATE)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CorruptCheckpoint, match="state.npz"):
        checkpoints.load_checkpoint(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CorruptCheckpoint, match="gone.npz"):
        checkpoints.load_checkpoint(tmp_path / "gone.npz")


def test_pickles_are_never_read(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was executed",))

    np.savez(tmp_path / "state.npz", kernel=np.array([Bomb()], dtype=object))
    with pytest.raises(CorruptCheckpoint, match="state.npz"):
        checkpoints.load_checkpoint(tmp_path / "state.npz")
    (tmp_path / "raw.npz").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CorruptCheckpoint, match="raw.npz"):
        checkpoints.load_checkpoint(tmp_path / "raw.npz")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "state.npz"
    digest = checkpoints.save_checkpoint(path, STATE)
    with pytest.raises(ValueError, match="allow_pickle"):
        checkpoints.save_checkpoint(path, {"kernel": np.array([object()])})
    checkpoints.load_checkpoint(path, digest)
    assert [p.name for p in tmp_path.iterdir()] == ["state.npz"]
