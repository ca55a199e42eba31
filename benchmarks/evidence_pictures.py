"""Draws the pictures of docs/evidence.md and docs/model_selection.md; `benchmarks/evidence.py` calls it.

docs/images/evidence.png: the MIG of every run of every method, a dot per seed and a bar at the mean.
docs/images/search_rules.png: the best MIG so far against the images that all members have seen together.
docs/images/model_selection.png: scores without labels against the true MIG, for the models of three beds.
"""

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from evidence import DOCS, METHODS, Runs, dsprites_runs, load, migs, scenes_runs, study_runs

RULES = {
    "pbt_vae": ("population based training", (8, 4, 4, 4), 80_000),
    "pbt_vae_random": ("random search", (5, 5, 5, 5), 80_000),
    "pbt_vae_halving": ("successive halving", (10, 5, 3, 2), 80_000),
    "pbt_vae_frequencies": ("two frequencies", (8,) * 8, 25_000),
}
"""Gin file -> (rule, members of each generation, images per member and generation)."""
BEDS = {"scenes": "scenes", "dsprites": "dSprites", "rooms": "rooms"}
SCORES = ("UDR, lasso", "replication, same setting", "replication, other betas")


def draw() -> None:
    """Draws all three pictures."""
    panels = {
        "dSprites, 32 x 32": dsprites_runs(),
        "scenes": scenes_runs(),
        "rooms, on which nothing was tuned": study_runs("rooms"),
    }
    draw_runs(panels, DOCS / "images/evidence.png")
    draw_search_rules(DOCS / "images/search_rules.png")
    draw_selection(DOCS / "images/model_selection.png")


def draw_runs(panels: Mapping[str, Runs], path: Path) -> None:
    """Draws a panel per data set with a row per method."""
    heights = [len(runs) for runs in panels.values()]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(8.5, 0.26 * sum(heights) + 0.9 * len(panels)), sharex=True, squeeze=False,
        height_ratios=heights, layout="constrained",
    )  # fmt: skip
    for ax, (title, runs) in zip(axes[:, 0], panels.items(), strict=True):
        ordered = sorted(runs.items(), key=lambda item: np.mean(migs(item[1])))
        names = []
        for row, (key, seeds) in enumerate(ordered):
            name, labels, _ = METHODS[key]
            names.append(name if labels == "none" else f"{name} ({labels} labels)".replace("pairs labels", "pairs"))
            colour = "#c44e52" if "rPU-VAE" in name else "#4c72b0" if labels == "none" else "#8c8c8c"
            ax.plot(migs(seeds), [row] * len(seeds), "o", color=colour, alpha=0.6, markersize=5, markeredgewidth=0)
            ax.plot([np.mean(migs(seeds))] * 2, [row - 0.3, row + 0.3], color=colour)
        ax.set_yticks(range(len(ordered)), names, fontsize=8)
        ax.set_ylim(-0.7, len(ordered) - 0.3)
        ax.set_title(title, fontsize=9, loc="left")
        _clean(ax)
    axes[-1, 0].set_xlabel("MIG; dots are seeds, bars means; grey methods use labels or pairs", fontsize=8)
    axes[-1, 0].set_xlim(0, None)
    figure.savefig(path, dpi=110)


def draw_search_rules(path: Path) -> None:
    """Draws the best true MIG so far of each search rule against images, a line per seed."""
    figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
    for place, (file, (name, members, images)) in enumerate(RULES.items()):
        seen = np.cumsum(members) * images / 1e6
        for number, run in enumerate(run for run in load("controls") if run["file"] == file and run["seed"] in (1, 2)):
            best = np.maximum.accumulate(run["best_scores"]["population"])
            ax.plot(seen, best, "o-", color=f"C{place}", markersize=3, label=None if number else name)
    ax.set_xlabel("images of training, all members together (millions)", fontsize=8)
    ax.set_ylabel("best MIG so far", fontsize=8)
    _clean(ax)
    ax.legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=110)


def draw_selection(path: Path) -> None:
    """Draws a row per bed and a panel per score, a dot per model, coloured by beta."""
    figure, axes = plt.subplots(
        len(BEDS), len(SCORES), figsize=(9, 2.7 * len(BEDS)), squeeze=False, layout="constrained"
    )
    for row, (bed, title) in zip(axes, BEDS.items(), strict=True):
        found = load(f"bed_{bed}")
        betas = sorted({model["beta"] for model in found["models"]})
        for ax, score in zip(row, SCORES, strict=True):
            for place, beta in enumerate(betas):
                models = [model for model in found["models"] if model["beta"] == beta]
                x, y = ([model[key] for model in models] for key in (score, "discrete_mig"))
                colour = plt.get_cmap("viridis")(place / max(1, len(betas) - 1))
                ax.plot(x, y, "o", color=colour, label=f"beta {beta:g}", markersize=5, alpha=0.8)
            correlation = found["selection"][score]["discrete_mig"]["spearman"]
            ax.set_title(f"{title}: rank correlation {correlation:.2f}", fontsize=8, loc="left")
            ax.set_xlabel(score, fontsize=8)
            _clean(ax)
        row[0].set_ylabel("true MIG", fontsize=8)
        row[0].legend(fontsize=6, frameon=False)
    figure.savefig(path, dpi=110)


def _clean(ax) -> None:
    ax.tick_params(axis="x", labelsize=7)
    ax.grid(axis="both" if not len(ax.get_yticklabels()) else "x", alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
