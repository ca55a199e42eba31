"""Trains each baseline for some updates from its gin file and prints times and loss terms as a Markdown table.

    python benchmarks/baselines.py --updates=2000

Seconds exclude tracing; terms are means over the first and the last chunk of updates, nats per image. The plain VAE is
beta_vae.gin with beta 1.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import gin

from rdl import data, models, training
from rdl.cli import configure
from rdl.config import read_gin
from rdl.jobs.studies.published import METHODS

configure()

_FILES = Path(__file__).resolve().parent.parent / "gin_configs" / "baselines"
_RUNS = {"plain VAE": ("beta_vae", ["vae.beta = 1.0"])} | {name: (name, []) for name in METHODS}


def measure(name: str, bindings: list[str], updates: int) -> dict:
    """Returns the seconds and loss terms of one method."""
    gin.clear_config()
    read_gin([str(_FILES / f"{name}.gin")], bindings)
    images = data.load()
    batch_size, rate = gin.query_parameter("one_point.batch_size"), gin.query_parameter("one_point.learning_rate")
    trainer = training.Trainer(models.build(images.shape))
    settings = {"batch_size": batch_size, "learning_rate": rate, "seed": 0}
    trainer.train(images, batch_size, **settings)  # traces the graph
    trainer.initialize(0)
    history = []
    wall, cpu = time.perf_counter(), time.process_time()
    trainer.train(images, updates * batch_size, on_chunk=lambda _, terms: history.append(terms["vae"]), **settings)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall, "cpu": cpu, "first": history[0], "last": history[-1]}


def main() -> None:
    """Prints the table row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--only", nargs="+", choices=list(_RUNS), default=list(_RUNS))
    options = parser.parse_args()
    print(f"| {options.updates} updates of | wall s | CPU s | CPU to plain VAE | loss terms, first -> last chunk |")
    print("|---|---:|---:|---:|---|")
    plain = None
    for title in options.only:
        found = measure(*_RUNS[title], options.updates)
        plain = plain or found["cpu"]
        terms = ", ".join(f"{key} {found['first'][key]:.4g} -> {found['last'][key]:.4g}" for key in found["last"])
        row = f"| {title} | {found['wall']:.0f} | {found['cpu']:.0f} | {found['cpu'] / plain:.2f} | {terms} |"
        print(row, flush=True)


if __name__ == "__main__":
    main()
