"""Compares KL thresholds of labels on a bed of models with known factors, which label the images for each other.

    python benchmarks/label_threshold.py runs/bed_rooms --results=docs/results/label_threshold.json

Each model of a bed (`model_selection.py train`) labels the images as the first step of the recursion does, at each
threshold; leaf MIG with these labels scores all other models. Reported for the labellers of each beta, as means over
seeds: the number of labels, Spearman's correlation of that leaf MIG with the true MIG, and the true MIG of the model
with the highest leaf MIG. A labeller without labels counts with correlation 0 and the mean MIG of all models.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from scipy import stats

from rdl.posterior import LEARNED_KL
from rdl.recursion import LeafLabels
from rdl.recursion.labels import label
from rdl.runs import files
from rdl.scoring import leaf_mig

THRESHOLDS = (0.05, 0.1, 0.25, 0.5, 0.7, 0.9, LEARNED_KL)


def compare_thresholds(bed: Path, thresholds=THRESHOLDS) -> list[dict[str, float]]:
    """Returns a row for each beta and threshold."""
    means, log_variances, betas, migs = [], [], [], []
    for path in sorted((bed / "units").glob("*.json")):
        unit = files.read_json(path)
        if "failed" in unit:
            continue
        with np.load(bed / "codes" / f"{path.stem}.npz", allow_pickle=False) as codes:
            means += list(codes["means"])
            log_variances += list(codes["log_variances"])
        betas += [unit["beta"]] * len(unit["models"])
        migs += [model["discrete_mig"] for model in unit["models"]]
    if not means:
        raise SystemExit(f"error: {bed} holds no trained block: run benchmarks/model_selection.py train first.")
    true, rows = np.array(migs), []
    images = np.arange(len(means[0]))
    for beta in sorted(set(betas)):
        for threshold in thresholds:
            found = []
            for number in np.flatnonzero(np.array(betas) == beta):
                others = np.arange(len(true)) != number
                labels = label(means[number], log_variances[number], kl_threshold=threshold).values
                if not labels.shape[1]:
                    found.append((0, 0.0, true[others].mean()))
                    continue
                leaves = [LeafLabels((images,), (labels,))]
                scores = np.array([leaf_mig.compute_leaf_mig(codes, leaves)["leaf_mig"] for codes in means])[others]
                rank = stats.spearmanr(scores, true[others]).statistic
                found.append((labels.shape[1], rank, true[others][scores.argmax()]))
            count, rank, chosen = np.mean(found, axis=0)
            rows.append({"beta": beta, "threshold": threshold, "labels": count, "spearman": rank, "chosen": chosen})
    return rows


def format_table(rows: list[dict[str, float]]) -> str:
    """Formats a row per threshold and a column per beta: correlation (labels, MIG chosen)."""
    betas = sorted({row["beta"] for row in rows})
    lines = ["| nats | " + " | ".join(f"beta {beta:g}" for beta in betas) + " | mean |"]
    lines.append("|---:" * (len(betas) + 2) + "|")
    for threshold in sorted({row["threshold"] for row in rows}):
        of = [row for row in rows if row["threshold"] == threshold]
        cells = [f"{row['spearman']:.2f} ({row['labels']:.1f}, {row['chosen']:.3f})" for row in of]
        mean = f"{np.mean([row['spearman'] for row in of]):.2f} ({np.mean([row['chosen'] for row in of]):.3f})"
        lines.append(f"| {threshold:.3g} | " + " | ".join(cells) + f" | {mean} |")
    return "\n".join(lines)


def main() -> None:
    """Prints a table per bed and writes a JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("beds", type=Path, nargs="+")
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    result = {}
    for bed in options.beds:
        result[bed.name] = compare_thresholds(bed)
        print(f"{bed.name}: rank correlation (labels, MIG chosen)\n{format_table(result[bed.name])}")
    if options.results:
        rounded = {
            name: [{key: round(float(value), 4) for key, value in row.items()} for row in rows]
            for name, rows in result.items()
        }
        files.write_json(options.results, rounded)


if __name__ == "__main__":
    main()
