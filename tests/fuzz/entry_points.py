"""Entry points: each makes bad inputs of its kind from valid ones and reads them as a command would.

An entry point is made once, with a folder, and called with a generator per case; it raises what the reader raises.
"""

import gzip
import io
import itertools
import json
import os
import struct
import zipfile
from pathlib import Path

import damage
import h5py
import numpy as np
import scipy.io
from damage import pick
from PIL import Image, PngImagePlugin

from rdl import data
from rdl.config import keys_in, read_gin
from rdl.data import cache, inventory, official
from rdl.data.factor_columns import factor_table
from rdl.data.formats import npz
from rdl.data.formats.treatment import Treatment
from rdl.data.sets import objects
from rdl.runs import Layout, RunReader

ROOT = Path(__file__).resolve().parents[2]
Random = np.random.Generator


def read_all(images: data.ImageSet) -> None:
    """Every image and factor, as training and measuring read them."""
    everything = np.arange(min(len(images), 2000))
    images.images(everything)
    if images.factor_space is not None:
        images.factors(everything)
        images.sample(3, np.random.RandomState(0))


class GinText:
    """gin files and bindings, as a training reads them."""

    def __init__(self, folder: Path):
        from rdl.cli import configure
        from rdl.results import evaluation  # noqa: F401

        configure()
        self._folder = folder
        self._texts = [path.read_text() for path in sorted((ROOT / "gin_configs").rglob("*.gin"))]
        self._keys = sorted({key for text in self._texts for key in keys_in(text)})

    def __call__(self, random: Random) -> None:
        kind = int(random.integers(3))
        whole = pick(random, self._texts)
        if kind == 0:
            path = self._folder / "case.gin"
            path.write_bytes(damage.content(random, whole.encode()))
            read_gin([str(path)], [])
        elif kind == 1:
            path = self._folder / "case.gin"
            path.write_text(damage.text(random, whole), errors="surrogatepass")
            read_gin([str(path)], [])
        else:
            read_gin([], [f"{pick(random, self._keys)} = {self._value(random)}" for _ in range(3)])

    def _value(self, random: Random) -> str:
        found = damage.spelled(damage.value(random))
        odd = (
            "@experiment",
            "@experiment()",
            "%gone",
            "1e400",
            "@x_run/Dimension()",
            "(1, (2, 1e999))",
            "1j",
            "b'a'",
            "...",
        )
        text = pick(random, (found, found, pick(random, odd), damage.text(random, found)))
        return text.replace("\n", " ")


class RunConfig:
    """The configuration of a run that somebody else made, read for its images."""

    TRUE = {"dataset.name": "own.npz", "dataset.size": 8, "dataset.filter": "box", "model.encoder": {"@": "x"}}

    def __init__(self, folder: Path):
        self._folder = folder
        np.savez(folder / "own.npz", images=(np.arange(12 * 6 * 8) % 251).astype(np.uint8).reshape(12, 6, 8))

    def __call__(self, random: Random) -> None:
        if random.random() < 0.5:
            content = damage.text(random, json.dumps(self._content(self.TRUE))).encode(errors="replace")
        else:
            options = (
                "name",
                "values",
                "correlation",
                "size",
                "filter",
                "crop",
                "channels",
                "split",
                "origin",
                "prepare",
            )
            settings = {f"dataset.{pick(random, options)}": damage.value(random) for _ in range(3)}
            settings["dataset.name"] = pick(random, ("own.npz", "own.npz", "mnist", "celeba", ""))
            content = damage.written(self._content(settings))
        (self._folder / "config.json").write_bytes(content)
        before = Path.cwd()
        os.chdir(self._folder)  # a name may be that of a folder
        try:
            data.from_config(RunReader(Layout(self._folder)).config)
        finally:
            os.chdir(before)

    @staticmethod
    def _content(settings: dict) -> dict:
        return {"settings": settings, "defaults": {}, "gin_text": "", "kernels": "onednn"}


