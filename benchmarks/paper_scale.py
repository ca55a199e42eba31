"""Measures every step of rpu_vae.gin once at its real size, and extrapolates the cost of the whole recursion.

    python benchmarks/paper_scale.py                     25 to 60 minutes on two cores
    python benchmarks/paper_scale.py --fraction=0.01     quick: trains on a hundredth of the images

One member of the x-run trains for one generation on all images with all its VAEs, and is scored by UDR. Its best model
encodes every image, and ``iterate`` labels and reduces them for each leaf run. One member of the final run trains for
one generation and is scored by leaf MIG on the labels of three leaf runs. ``--fraction`` shortens training only.

Iterations after the first would need their own populations. Here their labels are the x-model's means on the images
that the reduction kept, which cost leaf MIG the same. Each step prints a line of JSON: seconds of wall and CPU time,
and the process's peak memory so far.
"""

import json
import os
import resource
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from absl import app, flags

from rdl import quiet_start  # noqa: F401

FLAGS = flags.FLAGS
flags.DEFINE_string("gin_file", "gin_configs/rpu_vae.gin", "The recursion to measure.")
flags.DEFINE_multi_string("gin_bindings", [], "Added to the file.")
flags.DEFINE_float("fraction", 1.0, "Share of the images that a generation trains on.", 0.0, 1.0)
flags.DEFINE_integer("batch_size", 256, "Of both members; the search space is 8 .. 1024.")
flags.DEFINE_float("learning_rate", 5e-4, "Of both members.")
flags.DEFINE_float("beta", 60.0, "Of both members.")
flags.DEFINE_integer("generations", 12, "Of the x-run and of every leaf iteration, at least 7, for the extrapolation.")

STEP_FLOP = 93e6  # of one training step of the reference network, an image (docs/scaling.md)
GPU_RATES = {"one at a time": 20_000, "batched": 1_700_000}  # images/s, assumed (docs/scaling.md)


