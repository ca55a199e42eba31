"""The official files of data sets: names, places, sources and checksums.

The data folder is `DISENTANGLEMENT_LIB_DATA`, or the current folder, as in disentanglement_lib. Nothing is
downloaded. Sizes and SHA-256 are those that TensorFlow Datasets records for the publishers' files; it has none for
dSprites as npz, mpi3d, cars3d and the Scream.
"""

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from rdl.errors import UserError
from rdl.runs import files


def data_folder() -> Path:
    """The data folder."""
    return Path(os.environ.get("DISENTANGLEMENT_LIB_DATA") or ".")


@dataclass(frozen=True)
class OfficialFile:
    """A file in the data folder.

    Attributes:
      name: path within the data folder.
      get: where the publishers offer it.
      size: in bytes.
      sha256: of the file.
      others: paths of other forms of the same content.
      content_md5: MD5 of the unpacked content, the same for all forms.
    """

    name: str
    get: str
    size: int | None = None
    sha256: str | None = None
    others: tuple[str, ...] = ()
    content_md5: str | None = None

    def locate(self) -> Path | None:
        """Path of the file, the official form before the others; None where it is absent."""
        return next((path for path in self.places() if os.path.exists(path)), None)

    def places(self) -> list[Path]:
        """Paths at which the file is looked for."""
        return [data_folder() / name for name in (self.name, *self.others)]

    def require(self, data_set: str) -> Path:
        """Path of the file.

        Raises:
          UserError: the file is absent; names the paths tried, its size and checksum, and where to get it.
        """
        found = self.locate()
        if found is None:
            looked = ", ".join(str(path.absolute()) for path in self.places())
            size = f"{self.size:,} bytes" if self.size else "size not published"
            checksum = f"SHA-256 {self.sha256}" if self.sha256 else "no checksum published"
            checksum = f"MD5 of its unpacked content {self.content_md5}" if self.content_md5 else checksum
            raise UserError(
                f"'{data_set}' needs the file {Path(self.name).name} ({size}, {checksum}), looked for at {looked}: "
                f"get it from {self.get}, and set DISENTANGLEMENT_LIB_DATA to the folder that holds "
                f"{Path(self.name).parent}/."
            )
        return found

    def check(self) -> str:
        """State of the file: missing, present (no checksum is published), sound, differs or damaged."""
        found = self.locate()
        if found is None:
            return "missing"
        try:
            if self.content_md5 is not None:
                with gzip.open(found) if found.suffix == ".gz" else open(found, "rb") as file:
                    content = hashlib.file_digest(file, "md5")  # type: ignore[arg-type]
                return "sound" if content.hexdigest() == self.content_md5 else "differs"
            if Path(self.name).suffix and not found.is_file():
                return "damaged"
            if self.sha256 is None or found != data_folder() / self.name:
                return "present"
            return "sound" if files.sha256(found) == self.sha256 else "differs"
        except (OSError, EOFError, zlib.error):  # a folder in its place, no permission, or a truncated file
            return "damaged"


def _norb(part: str, kind: str, size: int, sha256: str) -> OfficialFile:
    name = f"smallnorb-{part}-{kind}.mat"
    get = f"https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/{name}.gz"
    return OfficialFile(f"small_norb/{name}.gz", get, size, sha256, (f"small_norb/{name}",))


def _idx(data_set: str, split: str, kind: str, size: int, md5: str) -> OfficialFile:
    name = f"{split}-{kind}-ubyte.gz"
    others: tuple[str, ...] = ()
    get = f"https://storage.googleapis.com/cvdf-datasets/mnist/{name}"
    if data_set == "fashion_mnist":
        get = (
            f"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{name} "
            "or install Debian's package dataset-fashion-mnist"
        )
        others = (f"/usr/share/datasets/fashion-mnist/{name}",)
    return OfficialFile(f"{data_set}/{name}", get, size, None, (f"{data_set}/{name[:-3]}", *others), md5)


def _mpi3d(kind: str) -> OfficialFile:
    get = f"https://storage.googleapis.com/disentanglement_dataset/Final_Dataset/mpi3d_{kind}.npz"
    return OfficialFile(f"mpi3d_{kind}/mpi3d_{kind}.npz", get)