class Npz:
    """A user's images and factors in an npz file."""

    def __init__(self, folder: Path):
        self._path = folder / "own.npz"
        random = np.random.default_rng(0)
        self._images = random.integers(0, 256, (12, 6, 8), dtype=np.uint8)
        self._factors = random.integers(0, 3, (12, 2))
        self._true = []
        for save in (np.savez, np.savez_compressed):
            for images in (self._images, self._images / 255, self._images > 9):
                save(self._path, images=images, factors=self._factors, factor_names=["a", "b"])
                self._true.append(self._path.read_bytes())

    def __call__(self, random: Random) -> None:
        if random.random() < 0.6:
            self._path.write_bytes(damage.content(random, pick(random, self._true)))
        else:
            self._write_odd(random)
        read_all(data.load(str(self._path)))

    def _write_odd(self, random: Random) -> None:
        """Sound files of arrays that are no images or factors, and headers that lie."""
        kinds = (
            "u1",
            "?",
            "i8",
            "f4",
            "f8",
            "c16",
            "m8[s]",
            "M8[s]",
            "U3",
            "S3",
            "V4",
            "f2",
            ">u2",
            "u8",
            "O",
            "V0",
            "U0",
        )
        sides = (0, 1, 3, 4, 8, 12)
        with zipfile.ZipFile(self._path, "w", pick(random, (0, 8, 8, 12, 14))) as archive:
            for name in ("images", "factors", "factor_names"):
                if random.random() < 0.2:
                    continue
                kind = np.dtype(pick(random, kinds))
                shape = tuple(int(pick(random, sides)) for _ in range(int(random.integers(5))))
                if random.random() < 0.7:
                    shape = {"images": (12, 6, 8), "factors": (12, 2), "factor_names": (2,)}[name]
                told = shape
                if random.random() < 0.3:
                    told = tuple(int(pick(random, (-1, 0, 1, 12, 10**6, 2**31, 2**62))) for _ in shape)
                header = f"{{'descr': {kind.str!r}, 'fortran_order': {random.random() < 0.1}, 'shape': {told}, }}"
                header = header.ljust(117) + "\n"
                if random.random() < 0.1:
                    header = damage.text(random, header).replace("\udcff", "?")
                body = random.bytes(int(np.prod(shape)) * kind.itemsize)
                if random.random() < 0.05:
                    body = bytes(5_000_000)
                start = b"\x93NUMPY\x01\0" + struct.pack("<H", min(len(header), 65535))
                with archive.open(f"{name}.npy", "w") as file:
                    file.write(start + header.encode("latin1", "replace") + body)


class Pictures:
    """A folder of pictures."""

    def __init__(self, folder: Path):
        self._folder = folder / "pictures"
        self._folder.mkdir()
        pixels = np.random.default_rng(0).integers(0, 256, (12, 6, 8, 3), dtype=np.uint8)
        self._true = []
        for form in ("png", "jpeg", "gif", "bmp", "tiff", "webp"):
            for mode in ("RGB", "L", "P", "RGBA", "LA", "I;16"):
                file = io.BytesIO()
                picture = Image.fromarray(pixels[0])
                if mode == "I;16":
                    picture = Image.fromarray(pixels[0, :, :, 0].astype(np.uint16) * np.uint16(16))
                elif mode in ("RGB", "L") or form not in ("jpeg", "bmp"):
                    picture = picture.convert(mode)
                try:
                    picture.save(file, form)
                except OSError:  # the format has no such pictures
                    continue
                self._true.append(file.getvalue())
        self._true += [
            self._bomb("zTXt"),
            self._bomb("iCCP"),
            self._large(),
            b"%!PS-Adobe-3.0 EPSF-3.0\n",
            b"P6 99999 99999 255\n",
        ]
        for number, picture in enumerate(pixels):
            Image.fromarray(picture).save(self._folder / f"{number}.png")

    @staticmethod
    def _bomb(kind: str) -> bytes:
        file, notes = io.BytesIO(), PngImagePlugin.PngInfo()
        options = {"pnginfo": notes}
        if kind == "zTXt":
            notes.add_text("a", "a" * 70_000_000, zip=True)
        else:
            options = {"icc_profile": bytes(70_000_000)}
        Image.new("RGB", (8, 6)).save(file, "png", **options)
        return file.getvalue()

    @staticmethod
    def _large() -> bytes:
        """A PNG that says it is 60,000 x 60,000."""
        file = io.BytesIO()
        Image.new("L", (8, 6)).save(file, "png")
        out = bytearray(file.getvalue())
        out[16:24] = struct.pack(">II", 60_000, 60_000)
        out[29:33] = struct.pack(">I", __import__("zlib").crc32(bytes(out[12:29])))
        return bytes(out)

    def __call__(self, random: Random) -> None:
        whole = pick(random, self._true)
        name = os.fsdecode(
            pick(random, (b"5.png", b"5.png", b"\xff\xfe.png", b"a\nb.png", "é.jpg".encode(), b"x" * 250 + b".png"))
        )
        path = self._folder / name
        content = whole if random.random() < 0.1 else damage.content(random, whole)
        path.write_bytes(content)
        options = {
            "size": pick(random, (None, 8)),
            "channels": pick(random, (None, 3)),
            "crop": pick(random, (None, 4)),
            "value_range": pick(random, (*[None] * 6, (0, 255), (0, 4095), (1, 0), "0")),
            "background": pick(random, (*[None] * 4, "white", 7, "pink", -1)),
        }
        try:
            read_all(data.load(str(self._folder), **options))
        finally:
            path.unlink()
            Image.new("RGB", (8, 6)).save(self._folder / "5.png")


