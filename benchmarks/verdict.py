"""Measures how often the verdict without labels is right, with thresholds chosen on one bed and tested on others.

    python benchmarks/verdict.py scenes=runs/bed_scenes=gin_configs/evidence/scenes_rpu_vae.gin \\
        dsprites=runs/bed_dsprites=gin_configs/evidence/rpu_vae.gin \\
        tiny=runs/bed_tiny=gin_configs/tiny.gin --results=docs/results/verdict.json

Beds come from benchmarks/model_selection.py, each with the gin file that names its images. Each model is compared with
the bed's models whose beta is within a factor of 4. A latent is *one factor* if its mutual information is at least 40 %
of one factor's entropy, and at most half of that share for every other factor; otherwise it is a mixture. Thresholds
are chosen on each bed and reported on the others. No training: 10 s of processor time per bed of 24 models.
"""

import argparse
import os
from dataclasses import replace
from itertools import product
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import gin
import numpy as np
from scipy import stats

from rdl import data
from rdl.cli import configure
from rdl.metrics.labelled_points import find_continuous_columns
from rdl.runs import files
from rdl.seeds import generator
from rdl.verdict import Codes, LatentEvidence, LatentStatus, Thresholds, gather_evidence, status_of
from third_party.disentanglement_lib.evaluation.metrics import utils

NEAR = 4.0  # factor between the betas of models that are compared
KNOWN, NEXT = 0.4, 0.5  # share of a factor's entropy; of the best factor's share
WRONG = 0.1  # share of errors that chosen thresholds allow
GRID = {
    "replication": [round(0.05 * step, 2) for step in range(6, 20)],
    "discreteness": (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15),
    "continuous_replication": [round(0.05 * step, 2) for step in range(10, 20)],
    "dependence": (0.03, 0.05, 0.07, 0.09, 0.11, 0.13, 0.15, 0.2),
    "lost": [round(0.05 * step, 2) for step in range(2, 17)],
}
NEVER = 2.0  # a replication that no latent reaches
EVIDENCE = ("kl", "replication", "explained", "discreteness", "dependence")


def collect_latents(bed: Path, gin_file: str) -> list[dict]:
    """Returns a row per latent: its evidence, and its share of the best and second-best factor's entropy."""
    gin.clear_config()
    configure([gin_file])
    images = data.load()
    units = {path.stem: files.read_json(path) for path in sorted((bed / "units").glob("*.json"))}
    models, betas, rates, codes = [], [], [], []
    for name, unit in units.items():
        if "failed" in unit:
            continue
        found = np.load(bed / "codes" / f"{name}.npz", allow_pickle=False)
        # A run draws its points at random and compares the first of them.
        count = found["means"].shape[1]
        order = generator(0, "verdict", "bed").permutation(count)
        for number, (means, log_variances) in enumerate(zip(found["means"], found["log_variances"], strict=True)):
            models.append(f"{name}/{number}")
            betas.append(unit["beta"])
            rates.append(unit["rate"])
            codes.append(Codes(means[order], log_variances[order]))
    points = np.sort(generator(0, "bed", "points").permutation(len(images))[:count])[order]
    factors, names = binned_factors(images, points), images.factor_space.names
    rows = []
    for i, own in enumerate(codes):
        near = [j for j, beta in enumerate(betas) if j != i and 1 / NEAR <= beta / betas[i] <= NEAR]
        known = share_of_entropy(own.means, factors)
        for one in gather_evidence(own, [codes[j] for j in near], 0):
            best, second = np.argsort(-known[one.latent])[:2]
            row = {"model": models[i], "beta": betas[i], "latent": one.latent, "compared": len(near)}
            row |= {key: getattr(one, key) for key in EVIDENCE}
            row |= {"factor": names[best], "knows": known[one.latent, best], "next": known[one.latent, second]}
            rows.append({k: round(float(v), 4) if isinstance(v, (float, np.floating)) else v for k, v in row.items()})
    return rows


def binned_factors(images: data.ImageSet, indices: np.ndarray) -> np.ndarray:
    """Returns the factors of some images, continuous ones in 20 bins of equal counts, int [n, factors]."""
    return utils.bin_continuous(images.factors(indices).T, find_continuous_columns(images)).T.astype(int)


