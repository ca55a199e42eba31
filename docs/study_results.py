"""Leaves of a study's results.json what a reader compares: settings and scores, without places, clocks and optimisers.

python docs/study_results.py runs/study_small/results.json docs/results/study_small.json
"""

import json
import sys
from pathlib import Path

LEFT_OUT = ("uuid", "elapsed", "path", "optimizer", "Adam", "postprocess_", "loss_fn", "encoder_fn", "decoder_fn")


def main() -> None:
    """A table of {column: {row: value}} -> the same, smaller; numbers to six digits."""
    source, target = map(Path, sys.argv[1:])
    columns = json.loads(source.read_text())
    lines = []
    for name, column in columns.items():
        if not any(word in name for word in LEFT_OUT):
            kept = {row: _short(value) for row, value in column.items() if value is not None}
            lines.append(f"{json.dumps(name)}: {json.dumps(kept, separators=(',', ':'))}")
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _short(value):
    return float(f"{value:.6g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
