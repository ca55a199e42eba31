"""CPU time of a training step: rdl's trainer against plain Keras, with its default kernels and with equal ones.

    python benchmarks/train_step.py [--network=reference] [--batch_sizes=64,256] [--images=4096] [--rounds=5]
    python benchmarks/train_step.py --record             both networks; writes this machine's rows of record.json

Networks: ``reference`` is one VAE on 64 x 64 x 1 images; ``small_conv`` is an ensemble of four on 32 x 32 x 1 images
with one thread per operation. All implementations train the same beta-TCVAE with 10 latents from the same weights, on
the same batches and noise. "Plain Keras" is the obvious implementation: Keras' layers and Adam, one tf.function per
step, float32. It runs in this process, with the same CPU kernels as rdl, and in a process of its own in which rdl does
not choose the kernels, as a user without rdl would run it.

The implementations take turns, so that a busy machine slows all alike. Prints a JSON line for each batch size and
precision: CPU milliseconds per image and VAE, the least of the rounds, which other programs affect least; ratios of
plain Keras' cost to rdl's; images per second of wall time; and the differences from plain Keras after one step. In
float32, gradients differ by as much as each differs from a float64 computation (1e-3, as images are mostly black).
"""

# ruff: noqa: E402
import functools
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
_DEFAULT_KERNELS = "--default_kernels"
if _DEFAULT_KERNELS in sys.argv:  # before rdl, which would choose the kernels
    os.environ.pop("TF_ENABLE_ONEDNN_OPTS", None)
    import tensorflow  # noqa: F401

import rdl  # noqa: F401, I001  before TensorFlow: chooses the kernels
import measuring
import numpy as np
import tensorflow as tf
from absl import app, flags
from plain_keras import BETA, LATENTS, NETWORKS, RATE, SEED, Network, PlainKeras

from rdl.models.build import build
from rdl.models.objectives.objective import beta_tc_vae
from rdl.models.precision import FLOAT32, native
from rdl.models.vae import VAE
from rdl.runs import files
from rdl.seeds import generator
from rdl.training.threads import run_models_side_by_side
from rdl.training.trainer import Trainer

FLAGS = flags.FLAGS
flags.DEFINE_enum("network", "reference", ["reference", "small_conv"], "The networks that are trained.")
flags.DEFINE_list("batch_sizes", ["64", "256"], "Images per step.")
flags.DEFINE_integer("images", 4096, "Images per round.")
flags.DEFINE_integer("rounds", 5, "Timed rounds of each implementation, after one round of warm-up.")
flags.DEFINE_list("precisions", None, "Of the trainer; float32, and bfloat16 if the device multiplies it, by default.")
flags.DEFINE_bool("record", False, "Replace this machine's rows of record.json.")
flags.DEFINE_bool("default_kernels", False, "Internal: run plain Keras for another process.")

RECORD = Path(__file__).parent / "record.json"
COMMAND = "OMP_NUM_THREADS=1 python benchmarks/train_step.py --images=1024 --rounds=4 --record"


class DiscImages:
    """White discs on black, with about as many black pixels as dSprites."""

    name = "discs"

    def __init__(self, side: int, count: int = 2048):
        self.shape = (side, side, 1)
        margin = 12 * side // 64
        place = generator(SEED, "discs").uniform(margin, side - margin, size=(count, 2, 1, 1))
        y, x = np.mgrid[:side, :side]
        inside = (x - place[:, 0]) ** 2 + (y - place[:, 1]) ** 2 < 80 * (side / 64) ** 2
        self.pixels = (inside * np.uint8(255))[..., None]

    def __len__(self):
        return len(self.pixels)

    def images(self, indices):
        return self.pixels[indices]


