"""How often the verdict without labels is right: calibrated on one bed of models, tested on another.

    python benchmarks/verdict.py scenes=runs/bed_scenes=gin_configs/evidence/scenes_rpu_vae.gin \\
        dsprites=runs/bed_dsprites=gin_configs/evidence/rpu_vae.gin \\
        tiny=runs/bed_tiny=gin_configs/tiny.gin --results=docs/results/verdict.json

Beds are what benchmarks/model_selection.py trains, each with the gin file that names its images. Every model is judged
beside the bed's models of a beta within a factor of 4, as a population holds them. What a latent truly is, its mutual
information with the factors tells: one factor (it knows at least 40 % of one factor's entropy, and at most half of that
share of any other's) or a mixture. Thresholds are chosen on each bed and reported on the others. Nothing is trained:
about 10 s of processor time a bed of 24 models.
"""

import argparse
import os
from itertools import product
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import gin
import numpy as np
from scipy import stats

from rdl import data
from rdl.cli import configure
from rdl.runs import files
from rdl.seeds import generator
from rdl.verdict import Codes, LatentEvidence, LatentStatus, Thresholds, of_latents, status_of
from third_party.disentanglement_lib.evaluation.metrics import utils

NEAR = 4.0  # times a model's beta: what it is compared with
KNOWN, NEXT = 0.4, 0.5  # of a factor's entropy; of the share of the factor known best
WRONG = 0.1  # thresholds are the least strict with so few errors
GRID = {
    "replication": [round(0.05 * step, 2) for step in range(6, 20)],
    "gathering": (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15),
    "lost": [round(0.05 * step, 2) for step in range(2, 17)],
}
EVIDENCE = ("kl", "replication", "told", "gathering")


def latents_of(bed: Path, gin_file: str) -> list[dict]:
    """A row for each latent of each model: its evidence, and what it knows of the factors."""
    gin.clear_config()
    configure([gin_file])
    images = data.load()
    units = {path.stem: files.read_json(path) for path in sorted((bed / "units").glob("*.json"))}
    models, betas, rates, codes = [], [], [], []
    for name, unit in units.items():
        if "failed" in unit:
            continue
        found = np.load(bed / "codes" / f"{name}.npz", allow_pickle=False)
        # As a run draws its points: at random, and the first few of them are compared.
        count = found["means"].shape[1]
        order = generator(0, "verdict", "bed").permutation(count)
        for number, (means, log_variances) in enumerate(zip(found["means"], found["log_variances"], strict=True)):
            models.append(f"{name}/{number}")
            betas.append(unit["beta"])
            rates.append(unit["rate"])
            codes.append(Codes(means[order], log_variances[order]))
    points = np.sort(generator(0, "bed", "points").permutation(len(images))[:count])[order]
    factors, names = images.factors(points), images.factor_space.names
    rows = []
    for i, own in enumerate(codes):
        near = [j for j, beta in enumerate(betas) if j != i and 1 / NEAR <= beta / betas[i] <= NEAR]
        known = share_known(own.means, factors)
        for one in of_latents(own, [codes[j] for j in near], 0):
            best, second = np.argsort(-known[one.latent])[:2]
            row = {"model": models[i], "beta": betas[i], "latent": one.latent, "compared": len(near)}
            row |= {key: getattr(one, key) for key in EVIDENCE}
            row |= {"factor": names[best], "knows": known[one.latent, best], "next": known[one.latent, second]}
            rows.append({k: round(float(v), 4) if isinstance(v, (float, np.floating)) else v for k, v in row.items()})
    return rows


