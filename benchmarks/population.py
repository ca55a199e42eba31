"""Members per minute: Ray workers of one CPU each against one process with all, and the population's overhead.

    python benchmarks/population.py [--gin_file F ...] [--members 8] [--generations 3] [--executor serial ray]
    python benchmarks/population.py --executor serial --diverging

Every executor runs the same search in its own process, one after another. Printed for each: members per minute
of the whole run after its first member (by when TensorFlow is loaded and the graph traced), the share of the
run's time after that in which no member trains or is scored (overhead: exploit, records, checkpoint checks,
TensorBoard), the share of members that diverged, and whether the records are those of the first executor.
``--diverging`` repeats the first with learning rates with which about a third of the members diverge.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIG = """
dataset.name = "dsprites_full"
dataset.values = {"orientation": 4, "x": 4, "y": 4}
dataset.size = 16
experiment.job = @search
search.score = @UDRScore()
threads.models_side_by_side = True
model.encoder = @small_fc_encoder
model.decoder = @small_fc_decoder
model.num_latents = 6
population.models = 2
population.until_converged = False
SearchSpace.dimensions = {
    "learning_rate": @learning_rate/Dimension(),
    "batch_size": @batch_size/Dimension(),
    "beta": @beta/Dimension(),
}
learning_rate/Dimension.initial = (3e-4, 1e-3)
batch_size/Dimension.initial = (64, 128)
batch_size/Dimension.low = 32
batch_size/Dimension.integer = True
beta/Dimension.initial = (2.0, 8.0)
"""

DIVERGING = """
learning_rate/Dimension.initial = (3e-4, 1e-3, 1e6)
learning_rate/Dimension.factors = (1.0, 1e9)
"""

CHILD = """
import json, sys, time
import gin
from rdl.data import load
from rdl.jobs import experiment
from rdl.cli import configure
from rdl.watch.watching import Watcher
from rdl.jobs.context import Context
from rdl.jobs.stage import train_population
from rdl.jobs.vae_learner import VAELearner
from rdl.watch.tensorboard import TensorBoard
from rdl.watch.watching import Watchers
from rdl.cli import worker
from rdl.runs import Run
from rdl.scoring import UDRScore
from rdl.training.threads import settle_threads
import functools

config, root = sys.argv[1:3]
configure()
gin.parse_config(open(config).read())
settle_threads()

class Clock(Watcher):
    def __init__(self):
        self.times = []
    def member_done(self, stage, member):
        self.times.append((time.perf_counter(), member.details.get("seconds", 0.0)))

clock = Clock()
with Run(root, gin.config_str()) as run:
    executor = worker.executor()
    watcher = Watchers(TensorBoard(run), clock)
    context = Context(run, 0, load(), VAELearner.of_gin(), executor, watcher)
    train_population(context, "population", "population", context.images, UDRScore())
    end = time.perf_counter()
    executor.close()
    watcher.close()
print("TIMES " + json.dumps({"times": clock.times, "end": end}))
"""


def records(root: Path) -> dict:
    """The journal but for clocks and measurements beside the score."""
    lines = [json.loads(line) for line in (root / "journal.jsonl").read_text().splitlines()]
    return {line["key"]: {k: v for k, v in line["record"].items() if k != "details"} for line in lines}


def run(name: str, executor: str, workers: int, config: str, folder: Path) -> tuple[dict, dict]:
    gin_file, root = folder / f"{name}.gin", folder / name
    gin_file.write_text(f"{config}\nexecutor.name = '{executor}'\nexecutor.workers = {workers}\n")
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, str(gin_file), str(root)], check=True, stdout=subprocess.PIPE, text=True
    )
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("TIMES ")]
    return json.loads(line.removeprefix("TIMES ")), records(root)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gin_file", nargs="*", default=[], help="instead of the study built in")
    parser.add_argument("--executor", nargs="+", default=["serial", "ray"], choices=["serial", "ray"])
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--generations", type=int, default=3)
    parser.add_argument("--images", type=int, default=23_040)
    parser.add_argument("--diverging", action="store_true", help="then the same with a third of the members diverging")
    parser.add_argument("--workers", type=int, default=2, help="of Ray, one CPU each")
    args = parser.parse_args()
    config = "\n".join(Path(path).read_text() for path in args.gin_file) or CONFIG
    config += f"\npopulation.size = {args.members}\npopulation.generations = {args.generations}\n"
    config += f"population.images = {args.images}\n"
    runs = [(executor, executor, config) for executor in args.executor]
    runs += [("diverging", args.executor[0], config + DIVERGING)] if args.diverging else []
    first = None
    print(f"{'':>10}{'members/min':>13}{'overhead':>10}{'diverged':>10}{'same records':>14}{'whole run, s':>14}")
    with tempfile.TemporaryDirectory() as folder:
        for name, executor, text in runs:
            began = time.perf_counter()
            clock, found = run(name, executor, args.workers, text, Path(folder))
            whole = time.perf_counter() - began
            first = first or found
            # Each worker's first member traces the graph: counted from when all have done theirs.
            skipped = 1 if executor == "serial" else args.workers
            done, seconds = zip(*clock["times"][skipped:], strict=True)
            span = clock["end"] - clock["times"][skipped - 1][0]
            busy = sum(seconds) / (1 if executor == "serial" else args.workers)
            rate, overhead = 60 * len(done) / span, 1 - busy / span
            failed = sum(record.get("status") == "failed" for record in found.values()) / len(clock["times"])
            same = "" if name == "diverging" else "yes" if found == first else "NO"
            print(f"{name:>10}{rate:>13.1f}{overhead:>9.1%}{failed:>10.0%}{same:>14}{whole:>14.1f}", flush=True)


if __name__ == "__main__":
    main()
