"""Section 3, how it was found: the recursion step by step, then every population's search."""

from collections.abc import Sequence

import numpy as np

from rdl.data import ImageSet
from rdl.population import Member
from rdl.recursion import Iteration, LeafLabels
from rdl.report import figures
from rdl.report.evidence import NAMED, share_of_factors
from rdl.report.gallery import Gallery
from rdl.report.markup import Content, Markup, fold, join, tag
from rdl.report.populations import population, score_name
from rdl.report.reading import Records
from rdl.seeds import generator

_STRIP = 8  # example images of a plateau
_MOST_STRETCHES = 16  # with more of them, an even choice is shown


def section(records: Records, images: ImageSet | None, gallery: Gallery) -> Markup:
    """The tree, the leaf runs, the populations."""
    leaves = [_Leaf(records, leaf, images) for leaf in records.leaves]
    return join(
        _tree(records, leaves, gallery.prefix) if leaves else None,
        [leaf.markup(gallery) for leaf in leaves],
        tag("h3", "The populations") if records.stages else tag("p", "No member has finished training yet."),
        [
            population(stage, members, records.best(stage), gallery, i == 0)
            for i, (stage, members) in enumerate(records.stages.items())
        ],
    )


class _Leaf:
    """One leaf run with the names of what it learned."""

    def __init__(self, records: Records, name: str, images: ImageSet | None):
        self.name, self.iterations = name, records.leaves[name]
        self._records, self._images = records, images
        self._labels = records.labels(name) or LeafLabels()
        self.names = [self._named(i) for i in range(len(self.iterations))]

    def _named(self, i: int) -> list[str]:
        """Of every learned latent, with the factor it shares most information with, where that is known."""
        latents = self.iterations[i].latents
        factors = self._factors(i)
        if factors is None:
            return [f"z{latent}" for latent in latents]
        names, values = factors
        shares = share_of_factors(self._labels.labels[i], values)
        best = shares.argmax(axis=1)
        return [
            f"z{latent} {names[factor]}" if shares[column, factor] >= NAMED else f"z{latent}"
            for column, (latent, factor) in enumerate(zip(latents, best, strict=True))
        ]

    def _factors(self, i: int) -> tuple[tuple[str, ...], np.ndarray] | None:
        images = self._images
        if images is None or images.factor_space is None or i >= len(self._labels):
            return None
        if self._labels.labels[i].shape[1] != len(self.iterations[i].latents):
            return None
        indices = self._labels.indices[i]
        known = indices[-1] < len(images) and np.isin(indices, images.labelled()).all()
        return (images.factor_space.names, images.factors(indices)) if known else None

    def markup(self, gallery: Gallery) -> Markup:
        """Every iteration: its labels' staircases, what was kept, why it stopped."""
        steps = [self._iteration(i, found, gallery) for i, found in enumerate(self.iterations)]
        return fold(tag("h3", self.name.replace("_", " ")), steps, class_="leaf", id=gallery.prefix + self.name)

    def _iteration(self, i: int, found: Iteration, gallery: Gallery) -> Markup:
        labels = self._labels.labels[i] if i < len(self._labels) else None
        reduction = found.reduction
        drawings = []
        if labels is not None and reduction is not None and len(reduction.staircases) == labels.shape[1]:
            for column in range(labels.shape[1]):
                drawings.append(self._label(i, column, gallery))
        return tag(
            "div",
            tag("h4", f"Iteration {i}: {found.images:,} images"),
            tag("p", _story(found, self.names[i], self._trained(i))),
            tag("div", drawings, class_="drawings") if drawings else None,
            self._kept(i),
            class_="iteration",
        )

    def _trained(self, i: int) -> Member | None:
        """The member that the iteration's labels come from, where it is on record."""
        return self._records.best(f"{self.name}/iteration_{i}" if i else "x_run")

    def _label(self, i: int, column: int, gallery: Gallery) -> Markup:
        """One label's staircase, and example images of its plateaus."""
        reduction = self.iterations[i].reduction
        label = self._labels.labels[i][:, column]
        name = self.names[i][column]
        order = np.argsort(label, kind="stable")
        plateaus = reduction.staircases[column].plateaus if reduction else ()
        chosen = reduction.chosen[column] if reduction and reduction.chosen else None
        bounds = [(plateau.start, plateau.stop) for plateau in plateaus]
        file = f"{self.name}_iteration_{i}_{name.split()[0]}"
        drawing = gallery.drawing(
            f"{file}_staircase",
            figures.staircase(label[order], bounds, chosen, f"posterior mean of {name}"),
            f"sorted label {name} with {len(bounds)} plateaus",
            f"{name}: {len(bounds)} plateau{'es' if len(bounds) != 1 else ''}"
            + ("" if chosen is not None else "; none of them taken"),
        )
        return tag("div", drawing, self._examples(i, order, bounds, chosen, file, gallery))

    def _examples(
        self, i: int, order: np.ndarray, bounds: list[tuple[int, int]], chosen: int | None, file: str, gallery: Gallery
    ) -> Markup | None:
        if self._images is None or not len(order) or self._labels.indices[i][-1] >= len(self._images):
            return None
        some = np.linspace(0, len(bounds) - 1, min(len(bounds), _MOST_STRETCHES)).astype(int)
        shown = [number for number in range(len(bounds)) if number in some or number == chosen]
        rows = []
        for number in shown:
            start, stop = bounds[number]
            random = generator(0, "report", self.name, i, number)
            few = np.sort(random.permutation(stop - start)[:_STRIP]) + start
            pixels = self._images.images(self._labels.indices[i][order[few]])
            strip = gallery.strip(f"{file}_plateau_{number}", pixels, f"images of plateau {number + 1}")
            words = f"{number + 1} kept" if number == chosen else f"{number + 1}"
            rows.append(tag("div", tag("span", words), strip, class_="plateau kept" if number == chosen else "plateau"))
        return fold(f"Images of {len(shown)} of {len(bounds)} plateaus", rows, class_="plateaus")

    def _kept(self, i: int) -> Markup | None:
        """How alike the images that go on are, in the true factors."""
        reduction, factors = self.iterations[i].reduction, self._factors(i)
        if reduction is None or not reduction.chosen or factors is None:
            return None
        labels = self._labels.labels[i]
        inside = np.ones(len(labels), bool)
        for column, number in enumerate(reduction.chosen):
            if number is not None:
                plateau = reduction.staircases[column].plateaus[number]
                inside &= (labels[:, column] >= plateau.low) & (labels[:, column] <= plateau.high)
        if not inside.any():
            return None
        names, values = factors
        varying = [c for c in range(values.shape[1]) if np.ptp(values[:, c]) > 0]
        pure = [f"{names[c]} {np.bincount(values[inside, c]).max() / inside.sum():.0%}" for c in varying]
        text = f"Of the {inside.sum():,} images in the taken plateaus, so many share one value: {', '.join(pure)}."
        return tag("p", text, class_="small")


