"""Tries many bad inputs at every entry point and counts the outcomes: python tests/fuzz/many.py --cases=10000

Every entry point runs in a separate process: a case that exceeds the time limit is a hang, a signal a crash, and the
next case runs in a new process. The number of a case determines its input.
"""

import argparse
import collections
import os
import resource
import select
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENDS = ("clean", "handled", "traceback", "hang", "crash")
MEMORY = 12 << 30  # bytes of address space: what wants more gets a MemoryError, as on a small machine


def child(name: str, start: int, stop: int) -> None:
    """Runs the cases of one entry point; prints a line before and after each."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    folder = Path(tempfile.mkdtemp(prefix="fuzz_"))
    os.environ["RDL_CACHE"] = str(folder / "cache")
    os.environ["DISENTANGLEMENT_LIB_DATA"] = str(folder)
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]
    talk = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    import logging

    import automatic_run
    import data_entry_points
    import entry_points
    from opening import outcome

    from rdl.seeds import generator

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    light = entry_points.ENTRY_POINTS | data_entry_points.ENTRY_POINTS | automatic_run.ENTRY_POINTS
    if name in light:
        enter = light[name](folder)
    else:  # these import TensorFlow
        import run_entry_points

        enter = run_entry_points.ENTRY_POINTS[name](folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for number in range(start, stop):
        print("begins", number, file=talk, flush=True)
        kind, message = outcome(lambda number=number: enter(generator(0, "fuzz", name, number)))
        print(
            kind, number, message.replace("\n", " ").encode("ascii", "backslashreplace").decode(), file=talk, flush=True
        )


def try_entry_point(name: str, number: int, cases: int, patience: float, tell) -> collections.Counter:
    """Outcomes of an entry point's cases `number` to `cases`."""
    ends: collections.Counter = collections.Counter()
    while number < cases:
        command = [sys.executable, __file__, "--child", name, str(number), str(cases)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line, since = b"", time.monotonic()
        while True:
            ready, _, _ = select.select([process.stdout], [], [], 1.0)
            if not ready and time.monotonic() - since < (patience if line else 300):
                continue
            if not ready:
                process.kill()
                process.wait()
                ends["hang"] += 1
                tell(f"{name}: case {number} hangs")
                break
            line, since = process.stdout.readline(), time.monotonic()
            if not line:
                if process.wait() and number < cases:
                    ends["crash"] += 1
                    tell(f"{name}: case {number} ends the process ({process.returncode})")
                break
            kind, at, *told = line.decode().rstrip("\n").split(" ", 2)
            number = int(at)
            if kind != "begins":
                ends[kind] += 1
                if kind == "traceback":
                    tell(f"{name}: case {number}: {' '.join(told)}")
                number += 1
        if process.returncode:
            number += 1
    return ends


def main() -> int:
    """Prints the counts; returns exit code 1 after a traceback, a hang or a crash."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000, help="per entry point")
    parser.add_argument("--first", type=int, default=0, help="number of the first case, to share them among processes")
    parser.add_argument("--patience", type=float, default=120.0, help="seconds after which a case hangs")
    parser.add_argument("--entry-points", nargs="+", help="only these")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child[0], int(given.child[1]), int(given.child[2]))
        return 0
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import automatic_run
    import data_entry_points
    import entry_points
    import run_entry_points

    names = [
        *entry_points.ENTRY_POINTS,
        *data_entry_points.ENTRY_POINTS,
        *automatic_run.ENTRY_POINTS,
        *run_entry_points.ENTRY_POINTS,
    ]

    total: collections.Counter = collections.Counter()
    print("| entry point | cases | " + " | ".join(ENDS) + " |\n|---|---|" + "---|" * len(ENDS), flush=True)
    for name in given.entry_points or names:
        ends = try_entry_point(
            name,
            given.first,
            given.first + given.cases,
            given.patience,
            lambda line: print(line, file=sys.stderr, flush=True),
        )
        total += ends
        print(f"| {name} | {sum(ends.values()):,} | " + " | ".join(f"{ends[end]:,}" for end in ENDS) + " |", flush=True)
    print(f"| all | {sum(total.values()):,} | " + " | ".join(f"{total[end]:,}" for end in ENDS) + " |")
    return int(any(total[end] for end in ENDS[2:]))


if __name__ == "__main__":
    sys.exit(main())
