"""Official files in their true formats, written small; what is said when one is missing or damaged."""

import gzip
import os
import struct
import subprocess
import sys

import h5py
import numpy as np
import pytest
import scipy.io
from PIL import Image

from rdl import data
from rdl.data import official
from rdl.data.factors import FactorSpace
from rdl.data.formats import hdf5, matlab, npz
from rdl.data.sets import dsprites, idx, objects, sprites
from rdl.data.sources import MappedSource
from rdl.errors import UserError

RNG = np.random.default_rng(0)


@pytest.fixture
def write(official_folder):
    def make(name):
        path = official_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    return make


# --- missing files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "file", "facts"),
    [
        ("shapes3d", "3dshapes.h5", "267,573,662 bytes, SHA-256 0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2"),
        ("smallnorb", "training-dat.mat.gz", "131,896,188 bytes, SHA-256 5ffd6272"),
        ("cars3d", "car_001_mesh.mat", "nips2015-analogy-data.tar.gz"),
        ("mpi3d_toy", "mpi3d_toy.npz", "no checksum published"),
        ("mpi3d_realistic", "mpi3d_realistic.npz", "Final_Dataset/mpi3d_realistic.npz"),
        ("mpi3d_real", "mpi3d_real.npz", "Final_Dataset/mpi3d_real.npz"),
        ("mnist", "train-images-idx3-ubyte.gz", "MD5 of its unpacked content 6bbc9ace898e44ae57da46a324031adb"),
        ("celeba", "img_align_celeba", "46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74"),
        ("scream_dsprites", "scream.jpg", "The_Scream.jpg"),
    ],
)
def test_a_missing_file_is_named_with_where_it_was_looked_for_and_where_to_get_it(name, file, facts, official_folder):
    with pytest.raises(UserError) as caught:
        data.load(name)
    message = str(caught.value).partition("\n")[0]
    assert all(part in message for part in (file, facts, str(official_folder), "get it from http"))
    assert "set DISENTANGLEMENT_LIB_DATA to the folder" in message


def test_checksums_are_compared(write):
    path = write("3dshapes/3dshapes.h5")
    assert official.SHAPES3D.check() == "missing"
    path.write_bytes(b"something else")
    assert official.SHAPES3D.check() == "differs"
    write("mpi3d_toy/mpi3d_toy.npz").write_bytes(b"")
    assert official.MPI3D["toy"].check() == "present"
    labels = official.IDX["mnist", "t10k", "labels-idx1"]
    write("mnist/t10k-labels-idx1-ubyte.gz").write_bytes(b"\x1f\x8bno gzip")
    assert labels.check() == "damaged"
    write("mpi3d_real/mpi3d_real.npz").mkdir()
    assert official.MPI3D["real"].check() == "damaged"
    write("mnist/t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"other"))
    assert labels.check() == "differs"


# --- dSprites --------------------------------------------------------------------------------------------------------


@pytest.fixture
def few_sprites(monkeypatch):
    """dSprites of 48 images instead of 737,280, for an official file of which a test may write the whole."""
    space = FactorSpace(sprites.SPACE.names, (1, 2, 2, 3, 4))
    monkeypatch.setattr(dsprites, "SPACE", space)
    return sprites.RenderedSprites().read(np.arange(0, 737280, 15360))[..., 0] // 255


@pytest.mark.parametrize("kind", ["npz", "npz plain", "hdf5"])
def test_official_dsprites_are_taken_where_present_and_their_pickle_left_alone(few_sprites, write, kind):
    name = f"dsprites/dsprites_ndarray_co1sh3sc6or40x32y32_64x64.{kind[:4].strip()}"
    if kind == "hdf5":
        with h5py.File(write(name), "w") as file:
            file["imgs"] = few_sprites
    else:
        save = np.savez if kind == "npz plain" else np.savez_compressed
        save(write(name), metadata=np.array({"a": "pickle"}, dtype=object), imgs=few_sprites)
    images = data.load("dsprites_full")
    assert isinstance(images.source, MappedSource) and images.source.binary
    np.testing.assert_array_equal(images.images(np.arange(48))[..., 0], few_sprites * 255)
    assert images.factor_space == dsprites.SPACE
    np.testing.assert_array_equal(data.load("dsprites_full", origin="official").images(np.arange(3)),
                                  images.images(np.arange(3)))  # fmt: skip
    assert isinstance(data.load("dsprites_full", origin="rendered").source, sprites.RenderedSprites)


def test_wrong_official_dsprites(few_sprites, write):
    with pytest.raises(UserError, match=r"'dsprites_full' needs the file dsprites_ndarray"):
        data.load("dsprites_full", origin="official")
    with pytest.raises(UserError, match="'official', 'rendered' or 'auto'"):
        data.load("dsprites_full", origin="made up")
    path = write("dsprites/dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz")
    np.savez(path, imgs=few_sprites[:40])
    with pytest.raises(UserError, match=r"to be uint8 \[48, 64, 64\], got uint8 \[40, 64, 64\]"):
        data.load("dsprites_full")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="truncated or damaged"):
        data.load("dsprites_full")