def _story(found: Iteration, names: Sequence[str], member: Member | None) -> Content:
    parts: list[Content] = []
    if member is not None:
        parts.append(f"Best {score_name(member)} {member.describe_score}, in generation {member.generation}. ")
    elif found.score is not None:
        parts.append(f"Best score {found.score:.3f}. ")
    parts.append(["Learned: ", tag("b", ", ".join(names)), ". "] if names else "Learned nothing. ")
    named = dict(zip(found.latents, names, strict=True))
    if found.again:
        parts.append(f"Learned again, and counted once: {', '.join(named[latent] for latent in found.again)}. ")
    reduction = found.reduction
    if reduction is not None and reduction.choices:
        parts.append(f"Set {reduction.choice + 1} of {reduction.choices} possible ones was taken. ")
    if found.held and found.stop is None:
        held = ", ".join(named[latent] for latent in found.held)
        parts.append(f"Its images share one value of {held}. ")
        free = [name for latent, name in named.items() if latent not in found.held]
        if free:
            parts.append(f"Not held constant, for want of a plateau to take: {', '.join(free)}. ")
    if found.stop is not None:
        parts.append(["It stops here: ", tag("b", found.stop.explanation), "."])
    return parts


def _tree(records: Records, leaves: Sequence[_Leaf], prefix: str) -> Markup:
    """x-run -> leaf runs -> final run, with what each step learned."""
    first = leaves[0].iterations[0]
    root = tag(
        "div", tag("b", "x-run"), tag("span", f"{first.images:,} images"), tag("span", ", ".join(leaves[0].names[0]))
    )
    rows = []
    for leaf in leaves:
        steps = [
            tag(
                "div",
                tag("span", f"{found.images:,} images"),
                tag("b", ", ".join(names) or "nothing"),
                class_="node",
            )
            for found, names in zip(leaf.iterations[1:], leaf.names[1:], strict=True)
        ]
        stop = leaf.iterations[-1].stop
        end = tag("div", f"stops: {stop.explanation}" if stop else "goes on", class_="end")
        rows.append(tag("li", tag("a", leaf.name.replace("_", " "), href=f"#{prefix}{leaf.name}"), steps, end))
    score = records.summary.get("final.leaf_mig") if records.summary else None
    text = "final run, scored by what the leaf runs learned" + (f": leaf MIG {score:.3f}" if score is not None else "")
    final = tag("div", text, class_="node final") if "final" in records.stages else None
    return tag("div", tag("div", root, class_="node root"), tag("ol", rows), final, class_="tree")