def share_known(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """I(latent; factor) / H(factor), codes in 20 bins of equal width, [latents, factors]."""
    information = utils.discrete_mutual_info(utils.make_discretizer(codes.T, 20, None), factors.T)
    return information / utils.discrete_entropy(factors.T)


def is_one_factor(row: dict, next_share: float = NEXT) -> bool:
    """What the latent truly is."""
    return row["knows"] >= KNOWN and row["next"] <= next_share * row["knows"]


def called(row: dict, thresholds: Thresholds) -> LatentStatus:
    """What the verdict calls it."""
    evidence = {key: row[key] for key in EVIDENCE}
    return status_of(LatentEvidence(row["latent"], **evidence), thresholds)


def alive(rows: list[dict]) -> list[dict]:
    """The latents that are in use."""
    return [row for row in rows if called(row, Thresholds()) != LatentStatus.INACTIVE]


def quality(rows: list[dict], thresholds: Thresholds, next_share: float = NEXT) -> dict[str, int]:
    """Counts: how many are called well supported and entangled, and how many of them are so."""
    rows = alive(rows)
    true = np.array([is_one_factor(row, next_share) for row in rows], bool)
    words = np.array([called(row, thresholds) for row in rows])
    supported, entangled = words == LatentStatus.SUPPORTED, words == LatentStatus.ENTANGLED
    return {
        "latents": len(rows),
        "one_factor": int(true.sum()),
        "supported": int(supported.sum()),
        "supported_right": int((supported & true).sum()),
        "entangled": int(entangled.sum()),
        "entangled_wrong": int((entangled & true).sum()),
        "doubtful": int((~supported & ~entangled).sum()),
        "doubtful_one_factor": int((~supported & ~entangled & true).sum()),
    }


def choose(rows: list[dict]) -> Thresholds:
    """The thresholds that call the most latents well supported, and entangled, with at most `WRONG` in error."""
    best = (-1, 0.0, 0.0)  # of equally good ones the strictest
    for again, gathers in product(GRID["replication"], GRID["gathering"]):
        found = quality(rows, Thresholds(replication=again, gathering=gathers))
        if found["supported"] - found["supported_right"] <= WRONG * found["supported"]:
            best = max(best, (found["supported_right"], again, gathers))
    _, again, gathers = best
    most = (-1, 0.0)
    for lost in GRID["lost"]:
        found = quality(rows, Thresholds(replication=again, gathering=gathers, lost=lost))
        if found["entangled_wrong"] <= WRONG * found["entangled"]:
            most = max(most, (found["entangled"], -lost))
    return Thresholds(replication=again, gathering=gathers, lost=-most[1])


def area(rows: list[dict], key: str) -> float | None:
    """The chance that a latent that is one factor has more of this evidence than a mixture has."""
    rows = alive(rows)
    true = np.array([is_one_factor(row) for row in rows], bool)
    values = np.array([row[key] for row in rows])
    if true.all() or not true.any():
        return None
    return float(stats.mannwhitneyu(values[true], values[~true]).statistic / (true.sum() * (~true).sum()))


def share(part: int, whole: int) -> str:
    """``9 of 10, 90 % [60, 98]``: with Wilson's interval."""
    if not whole:
        return "none"
    low, high = stats.binomtest(part, whole).proportion_ci(method="wilson")
    return f"{part} of {whole}, {part / whole:.0%} [{low:.0%}, {high:.0%}]"


def line(where: str, by: str, found: dict[str, int]) -> str:
    """A row of the table."""
    mixtures = found["latents"] - found["one_factor"]
    cells = [
        share(found["supported_right"], found["supported"]),
        share(found["supported_right"], found["one_factor"]),
        share(found["entangled_wrong"], found["entangled"]),
        share(found["entangled"] - found["entangled_wrong"], mixtures),
        str(found["doubtful"]),
    ]
    return f"| {where} | {by} | {' | '.join(cells)} |"


def main() -> None:
    """Flags -> tables and a small JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("beds", nargs="+", metavar="NAME=FOLDER=GIN_FILE")
    parser.add_argument("--results", type=Path, help="where the latents and counts go, as JSON")
    options = parser.parse_args()
    beds = {}
    for bed in options.beds:
        name, folder, gin_file = bed.split("=")
        beds[name] = latents_of(Path(folder), gin_file)
    print("| bed | models | latents in use | one factor |" + "".join(f" area: {key} |" for key in EVIDENCE))
    print("|---|---:|---:|---:|" + "---:|" * len(EVIDENCE))
    areas = {name: {key: area(rows, key) for key in EVIDENCE} for name, rows in beds.items()}
    for name, rows in beds.items():
        found = quality(rows, Thresholds())
        told = "".join(" none |" if value is None else f" {value:.2f} |" for value in areas[name].values())
        models = len({row["model"] for row in rows})
        print(f"| {name} | {models} | {found['latents']} | {found['one_factor']} |{told}")
    chosen = {name: choose(rows) for name, rows in beds.items()}
    tables = {"shipped": Thresholds(), **chosen}
    print("\n| latents of | thresholds of | well supported, and right | of the single factors | entangled, and wrong "
          "| of the mixtures | doubtful |\n|---|---|---|---|---|---|---:|")  # fmt: skip
    counts = {}
    for by, thresholds in tables.items():
        for name, rows in beds.items():
            counts[f"{name}, thresholds {by}"] = quality(rows, thresholds)
            said = f"{by} ({thresholds.replication:g}, {thresholds.gathering:g}, {thresholds.lost:g})"
            print(line(name, said, counts[f"{name}, thresholds {by}"]))
    print("\nWith the next factor at most a third of the best one's share, shipped thresholds:")
    for name, rows in beds.items():
        counts[f"{name}, strict truth"] = quality(rows, Thresholds(), 1 / 3)
        print(line(name, "shipped", counts[f"{name}, strict truth"]))
    if options.results:
        kept = {name: {key: getattr(of, key) for key in GRID} for name, of in tables.items()}
        latents = {name: alive(rows) for name, rows in beds.items()}
        content = {"thresholds": kept, "areas": areas, "counts": counts, "latents": latents}
        files.write_json(options.results, content)


if __name__ == "__main__":
    main()
