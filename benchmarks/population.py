"""Members per minute of executors, and the population's overhead.

    python benchmarks/population.py [--gin_file F ...] [--members 8] [--generations 3] [--executor serial ray]
    python benchmarks/population.py --executor serial --diverging
    python benchmarks/population.py --executor serial --reference --members 3 --generations 2 --images 1024
    python benchmarks/population.py --executor one serial --models 1 --rounds 3 [--reference]

Every executor runs the same search in its own process: ``ray`` with workers of one CPU each, ``serial`` in one process
with all CPUs, and ``one``, which is ``serial`` with one member at a time (``executor.at_once = 1``). Each prints a line
of JSON:

- members per minute after its first member, when TensorFlow is loaded and the graph is traced;
- the share of the time between members (exploit, records, checkpoint checks, TensorBoard), and in one process the share
  within members that goes to weights (initialising, writing and reading checkpoints): ``keeping``;
- the share of members that diverged;
- seconds of CPU and wall time, threads that run or wait for a core on average (``cores``), and the peak memory;
- whether the records equal those of the first executor.

``--rounds`` repeats the executors in turns, for a busy machine. ``--diverging`` repeats the first one with learning
rates with which about a third of the members diverge. ``--reference`` trains the reference network on 64 x 64 images,
five VAEs a member, whose checkpoints have 78 MB.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measuring

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

REFERENCE = """
dataset.size = 64
model.encoder = @reference_encoder
model.decoder = @reference_decoder
model.num_latents = 10
population.models = 5
"""

CHILD = """
import json, resource, sys, threading, time
from contextlib import suppress
from pathlib import Path
import gin
from rdl.data import load
from rdl.jobs import experiment
from rdl.cli import configure
from rdl.callbacks.callback import Callback
from rdl.jobs.context import Context
from rdl.jobs.stage import train_population
from rdl.jobs import vae_learner
from rdl.jobs.vae_learner import VAELearner
from rdl.callbacks.tensorboard import TensorBoard
from rdl.callbacks.callback import CallbackList
from rdl.cli import worker
from rdl.runs import RunDirectory
from rdl.population import PopulationSettings
from rdl.scoring import MIGScore, UDRScore
from rdl.training import threads
from rdl.training.trainer import Trainer

config, root = sys.argv[1:3]
configure()
gin.parse_config(open(config).read())
threads.configure_threads()

kept = [0.0]

def timed(owner, name):
    function = getattr(owner, name)
    def wrapper(*arguments, **keywords):
        start = time.perf_counter()
        try:
            return function(*arguments, **keywords)
        finally:
            kept[0] += time.perf_counter() - start
    setattr(owner, name, wrapper)

checkpoints = vae_learner, ("save_checkpoint", "load_checkpoint")
for owner, names in (checkpoints, (Trainer, ("state", "set_state", "initialize"))):
    for name in names:
        timed(owner, name)

class Clock(Callback):
    def __init__(self):
        self.times = []
    def on_member_end(self, stage, member):
        self.times.append((time.perf_counter(), time.process_time(), member.details.get("seconds", 0.0), kept[0]))

runnable = []  # (time, number of threads that run or wait for a core)

def count_threads():
    # The number of cores that the run would use on an idle machine, also measurable on a busy one.
    while True:
        count = -1  # this one
        for path in Path("/proc/self/task").glob("*/stat"):
            with suppress(OSError):  # the thread has ended
                count += path.read_text().rpartition(")")[2].split()[0] == "R"
        runnable.append((time.perf_counter(), count))
        time.sleep(0.02)

threading.Thread(target=count_threads, daemon=True).start()
clock = Clock()
with RunDirectory(root, gin.config_str()) as run:
    executor = worker.executor()
    callback = CallbackList(TensorBoard(run, 0), clock)
    context = Context(run, 0, load(), VAELearner.from_gin(), executor, callback)
    score = MIGScore() if PopulationSettings().models == 1 else UDRScore()
    train_population(context, "population", "population", context.images, score)
    end, cpu = time.perf_counter(), time.process_time()
    executor.close()
    callback.close()
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print("TIMES " + json.dumps({"times": clock.times, "end": end, "cpu": cpu, "memory": memory,
    "runnable": runnable, "at_once": threads.members_at_once(PopulationSettings().models)}))