class Official:
    """The published files: HDF5, IDX, NORB's and MATLAB's formats, mpi3d's npz; with fewer values a factor."""

    def __init__(self, folder: Path):
        objects._SHAPES3D = objects.Grid.over(objects._SHAPES3D.full.names, (2, 2, 1, 3, 1, 2))
        objects._MPI3D_SIZES = ((2, 1, 2, 1, 1, 2, 3), (3, 1, 2, 1, 1, 2, 3))
        objects._NORB_SIZES = (5, 10, 1, 1, 1)
        self._folder = folder / "official"
        os.environ["DISENTANGLEMENT_LIB_DATA"] = str(self._folder)
        random = np.random.default_rng(0)
        images = random.integers(0, 256, (24, 64, 64, 3), dtype=np.uint8)
        self._files: dict[str, dict[str, bytes]] = {
            name: {} for name in ("shapes3d", "mpi3d_toy", "mnist", "smallnorb", "cars3d")
        }
        for chunks in ({"chunks": (5, 64, 64, 3), "compression": 1}, {}):
            file = io.BytesIO()
            with h5py.File(file, "w") as out:
                out.create_dataset("images", data=images, **chunks)
            self._files["shapes3d"]["3dshapes/3dshapes.h5"] = file.getvalue()
        file = io.BytesIO()
        np.savez(file, images=images)
        self._files["mpi3d_toy"]["mpi3d_toy/mpi3d_toy.npz"] = file.getvalue()
        digits = struct.pack(">4B3I", 0, 0, 8, 3, 15, 28, 28) + random.bytes(15 * 784)
        labels = struct.pack(">4BI", 0, 0, 8, 1, 15) + bytes(range(10)) + bytes(5)
        self._files["mnist"] = {
            "mnist/train-images-idx3-ubyte": digits,
            "mnist/train-labels-idx1-ubyte.gz": gzip.compress(labels),
        }
        for half, part in itertools.product((0, 1), ("dat", "cat", "info")):
            name = official.SMALLNORB[3 * half + ("dat", "cat", "info").index(part)].others[0]
            self._files["smallnorb"][name] = self._norb(half, part, random)
        file = io.BytesIO()
        scipy.io.savemat(file, {"im": random.integers(0, 256, (16, 16, 3, 24, 4), dtype=np.uint8)}, do_compression=True)
        self._files["cars3d"]["cars/car_001_mesh.mat"] = file.getvalue()

    @staticmethod
    def _norb(half: int, part: str, random: Random) -> bytes:
        rows = [row for row in np.ndindex(5, 10, 1, 1, 1) if row[1] % 2 == half]
        array = {
            "cat": np.array([row[0] for row in rows], "<i4"),
            "info": np.array([(row[1], row[2], 2 * row[3], row[4]) for row in rows], "<i4"),
            "dat": random.integers(0, 256, (len(rows), 2, 8, 8), dtype=np.uint8),
        }[part]
        magic = 0x1E3D4C55 if part == "dat" else 0x1E3D4C54
        sizes = list(array.shape) + [1] * (3 - array.ndim)
        return struct.pack(f"<ii{len(sizes)}i", magic, array.ndim, *sizes) + array.tobytes()

    def __call__(self, random: Random) -> None:
        name = pick(random, list(self._files))
        bad = pick(random, list(self._files[name]))
        for file, whole in self._files[name].items():
            path = self._folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(whole)
        path = self._folder / bad
        kind = random.random()
        if name == "shapes3d" and kind < 0.2:
            self._odd_hdf5(path, random)
        elif kind < 0.22:
            path.unlink()
            path.mkdir()
        else:
            path.write_bytes(damage.content(random, self._files[name][bad]))
        try:
            read_all(data.load(name))
            list(inventory.check_datasets([name]))
        finally:
            if path.is_dir():
                path.rmdir()

    @staticmethod
    def _odd_hdf5(path: Path, random: Random) -> None:
        path.unlink()  # a reader of the case before may still hold it
        with h5py.File(path, "w") as out:
            kind = int(random.integers(7))
            if kind == 0:
                out.create_group("images/images")
            elif kind == 1:
                out["images"] = h5py.SoftLink("/images")
            elif kind == 2:
                out["images"] = h5py.ExternalLink("/dev/null", "/images")
            elif kind == 3:
                out["images"] = h5py.Empty("u1")
            elif kind == 4:
                out.create_dataset("images", (24, 64, 64, 3), h5py.special_dtype(vlen=np.uint8))
            elif kind == 5:
                out.create_dataset("images", (10**9, 64, 64, 3), np.uint8, chunks=(1, 64, 64, 3))
            else:
                out["images"] = np.zeros(
                    tuple(int(random.integers(3)) for _ in range(4)), pick(random, ("u1", "f4", "S3"))
                )


