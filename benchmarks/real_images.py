"""Writes two folders of real images that ship with scikit-learn, for docs/walkthrough.md.

    python benchmarks/real_images.py --folder=real

FOLDER/digits has the 1,797 handwritten digits of 8 x 8 pixels, and FOLDER/digits.csv their classes. FOLDER/patches has
4,000 patches of 32 x 32 pixels at random places of the two sample photographs, each photograph first reduced to a
quarter of its width and height.
"""

from pathlib import Path

import numpy as np
from absl import app, flags
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

flags.DEFINE_string("folder", None, "Folder to write.", required=True)
PATCHES, SIDE, REDUCTION = 4_000, 32, 4


def write_digits(folder: Path) -> None:
    """Stored values 0 to 16 become the 8 bits of a PNG."""
    digits = load_digits()
    (folder / "digits").mkdir(parents=True, exist_ok=True)
    lines = ["image,class"]
    for i, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        name = f"{i:04d}.png"
        Image.fromarray(np.round(pixels / 16 * 255).astype(np.uint8)).save(folder / "digits" / name)
        lines.append(f"{name},{label}")
    (folder / "digits.csv").write_text("\n".join(lines) + "\n")


def write_patches(folder: Path) -> None:
    (folder / "patches").mkdir(parents=True, exist_ok=True)
    photographs = [Image.fromarray(photograph).reduce(REDUCTION) for photograph in load_sample_images().images]
    random_state = np.random.default_rng(0)
    for i in range(PATCHES):
        photograph = photographs[i % len(photographs)]
        left = int(random_state.integers(photograph.width - SIDE + 1))
        top = int(random_state.integers(photograph.height - SIDE + 1))
        photograph.crop((left, top, left + SIDE, top + SIDE)).save(folder / "patches" / f"{i:04d}.png")


def main(_) -> None:
    folder = Path(flags.FLAGS.folder)
    write_digits(folder)
    write_patches(folder)


if __name__ == "__main__":
    app.run(main)
