"""One's own images: what is accepted, and one line for everything that is not."""

import io
import pickle
import subprocess
import sys
import types
import zipfile

import numpy as np
import pytest
from PIL import Image

from rdl import data
from rdl.data import cache
from rdl.data.sources import ArraySource, MappedSource
from rdl.errors import UserError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (12, 6, 8), dtype=np.uint8)
RGB = RNG.integers(0, 256, (12, 6, 8, 3), dtype=np.uint8)
ALL = np.arange(12)


def _npz(tmp_path, save=np.savez, **arrays):
    save(tmp_path / "own.npz", **arrays)
    return str(tmp_path / "own.npz")


def _refused(message, *arguments, **options):
    with pytest.raises(UserError, match=message) as caught:
        data.load(*arguments, **options)
    assert "\n" not in str(caught.value).partition("\n  In call to configurable")[0]  # gin's addition


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("images", [GREY, GREY[..., np.newaxis], RGB], ids=["grey", "grey channel", "rgb"])
def test_npz_of_bytes(tmp_path, save, images):
    loaded = data.load(_npz(tmp_path, save, images=images))
    assert isinstance(loaded.source, MappedSource if save is np.savez else ArraySource)
    assert len(loaded) == 12 and loaded.shape == (6, 8, 3 if images is RGB else 1)
    np.testing.assert_array_equal(loaded.images(ALL[::-1]), images.reshape(12, 6, 8, -1)[::-1])
    assert loaded.factor_space is None


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (GREY > 100, (GREY > 100) * 255),
        (GREY / 255, GREY),
        ((GREY / 255).astype(np.float32), GREY),
        (GREY.astype(np.int64), GREY),
        (GREY.astype(">u2"), GREY),
    ],
    ids=["bool", "float64", "float32", "int64", "big-endian uint16"],
)
def test_npz_of_other_types(tmp_path, images, expected):
    loaded = data.load(_npz(tmp_path, np.savez_compressed, images=images))
    np.testing.assert_array_equal(loaded.images(ALL)[..., 0], expected)