class Caches:
    """A cache of images, its record or its pixels damaged: never believed, always made again."""

    def __init__(self, folder: Path):
        self._images = np.random.default_rng(0).integers(0, 256, (20, 5, 3, 1), dtype=np.uint8)
        self._source = cache.build_cache("fuzzed", 20, (5, 3, 1), [self._images])
        self._record = self._source.path.with_suffix(".json")
        self._true = self._record.read_bytes(), self._source.path.read_bytes()

    def __call__(self, random: Random) -> None:
        import json

        record, pixels = self._true
        kind = int(random.integers(4))
        if kind == 0:
            record = damage.content(random, record)
        elif kind == 1:
            record = damage.written(damage.tree(random, json.loads(record)))
        elif kind == 2:
            pixels = damage.content(random, pixels)
        self._record.write_bytes(record)
        self._source.path.write_bytes(pixels)
        cache.is_sound(self._source.path)
        found = cache.build_cache("fuzzed", 20, (5, 3, 1), [self._images])
        if not np.array_equal(found.read(np.arange(20)), self._images):
            raise AssertionError("a damaged cache was believed")


class NpzEntries:
    """Arrays of npz files as they are, whatever they are for."""

    def __init__(self, folder: Path):
        self._npz, self._path = Npz(folder), folder / "own.npz"

    def __call__(self, random: Random) -> None:
        self._path.write_bytes(damage.content(random, pick(random, self._npz._true)))
        for name in npz.array_names(self._path):
            npz.load_npz_array(self._path, name)


class Tables:
    """Factors of a user's images as arrays."""

    def __init__(self, folder: Path):
        del folder

    def __call__(self, random: Random) -> None:
        rows, columns = int(pick(random, (12, 12, 12, 0, 1, 11))), int(random.integers(0, 4))
        values = np.array([[float(pick(random, damage.NUMBERS[:9])) for _ in range(columns)] for _ in range(rows)])
        kinds = ("i8", "f8", "f4", "u8", "?", "m8[s]", "c8", "U5", "O", ">i2", "f2")
        with np.errstate(all="ignore"):
            factors = values.reshape(rows, columns).astype(pick(random, kinds))
        names = [str(pick(random, damage.WORDS)) for _ in range(columns)] if random.random() < 0.7 else None
        factor_table(factors, 12, names, "the factors")
        Treatment(pick(random, (None, *damage.NUMBERS)), "box", pick(random, (None, *damage.NUMBERS)))


ENTRY_POINTS = {
    "gin text": GinText,
    "a run's configuration": RunConfig,
    "images in npz": Npz,
    "arrays in npz": NpzEntries,
    "factors": Tables,
    "pictures": Pictures,
    "official files": Official,
    "caches": Caches,
}
