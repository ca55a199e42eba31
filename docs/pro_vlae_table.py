"""The table of docs/pro_vlae.md: mean and range over seeds of what runs have measured.

python docs/pro_vlae_table.py runs/pro_vlae_seed_* -- runs/vlae_seed_*
"""

import json
import sys
from pathlib import Path

import numpy as np

ROWS = {
    "final.discrete_mig": "MIG (20 bins)",
    "final.mig_sup": "MIG-sup (20 bins)",
    "final.mig_chen": "MIG (Chen, no shape)",
    "final.mig_sup_chen": "MIG-sup (Chen, no shape)",
    "final.disentanglement": "DCI disentanglement",
    "final.completeness": "DCI completeness",
    "final.informativeness_test": "DCI informativeness (test)",
    "final.kl_level_3": "KL of level 3, nats",
    "final.kl_level_2": "KL of level 2, nats",
    "final.kl_level_1": "KL of level 1, nats",
    "final.score": "-loss, nats per image",
}


def groups(arguments: list[str]) -> list[list[dict]]:
    """The runs' summaries; ``--`` stands between two groups."""
    found: list[list[dict]] = [[]]
    for argument in arguments:
        if argument == "--":
            found.append([])
        else:
            found[-1].append(json.loads((Path(argument) / "results" / "summary.json").read_text()))
    return found


def main() -> None:
    """Prints the table as Markdown."""
    compared = groups(sys.argv[1:])
    print("| | " + " | ".join(f"group {i + 1}, {len(runs)} seeds" for i, runs in enumerate(compared)) + " |")
    print("|---|" + "---|" * len(compared))
    for key, name in ROWS.items():
        cells = []
        for runs in compared:
            values = np.array([run[key] for run in runs])
            cells.append(f"{values.mean():.3f} ({values.min():.3f} .. {values.max():.3f})")
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
