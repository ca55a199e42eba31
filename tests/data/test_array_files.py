"""Images and factors in npz, npy and HDF5 files, under any name; and files that cannot be opened."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

from rdl import data
from rdl.data.sources import MappedSource
from rdl.errors import UserError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 6, 8, 3), dtype=np.uint8)
CLASSES = np.arange(12) % 3
ALL = np.arange(12)


def _save(path, **arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    return str(path)


@pytest.fixture(params=[".npz", ".h5"])
def path(request, tmp_path):
    return tmp_path / f"own{request.param}"


def test_npy(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    images = data.load(str(tmp_path / "a.npy"))
    assert isinstance(images.source, MappedSource)
    np.testing.assert_array_equal(images.images(ALL[::-1]), IMAGES[::-1])
    np.save(tmp_path / "a.npy", np.asfortranarray(IMAGES / 255))
    np.testing.assert_array_equal(data.load(str(tmp_path / "a.npy")).images(ALL), IMAGES)
    np.save(tmp_path / "a.npy", IMAGES)
    content = (tmp_path / "a.npy").read_bytes()
    for wrong in (content[:-1], content + b"\0", content[:40], b"", b"\x93NUMPY\x01\0\xff\xff{"):
        (tmp_path / "a.npy").write_bytes(wrong)
        with pytest.raises(UserError):
            data.load(str(tmp_path / "a.npy"))
    np.save(tmp_path / "a.npy", np.array([{}] * 12), allow_pickle=True)
    with pytest.raises(UserError, match="pickle"):
        data.load(str(tmp_path / "a.npy"))
    with pytest.raises(UserError, match="Cannot read .*b.npy"):
        data.load(str(tmp_path / "b.npy"))


@pytest.mark.parametrize("name", ["labels", "y", "targets", "latents_classes"])
def test_usual_names_are_recognised_and_stated(path, name):
    images = data.load(_save(path, x=IMAGES, **{name: CLASSES}))
    np.testing.assert_array_equal(images.factors(ALL)[:, 0], CLASSES)
    assert images.factor_space.names == (name,)
    notes = " ".join(images.notes)
    assert f"'{name}'" in notes and "'x'" in notes


def test_other_names_are_chosen_by_keys(path):
    saved = _save(path, first=IMAGES, second=255 - IMAGES, kind=CLASSES)
    with pytest.raises(UserError, match="first, second: choose one by dataset.images_key"):
        data.load(saved)
    images = data.load(saved, images_key="second", factors_key="kind")
    np.testing.assert_array_equal(images.images(ALL), 255 - IMAGES)
    np.testing.assert_array_equal(images.factors(ALL)[:, 0], CLASSES)
    assert "dataset.factors_key = 'kind'" in " ".join(data.load(saved, images_key="second").notes)
    for wrong in ({"images_key": "third"}, {"images_key": "first", "factors_key": "third"}):
        with pytest.raises(UserError, match="third"):
            data.load(saved, **wrong)


def test_words_and_one_hot_labels_are_classes(path):
    words = np.array(["sphere", "cube", "cone"])[CLASSES]
    images = data.load(_save(path, images=IMAGES, labels=words.astype("S") if path.suffix == ".h5" else words))
    np.testing.assert_array_equal(images.factors(ALL)[:, 0], 2 - CLASSES)
    images = data.load(_save(path.with_stem("one_hot"), images=IMAGES, labels=np.eye(3)[CLASSES]))
    assert images.factor_space == data.FactorSpace(("class",), (3,))
    np.testing.assert_array_equal(images.factors(ALL)[:, 0], CLASSES)


def test_texts_of_pandas_are_refused_without_reading_a_pickle(tmp_path):
    names = np.array(["a", "b"], dtype=object)
    factors = np.stack([CLASSES, ALL], axis=1)
    np.savez(tmp_path / "own.npz", images=IMAGES, factors=factors, factor_names=names)
    with pytest.raises(UserError, match=r"'factor_names' .*dtype object.*dtype=str"):
        data.load(str(tmp_path / "own.npz"))
    np.savez(tmp_path / "own.npz", images=IMAGES, labels=np.array(["x"] * 12, dtype=object))
    images = data.load(str(tmp_path / "own.npz"))
    assert images.factor_space is None and "'labels' is stored as Python objects" in " ".join(images.notes)


def test_deep_images_of_five_channels_in_a_group(tmp_path):
    stack = RNG.integers(0, 4096, (30, 16, 12, 5)).astype(np.uint16)
    saved = _save(tmp_path / "own.h5", **{"scan/stack": stack, "scan/labels": np.arange(30) % 4})
    images = data.load(saved, factors_key="scan/labels")
    assert images.shape == (16, 12, 5)
    np.testing.assert_array_equal(images.images(np.arange(30)), np.rint(stack * (255 / 4095)))
    assert data.load(saved, size=8).shape == (8, 8, 5)
    with pytest.raises(UserError, match="5 channels cannot be converted"):
        data.load(saved, channels=1)


def test_bool_images_are_black_and_white_everywhere(path):
    masks = IMAGES[..., 0] > 128
    np.testing.assert_array_equal(data.load(_save(path, images=masks)).images(ALL)[..., 0], masks * 255)


def test_a_locked_file_is_called_locked(tmp_path):
    saved = _save(tmp_path / "own.h5", images=IMAGES)
    code = "import h5py, sys; file = h5py.File(sys.argv[1], 'a'); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, saved]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        try:
            with pytest.raises(UserError, match="lock.*another program has it open") as caught:
                data.load(saved)
        finally:
            other.kill()
    assert "damaged" not in str(caught.value)
    assert len(data.load(saved)) == 12


def test_files_that_cannot_be_opened_say_why(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        data.load(str(tmp_path / "own.h5"))
    (tmp_path / "own.h5").write_bytes(b"no HDF5")
    with pytest.raises(UserError, match="file signature not found"):
        data.load(str(tmp_path / "own.h5"))
    (tmp_path / "folder.h5").mkdir()
    with pytest.raises(UserError, match="Cannot open"):
        data.load(str(tmp_path / "folder.h5"))