_DSPRITES = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64"
DSPRITES_NPZ = OfficialFile(
    f"dsprites/{_DSPRITES}.npz", f"https://github.com/google-deepmind/dsprites-dataset ({_DSPRITES}.npz)"
)
DSPRITES_HDF5 = OfficialFile(
    f"dsprites/{_DSPRITES}.hdf5",
    f"https://github.com/google-deepmind/dsprites-dataset ({_DSPRITES}.hdf5)",
    28_024_106,
    "729fa22e884c9c500e1f17415d580746b4c5894fbbb780a1319bbcfa39a745bb",
)
SCREAM = OfficialFile("scream/scream.jpg", "https://upload.wikimedia.org/wikipedia/commons/f/f4/The_Scream.jpg")
SHAPES3D_NPZ = "3dshapes/look-at-object-room_floor-hueXwall-hueXobj-hueXobj-sizeXobj-shapeXview-azi.npz"
SHAPES3D = OfficialFile(
    "3dshapes/3dshapes.h5",
    "https://storage.googleapis.com/3d-shapes/3dshapes.h5",
    267_573_662,
    "0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
    (SHAPES3D_NPZ,),
)
CARS3D = OfficialFile(
    "cars/car_001_mesh.mat", "http://www.scottreed.info/files/nips2015-analogy-data.tar.gz (its folder data/cars)"
)
_TRAINING, _TESTING = "5x46789x9x18x6x2x96x96-training", "5x01235x9x18x6x2x96x96-testing"
SMALLNORB = tuple(
    _norb(*record)
    for record in (
        (_TRAINING, "dat", 131_896_188, "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873"),
        (_TRAINING, "cat", 348, "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa"),
        (_TRAINING, "info", 71_052, "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32"),
        (_TESTING, "dat", 130_799_817, "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474"),
        (_TESTING, "cat", 347, "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff"),
        (_TESTING, "info", 10_428, "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2"),
    )
)
MPI3D = {kind: _mpi3d(kind) for kind in ("toy", "realistic", "real")}
IDX = {
    record[:3]: _idx(*record)
    for record in (
        ("mnist", "train", "images-idx3", 9_912_422, "6bbc9ace898e44ae57da46a324031adb"),
        ("mnist", "train", "labels-idx1", 28_881, "a25bea736e30d166cdddb491f175f624"),
        ("mnist", "t10k", "images-idx3", 1_648_877, "2646ac647ad5339dbf082846283269ea"),
        ("mnist", "t10k", "labels-idx1", 4_542, "27ae3e4e09519cfbb04c329615203637"),
        ("fashion_mnist", "train", "images-idx3", 26_421_880, "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
        ("fashion_mnist", "train", "labels-idx1", 29_515, "9018921c3c673c538a1fc5bad174d6f9"),
        ("fashion_mnist", "t10k", "images-idx3", 4_422_102, "8181f5470baa50b63fa0f6fddb340f0a"),
        ("fashion_mnist", "t10k", "labels-idx1", 5_148, "15d484375f8d13e6eb1aabb0c3f46965"),
    )
}
CELEBA = OfficialFile(
    "celeba/img_align_celeba",
    "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (img_align_celeba.zip, 1,443,490,838 bytes, SHA-256 "
    "46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74; unpack it)",
)


def files_of(data_set: str) -> tuple[OfficialFile, ...]:
    """Files of a data set; empty where it is generated."""
    dsprites = (DSPRITES_NPZ, DSPRITES_HDF5)
    return {
        "dsprites_full": dsprites,
        "dsprites_noshape": dsprites,
        "color_dsprites": dsprites,
        "noisy_dsprites": dsprites,
        "scream_dsprites": (*dsprites, SCREAM),
        "shapes3d": (SHAPES3D,),
        "cars3d": (CARS3D,),
        "smallnorb": SMALLNORB,
        "celeba": (CELEBA,),
        **{f"mpi3d_{kind}": (file,) for kind, file in MPI3D.items()},
        **{name: tuple(file for key, file in IDX.items() if key[0] == name) for name in ("mnist", "fashion_mnist")},
    }.get(data_set, ())
