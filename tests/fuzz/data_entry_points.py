"""Entry points of a user's data: files of arrays, label files, tables, folders and arrays in memory."""

import io
import os
from pathlib import Path

import damage
import h5py
import numpy as np
from damage import pick
from entry_points import read_all
from PIL import Image

from rdl import data
from rdl.data.user.user_arrays import images_from_memory

Random = np.random.Generator
_RANGES = (*[None] * 8, (0, 1), (0, 255), (0, 4095), (5, 5), (-1, "1"), (0, float("inf")), 7)
_CELLS = (
    "1",
    "2",
    "0.25",
    "NA",
    "",
    "?",
    "-",
    "None",
    "nan",
    "inf",
    "word",
    "1e400",
    "1_0",
    "é",
    "'",
    '"',
    "\0",
    "1,5",
)
_KINDS = ("u1", "u2", ">u2", "i1", "i8", "f2", "f4", "f8", "?", "c8", "U3", "S3", "m8[s]", "O")


def odd_array(random: Random) -> np.ndarray:
    """An array of any type and shape, more often one of images."""
    sides = (0, 1, 3, 4, 5, 8, 12)
    shape = tuple(int(pick(random, sides)) for _ in range(int(random.integers(6))))
    if random.random() < 0.7:
        shape = pick(random, ((12, 6, 8), (12, 6, 8, 3), (12, 8, 8, 5), (12, 64), (12, 3, 8, 8), (12, 1, 8, 1)))
    numbers = random.random(shape) * pick(random, (1, 2, 60, 255, 4095, 70_000)) - pick(random, (0, 0, 0, 1))
    if numbers.size and random.random() < 0.1:
        numbers.ravel()[0] = pick(random, (np.nan, np.inf, -np.inf))
    with np.errstate(all="ignore"):
        return np.array(numbers, dtype=float).astype(pick(random, _KINDS))


class ArrayFiles:
    """npy and HDF5 files: damaged, of odd arrays, with wrong keys."""

    def __init__(self, folder: Path):
        self._folder = folder
        random = np.random.default_rng(0)
        images, labels = random.integers(0, 256, (12, 6, 8, 3), dtype=np.uint8), np.arange(12) % 3
        npy, plain, chunked = io.BytesIO(), io.BytesIO(), io.BytesIO()
        np.save(npy, images)
        with h5py.File(plain, "w") as file:
            file["images"], file["labels"] = images, labels
        with h5py.File(chunked, "w") as file:
            file.create_dataset("group/x", data=images.astype("u2") * 16, chunks=(3, 6, 8, 3), compression=1)
            file["names"] = ["a", "b"] * 6
        self._valid = [(".npy", npy.getvalue()), (".h5", plain.getvalue()), (".hdf5", chunked.getvalue())]

    def __call__(self, random: Random) -> None:
        ending, whole = pick(random, self._valid)
        path = self._folder / f"own{int(random.integers(10**9))}{ending}"
        keys = {"images_key": pick(random, (None, None, None, "images", "group/x", "gone", "", "a\0b"))}
        keys["factors_key"] = pick(random, (None, None, None, "labels", "names", "images", "gone"))
        try:
            if random.random() < 0.6:
                path.write_bytes(damage.content(random, whole))
            elif ending == ".npy":
                np.save(path, odd_array(random), allow_pickle=True)
            else:
                self._write_odd(path, random)
            keys = {} if ending == ".npy" else keys
            images = data.load(
                str(path), **keys, value_range=pick(random, _RANGES), size=pick(random, (None, None, 4, 8))
            )
            read_all(images)
            del images
        finally:
            path.unlink(missing_ok=True)

    @staticmethod
    def _write_odd(path: Path, random: Random) -> None:
        with h5py.File(path, "w") as file:
            for name in ("images", "labels", "factor_names", "group/x", "loop"):
                if random.random() < 0.4:
                    continue
                array = odd_array(random)
                if array.dtype.kind in "UmO" or not array.size:
                    file[name] = pick(random, (["a", "b"], "text", 3.0, h5py.SoftLink("/"), h5py.Empty("f4")))
                else:
                    file[name] = array


class LabelFiles:
    """A CSV file of labels beside images."""

    def __init__(self, folder: Path):
        self._images, self._labels = folder / "own.npz", folder / "labels.csv"
        np.savez(self._images, images=np.random.default_rng(0).integers(0, 256, (12, 6, 8), dtype=np.uint8))
        self._valid = "image,kind,size\n" + "".join(f"{n},k{n % 3},{n / 7:.3f}\n" for n in range(12))

    def __call__(self, random: Random) -> None:
        if random.random() < 0.5:
            text = damage.text(random, self._valid)
        else:
            separator = pick(random, (",", ";", "\t"))
            rows = [("image", "a", "b"), *((str(n), pick(random, _CELLS), pick(random, _CELLS[:5])) for n in range(12))]
            text = "\n".join(separator.join(row) for row in rows)
        self._labels.write_text(text, errors="surrogatepass")
        images = data.load(
            str(self._images),
            factors=str(self._labels),
            continuous=pick(random, (None, None, ("size",), ("a", "b"), (), "size", (3,))),
        )
        images.factor_values(images.labelled())
        images.sample(3, np.random.RandomState(0))


class TableFiles:
    """CSV files of numbers."""

    def __init__(self, folder: Path):
        self._path = folder / "table.csv"
        rows = np.random.default_rng(0).normal(size=(20, 5)).round(3)
        self._valid = "a,b,c,d,e\n" + "\n".join(",".join(map(str, row)) for row in rows)

    def __call__(self, random: Random) -> None:
        if random.random() < 0.5:
            content = damage.content(random, self._valid.encode())
        else:
            content = damage.text(random, self._valid).encode(errors="surrogatepass")
        self._path.write_bytes(content)
        read_all(data.load(str(self._path)))


class Folders:
    """Folders of pictures with links, hidden and odd names, and classes."""

    def __init__(self, folder: Path):
        self._folder = folder
        file = io.BytesIO()
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 8), dtype=np.uint8)).save(file, "png")
        self._picture = file.getvalue()

    def __call__(self, random: Random) -> None:
        root = self._folder / f"pictures{int(random.integers(10**9))}"
        root.mkdir()
        places = [root, root / "a", root / "b", root / ".hidden", root / "a" / "deep"]
        for place in places[: int(random.integers(1, 6))]:
            place.mkdir(parents=True, exist_ok=True)
            for number in range(int(random.integers(9))):
                name = pick(random, (f"{number}.png", f"{number}.PNG", f"._{number}.png", f"{number}.txt", "é.png"))
                (place / name).write_bytes(self._picture)
            target = pick(random, (root, place, self._folder / "nowhere", place / "0.png", "/dev/null", "loop.png"))
            os.symlink(target, place / pick(random, ("link", "loop.png", "link.png")))
        read_all(data.load(str(root)))


class Memory:
    """Arrays as rdl.disentangle and rdl.score receive them."""

    def __init__(self, folder: Path):
        del folder

    def __call__(self, random: Random) -> None:
        array = pick(random, (odd_array, odd_array, odd_array, lambda random: damage.value(random)))(random)
        value_range = pick(random, (None, None, None, (0.0, 1.0), (0.0, 4095.0)))
        images, _ = images_from_memory(array, value_range)
        if images.dtype != np.uint8 or images.ndim != 4:
            raise AssertionError(f"images of {images.dtype} {images.shape}")


ENTRY_POINTS = {
    "files of arrays": ArrayFiles,
    "label files": LabelFiles,
    "tables": TableFiles,
    "folders": Folders,
    "arrays in memory": Memory,
}