def test_noshape_hides_the_shape():
    images = data.load("dsprites_noshape")
    assert images.factors_num_values == [6, 40, 32, 32] and len(images) == 737280
    wanted = np.tile([[5, 0, 16, 16]], (40, 1))
    observations = images.sample_observations_from_factors(wanted, np.random.RandomState(0))
    assert len(np.unique(observations.reshape(40, -1), axis=0)) == 3
    plain = data.load("dsprites_full")
    drawn = np.random.RandomState(0).randint(3, size=40)
    expected = plain.sample_observations_from_factors(np.column_stack([drawn, wanted]), np.random.RandomState(1))
    np.testing.assert_array_equal(observations, expected)


def test_colour_noise_and_scream_draw_the_images_of_disentanglement_lib(write):
    picture = RNG.integers(0, 256, (600, 500, 3), dtype=np.uint8)
    Image.fromarray(picture).save(write("scream/scream.jpg"))
    shrunk = Image.open(official.SCREAM.require("scream_dsprites"))
    shrunk.thumbnail((350, 274))
    scream = np.asarray(shrunk) / 255
    factors = data.load("dsprites_full").sample_factors(4, np.random.RandomState(9))
    plain = data.load("dsprites_full").sample_observations_from_factors(factors, np.random.RandomState(0))

    def colour(draw):
        return plain * draw.uniform(0.5, 1, [4, 1, 1, 3])

    def noise(draw):
        return np.minimum(plain + draw.uniform(0, 1, [4, 64, 64, 3]), 1)

    def on_scream(draw):
        out = []
        for image in np.repeat(plain, 3, axis=3):
            top, left = draw.randint(0, scream.shape[0] - 64), draw.randint(0, scream.shape[1] - 64)
            background = (scream[top : top + 64, left : left + 64] + draw.uniform(0, 1, size=3)) / 2.0
            background[image == 1] = 1 - background[image == 1]
            out.append(background)
        return np.stack(out)

    for name, expected in (("color_dsprites", colour), ("noisy_dsprites", noise), ("scream_dsprites", on_scream)):
        images = data.load(name)
        assert images.shape == (64, 64, 3)
        observed = images.sample_observations_from_factors(factors, np.random.RandomState(5))
        np.testing.assert_allclose(observed, expected(np.random.RandomState(5)), atol=1e-6)
        # By index, an image is the same each time, whatever is asked for beside it.
        some = images.images(np.array([7, 700000, 7]))
        assert some.dtype == np.uint8 and (some[0] == some[2]).all() and (some[0] != some[1]).any()
        np.testing.assert_array_equal(images.images(np.array([700000]))[0], some[1])


def test_a_scream_too_small(write):
    Image.new("RGB", (60, 60)).save(write("scream/scream.jpg"))
    with pytest.raises(UserError, match="60 x 60 after shrinking"):
        data.load("scream_dsprites")
    write("scream/scream.jpg").write_bytes(b"nothing")
    with pytest.raises(UserError, match="is not a picture"):
        data.load("scream_dsprites")


def test_dummy_data():
    images = data.load("dummy_data")
    assert images.num_factors == 10 and images.shape == (64, 64, 1) and len(images) == 5**10
    factors, observations = images.sample(3, np.random.RandomState(0))
    draw = np.random.RandomState(0)
    np.testing.assert_array_equal(factors, draw.randint(5, size=(3, 10)))
    np.testing.assert_allclose(observations, draw.random_sample((3, 64, 64, 1)), atol=1e-7)
    np.testing.assert_array_equal(images.images(np.array([4, 5]))[1], images.images(np.array([5]))[0])


