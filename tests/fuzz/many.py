"""Tries many bad inputs at every door and counts how they end: python tests/fuzz/many.py --cases=10000

Every door is tried in a process of its own, watched from outside: a case that takes too long is a hang, a signal a
crash; the next case goes on in a new process. The same numbers of cases give the same cases.
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
    """Opens one door for these cases; a line before and after each."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    folder = Path(tempfile.mkdtemp(prefix="fuzz_"))
    os.environ["RDL_CACHE"] = str(folder / "cache")
    os.environ["DISENTANGLEMENT_LIB_DATA"] = str(folder)
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]
    talk = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    import logging

    import doors
    import front_door
    from opening import outcome

    from rdl.seeds import generator

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    light = doors.DOORS | front_door.DOORS
    if name in light:
        door = light[name](folder)
    else:  # these import TensorFlow
        import run_doors

        door = run_doors.DOORS[name](folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for number in range(start, stop):
        print("begins", number, file=talk, flush=True)
        kind, told = outcome(lambda number=number: door(generator(0, "fuzz", name, number)))
        print(kind, number, told.replace("\n", " ").encode("ascii", "backslashreplace").decode(), file=talk, flush=True)


def try_door(name: str, number: int, cases: int, patience: float, tell) -> collections.Counter:
    """How the cases of a door from this number to that end."""
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
    """Counts; exit code 1 where one got through."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000, help="of every door")
    parser.add_argument("--first", type=int, default=0, help="number of the first case, to share them among processes")
    parser.add_argument("--patience", type=float, default=120.0, help="seconds after which a case hangs")
    parser.add_argument("--doors", nargs="+", help="only these")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child[0], int(given.child[1]), int(given.child[2]))
        return 0
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import doors
    import front_door
    import run_doors

    total: collections.Counter = collections.Counter()
    print("| door | cases | " + " | ".join(ENDS) + " |\n|---|---|" + "---|" * len(ENDS), flush=True)
    for name in given.doors or [*doors.DOORS, *front_door.DOORS, *run_doors.DOORS]:
        ends = try_door(
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