class DefaultKernels:
    """Plain Keras in a process with TensorFlow's default kernels."""

    def __init__(self):
        command = [sys.executable, __file__, _DEFAULT_KERNELS, f"--network={FLAGS.network}"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.kernels = self._ask()

    def train(self, count: int, batch_size: int) -> measuring.Spent:
        """Trains on `count` images; returns the seconds measured in that process."""
        self._process.stdin.write(f"{count} {batch_size}\n")
        self._process.stdin.flush()
        return measuring.Spent(*self._ask())

    def _ask(self):
        if not (line := self._process.stdout.readline()):
            raise RuntimeError("The process of plain Keras has ended; its error is printed above.")
        return json.loads(line)

    def close(self):
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()


def serve() -> None:
    """Trains plain Keras for each line (count, batch size) of the standard input; prints seconds."""
    network = NETWORKS[FLAGS.network]
    plain, images = PlainKeras(network), DiscImages(network.side)
    print(json.dumps(measuring.kernels_used()), flush=True)
    for line in sys.stdin:
        count, batch_size = map(int, line.split())
        print(json.dumps(measuring.call(lambda: plain.train(images, count, batch_size))), flush=True)  # noqa: B023


def copy_weights(ours: VAE, plain: VAE) -> None:
    """Gives the plain model our weights."""
    for a, b in zip(ours.weights, plain.weights, strict=True):
        b.assign(as_convolution(a.numpy(), tuple(b.shape)))


def as_convolution(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A dense kernel in the shape of an equal convolution's; a transposed one is [height, width, outputs, inputs]."""
    if value.ndim == 2 and shape[:2] == (4, 4) and value.shape[0] == shape[3]:
        inputs = value.shape[0]
        value = value.reshape(inputs, 4, 4, -1).transpose(1, 2, 3, 0)
    return value.reshape(shape)


def difference(ours, plain) -> float:
    """Norm of the difference of two lists of arrays, relative to the norm of the second."""
    squares, size = 0.0, 0.0
    for a, b in zip(ours, plain, strict=True):
        a, b = as_convolution(a.numpy(), tuple(b.shape)).astype(np.float64), b.numpy().astype(np.float64)
        squares, size = squares + np.square(a - b).sum(), size + np.square(b).sum()
    return float(np.sqrt(squares / size))


def differences(plain: PlainKeras, trainer: Trainer, images, batch_size: int) -> dict[str, float]:
    """How far the first model of the trainer is from plain Keras after one step from equal weights."""
    trainer.initialize(0)
    copy_weights(trainer.model.models[0], plain.vae)
    for variable in plain.optimizer.variables[2:]:
        variable.assign(tf.zeros_like(variable))
    plain.optimizer.iterations.assign(0)
    train(trainer, images, batch_size, batch_size)
    plain.train(images, batch_size, batch_size)
    return {"gradient_gap": difference(trainer.optimizers[0]["vae"].first_moments, plain.optimizer._momentums)}


def train(trainer: Trainer, images, count: int, batch_size: int) -> None:
    settings = {"learning_rate": RATE, "hyperparameters": {"beta": BETA}, "seed": SEED}
    trainer.train(images, count, batch_size=batch_size, **settings)


def measure(network: Network, batch_size: int, plain: PlainKeras, default: DefaultKernels, trainers) -> list[dict]:
    """Prints a line for each trainer; returns rows of the record."""
    images, count = DiscImages(network.side), FLAGS.images
    gaps = {name: differences(plain, trainer, images, batch_size) for name, trainer in trainers.items()}
    functions = {
        "default": lambda: default.train(count, batch_size),
        "equal": lambda: plain.train(images, count, batch_size),
        **{name: functools.partial(train, trainer, images, count, batch_size) for name, trainer in trainers.items()},
    }
    spent = measuring.measure(functions, FLAGS.rounds)
    trained = {name: count * (network.models if name in trainers else 1) for name in functions}
    cost = {name: 1e3 * min(each.cpu for each in rounds) / trained[name] for name, rounds in spent.items()}
    rate = {name: trained[name] / statistics.median(each.wall for each in rounds) for name, rounds in spent.items()}
    rows = []
    for name in trainers:
        numbers = {
            "cpu_ms": cost[name],
            "ratio_to_keras_as_installed": cost["default"] / cost[name],
            "ratio_to_keras_with_equal_kernels": cost["equal"] / cost[name],
        }
        measuring.emit(
            "train_step", network=FLAGS.network, batch_size=batch_size, precision=name, **numbers, **gaps[name],
            keras_kernels=default.kernels, keras_cpu_ms=cost["default"], keras_equal_cpu_ms=cost["equal"],
            images_s=rate[name], keras_images_s=rate["default"],
        )  # fmt: skip
        row = {"network": FLAGS.network, "batch_size": batch_size, "precision": name, "keras_kernels": default.kernels}
        row |= {"images": FLAGS.images, "rounds": FLAGS.rounds}
        rows.append(row | {key: float(f"{value:.3g}") for key, value in numbers.items()})
    return rows


def write_rows(rows: list[dict]) -> None:
    """Replaces the rows of this kind of processor, these kernels, and this network in the record."""
    kind = {"flags": measuring.processor_flags(), "kernels": measuring.kernels_used()}
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"rows": []}
    replaced = [{**kind, **{key: row[key] for key in ("network", "batch_size", "precision")}} for row in rows]
    kept = [row for row in record["rows"] if not any(same.items() <= row.items() for same in replaced)]
    machine = {"processor": measuring.environment.describe()["processor"]}
    files.export_json(RECORD, {"command": COMMAND, "rows": [*kept, *({**kind, **machine, **row} for row in rows)]})


def main(_):
    if FLAGS.network == "small_conv":
        run_models_side_by_side()
    if FLAGS.default_kernels:
        serve()
        return
    measuring.emit_machine("train_step")
    network = NETWORKS[FLAGS.network]
    trainers = {
        precision: Trainer(
            build(network.shape, network.models, *network.rdl, beta_tc_vae, LATENTS, precision=precision)
        )
        for precision in FLAGS.precisions or dict.fromkeys([FLOAT32, native()])
    }
    plain, default = PlainKeras(network), DefaultKernels()
    rows = [row for size in FLAGS.batch_sizes for row in measure(network, int(size), plain, default, trainers)]
    default.close()
    if FLAGS.record:
        write_rows(rows)
        if FLAGS.network == "reference":
            subprocess.run([sys.executable, *sys.argv, "--network=small_conv", "--batch_sizes=64,128"], check=True)


if __name__ == "__main__":
    app.run(main)
