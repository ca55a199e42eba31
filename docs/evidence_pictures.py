"""Draws the pictures of docs/evidence.md and docs/model_selection.md from docs/results, and prints the tables of one.

    python docs/evidence_pictures.py

docs/images/evidence.png: the MIG of every run of every method, one dot a seed.
docs/images/search_rules.png: the best score so far against the images that all members have seen together.
docs/images/model_selection.png: what a score without labels says of the models of a bed, against their true MIG.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from rdl.results import statistics

DOCS = Path(__file__).resolve().parent
OURS = "rPU-VAE, from the x-model"
RECURSION = {
    "final_from_x_model": OURS,
    "final_from_new_members": "rPU-VAE, from new members",
    "x_model": "its x-model (PBT-U-VAE)",
}
METRICS = {
    "discrete_mig": "MIG",
    "disentanglement": "DCI disentanglement",
    "mig_sup": "MIG-sup",
    "factor_vae_metric.eval_accuracy": "FactorVAE score",
    "sap_score.SAP_score": "SAP",
}
RENDERED = {"scenes": "coloured scenes", "rooms": "coloured rooms, nothing tuned on them"}
"""Results -> what the panel says of them."""
LEAST_BETA = 8  # of those that a population of the evidence study begins with
RULES = {
    "pbt_vae": ("population based training", (8, 4, 4, 4), 80_000),
    "pbt_vae_random": ("random search", (5, 5, 5, 5), 80_000),
    "pbt_vae_halving": ("successive halving", (10, 5, 3, 2), 80_000),
    "pbt_vae_frequencies": ("two frequencies", (8,) * 8, 25_000),
}
"""Gin file -> (rule, members of each generation, images a member sees in one)."""
SHOWN = ("UDR, lasso", "latents found again, same setting", "latents found again, other betas")

Runs = Mapping[str, Sequence[Mapping[str, float]]]
"""Method -> the scores of each of its seeds."""


def dsprites() -> Runs:
    """All methods of the evidence study, whatever has run."""
    found: dict[str, list[Mapping[str, float]]] = {}
    by_seed = _read("warm_start")
    for key, name in RECURSION.items():
        found[name] = [seed[key] for seed in by_seed.values()]
    found["its x-model, trained as long again"] = list(_read("longer_x_model").values())
    return found | _studied("controls", "few_labels", "weak")


def rendered(name: str) -> Runs:
    """The same on a rendered data set, as far as it has run, with controls that saw as many images."""
    found = _studied(name) if _there(name) else {}
    if _there(f"{name}_longer"):
        found |= {f"{method}, twice as long": seeds for method, seeds in _studied(f"{name}_longer").items()}
    if _there(f"{name}_longer_x_model"):
        found[f"{name}_rpu_vae_wide, x-model, trained as long"] = list(_read(f"{name}_longer_x_model").values())
    return found


def _studied(*parts: str) -> dict[str, list[Mapping[str, float]]]:
    """Runs of bin/study, by gin file, each seed once; a run of the recursion is its final model and its x-model."""
    found: dict[str, list[Mapping[str, float]]] = {}
    runs = {(run["file"], run["seed"]): run for part in parts for run in _read(part)}
    for (name, _), run in sorted(runs.items()):
        if run["state"] != "done":
            continue
        summary = run["summary"]
        scores = dict(next(iter(run["scores"].values()), {}))
        if "x_model.discrete_mig" in summary:
            prefix = "x_model."
            of_x = {key.removeprefix(prefix): value for key, value in summary.items() if key.startswith(prefix)}
            found.setdefault(f"{name}, x-model", []).append(of_x)
        of_final = {key.removeprefix("final."): value for key, value in summary.items() if key.startswith("final.")}
        found.setdefault(name, []).append(of_final | scores)
    return found


def table(runs: Runs, ours: str) -> str:
    """A row a method: how its MIG spreads, how often a run of ours is better, and the means of the other scores."""
    best = [scores["discrete_mig"] for scores in runs[ours]]
    heads = ["", "n", "MIG, mean [95 %]", "std", "worst", "P(better)", *list(METRICS.values())[1:]]
    lines = [f"| {' | '.join(heads)} |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    ordered = sorted(runs.items(), key=lambda item: -np.mean([scores["discrete_mig"] for scores in item[1]]))
    for name, seeds in ordered:
        migs = [scores["discrete_mig"] for scores in seeds]
        spread = f"{statistics.deviation(migs):.3f}" if len(migs) > 1 else ""
        better = "" if name == ours else str(statistics.probability_of_improvement(best, migs))
        cells = [name, str(len(migs)), str(statistics.mean(migs)), spread, f"{min(migs):.3f}", better]
        for metric in list(METRICS)[1:]:
            values = [scores[metric] for scores in seeds if metric in scores]
            cells.append(f"{np.mean(values):.3f}" if len(values) == len(seeds) else "")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def by_seed(runs: Runs) -> str:
    """A row a method: the MIG of each of its seeds, in their order."""
    count = max(map(len, runs.values()))
    lines = [f"| MIG | {' | '.join(map(str, range(count)))} |", "|---" + "|---:" * count + "|"]
    for name, seeds in runs.items():
        migs = [f"{scores['discrete_mig']:.3f}" for scores in seeds]
        lines.append(f"| {' | '.join([name, *migs, *[''] * (count - len(migs))])} |")
    return "\n".join(lines)


def spreads() -> str:
    """A row a way to come by a model: how far its MIGs lie apart."""
    bed, seeds = _read("bed_dsprites")["models"], _read("warm_start").values()
    found = {"random models": [model["discrete_mig"] for model in bed if model["beta"] >= LEAST_BETA]}
    found |= {name: [seed[key]["discrete_mig"] for seed in seeds] for key, name in RECURSION.items()}
    lines = ["| | n | std of MIG [where it lies] |", "|---|---:|---:|"]
    for name, migs in found.items():
        spread = f"{statistics.deviation(migs):.3f} [{min(migs):.3f} to {max(migs):.3f}]"
        lines.append(f"| {name} | {len(migs)} | {spread} |")
    return "\n".join(lines)


def draw_runs(panels: Mapping[str, Runs], path: Path) -> None:
    """One panel a data set; a row a method, a dot a seed, a bar at the mean."""
    heights = [len(runs) for runs in panels.values()]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(7.5, 0.26 * sum(heights) + 0.9 * len(panels)), sharex=True, squeeze=False,
        height_ratios=heights, layout="constrained",
    )  # fmt: skip
    for ax, (title, runs) in zip(axes[:, 0], panels.items(), strict=True):
        ordered = sorted(runs.items(), key=lambda item: np.mean([scores["discrete_mig"] for scores in item[1]]))
        for place, (name, seeds) in enumerate(ordered):
            migs = [scores["discrete_mig"] for scores in seeds]
            colour = "#c44e52" if "rPU-VAE" in name or "rpu_vae" in name else "#4c72b0"
            ax.plot(migs, [place] * len(migs), "o", color=colour, alpha=0.6, markersize=5, markeredgewidth=0)
            ax.plot([np.mean(migs)] * 2, [place - 0.3, place + 0.3], color=colour)
        ax.set_yticks(range(len(ordered)), [name for name, _ in ordered], fontsize=8)
        ax.set_ylim(-0.7, len(ordered) - 0.3)
        ax.set_title(title, fontsize=9, loc="left")
        ax.grid(axis="x", alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    axes[-1, 0].set_xlabel("MIG of the model handed over, a dot a seed")
    axes[-1, 0].set_xlim(0, None)
    figure.savefig(path, dpi=110)


def draw_rules(path: Path) -> None:
    """The best true MIG so far of each search rule against images; a line a seed."""
    figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
    for place, (file, (name, members, images)) in enumerate(RULES.items()):
        seen = np.cumsum(members) * images / 1e6
        for number, run in enumerate(run for run in _read("controls") if run["file"] == file and run["seed"] in (1, 2)):
            best = np.maximum.accumulate(run["best_scores"]["population"])
            ax.plot(seen, best, "o-", color=f"C{place}", markersize=3, label=name if not number else None)
    ax.set_xlabel("images of training, all members together (millions)", fontsize=8)
    ax.set_ylabel("best MIG so far", fontsize=8)
    ax.tick_params(labelsize=7)
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=110)


def draw_beds(beds: Sequence[tuple[str, dict]], path: Path) -> None:
    """A row a bed, a panel a score: score against true MIG, coloured by beta."""
    figure, axes = plt.subplots(
        len(beds), len(SHOWN), figsize=(9, 2.7 * len(beds)), squeeze=False, layout="constrained"
    )
    for row, (title, bed) in zip(axes, beds, strict=True):
        betas = sorted({model["beta"] for model in bed["models"]})
        for ax, score in zip(row, SHOWN, strict=True):
            for place, beta in enumerate(betas):
                models = [model for model in bed["models"] if model["beta"] == beta]
                colour = plt.get_cmap("viridis")(place / max(1, len(betas) - 1))
                x, y = ([model[key] for model in models] for key in (score, "discrete_mig"))
                ax.plot(x, y, "o", color=colour, label=f"beta {beta:g}", markersize=5, alpha=0.8)
            correlation = bed["selection"][score]["discrete_mig"]["spearman"]
            ax.set_title(f"{title}: rank correlation {correlation:.2f}", fontsize=8, loc="left")
            ax.set_xlabel(score, fontsize=8)
            ax.tick_params(labelsize=7)
            ax.grid(alpha=0.3)
            ax.spines[["top", "right"]].set_visible(False)
        row[0].set_ylabel("true MIG", fontsize=8)
        row[0].legend(fontsize=6, frameon=False)
    figure.savefig(path, dpi=110)


def _there(name: str) -> bool:
    return (DOCS / f"results/{name}.json").is_file()


def _read(name: str):
    return json.loads((DOCS / f"results/{name}.json").read_text())


def main() -> None:
    """The pictures, and the tables."""
    panels: dict[str, Runs] = {"dSprites, 32 x 32": dsprites()}
    print(table(panels["dSprites, 32 x 32"], OURS))
    print(spreads())
    for name, title in RENDERED.items():
        if runs := rendered(name):
            panels[title] = runs
            print(by_seed(runs))
            print(table(runs, f"{name}_rpu_vae_wide"))
    draw_runs(panels, DOCS / "images/evidence.png")
    draw_rules(DOCS / "images/search_rules.png")
    beds = [(name, f"bed_{name}") for name in ("scenes", "dsprites", "rooms") if _there(f"bed_{name}")]
    draw_beds([(title, _read(name)) for title, name in beds], DOCS / "images/model_selection.png")


if __name__ == "__main__":
    main()