def test_factors_are_any_numbers_in_any_combination(tmp_path):
    factors = np.stack([ALL % 3 * 10.5, -ALL // 4], axis=1)
    path = _npz(tmp_path, images=GREY, factors=factors, factor_names=np.array(["angle", "place"]))
    loaded = data.load(path)
    assert loaded.factor_space == data.FactorSpace(("angle", "place"), (3, 4))
    np.testing.assert_array_equal(loaded.factors(ALL)[:, 0], ALL % 3)
    np.testing.assert_array_equal(loaded.factors(ALL)[:, 1], np.unique(-ALL // 4, return_inverse=True)[1])
    drawn, observations = loaded.sample(30, np.random.RandomState(0))
    assert observations.shape == (30, 6, 8, 1) and drawn.shape == (30, 2)
    one = data.load(_npz(tmp_path, images=GREY, factors=ALL > 5))
    assert one.factor_space == data.FactorSpace(("factor_0",), (2,))


def test_resized_cropped_and_recoloured_as_pillow_does(tmp_path):
    path = _npz(tmp_path, images=RGB)
    loaded = data.load(path, size=4, filter="bilinear", crop=6, channels=1)
    assert loaded.shape == (4, 4, 1)
    expected = Image.fromarray(RGB[3]).convert("L").crop((1, 0, 7, 6)).resize((4, 4), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(loaded.images(np.array([3]))[0, :, :, 0], np.asarray(expected))
    assert data.load(path, size=16).shape == (16, 16, 3)
    assert data.load(path, channels=3).shape == (6, 8, 3)


def test_many_images_are_decoded_once_into_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_IN_MEMORY_AT_MOST", 100)
    path = _npz(tmp_path, np.savez_compressed, images=GREY)
    first = data.load(path).source
    second = data.load(path).source
    assert isinstance(first, MappedSource) and first.path == second.path
    np.testing.assert_array_equal(second.read(ALL)[..., 0], GREY)
    np.savez_compressed(path, images=255 - GREY)  # a file that was changed is another file
    np.testing.assert_array_equal(data.load(path).images(ALL)[..., 0], 255 - GREY)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (GREY[:3], r"at least 10 images .* got 3: add more"),
        (GREY[0], "at least 10 images .* got 6"),
        (GREY[0, 0], r"\[n, height, width\].* got \[8\]"),
        (RNG.random((12, 3, 8, 8)), r"got \[12, 3, 8, 8\], which has channels first: .*moveaxis"),
        (np.where(ALL[:, None, None] == 7, np.nan, GREY / 255), "hold NaN or infinity"),
        (np.where(ALL[:, None, None] == 7, np.inf, GREY / 255), "hold NaN or infinity"),
        (GREY.astype(float), r"got float64 values from 0 to 255: set dataset.value_range = \(0, 255\)"),
        (GREY.astype(int) - 5, r"values from -5 to 250: set dataset.value_range = \(-5, 250\)"),
        (GREY.astype(str), "integers, floats or bool, got <U"),
        (GREY + 0j, "integers, floats or bool, got complex128"),
        (GREY // 128, r"values from 0 to 1: set dataset.value_range = \(0, 1\)"),
        (np.asfortranarray(GREY), "stored by columns"),
        (GREY.astype(object), "a pickle that could run any program and is not read"),
    ],
    ids=["3 images", "image", "row", "channels first", "nan", "inf", "0-255 floats", "negative", "text", "complex",
         "0 and 1", "fortran", "pickle"],
)  # fmt: skip
def test_wrong_images_in_a_npz(tmp_path, images, message):
    _refused(message, _npz(tmp_path, images=images))


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (ALL[:5], r"numbers of shape \[12, factors\].* got int64 \[5, 1\]"),
        (np.zeros((12, 2, 2)), r"got float64 \[12, 2, 2\]"),
        (np.zeros((12, 0)), r"got float64 \[12, 0\]"),
        (np.where(ALL == 3, np.nan, ALL), "every image needs every factor"),
        (np.array([{}] * 12), "pickle"),
        (RNG.random((12, 2)) + 1j, "got complex128"),
    ],
)
def test_wrong_factors_in_a_npz(tmp_path, factors, message):
    _refused(message, _npz(tmp_path, images=GREY, factors=factors))


def test_factors_may_be_stored_by_columns(tmp_path):
    factors = np.stack(np.divmod(np.arange(12), 4)).T
    assert factors.flags.f_contiguous
    images = data.load(_npz(tmp_path, images=GREY, factors=factors))
    np.testing.assert_array_equal(images.factors(ALL), factors)


def test_measured_quantities_are_continuous_factors(tmp_path):
    images, quantity = np.repeat(GREY, 30, axis=0), RNG.random(360)
    factors = np.stack([quantity, np.arange(360) % 5 / 4, np.arange(360)], axis=1)
    loaded = data.load(_npz(tmp_path, images=images, factors=factors))
    assert loaded.factor_space.continuous == (True, False, False)
    some = np.array([7, 3, 311])
    np.testing.assert_array_equal(loaded.factor_values(some), factors[some])
    np.testing.assert_array_equal(loaded.subset(some).factor_values(np.array([2])), factors[some[2:]])
    np.testing.assert_array_equal(np.argsort(loaded.factors(np.arange(360))[:, 0]), np.argsort(quantity))
    wrong = _npz(tmp_path, images=GREY, factors=np.zeros((12, 2)), factor_names=np.array(["a"]))
    _refused("one distinct name per factor", wrong)


def test_wrong_files(tmp_path):
    path = tmp_path / "own.npz"
    _refused("There is no file .*own.npz", str(path))
    np.savez_compressed(path, images=RGB)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    _refused("not an npz file, or it is truncated or damaged", str(path))
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 255
    path.write_bytes(damaged)
    _refused("truncated or damaged", str(path))
    path.write_bytes(pickle.dumps({"images": RGB}))
    _refused("not an npz file", str(path))
    path.write_bytes(b"")
    _refused("not an npz file", str(path))
    np.savez(path, one=RGB[0, 0, 0], two=RGB[0, 0, 0])
    _refused("Expected an array 'images' in .*, which holds one, two", str(path))
    _refused("no such folder", str(tmp_path / "nothing"))
    (tmp_path / "folder.npz").mkdir()
    _refused("is a folder", str(tmp_path / "folder.npz"))


def test_a_pickle_in_a_npz_is_never_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return exec, (f"open({str(tmp_path / 'sprung')!r}, 'w')",)

    np.savez(tmp_path / "own.npz", images=np.array([Trap()] * 12, dtype=object))
    _refused("a pickle", str(tmp_path / "own.npz"))
    assert not (tmp_path / "sprung").exists()


def test_options_out_of_range(tmp_path):
    path = _npz(tmp_path, images=GREY)
    _refused("No filter is called 'best'", path, filter="best")
    _refused("channels to be 1 .* or 3", path, channels=2)
    _refused("Expected size to be a number of pixels", path, size=2)
    _refused("A square of 7 pixels does not fit in images of 6 x 8", path, crop=7)
    _refused("has no option 'values': it has size, filter, crop, channels", path, values={"a": 1})
    _refused("has no option 'split'", path, split="test")


def _folder(tmp_path, images=RGB, suffix="png"):
    folder = tmp_path / "pictures"
    for i, image in enumerate(images):
        (folder / f"part_{i % 2}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"part_{i % 2}" / f"{i:03}.{suffix}")
    return folder


@pytest.mark.parametrize("images", [GREY, RGB], ids=["grey", "rgb"])
def test_folder_of_png(tmp_path, images):
    folder = _folder(tmp_path, images)
    (folder / "readme.txt").write_text("not an image")
    loaded = data.load(str(folder))
    in_order = np.concatenate([images[0::2], images[1::2]])  # by name: part_0 before part_1
    np.testing.assert_array_equal(loaded.images(ALL), in_order.reshape(12, 6, 8, -1))


def test_folder_of_jpeg_palettes_and_transparency(tmp_path):
    smooth = np.broadcast_to(np.linspace(0, 250, 8, dtype=np.uint8)[:, None, None], (12, 8, 8, 3))
    folder = _folder(tmp_path, smooth, "JPG")
    loaded = data.load(str(folder))
    assert loaded.shape == (8, 8, 3)
    assert np.abs(loaded.images(ALL).astype(int) - smooth).max() < 12  # JPEG is not exact
    Image.fromarray(smooth[0]).convert("P").save(folder / "part_0" / "palette.png")
    Image.fromarray(smooth[0]).convert("RGBA").save(folder / "part_0" / "rgba.png")
    assert len(data.load(str(folder))) == 14


def test_folders_with_something_wrong(tmp_path):
    folder = _folder(tmp_path)
    Image.fromarray(RGB[0][:, :5]).save(folder / "part_1" / "zzz.png")
    _refused(r"zzz.png is 6 x 5 RGB, while .*000.png is 6 x 8 RGB: .*dataset.size", str(folder))
    assert data.load(str(folder), size=8).shape == (8, 8, 3)
    Image.fromarray(GREY[0]).save(folder / "part_1" / "zzz.png")
    _refused(r"zzz.png is 6 x 8 grey, while", str(folder))
    assert data.load(str(folder), channels=1).shape == (6, 8, 1)
    (folder / "part_1" / "zzz.png").write_bytes(b"no image")
    _refused("zzz.png is not a picture", str(folder))
    noise = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "part_1" / "zzz.png")
    whole = (folder / "part_1" / "zzz.png").read_bytes()
    (folder / "part_1" / "zzz.png").write_bytes(whole[: len(whole) // 2])
    _refused("Cannot read .*zzz.png", str(folder))
    (tmp_path / "empty").mkdir()
    _refused("at least 10 pictures .* got 0", str(tmp_path / "empty"))


def test_an_unreadable_picture_is_named_also_where_a_cache_is_being_written(tmp_path, monkeypatch):
    folder, opened = _folder(tmp_path), Image.open

    def refuse(file, **options):
        if file.name == "007.png":
            raise PermissionError(13, "Permission denied")
        return opened(file, **options)

    monkeypatch.setattr(cache, "_IN_MEMORY_AT_MOST", 100)
    monkeypatch.setattr(Image, "open", refuse)
    _refused("Cannot read .*007.png: .*Permission denied", str(folder))


class _FakeTfds(types.ModuleType):
    """TensorFlow Datasets' face, as far as it is used: builder, info, as_dataset, as_numpy."""

    def __init__(self, examples, features=("image", "label")):
        super().__init__("tensorflow_datasets")
        self._examples, self._features = examples, features

    def builder(self, name):
        if name == "birds":
            raise AssertionError
        if name != "pets":
            raise ValueError(f"Dataset {name} not found.\nmore lines")
        split = types.SimpleNamespace(num_examples=len(self._examples))
        info = types.SimpleNamespace(splits={"train": split}, version="1.0.0", features=dict.fromkeys(self._features))
        as_dataset = lambda split: self._examples  # noqa: E731
        return types.SimpleNamespace(info=info, download_and_prepare=lambda: None, as_dataset=as_dataset)

    @staticmethod
    def as_numpy(examples):
        return iter(examples)


def test_tensorflow_datasets(monkeypatch):
    examples = [{"image": image, "label": np.int64(i % 4)} for i, image in enumerate(RGB)]
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", _FakeTfds(examples))
    loaded = data.load("tfds:pets")
    np.testing.assert_array_equal(loaded.images(ALL), RGB)
    np.testing.assert_array_equal(loaded.factors(ALL)[:, 0], ALL % 4)
    assert data.load("tfds:pets", size=4, channels=1).shape == (4, 4, 1)
    _refused("no split 'test': use one of train", "tfds:pets", split="test")
    _refused("cannot give 'cats': Dataset cats not found", "tfds:cats")
    _refused("cannot give 'birds': AssertionError", "tfds:birds")
    examples[5]["image"] = RGB[0][:, :5]
    _refused("several sizes: make all alike with dataset.size", "tfds:pets")
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", _FakeTfds(examples[:3]))
    _refused("at least 10 images", "tfds:pets")
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", _FakeTfds([{"text": b""}] * 12, ("text",)))
    _refused("Expected a feature 'image'", "tfds:pets")


def test_tensorflow_datasets_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    _refused("pip install tensorflow-datasets", "tfds:pets")


def test_importing_the_data_needs_no_tensorflow():
    code = "import sys, rdl.data; sys.exit('tensorflow' in sys.modules or 'scipy.io' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_empty_array_of_impossible_shape_is_refused(tmp_path):
    path = tmp_path / "own.npz"
    header = io.BytesIO()
    shape = {"descr": "<i8", "fortran_order": False, "shape": (12, 1 << 62, 0)}
    np.lib.format.write_array_header_1_0(header, shape)
    np.savez(path, images=GREY, factors=np.arange(12)[:, None])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("factor_names.npy", header.getvalue())
    with pytest.raises(UserError, match="'factor_names' in .* announces int64"):
        data.load(str(path))


def test_an_array_that_was_not_written_to_its_end_is_reported(tmp_path):
    images = RNG.integers(0, 256, (40, 6, 8), dtype=np.uint8)
    assert data.load(_npz(tmp_path, images=images)).notes == ()
    images[20:] = 0
    (note,) = data.load(_npz(tmp_path, images=images)).notes
    assert note == "warning: 19 equal an earlier one: was the file written to its end?"
