"""Compares models trained in float32 and in bfloat16 from the same seeds, in pairs.

    for precision in float32 mixed_bfloat16; do
      bin/study gin_configs/evidence/beta_tc_vae_32.gin --seeds=0-9 --metrics=mig --output_dir=runs/$precision \\
        --gin_bindings="model.precision = '$precision'"
    done
    python benchmarks/precision.py runs/float32 runs/mixed_bfloat16 docs/results/precision.json

Prints each pair, and for every score the means of both precisions and of the differences (bfloat16 - float32) with
Student's interval of 95 %; writes the same as JSON. Pairs share initial weights, the order of images and noise.
Rounding still decides which optimum a run reaches, so that differences within pairs are as wide as between seeds.
"""

import sys
from pathlib import Path

from rdl.results import statistics
from rdl.results.study_results import read_study
from rdl.runs import files

SHOWN = {"loss": "final.score", "MIG": "final.discrete_mig", "DCI": "final.disentanglement", "MIG-sup": "final.mig_sup"}


def read(root: str) -> dict[int, dict[str, float]]:
    """{seed: {name: value}} of the finished runs."""
    finished = [run for run in read_study(Path(root)) if run.summary]
    return {run.seed: {name: _value(run.summary, key) for name, key in SHOWN.items()} for run in finished}


def _value(summary: dict, key: str) -> float:
    return -summary[key] if key == "final.score" else summary[key]


def main() -> None:
    """Compares two folders of studies."""
    ours, theirs = read(sys.argv[2]), read(sys.argv[1])
    seeds = sorted(ours.keys() & theirs.keys())
    print(f"{'seed':8s}" + "".join(f"{name:>24s}" for name in SHOWN))
    for seed in seeds:
        print(f"{seed:<8d}" + "".join(f"{theirs[seed][name]:13.4f} {ours[seed][name]:10.4f}" for name in SHOWN))
    found: dict = {"seeds": seeds, "float32": [theirs[s] for s in seeds], "mixed_bfloat16": [ours[s] for s in seeds]}
    for name in SHOWN:
        sides = {"float32": [theirs[s][name] for s in seeds], "bfloat16": [ours[s][name] for s in seeds]}
        sides["difference"] = [b - a for a, b in zip(*sides.values(), strict=True)]
        means = {side: statistics.mean(values) for side, values in sides.items()}
        print(f"{name}: " + ", ".join(f"{side} {estimate}" for side, estimate in means.items()))
        change = means["difference"]
        found[f"difference in {name}"] = {"mean": change.value, "low": change.low, "high": change.high}
    files.export_json(sys.argv[3], found)


if __name__ == "__main__":
    main()
