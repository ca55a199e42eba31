"""Checks the labels of finished runs' label pools against the true factors, which the runs never used.

    python benchmarks/label_pool.py runs/frozen/*_rpu_vae_pool/* --results=docs/results/label_pool.json

For each label: its evidence, the factor that it shares most information with and the next one (mutual information over
the factor's entropy, 20 bins, among the images of the label's stage), and whether it is one factor by the criterion of
benchmarks/verdict.py. For each leaf run: the number of its images, the purity of the factors held fixed (share of the
images with the commonest value, continuous factors in 20 bins), and whether it added a factor. No training.
"""

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from verdict import binned_factors, format_share, is_one_factor

from rdl.report.model_analysis import normalized_information
from rdl.report.run_records import read_records
from rdl.results.finished_run import FinishedRun
from rdl.runs import files


def check_pool(root: Path) -> dict[str, Any]:
    """Returns an entry for each label of a run and one for each leaf run."""
    records, images = read_records(root), FinishedRun.open(root).images
    if records.pool is None or images.factor_space is None:
        raise SystemExit(f"error: {root} needs a label pool and images with known factors.")
    names, factors = images.factor_space.names, binned_factors(images, np.arange(len(images)))
    values, labels, leaves, found = np.zeros((len(images), 0)), [], [], set[str]()
    for stage in records.pool.stages:
        kept = np.full(len(images), True)
        held = [] if stage.held is None else list(zip(stage.held.labels, stage.held.ranges, strict=True))
        for label, (low, high) in held:
            kept &= (values[:, label] >= low) & (values[:, label] <= high)
        new = []
        if stage.labels:
            added = np.load(records.reader.paths.pool(stage.path), allow_pickle=False)["values"]
            share = normalized_information(added[kept], factors[kept])
            for number, label in enumerate(stage.labels):
                best, following = np.argsort(-share[number])[:2]
                row = {"stage": stage.name, "factor": names[best], "knows": share[number, best]}
                row |= {"next_factor": names[following], "next": share[number, following]}
                row |= {key: getattr(label, key) for key in ("kl", "discreteness", "dependence", "replication")}
                new.append(_rounded(row | {"one_factor": is_one_factor(row)}))
            values = np.hstack([values, added])
        if held:
            purity = {}
            for label, _ in held:
                factor = names.index(labels[label]["factor"])
                purity[names[factor]] = np.bincount(factors[kept, factor]).max() / kept.sum()
            added_factors = sorted({row["factor"] for row in new if row["one_factor"]} - found)
            entry = {"leaf_run": stage.name, "images": int(kept.sum()), "new_factors": added_factors}
            leaves.append(entry | {"purity": _rounded(purity)})
        labels += new
        found |= {row["factor"] for row in new if row["one_factor"]}
    return {"labels": labels, "leaf_runs": leaves}


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {key: round(float(v), 3) if isinstance(v, float | np.floating) else v for key, v in row.items()}


def _describe(row: dict[str, Any]) -> str:
    verdict = "one factor" if row["one_factor"] else "mixture"
    return (
        f"{row['stage']}: {row['factor']} {row['knows']:.2f}, {row['next_factor']} {row['next']:.2f}; {verdict}; "
        f"discreteness {row['discreteness']:.2f}, dependence {row['dependence']:.2f}, replication {row['replication']}"
    )


def main() -> None:
    """Prints the labels and leaf runs of each run and their error rates, and writes a JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="finished runs with a label pool and known factors")
    parser.add_argument("--results", type=Path, help="JSON file of labels and leaf runs")
    options = parser.parse_args()
    result = {f"{root.parent.name}/{root.name}": check_pool(root) for root in options.runs}
    for name, found in result.items():
        print(name)
        for row in found["labels"]:
            print(f"  {_describe(row)}")
        for leaf in found["leaf_runs"]:
            pure = ", ".join(f"{factor} {share:.0%}" for factor, share in leaf["purity"].items())
            new = ", ".join(leaf["new_factors"]) or "nothing"
            print(f"  {leaf['leaf_run']}: {leaf['images']:,} images, held fixed {pure}; new: {new}")
    labels = [row for found in result.values() for row in found["labels"]]
    leaves = [leaf for found in result.values() for leaf in found["leaf_runs"]]
    print(f"labels that are one factor: {format_share(sum(row['one_factor'] for row in labels), len(labels))}")
    print(
        f"leaf runs that added a factor: {format_share(sum(bool(each['new_factors']) for each in leaves), len(leaves))}"
    )
    if options.results:
        files.write_json(options.results, result)


if __name__ == "__main__":
    main()
