"""Checks each step of finished recursions against the true factors, which the runs never used.

    python benchmarks/recursion_steps.py runs/rpu_vae/rpu_vae/* --results=docs/results/recursion_steps.json
    python benchmarks/recursion_steps.py runs/rpu_vae/rpu_vae/* --bed=runs/bed_dsprites

For every iteration of every leaf run: the *purity* of the factors held fixed so far (the share of the images that have
the commonest value), and the factor that each label shares most information with (mutual information over the factor's
entropy among these images). With --bed, a bed of benchmarks/model_selection.py on the same images: the rank correlation
of leaf MIG, with each run's labels, and the true MIG of the bed's models.
"""

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from scipy import stats

from rdl.data import ImageSet
from rdl.recursion import LeafLabels
from rdl.report.model_analysis import normalized_information
from rdl.report.run_records import RunRecords, read_records
from rdl.results.finished_run import FinishedRun
from rdl.runs import files
from rdl.scoring import leaf_mig
from rdl.seeds import generator


def check_leaf_runs(records: RunRecords, images: ImageSet) -> list[dict]:
    """Returns an entry for each iteration that learned a label."""
    if images.factor_space is None:
        raise SystemExit(f"error: {records.root} has images without known factors; pass a run whose factors are known.")
    names, found = images.factor_space.names, []
    for leaf, iterations in records.leaves.items():
        labels, held = LeafLabels.load(records.reader.paths.labels(leaf)), dict[str, int]()
        for iteration, indices, values in zip(iterations, labels.indices, labels.labels, strict=False):
            factors = images.factors(indices)
            share = normalized_information(values, factors)
            best = share.argmax(axis=1)
            learned = [
                {"factor": names[f], "share": float(share[i, f]), "new": names[f] not in held}
                for i, f in enumerate(best.tolist())
            ]
            purity = {name: float(np.bincount(factors[:, f]).max() / len(factors)) for name, f in held.items()}
            entry = {"leaf": leaf, "iteration": iteration.number, "images": len(indices)}
            found.append(entry | {"score": iteration.score, "purity": purity, "labels": learned})
            kept = iteration.reduction.held if iteration.reduction else ()
            held |= {names[f]: f for f, constant in zip(best.tolist(), kept, strict=False) if constant}
    return found


def correlate_leaf_mig(records: RunRecords, images: ImageSet, bed: Path) -> dict[str, float | int]:
    """Correlates leaf MIG with the true MIG over a bed's models (Spearman)."""
    paths = [records.reader.paths.labels(leaf) for leaf in records.leaves]
    blocks = [path for path in sorted((bed / "codes").glob("*.npz")) if (bed / "units" / f"{path.stem}.json").is_file()]
    scores, true = [], []
    for block in blocks:
        codes = np.load(block, allow_pickle=False)["means"]
        points = np.sort(generator(0, "bed", "points").permutation(len(images))[: codes.shape[1]])
        leaves = [restrict(LeafLabels.load(path), points) for path in paths]
        scores += [leaf_mig.compute_leaf_mig(means, leaves, points)["leaf_mig"] for means in codes]
        true += [model["discrete_mig"] for model in files.read_json(bed / "units" / f"{block.stem}.json")["models"]]
    return {
        "models": len(true),
        "spearman": float(stats.spearmanr(scores, true).statistic),
        "chosen": true[int(np.argmax(scores))],
        "best": max(true),
    }


def restrict(leaf: LeafLabels, points: np.ndarray) -> LeafLabels:
    """Keeps the labels of these images, without iterations that have fewer than 30 of them."""
    kept = [
        (np.isin(indices, points), indices, labels) for indices, labels in zip(leaf.indices, leaf.labels, strict=True)
    ]
    kept = [(indices[there], labels[there]) for there, indices, labels in kept if there.sum() >= 30]
    return LeafLabels(tuple(indices for indices, _ in kept), tuple(labels for _, labels in kept))


def describe(entry: dict) -> str:
    """Describes one iteration in a line."""
    held = ", ".join(f"{name} {purity:.0%}" for name, purity in entry["purity"].items()) or "nothing"
    labels = ", ".join(
        f"{label['factor']} {label['share']:.0%}{'' if label['new'] else ' (again)'}" for label in entry["labels"]
    )
    return f"{entry['leaf']}/{entry['iteration']}  {entry['images']:>6,} images  held: {held:<28}  learned: {labels}"


def main() -> None:
    """Prints the steps of each run and writes a JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="finished runs of rpu_vae with known factors")
    parser.add_argument("--bed", type=Path)
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    result: dict[str, dict[str, Any]] = {}
    for root in options.runs:
        records, images = read_records(root), FinishedRun.open(root).images
        found: dict[str, Any] = {"iterations": check_leaf_runs(records, images)}
        result[root.name] = found
        print(root)
        print("\n".join(f"  {describe(entry)}" for entry in found["iterations"]))
        if options.bed:
            found["leaf_mig"] = correlate_leaf_mig(records, images, options.bed)
            print("  leaf MIG over {models} models: rank correlation with MIG {spearman:.2f}, chosen {chosen:.3f} of "
                  "{best:.3f}".format(**found["leaf_mig"]))  # fmt: skip
    later = [entry for found in result.values() for entry in found["iterations"] if entry["iteration"] == 1]
    pure = [share for found in result.values() for entry in found["iterations"] for share in entry["purity"].values()]
    if later:
        new = sum(any(label["new"] for label in entry["labels"]) for entry in later)
        print(f"a new factor in the first iteration of {new} of {len(later)} leaf runs; purity of held factors: "
              f"median {np.median(pure):.0%}, least {min(pure):.0%}")  # fmt: skip
    if options.results:
        files.write_json(options.results, result)


if __name__ == "__main__":
    main()