"""


def records(root: Path) -> dict:
    """The journal without timings and other details of members."""
    lines = [json.loads(line) for line in (root / "journal.jsonl").read_text().splitlines()]
    return {line["key"]: {k: v for k, v in line["record"].items() if k != "details"} for line in lines}


def run(name: str, executor: str, workers: int, config: str, folder: Path) -> tuple[dict, dict]:
    gin_file, root = folder / f"{name}.gin", folder / name
    chosen = f"executor.name = '{'ray' if executor == 'ray' else 'serial'}'\nexecutor.workers = {workers}\n"
    gin_file.write_text(f"{config}\n{chosen}executor.at_once = {1 if executor == 'one' else None}\n")
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, str(gin_file), str(root)], check=True, stdout=subprocess.PIPE, text=True
    )
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("TIMES ")]
    return json.loads(line.removeprefix("TIMES ")), records(root)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gin_file", nargs="*", default=[], help="replaces the built-in search")
    parser.add_argument("--executor", nargs="+", default=["serial", "ray"], choices=["one", "serial", "ray"])
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--generations", type=int, default=3)
    parser.add_argument("--images", type=int, default=23_040)
    parser.add_argument("--models", type=int, help="VAEs per member; one is scored by MIG, several by UDR")
    parser.add_argument("--rounds", type=int, default=1, help="in which executors take turns")
    parser.add_argument("--diverging", action="store_true", help="repeat with a third of the members diverging")
    parser.add_argument("--reference", action="store_true", help="train the reference network, not a small one")
    parser.add_argument("--workers", type=int, default=2, help="of Ray, with one CPU each")
    args = parser.parse_args()
    config = "\n".join(Path(path).read_text() for path in args.gin_file) or CONFIG
    config += REFERENCE if args.reference else ""
    config += f"\npopulation.size = {args.members}\npopulation.generations = {args.generations}\n"
    config += f"population.images = {args.images}\n"
    config += f"population.models = {args.models}\n" if args.models else ""
    runs = [(executor, executor, config) for executor in args.executor]
    runs += [("diverging", args.executor[0], config + DIVERGING)] if args.diverging else []
    first = None
    measuring.emit_machine("population")
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, executor, text) in enumerate(runs * args.rounds):
            began = time.perf_counter()
            clock, found = run(f"{number}_{name}", executor, args.workers, text, Path(folder))
            whole = time.perf_counter() - began
            first = first or found
            # Each worker's first member traces the graph, so time counts from the end of all first members.
            at_once = {"one": 1, "ray": args.workers}.get(executor, clock["at_once"])
            done, _, seconds, kept = zip(*clock["times"][at_once:], strict=True)
            began_at, cpu_before, _, kept_before = clock["times"][at_once - 1]
            span = clock["end"] - began_at
            busy = sum(seconds) / at_once
            cores = statistics.mean(count for when, count in clock["runnable"] if when > began_at)
            failed = sum(record.get("status") == "failed" for record in found.values()) / len(clock["times"])
            measuring.emit(
                "population", name=name, executor=executor, members=args.members, generations=args.generations,
                images=args.images, reference=args.reference, members_a_minute=60 * len(done) / span,
                between_members=1 - busy / span,
                keeping=(kept[-1] - kept_before) / span / at_once if executor != "ray" else None,
                seconds=span, cpu_seconds=clock["cpu"] - cpu_before if executor != "ray" else None,
                cores=cores if executor != "ray" else None,
                memory_gib=clock["memory"] if executor != "ray" else None, diverged=failed,
                same_records=None if name == "diverging" else found == first, whole_run_s=whole,
            )  # fmt: skip


if __name__ == "__main__":
    main()
