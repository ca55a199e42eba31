"""Kills many runs at random calls, lets them go on, and counts those that end as the whole one:

    python tests/faults/many.py --kills=500 --trained=100

Made-up runs have the whole recursion and no training; trained ones are a small search with real training. A run is
killed once to three times, every other kill tears what was being flushed. The same numbers give the same kills.
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


def kill_many(name: str, kills: int, run: Callable[[Path], int], tell: Callable[[str], None]) -> bool:
    """Prints a line of counts; returns whether every run ended as the whole one.

    Args:
      name: of this kind of run.
      kills: how many.
      run: starts the run in a folder or goes on with it; returns the exit code.
      tell: is told of every run that ended otherwise.
    """
    folder = Path(tempfile.mkdtemp(prefix="kills_"))
    whole = in_child(folder / "whole", lambda: run(folder / "whole"))
    if whole.code:
        raise RuntimeError(whole.errors)
    expected, done, runs, equal = state(folder / "whole"), 0, 0, 0
    while done < kills:
        random, root = generator(runs, "many kills", name), folder / f"run_{runs}"
        for death in range(min(1 + runs % 3, kills - done)):
            # A resumed run makes fewer calls, so that later deaths come early in it.
            number = int(random.integers(1, len(whole.calls) if not death else 30))
            ended = in_child(root, lambda root=root: run(root), lambda here, *_, n=number: here == n, bool(done % 2))
            if not ended.killed:  # it came to its end before that call
                break
            done += 1
        ended = in_child(root, lambda root=root: run(root))
        same = ended.code == 0 and state(root) == expected
        equal += same
        if not same:
            tell(f"{name}: run {runs} ended otherwise ({ended.code}): {ended.errors[-300:]}")
        shutil.rmtree(root)
        runs += 1
    shutil.rmtree(folder)
    print(f"| {name} | {done} | {runs} | {equal} |", flush=True)
    return equal == runs


def main() -> int:
    """Counts; exit code 1 where a run ended otherwise than the whole one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500, help="of made-up runs")
    parser.add_argument("--trained", type=int, default=50, help="of runs with real training")
    given = parser.parse_args()

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    folder = Path(tempfile.mkdtemp(prefix="images_"))
    print("| kind | kills | runs | ended as the whole one |\n|---|---|---|---|", flush=True)
    well = True
    if given.kills:
        images = folder / "made_up.npz"
        make_images(images)
        well &= kill_many("made up, the whole recursion", given.kills, lambda root: train(root, images), tell)
    if given.trained:
        import trained_run  # imports TensorFlow, which computes in the children alone

        real = folder / "trained.npz"
        trained_run.make_images(real)
        well &= kill_many("trained, a search", given.trained, lambda root: trained_run.train(root, real), tell)
    shutil.rmtree(folder)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
