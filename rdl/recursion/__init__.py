"""Computes the next data set from labels: pure functions of arrays, without TensorFlow. See docs/recursion.md."""

from rdl.recursion.iteration import iterate
from rdl.recursion.labels import LearnedLabels, label
from rdl.recursion.leaf_labels import LeafLabels
from rdl.recursion.records import Iteration, Plateau, Reduction, Staircase, Stop, to_json
from rdl.recursion.reduction import rank_intersections, reduce_images
from rdl.recursion.repeats import find_repeats
from rdl.recursion.staircase import find_jumps, find_plateaus

__all__ = [
    "Iteration",
    "LearnedLabels",
    "LeafLabels",
    "Reduction",
    "Staircase",
    "Stop",
    "Plateau",
    "find_jumps",
    "find_repeats",
    "find_plateaus",
    "iterate",
    "label",
    "rank_intersections",
    "reduce_images",
    "to_json",
]