# --- objects ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def few_objects(monkeypatch):
    """The same formats with fewer values a factor."""
    grid = objects.Grid.over(objects._SHAPES3D.full.names, (2, 2, 1, 3, 1, 2))
    monkeypatch.setattr(objects, "_SHAPES3D", grid)
    monkeypatch.setattr(objects, "_MPI3D_SIZES", ((2, 1, 2, 1, 1, 2, 3), (3, 1, 2, 1, 1, 2, 3)))
    monkeypatch.setattr(objects, "_NORB_SIZES", (5, 10, 2, 2, 2))


@pytest.mark.parametrize("form", ["h5", "npz", "npz compressed"])
def test_shapes3d(few_objects, write, form):
    images = RNG.integers(0, 256, (2, 2, 1, 3, 1, 2, 64, 64, 3), dtype=np.uint8)
    if form == "h5":
        with h5py.File(write("3dshapes/3dshapes.h5"), "w") as file:
            file.create_dataset("images", data=images.reshape(24, 64, 64, 3), chunks=(5, 64, 64, 3), compression=1)
            file["labels"] = np.zeros((24, 6))
    else:
        save = np.savez if form == "npz" else np.savez_compressed
        save(write(official.SHAPES3D_NPZ), images=images, labels=np.zeros((2, 2, 1, 3, 1, 2, 6)))
    loaded = data.load("shapes3d")
    assert loaded.factors_num_values == [2, 2, 1, 3, 1, 2]
    np.testing.assert_array_equal(loaded.images(np.array([23, 5, 5, 0])), images.reshape(24, 64, 64, 3)[[23, 5, 5, 0]])
    factors = np.array([[1, 0, 0, 2, 0, 1]])
    observed = loaded.sample_observations_from_factors(factors, np.random.RandomState(0))
    np.testing.assert_allclose(observed[0] * 255, images[1, 0, 0, 2, 0, 1], atol=1e-4)
    part = data.load("shapes3d", values={"object_size": [2, 0]}, size=32)
    assert part.shape == (32, 32, 3) and part.factors_num_values == [2, 2, 1, 2, 1, 2]


def test_shapes3d_with_something_wrong(few_objects, write):
    path = write("3dshapes/3dshapes.h5")
    path.write_bytes(b"\x89HDF\r\n\x1a\n truncated")
    with pytest.raises(UserError, match="Cannot open .*3dshapes.h5: "):
        data.load("shapes3d")
    for array, message in (
        (np.zeros((3, 64, 64, 3), np.uint8), "Expected 24 images of 64 x 64 x 3 in .*, got 3 of 64x64x3"),
        (np.zeros((24, 64, 64, 3)), "to be uint8 images, got float64"),
    ):
        path.unlink()
        with h5py.File(path, "w") as file:
            file["images"] = array
        with pytest.raises(UserError, match=message):
            data.load("shapes3d")
    path.unlink()
    with h5py.File(path, "w") as file:
        file["pictures"] = np.zeros(3)
    with pytest.raises(UserError, match="Expected an array 'images'"):
        data.load("shapes3d")


def test_a_damaged_chunk_of_shapes3d(few_objects, write):
    path = write("3dshapes/3dshapes.h5")
    with h5py.File(path, "w") as file:
        images = RNG.integers(0, 256, (24, 64, 64, 3), dtype=np.uint8)
        file.create_dataset("images", data=images, chunks=(5, 64, 64, 3), compression=1)
        place = file["images"].id.get_chunk_info(2).byte_offset
    content = bytearray(path.read_bytes())
    content[place : place + 100] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"Cannot read the images in .*3dshapes.h5: "):
        data.load("shapes3d").images(np.arange(24))