def share_of_entropy(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Returns I(latent; factor) / H(factor) with codes in 20 equal-width bins, [latents, factors]."""
    information = utils.discrete_mutual_info(utils.make_discretizer(codes.T, 20, None), factors.T)
    return information / utils.discrete_entropy(factors.T)


def is_one_factor(row: dict, next_share: float = NEXT, known: float = KNOWN) -> bool:
    """Whether the latent is one factor, by the true factors."""
    return row["knows"] >= known and row["next"] <= next_share * row["knows"]


def judge(row: dict, thresholds: Thresholds) -> LatentStatus:
    """Returns the verdict's status for the latent."""
    evidence = {key: row[key] for key in EVIDENCE}
    return status_of(LatentEvidence(row["latent"], **evidence), thresholds)


def active_latents(rows: list[dict]) -> list[dict]:
    """Returns the rows of active latents."""
    return [row for row in rows if judge(row, Thresholds()) != LatentStatus.INACTIVE]


def count_outcomes(
    rows: list[dict], thresholds: Thresholds, next_share: float = NEXT, known: float = KNOWN
) -> dict[str, int]:
    """Counts latents by status, and how many of each status are one factor."""
    rows = active_latents(rows)
    true = np.array([is_one_factor(row, next_share, known) for row in rows], bool)
    statuses = np.array([judge(row, thresholds) for row in rows])
    supported, entangled = statuses == LatentStatus.SUPPORTED, statuses == LatentStatus.ENTANGLED
    return {
        "latents": len(rows),
        "one_factor": int(true.sum()),
        "supported": int(supported.sum()),
        "supported_right": int((supported & true).sum()),
        "entangled": int(entangled.sum()),
        "entangled_wrong": int((entangled & true).sum()),
        "uncertain": int((~supported & ~entangled).sum()),
        "uncertain_one_factor": int((~supported & ~entangled & true).sum()),
    }


def choose_thresholds(rows: list[dict]) -> Thresholds:
    """Chooses the thresholds that call most latents supported, and entangled, with at most `WRONG` in error."""
    best = (-1, 0.0, 0.0)  # the strictest of equally good ones
    for replication, steps in product(GRID["replication"], GRID["discreteness"]):
        found = count_outcomes(rows, Thresholds(replication, steps, continuous_replication=NEVER))
        if found["supported"] - found["supported_right"] <= WRONG * found["supported"]:
            best = max(best, (found["supported_right"], replication, steps))
    chosen = Thresholds(best[1], best[2], continuous_replication=NEVER)
    best = (best[0], NEVER, 0.0)
    for replication, limit in product(GRID["continuous_replication"], GRID["dependence"]):
        tried = replace(chosen, continuous_replication=replication, dependence=limit)
        found = count_outcomes(rows, tried)
        if found["supported"] - found["supported_right"] <= WRONG * found["supported"]:
            best = max(best, (found["supported_right"], replication, -limit))
    chosen = replace(chosen, continuous_replication=best[1], dependence=-best[2])
    most = (-1, 0.0)
    for lost in GRID["lost"]:
        found = count_outcomes(rows, replace(chosen, lost=lost))
        if found["entangled_wrong"] <= WRONG * found["entangled"]:
            most = max(most, (found["entangled"], -lost))
    return replace(chosen, lost=-most[1])


def area_under_curve(rows: list[dict], key: str) -> float | None:
    """Returns the probability that a single factor's latent has more of this evidence than a mixture has."""
    rows = active_latents(rows)
    true = np.array([is_one_factor(row) for row in rows], bool)
    values = np.array([row[key] for row in rows])
    if true.all() or not true.any():
        return None
    return float(stats.mannwhitneyu(values[true], values[~true]).statistic / (true.sum() * (~true).sum()))


def format_share(part: int, whole: int) -> str:
    """Formats ``9 of 10, 90% [60%, 98%]`` with Wilson's interval."""
    if not whole:
        return "none"
    low, high = stats.binomtest(part, whole).proportion_ci(method="wilson")
    return f"{part} of {whole}, {part / whole:.0%} [{low:.0%}, {high:.0%}]"


def format_row(where: str, by: str, found: dict[str, int]) -> str:
    """Formats a row of the table."""
    mixtures = found["latents"] - found["one_factor"]
    cells = [
        format_share(found["supported_right"], found["supported"]),
        format_share(found["supported_right"], found["one_factor"]),
        format_share(found["entangled_wrong"], found["entangled"]),
        format_share(found["entangled"] - found["entangled_wrong"], mixtures),
        str(found["uncertain"]),
    ]
    return f"| {where} | {by} | {' | '.join(cells)} |"


def main() -> None:
    """Prints the tables and writes a JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("beds", nargs="+", metavar="NAME=FOLDER=GIN_FILE")
    parser.add_argument("--results", type=Path, help="JSON file for latents and counts")
    options = parser.parse_args()
    beds = {}
    for bed in options.beds:
        name, folder, gin_file = bed.split("=")
        beds[name] = collect_latents(Path(folder), gin_file)
    print("| bed | models | active latents | one factor |" + "".join(f" AUC: {key} |" for key in EVIDENCE))
    print("|---|---:|---:|---:|" + "---:|" * len(EVIDENCE))
    areas = {name: {key: area_under_curve(rows, key) for key in EVIDENCE} for name, rows in beds.items()}
    for name, rows in beds.items():
        found = count_outcomes(rows, Thresholds())
        cells = "".join(" none |" if value is None else f" {value:.2f} |" for value in areas[name].values())
        models = len({row["model"] for row in rows})
        print(f"| {name} | {models} | {found['latents']} | {found['one_factor']} |{cells}")
    chosen = {name: choose_thresholds(rows) for name, rows in beds.items()}
    tables = {"shipped": Thresholds(), **chosen}
    print("\n| latents of | thresholds of | supported, and right | of the single factors | entangled, and wrong "
          "| of the mixtures | uncertain |\n|---|---|---|---|---|---|---:|")  # fmt: skip
    counts = {}
    for by, thresholds in tables.items():
        for name, rows in beds.items():
            counts[f"{name}, thresholds {by}"] = count_outcomes(rows, thresholds)
            title = f"{by} ({', '.join(f'{getattr(thresholds, key):g}' for key in GRID)})"
            print(format_row(name, title, counts[f"{name}, thresholds {by}"]))
    print("\nWith the next factor at most a third of the best one's share, shipped thresholds:")
    for name, rows in beds.items():
        counts[f"{name}, strict truth"] = count_outcomes(rows, Thresholds(), 1 / 3)
        print(format_row(name, "shipped", counts[f"{name}, strict truth"]))
    print(
        "\nWith at least a quarter of one factor's entropy, as many-valued factors have more of it than a latent holds:"
    )
    for name, rows in beds.items():
        counts[f"{name}, a quarter"] = count_outcomes(rows, Thresholds(), known=0.25)
        print(format_row(name, "shipped", counts[f"{name}, a quarter"]))
    if options.results:
        kept = {name: {key: getattr(of, key) for key in GRID} for name, of in tables.items()}
        latents = {name: active_latents(rows) for name, rows in beds.items()}
        content = {"thresholds": kept, "areas": areas, "counts": counts, "latents": latents}
        files.write_json(options.results, content)


if __name__ == "__main__":
    main()
