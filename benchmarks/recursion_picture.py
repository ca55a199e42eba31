"""Draws docs/images/recursion.png and prints the purity table of docs/evidence.md, from a trained model's labels.

    python benchmarks/recursion_picture.py

The labels lie beside the tests; `tests/recursion/make_trained_labels.py` makes them.
"""

from pathlib import Path

import gin
import matplotlib.pyplot as plt
import numpy as np

from rdl.recursion import Staircase, find_plateaus, reduce_images

ROOT = Path(__file__).resolve().parents[1]
METHODS = ("differences", "density")
STEPS = (1500, 5000)


def commonest_share(values: np.ndarray) -> float:
    """Returns the share of the commonest value."""
    return float(np.bincount(values).max() / len(values))


def print_purity(labels: np.ndarray, factors: list[np.ndarray], method: str) -> None:
    """Prints the jumps of each label, and how pure the first three sets of images are."""
    print("  jumps:", [len(find_plateaus(column, method).jumps) for column in labels.T])
    gin.bind_parameter("find_plateaus.method", method)
    for choice in range(3):
        kept = np.asarray(reduce_images(labels, choice=choice).kept)
        shares = [round(commonest_share(factor[kept]), 2) for factor in factors]
        print(f"  x_peak {choice}: {len(kept)} images, shares of the commonest value {shares}")


def draw(axis, label: np.ndarray, staircase: Staircase, title: str) -> None:
    """Draws the sorted label; plateaus that may be chosen are coloured, the sharpest darkest."""
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


def followed_factor(label: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Returns the position, x or y, whose values explain more of the label's variance."""
    means = [[label[column == value].mean() for value in range(8)] for column in positions.T]
    return positions[:, int(np.argmax(np.var(means, axis=1)))]


def main() -> None:
    """Prints the table and writes the picture."""
    with np.load(ROOT / "tests/recursion/trained_labels.npz", allow_pickle=False) as arrays:
        arrays = dict(arrays)
    figure, axes = plt.subplots(2, 2, figsize=(10, 6), layout="constrained")
    for row, steps in enumerate(STEPS):
        labels = arrays[f"labels_{steps}"]
        factors = [followed_factor(column, arrays["positions"]) for column in labels.T]
        for column, method in enumerate(METHODS):
            title = f"{steps} training steps, {method}"
            print(title)
            print_purity(labels, factors, method)
            draw(axes[row, column], labels[:, 0], find_plateaus(labels[:, 0], method), title)
    figure.savefig(ROOT / "docs/images/recursion.png", dpi=80)


if __name__ == "__main__":
    main()