@pytest.mark.parametrize(("kind", "first"), [("toy", 2), ("realistic", 2), ("real", 3)])
def test_mpi3d_in_both_extents(few_objects, write, kind, first):
    images = RNG.integers(0, 256, (first * 12, 64, 64, 3), dtype=np.uint8)
    np.savez(write(f"mpi3d_{kind}/mpi3d_{kind}.npz"), images=images)
    loaded = data.load(f"mpi3d_{kind}")
    assert loaded.factors_num_values == [first, 1, 2, 1, 1, 2, 3]
    np.testing.assert_array_equal(loaded.images(np.array([11, 3])), images[[11, 3]])
    np.savez(write(f"mpi3d_{kind}/mpi3d_{kind}.npz"), images=images[:5])
    with pytest.raises(UserError, match="Expected 24 or 36 images"):
        data.load(f"mpi3d_{kind}")


def test_cars3d(write):
    meshes = {name: RNG.integers(0, 256, (128, 128, 3, 24, 4), dtype=np.uint8) for name in ("002", "010", "001")}
    for name, mesh in meshes.items():
        scipy.io.savemat(write(f"cars/car_{name}_mesh.mat"), {"im": mesh, "mask": np.zeros(3)})
    write("cars/list.txt").write_text("car_002_mesh")
    cars = data.load("cars3d")
    assert cars.factors_num_values == [4, 24, 3] and len(cars) == 288
    factors = np.array([[3, 20, 1], [0, 5, 2], [2, 0, 0]])  # elevation, azimuth, object in the order of names
    observed = cars.sample_observations_from_factors(factors, np.random.RandomState(0))
    for image, (elevation, azimuth, car) in zip(observed, factors, strict=True):
        original = Image.fromarray(meshes[("001", "002", "010")[car]][:, :, :, azimuth, elevation])
        expected = np.asarray(original.resize((64, 64), Image.Resampling.LANCZOS))
        np.testing.assert_allclose(image * 255, expected, atol=1e-3)
    everything = cars.factors(np.arange(288))
    assert len(np.unique(everything, axis=0)) == 288
    write("cars/car_003_mesh.mat").write_bytes(b"MATLAB 5.0 MAT-file" + b"\0" * 50)
    with pytest.raises(UserError, match=r"car_003_mesh.mat is not a MATLAB file"):
        data.load("cars3d")
    scipy.io.savemat(write("cars/car_003_mesh.mat"), {"im": np.zeros((8, 8), np.uint8)})
    with pytest.raises(UserError, match=r"to be uint8 \[height, width, 3, 24, 4\], got uint8 \[8, 8\]"):
        data.load("cars3d")


@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_s_arrays_are_read_as_scipy_reads_them(write, compressed):
    path, shapes = write("any.mat"), {"im": (5, 7, 3, 2, 4), "b": (1, 3), "a_long_name": (9, 1)}
    arrays = {name: RNG.integers(0, 256, shape, dtype=np.uint8) for name, shape in shapes.items()}
    scipy.io.savemat(path, {"mask": np.zeros(3), "word": "text", "cell": {"a": 1}} | arrays, do_compression=compressed)
    for name, array in arrays.items():
        np.testing.assert_array_equal(matlab.read_matlab_array(path, name), array)
    for name in ("mask", "word", "cell", "gone"):
        with pytest.raises(UserError, match=f"an array of bytes '{name}'"):
            matlab.read_matlab_array(path, name)


def test_a_matlab_file_cut_anywhere_is_refused(write):
    """scipy's own reader ends the process where a compressed array is cut in its header."""
    path = write("any.mat")
    scipy.io.savemat(path, {"im": RNG.integers(0, 256, (4, 4, 3, 2, 2), dtype=np.uint8)}, do_compression=True)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(UserError):
            matlab.read_matlab_array(path, "im")


def _norb(array):
    """A NORB file: magic, number of dimensions, at least three dimensions, then the data, lowest byte first."""
    magic = {"uint8": 0x1E3D4C55, "int32": 0x1E3D4C54}[str(array.dtype)]
    dimensions = list(array.shape) + [1] * (3 - array.ndim)
    return struct.pack(f"<ii{len(dimensions)}i", magic, array.ndim, *dimensions) + array.tobytes()


