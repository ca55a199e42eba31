"""A small search with real training, for kills: three generations of eight members with two small VAEs each."""

import os
import sys
from pathlib import Path

import gin
import numpy as np

from rdl.cli import configure, worker
from rdl.errors import UserError
from rdl.jobs import experiment
from rdl.seeds import generator
from rdl.training.threads import configure_threads

configure()

CONFIG = """
dataset.name = "{images}"
experiment.job = @search
display.quiet = True
threads.models_side_by_side = True
search.score = @UDRScore()
UDRScore.points = 64
model.encoder = @small_fc_encoder
model.decoder = @small_fc_decoder
model.num_latents = 3
small_fc_encoder.widths = (8,)
small_fc_decoder.widths = (8,)
population.size = 8
population.models = 2
population.images = 256
population.generations = 3
SearchSpace.dimensions = {{
    "learning_rate": @learning_rate/Dimension(),
    "batch_size": @batch_size/Dimension(),
    "beta": @beta/Dimension(),
}}
learning_rate/Dimension.initial = (0.001, 0.01, 0.1)
batch_size/Dimension.initial = (16, 32)
batch_size/Dimension.low = 8
batch_size/Dimension.integer = True
beta/Dimension.initial = (1.0, 4.0)
"""


def make_images(path: Path) -> None:
    """Writes 256 images of a square at different positions."""
    images = np.zeros((256, 8, 8, 1), np.uint8)
    for i in range(256):
        images[i, i % 6 : i % 6 + 2, i // 6 % 6 : i // 6 % 6 + 2] = 255
    images += generator(0, "images").integers(0, 20, images.shape, dtype=np.uint8) * (images == 0)
    np.savez(path, images=images)


def train(root: Path, images: Path, bindings: tuple[str, ...] = ()) -> int:
    """Starts or resumes the run like bin/train and returns the exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    gin.parse_config([CONFIG.format(images=images), *bindings])
    configure_threads()
    try:
        experiment.experiment(str(root), worker.executor)
    except UserError as error:
        print(f"error: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(train(Path(sys.argv[1]), Path(sys.argv[2]), tuple(sys.argv[3:])))
