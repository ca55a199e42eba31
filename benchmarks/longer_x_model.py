"""Trains the x-models of finished recursions further without any choice: the control for a final run's extra images.

    python benchmarks/longer_x_model.py runs/rpu_vae/rpu_vae/* --images=320000 \\
        --results=docs/results/longer_x_model.json

A final model with ``rpu_vae.warm_start = True`` has seen more images than its x-model. Here each x-model is trained
on as many more images with its own hyperparameters, and measured as the run measures. A run's configuration is a
program: pass only runs that you trust.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import gin

from rdl import data
from rdl.cli import configure
from rdl.config import configured
from rdl.jobs.learner import MemberModel, MemberTask
from rdl.jobs.vae_learner import VAELearner
from rdl.population import Member, PopulationSettings
from rdl.runs import Layout, RunReader, files
from rdl.runs.keys import MemberKey, OutcomeKey
from rdl.scoring import Measurement
from rdl.seeds import derive


def train_longer(root: Path, num_images: int) -> dict[str, float]:
    """Returns the scores of a run's x-model after ``num_images`` further images."""
    reader = RunReader.open(root)
    with configured([str(reader.paths.config)]), tempfile.TemporaryDirectory() as folder:
        images, learner = data.load(), VAELearner.from_gin()
        with gin.config_scope("x_run"):
            models = PopulationSettings().models
        name = reader.records[OutcomeKey("x_run")]["best"]
        members = [
            Member.from_record(record) for key, record in reader.of_kind(MemberKey).items() if key.stage == "x_run"
        ]
        (best,) = (member for member in members if member.name == name)
        start = MemberModel(reader.paths, "x_run", best, images.shape, models)
        seed = derive(best.seed, "longer")
        task = MemberTask(learner, Layout(Path(folder)), "longer", images, num_images, 1, Measurement(), seed, start)
        trained = task(Member(0, 0, None, best.hyperparameters, seed))
        if trained.status == "failed":
            raise SystemExit(f"error: the x-model of {root} diverged: {trained.reason}")
        return trained.details["measured"][0]


def main() -> None:
    """Trains, measures and writes a JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--images", type=int, default=320_000)
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    configure()
    found = {}
    for root in options.runs:
        found[str(root)] = train_longer(root, options.images)
        print(f"{root}: " + ", ".join(f"{key} {value:.3f}" for key, value in found[str(root)].items()), flush=True)
        if options.results:
            files.write_json(options.results, found)


if __name__ == "__main__":
    main()
