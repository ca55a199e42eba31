"""Draws docs/images/recursion.png and prints the table of docs/recursion.md, from a trained model's labels.

    python docs/recursion_picture.py

The labels lie beside the tests; `tests/recursion/make_trained_labels.py` makes them.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from rdl.recursion import Staircase, find_plateaus
from rdl.recursion.reduction import _cells, _spread_out, rank_intersections

ROOT = Path(__file__).resolve().parents[1]
METHODS = ("differences", "density")


def commonest_share(values: np.ndarray) -> float:
    """Share of the commonest value."""
    return float(np.bincount(values).max() / len(values))


def table(labels: np.ndarray, factors: list[np.ndarray], method: str) -> None:
    """Prints one row a label, and the share of the true values in the first three sets of images."""
    staircases = [find_plateaus(column, method) for column in labels.T]
    for column, staircase, factor in zip(labels.T, staircases, factors, strict=True):
        order = np.argsort(column)
        shares = [commonest_share(factor[order[s.start : s.stop]]) for s in staircase.ranked()]
        print(f"  {len(staircase.jumps)} jumps; ranked plateaus share a value at", np.round(shares, 2))
    cells = np.stack([_cells(c, s, 0.0) for c, s in zip(labels.T, staircases, strict=True)], axis=1)
    for choice, ranks in enumerate(_spread_out(rank_intersections(cells))[:3]):
        kept = (cells == ranks).all(axis=1)
        shares = [round(commonest_share(factor[kept]), 2) for factor in factors]
        print(f"  x_peak {choice}: {kept.sum()} images, commonest values' shares {shares}")


def draw(axis, label: np.ndarray, staircase: Staircase, title: str) -> None:
    """The sorted label with its plateaus: those that may be chosen are coloured, the sharpest darkest."""
    axis.plot(np.sort(label), color="black", linewidth=1)
    for plateau in staircase.plateaus:
        if plateau.rank is not None:
            colour = plt.get_cmap("viridis")(min(plateau.rank, 8) / 9)
            axis.axvspan(plateau.start, plateau.stop, color=colour, alpha=0.35, linewidth=0)
            middle = (plateau.start + plateau.stop) / 2
            axis.text(middle, label.max(), str(plateau.rank), ha="center", va="top", fontsize=8)
    for jump in staircase.jumps:
        axis.axvline(jump + 0.5, color="grey", linewidth=0.5)
    axis.set(title=title, xlabel="images, sorted", ylabel="label")


def main() -> None:
    """Prints the table and writes the picture."""
    with np.load(ROOT / "tests/recursion/trained_labels.npz", allow_pickle=False) as arrays:
        arrays = dict(arrays)
    figure, axes = plt.subplots(2, 2, figsize=(10, 6), layout="constrained")
    for row, steps in enumerate((1500, 5000)):
        labels = arrays[f"labels_{steps}"]
        factors = [_factor(column, arrays["positions"]) for column in labels.T]
        for column, method in enumerate(METHODS):
            print(f"{steps} training steps, {method}")
            table(labels, factors, method)
            title = f"{steps} training steps, {method}"
            draw(axes[row, column], labels[:, 0], find_plateaus(labels[:, 0], method), title)
    figure.savefig(ROOT / "docs/images/recursion.png", dpi=80)


def _factor(label: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The position that the label follows: the more of its variance between the position's values."""
    means = [[label[column == value].mean() for value in range(8)] for column in positions.T]
    return positions[:, int(np.argmax(np.var(means, axis=1)))]


if __name__ == "__main__":
    main()
