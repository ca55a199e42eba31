"""Kills many runs at random calls, resumes them, and counts those that end like an uninterrupted run:

    python tests/faults/many.py --kills=500 --trained=100

Made-up runs have the whole recursion without training; trained runs are a small search with real training. A run is
killed one to three times, and every other kill tears the file that is flushed. Equal arguments give equal kills.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "population"), str(HERE.parents[1])]

from killing import in_child  # noqa: E402
from made_up_recursion import make_images, state, train  # noqa: E402

from rdl.seeds import generator  # noqa: E402


def kill_many(name: str, kills: int, run: Callable[[Path], int]) -> bool:
    """Prints a row of counts; returns whether every run ended like the uninterrupted one.

    Args:
      name: name of this kind of run.
      kills: number of kills.
      run: starts or resumes the run in a folder and returns the exit code.
    """
    folder = Path(tempfile.mkdtemp(prefix="kills_"))
    whole = in_child(folder / "whole", lambda: run(folder / "whole"))
    if whole.code:
        raise RuntimeError(whole.errors)
    expected, done, runs, equal = state(folder / "whole"), 0, 0, 0
    while done < kills:
        random, root = generator(runs, "many kills", name), folder / f"run_{runs}"
        for kill in range(min(1 + runs % 3, kills - done)):
            # A resumed run makes fewer calls, so later kills come early in it.
            number = int(random.integers(1, len(whole.calls) if not kill else 30))
            ended = in_child(root, lambda root=root: run(root), lambda here, *_, n=number: here == n, bool(done % 2))
            if not ended.killed:  # the run ended before that call
                break
            done += 1
        ended = in_child(root, lambda root=root: run(root))
        same = ended.code == 0 and state(root) == expected
        equal += same
        if not same:
            print(f"{name}: run {runs} differs ({ended.code}): {ended.errors[-300:]}", file=sys.stderr, flush=True)
        shutil.rmtree(root)
        runs += 1
    shutil.rmtree(folder)
    print(f"| {name} | {done} | {runs} | {equal} |", flush=True)
    return equal == runs


def main() -> int:
    """Prints the counts; returns 1 if a run ended differently from the uninterrupted one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500, help="number of kills of made-up runs")
    parser.add_argument("--trained", type=int, default=50, help="number of kills of runs with real training")
    given = parser.parse_args()

    folder = Path(tempfile.mkdtemp(prefix="images_"))
    print("| kind | kills | runs | like uninterrupted |\n|---|---|---|---|", flush=True)
    equal = True
    if given.kills:
        images = folder / "made_up.npz"
        make_images(images)
        equal &= kill_many("made up, the whole recursion", given.kills, lambda root: train(root, images))
    if given.trained:
        import trained_run  # imports TensorFlow, which only child processes may use

        real = folder / "trained.npz"
        trained_run.make_images(real)
        equal &= kill_many("trained, a search", given.trained, lambda root: trained_run.train(root, real))
    shutil.rmtree(folder)
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
