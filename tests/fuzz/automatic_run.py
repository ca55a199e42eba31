"""Fuzzes the automatic run: the user's requests, up to the plan that would be trained."""

import shutil
from pathlib import Path

import damage
import numpy as np
from damage import pick
from PIL import Image

from rdl.auto import gin_writer, plan
from rdl.auto import request as requests
from rdl.auto.inspection import PixelSummary

Random = np.random.Generator


class AutomaticRun:
    """Images in a folder, a file or memory, labels, invalid numbers, and a damaged plan."""

    def __init__(self, folder: Path):
        self._folder, self._root = folder / "pictures", folder / "run"
        self._folder.mkdir()
        random = np.random.default_rng(0)
        self._images = random.integers(0, 256, (120, 8, 8, 3), dtype=np.uint8)
        for number, image in enumerate(self._images):
            Image.fromarray(image).save(self._folder / f"{number:03d}.png")
        self._labels = folder / "labels.csv"
        self._table = "file,colour,size\n" + "".join(f"{n:03d}.png,{n % 3},{n % 4}\n" for n in range(120))
        self._npz = folder / "own.npz"
        np.savez(self._npz, images=self._images)

    def __call__(self, random: Random) -> None:
        shutil.rmtree(self._root, ignore_errors=True)
        bad = self._table if random.random() < 0.6 else damage.text(random, self._table)
        self._labels.write_text(bad, errors="surrogatepass")
        places = (*[self._folder] * 4, *[self._npz] * 2, self._labels, self._root, "", "nowhere", "mnist")
        images = pick(random, (self._array, lambda random: str(pick(random, places))))(random)
        asked = {
            "minutes": pick(random, (*[20] * 16, 0, -1, 1e400, float("nan"), "20", None, 1e9, 0.001)),
            "size": pick(random, (*[None] * 6, 16, 32, 64, 0, 17, -1, "32")),
            "channels": pick(random, (*[None] * 9, 1, 3, 0, 2)),
            "factors": pick(random, (*[None] * 4, *[str(self._labels)] * 4, "", "nowhere.csv")),
        }
        request, array = requests.make_request(images, **asked)
        if random.random() < 0.3:
            self._planned(random, request)
        if requests.find_plan(request, self._root) is not None:
            return
        found = requests.inspect_request(request, self._root, array)
        speed = plan.TrainingSpeed((32, 32), *(float(10 ** random.uniform(2, 6)) for _ in range(2)))
        for size in plan.candidate_sizes(*found.shape[:2]):
            chosen = plan.make_plan(
                found.images, plan.scale_speed(speed, size), 60 * request.minutes, int(random.integers(1, 200)),
                pick(random, (None, (3, 4), (1, 1), (10**6,))),
            )  # fmt: skip
            data = gin_writer.format_dataset(request.load_options(self._root))
            models = gin_writer.format_networks(size, "float32")
            gin_writer.format_gin_file(chosen, "made", data, models, False, request.seed)
            gin_writer.describe_plan(chosen, found.shape, speed, "1 core", "bernoulli", request.size is not None)
            gin_writer.describe_images(found.images, found.shape, PixelSummary(found.images, 0, 255, 0, 0.5))
            plan.suggest_more_time(chosen, speed)

    def _array(self, random: Random) -> np.ndarray:
        kind = pick(random, (*["u1"] * 6, "f4", "f8", "i8", "?", "c16", "U3", "O"))
        count, side = int(pick(random, (0, 9, *[120] * 6))), int(pick(random, (0, 1, 8, 8, 28, 28, 64)))
        array = np.zeros((count, side, side, 3)[: int(pick(random, (1, 2, 3, 3, 3, 4, 4, 4)))], kind)
        if array.dtype.kind == "f" and array.size:
            array.ravel()[0] = pick(random, (0.5, float("nan"), float("inf"), -1.0, 255.0))
        return array

    def _planned(self, random: Random, request: requests.AutoRequest) -> None:
        """Writes a plan to the run directory, for this request or damaged."""
        self._root.mkdir()
        record = {"request": {**vars(request)}, "speed": {"training": 1.0}}
        whole = damage.written(damage.tree(random, record))
        (self._root / "plan.json").write_bytes(damage.content(random, whole) if random.random() < 0.5 else whole)
        (self._root / "plan.gin").write_text("experiment.seed = 0\n")


ENTRY_POINTS = {"the automatic run": AutomaticRun}