@pytest.mark.parametrize("form", [".mat.gz", ".mat"])
def test_smallnorb(few_objects, write, form):
    pack = gzip.compress if form == ".mat.gz" else bytes
    every = np.array(list(np.ndindex(5, 10, 2, 2, 2)))
    pictures = {}
    for part, instances in (("5x46789x9x18x6x2x96x96-training", (4, 6, 7, 8, 9)),
                            ("5x01235x9x18x6x2x96x96-testing", (0, 1, 2, 3, 5))):  # fmt: skip
        rows = RNG.permutation(every[np.isin(every[:, 1], instances)])
        # 96 x 96 of one grey value each: resizing leaves it as it is.
        levels = RNG.integers(0, 256, (len(rows), 1, 1, 1), dtype=np.uint8)
        pairs = np.concatenate([np.broadcast_to(levels, (len(rows), 1, 96, 96)), np.zeros((len(rows), 1, 96, 96), np.uint8)], 1)  # fmt: skip # noqa: E501
        pictures |= {tuple(row): level for row, level in zip(rows.tolist(), levels[:, 0, 0, 0], strict=True)}
        info = rows[:, 1:].astype(np.int32)
        info[:, 2] *= 2  # azimuths are stored doubled
        write(f"small_norb/smallnorb-{part}-dat{form}").write_bytes(pack(_norb(pairs)))
        write(f"small_norb/smallnorb-{part}-cat{form}").write_bytes(pack(_norb(rows[:, 0].astype(np.int32))))
        write(f"small_norb/smallnorb-{part}-info{form}").write_bytes(pack(_norb(info)))
    norb = data.load("smallnorb")
    assert norb.factors_num_values == [5, 2, 2, 2] and norb.shape == (64, 64, 1) and len(norb) == 400
    np.testing.assert_array_equal(norb.images(np.arange(400))[:, 9, 50, 0], [pictures[tuple(row)] for row in every])
    wanted = norb.sample_factors(20, np.random.RandomState(0))
    observed = norb.sample_observations_from_factors(wanted, np.random.RandomState(1))
    instances = np.random.RandomState(1).randint(10, size=20)
    expected = [pictures[(c, i, e, a, li)] for (c, e, a, li), i in zip(wanted, instances, strict=True)]
    np.testing.assert_allclose(observed[:, 0, 0, 0] * 255, expected, atol=1e-3)

    whole = write(f"small_norb/smallnorb-{part}-info{form}").read_bytes()
    for content, message in (
        (whole[: len(whole) // 2], "Cannot read .*if it is damaged"),
        *([(whole[:10] + b"\xff" + whole[11:], "Cannot read .*if it is damaged")] if form == ".mat.gz" else []),
        (pack(b"no NORB file at all"), "is not a NORB binary file"),
        (pack(_norb(np.zeros_like(info))), "do not hold each of the 400 combinations"),
    ):
        write(f"small_norb/smallnorb-{part}-info{form}").write_bytes(content)
        with pytest.raises(UserError, match=message):
            data.load("smallnorb")


# --- IDX, celeba -----------------------------------------------------------------------------------------------------


def _idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("suffix", [".gz", ""])
def test_idx(write, name, suffix):
    pack = gzip.compress if suffix else bytes
    images, labels = RNG.integers(0, 256, (15, 28, 28), dtype=np.uint8), np.arange(15, dtype=np.uint8) % 10
    for split in ("train", "t10k"):
        write(f"{name}/{split}-images-idx3-ubyte{suffix}").write_bytes(pack(_idx(images)))
        write(f"{name}/{split}-labels-idx1-ubyte{suffix}").write_bytes(pack(_idx(labels)))
    loaded = data.load(name)
    assert loaded.shape == (28, 28, 1) and loaded.factor_space == FactorSpace(("class",), (10,))
    np.testing.assert_array_equal(loaded.images(np.arange(15))[..., 0], images)
    np.testing.assert_array_equal(loaded.factors(np.arange(15))[:, 0], labels)
    resized = data.load(name, split="test", size=64).images(np.array([4]))[0, :, :, 0]
    np.testing.assert_array_equal(resized, Image.fromarray(images[4]).resize((64, 64), Image.Resampling.LANCZOS))
    with pytest.raises(UserError, match="split 'train' or 'test' .*, got 'half'"):
        data.load(name, split="half")
    for content, message in (
        (pack(_idx(images)[:-3]), "does not hold the"),
        (pack(_idx(images)[:7]), "does not hold the 3 sizes"),
        (pack(b"\0\0\x0d\x01aaaa"), "not an IDX file of unsigned bytes"),
        (pack(_idx(labels)), "Expected images"),
        *([(pack(_idx(images))[:-20], "Cannot read .*if it is damaged")] if suffix else []),
    ):
        write(f"{name}/train-images-idx3-ubyte{suffix}").write_bytes(content)
        with pytest.raises(UserError, match=message):
            data.load(name)


@pytest.mark.data
def test_the_real_mnist_test_images(shared, monkeypatch):
    monkeypatch.setenv("DISENTANGLEMENT_LIB_DATA", str(shared / "data"))
    assert official.IDX["mnist", "t10k", "images-idx3"].check() == "sound"
    assert official.IDX["mnist", "t10k", "labels-idx1"].check() == "sound"
    digits = data.load("mnist", split="test")
    assert len(digits) == 10_000 and digits.shape == (28, 28, 1)
    np.testing.assert_array_equal(digits.factors(np.arange(5))[:, 0], [7, 2, 1, 0, 4])
    assert np.bincount(digits.factors(np.arange(10_000))[:, 0]).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009
    ]  # fmt: skip
    assert idx.read_idx(official.IDX["mnist", "t10k", "images-idx3"].require("mnist")).mean() == pytest.approx(
        33.79, abs=0.01
    )


def test_celeba(write):
    for i in range(12):
        picture = Image.new("RGB", (178, 218))
        picture.paste((255, 255, 255), (15, 35, 163, 183))  # the central 148 x 148
        picture.save(write(f"celeba/img_align_celeba/{i:06}.jpg"), quality=100)
    faces = data.load("celeba")
    assert faces.shape == (64, 64, 3) and len(faces) == 12
    assert faces.images(np.arange(12))[:, 2:-2, 2:-2].min() > 250
    assert data.load("celeba", crop=178, size=32).images(np.array([0]))[0, 0].max() < 10


# --- lazily ----------------------------------------------------------------------------------------------------------


def test_a_thousand_random_images_of_a_large_h5_take_little_memory(tmp_path):
    """480,000 images of 64 x 64 x 3 are 5.9 GB; the file is sparse, some of its chunks are written."""
    path = tmp_path / "large.h5"
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", (480_000, 64, 64, 3), np.uint8, chunks=(100, 64, 64, 3), compression=1)
        for start in range(0, 480_000, 40_000):
            images[start : start + 100] = start // 40_000 + 1
    code = """
import sys
import numpy as np
from rdl.data.formats.hdf5 import Hdf5Source
source = Hdf5Source(__import__("pathlib").Path(sys.argv[1]), "images")
assert len(source) == 480_000 and source.shape == (64, 64, 3)
indices = np.concatenate([np.random.default_rng(0).integers(480_000, size=990), np.arange(10) * 40_000])
images = source.read(indices)
assert images.shape == (1000, 64, 64, 3) and (images[990:, 0, 0, 0] == np.arange(10) + 1).all()
# Not getrusage, whose peak takes in the process that started this one.
print(next(int(line.split()[1]) // 1024 for line in open('/proc/self/status') if line.startswith('VmHWM')))
"""
    result = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 500  # MiB


def test_an_h5_opened_before_a_fork_is_opened_again_in_the_child(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = RNG.integers(0, 256, (20, 4, 4), dtype=np.uint8)
    source = hdf5.Hdf5Source(tmp_path / "a.h5", "images", scale=1)
    before = source.read(np.arange(20))
    opened = source._opened
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        same = (source.read(np.arange(20)) == before).all() and source._opened is not opened
        os.write(writer, b"1" if same else b"0")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 1) == b"1"


def test_npz_entries_are_found_where_they_lie(tmp_path):
    arrays = {"a": RNG.random((3, 2)), "images": RNG.integers(0, 256, (50, 7), dtype=np.uint8)}
    np.savez(tmp_path / "a.npz", **arrays)
    for name, array in arrays.items():
        entry = npz.read_npz_header(tmp_path / "a.npz", name)
        stored = np.memmap(tmp_path / "a.npz", array.dtype, "r", entry.offset, array.shape)
        np.testing.assert_array_equal(stored, array)
        np.testing.assert_array_equal(np.concatenate(list(npz.stream_npz(entry, array.shape[1:], rows=8))), array)
        np.testing.assert_array_equal(npz.load_npz_array(tmp_path / "a.npz", name), array)