class Ledger:
    """The measurements of the finished steps, by name."""

    def __init__(self):
        self.steps: dict[str, dict] = {}

    @contextmanager
    def step(self, name: str, **known):
        """Measures the body of a with statement; yields the record, to which the caller may add."""
        wall, cpu, record = time.perf_counter(), time.process_time(), dict(known)
        yield record
        record |= {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
        record["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.steps[name] = record
        rounded = {key: float(f"{v:.4g}") if isinstance(v, float) else v for key, v in record.items()}
        print(json.dumps({"step": name, **rounded}), flush=True)


def train_member(ledger: Ledger, stage: str, images, settings, score, folder: Path):
    """Trains one member for one generation as its stage does; returns the best model as an ensemble of one."""
    from rdl import models
    from rdl.errors import NonFiniteError
    from rdl.seeds import derive
    from rdl.training import Trainer, checkpoints, posterior_parameters
    from rdl.training.strategies import strategy

    with ledger.step(f"{stage}: build and trace", models=settings.models) as record:
        with strategy().scope():
            trainer = Trainer(models.build(images.shape, settings.models))
        trainer.initialize(derive(0, stage, 0, 0))
        how = {"batch_size": FLAGS.batch_size, "learning_rate": FLAGS.learning_rate}
        trainer.train(images, FLAGS.batch_size, **how, hyperparameters={"beta": FLAGS.beta}, seed=1)
        trainer.initialize(derive(0, stage, 0, 0))
    count = max(FLAGS.batch_size, round(FLAGS.fraction * settings.images_per_generation(len(images))))
    started = time.perf_counter()

    def progress(step: int, terms: dict) -> None:
        if step % 256 == 0 or step * FLAGS.batch_size >= count:
            rate = step * FLAGS.batch_size * settings.models / (time.perf_counter() - started)
            print(f"  {step * FLAGS.batch_size:,} of {count:,} images, {rate:.0f} a second over all VAEs", flush=True)

    with ledger.step(f"{stage}: train", images=count, models=settings.models, **how, beta=FLAGS.beta) as record:
        record["failures"] = 0
        try:
            terms = trainer.train(
                images, count, **how, hyperparameters={"beta": FLAGS.beta}, seed=derive(0, stage), on_chunk=progress
            )
            record["loss"] = float(sum(terms["vae"].values()))
        except NonFiniteError as error:
            record |= {"failures": 1, "reason": str(error)}
    with ledger.step(f"{stage}: score", score=type(score).__name__) as record:
        scored = score(lambda indices: posterior_parameters(trainer.model, images, indices), images, derive(0, stage))
        record |= {"value": scored.score, "per_model": [round(value, 4) for value in scored.per_model]}
        record["active_latents"] = [sum(nats > 0.01 for nats in kl) for kl in scored.kl]
        record["kl_of_best"] = [round(nats, 3) for nats in scored.kl[int(np.argmax(scored.per_model))]]
    path = folder / f"{stage}.npz"
    with ledger.step(f"{stage}: write checkpoint") as record:
        checksum = checkpoints.save_checkpoint(path, trainer.state())
        record["megabytes"] = path.stat().st_size / 1e6
    with ledger.step(f"{stage}: read checkpoint"):
        trainer.set_state(checkpoints.load_checkpoint(path, checksum))
    return models.Ensemble([trainer.model.models[int(np.argmax(scored.per_model))]])


def label(ledger: Ledger, images, means, log_variances, leaf_runs: int, iterations: int = 3):
    """Labels every leaf run, all iterations with the same model."""
    from rdl.recursion import LeafLabels, iterate

    leaves = []
    for number in range(leaf_runs):
        leaf, indices, sizes = LeafLabels(), np.arange(len(images)), []
        with ledger.step(f"leaf run {number}: iterate") as record:
            for iteration in range(iterations):
                sizes.append(len(indices))
                found, leaf = iterate(leaf, indices, means[indices], log_variances[indices], None, x_peak=number)
                record[f"latents_{iteration}"] = list(found.latents)
                if found.stop is not None:
                    record["stop"] = str(found.stop)
                    break
                indices = np.asarray(found.kept)
            record["images"] = sizes
        leaves.append(leaf)
    return [leaf for leaf in leaves if len(leaf)]


def extrapolate(ledger: Ledger, settings: dict, leaf_runs: int, size: int) -> dict[str, float]:
    """Extrapolates the recursion's cost: images trained on, and hours of one of this machine's cores."""
    x, final = settings["x_run"], settings["final"]
    per_image = {
        stage: ledger.steps[f"{stage}: train"]["cpu_seconds"]
        / (ledger.steps[f"{stage}: train"]["images"] * settings[stage].models)
        for stage in ("x_run", "final")
    }
    subset = max(settings["leaf_run"].min_images, size // 32)  # one value of a position is held fixed
    trained = {
        "x_run": x.size * x.models * FLAGS.generations * x.images_per_generation(size),
        "leaf_runs": leaf_runs * 2 * FLAGS.generations * x.size * x.models * subset,
        "final": final.members_until(final.generations or 1) * size,
    }
    besides = ("score", "write checkpoint", "read checkpoint")
    member = sum(ledger.steps[f"x_run: {name}"]["cpu_seconds"] for name in besides)
    final_member = sum(ledger.steps[f"final: {name}"]["cpu_seconds"] for name in besides)
    members = x.size * FLAGS.generations * (1 + 2 * leaf_runs)
    final_members = final.members_until(final.generations or 1)
    hours = {
        "x_run": trained["x_run"] * per_image["x_run"],
        "leaf_runs": trained["leaf_runs"] * per_image["x_run"],
        "final": trained["final"] * per_image["final"],
        "besides_training": members * member + final_members * final_member,
    }
    result: dict[str, float] = {f"images_{name}": count for name, count in trained.items()}
    result |= {f"core_hours_{name}": seconds / 3600 for name, seconds in hours.items()}
    result["core_hours"] = sum(hours.values()) / 3600
    for name, rate in GPU_RATES.items():
        result[f"gpu_hours_{name.replace(' ', '_')}"] = sum(trained.values()) / rate / 3600
    result["operations"] = sum(trained.values()) * STEP_FLOP
    return result


def main(_):
    import gin

    from rdl import data
    from rdl.cli import configure
    from rdl.population import PopulationSettings
    from rdl.scoring import LeafMIGScore, UDRScore
    from rdl.training import posterior_parameters
    from rdl.training.threads import configure_threads

    configure([FLAGS.gin_file], FLAGS.gin_bindings)
    configure_threads()
    ledger, settings = Ledger(), {}
    leaf_runs = gin.query_parameter("rpu_vae.leaf_runs")
    for stage in ("x_run", "leaf_run", "final"):
        with gin.config_scope(stage):
            settings[stage] = PopulationSettings()
    with ledger.step("data") as record:
        images = data.load()
        record["images"] = len(images)
    with tempfile.TemporaryDirectory() as folder:
        model = train_member(ledger, "x_run", images, settings["x_run"], UDRScore(), Path(folder))
        with ledger.step("x_run: encode every image", images=len(images)):
            (means,), (log_variances,) = posterior_parameters(model, images)
        leaves = label(ledger, images, means, log_variances, leaf_runs)
        if not leaves:
            raise SystemExit("The x-model learned no label: train it on more images (--fraction), or lower --beta.")
        del model
        train_member(ledger, "final", images, settings["final"], LeafMIGScore(leaves), Path(folder))
    print(json.dumps({"whole": extrapolate(ledger, settings, leaf_runs, len(images))}), flush=True)


if __name__ == "__main__":
    app.run(main)
