"""The search: the recursion with the labels of every iteration or the label pool, then every population."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from rdl.data import ImageSet
from rdl.recursion import Iteration, LeafLabels
from rdl.recursion.records import Reduction
from rdl.report import figures
from rdl.report.figure_writer import FigureWriter
from rdl.report.model_analysis import MIN_INFORMATION, normalized_information
from rdl.report.pool_section import render_pool
from rdl.report.population_section import name_score, render_population
from rdl.report.rendering import render
from rdl.report.run_records import RunRecords
from rdl.seeds import generator

_EXAMPLES = 8  # images of a plateau
_MAX_PLATEAUS = 16  # with more plateaus, an even selection is shown


@dataclass(frozen=True)
class _Plateau:
    """Example images of a plateau."""

    number: int
    kept: bool
    images: Markup


@dataclass(frozen=True)
class _Staircase:
    """The figure of a sorted label, and example images of its plateaus."""

    figure: Markup
    plateaus: int
    examples: list[_Plateau]


@dataclass(frozen=True)
class _IterationView:
    """An iteration of a leaf run; latents by name."""

    record: Iteration
    score: str
    names: list[str]
    repeated: list[str]
    fixed: list[str]
    varying: list[str]
    staircases: list[_Staircase]
    purity: str


@dataclass(frozen=True)
class _LeafView:
    """A leaf run."""

    name: str
    iterations: list[_IterationView]

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")


def render_search(records: RunRecords, images: ImageSet | None, writer: FigureWriter) -> Markup:
    """The section about the search; ``images`` is None if the data set cannot be loaded."""
    populations = [
        render_population(stage, generations, records.best(stage), writer, open_=number == 0)
        for number, (stage, generations) in enumerate(records.stages.items())
    ]
    return render(
        "search.html",
        pool=render_pool(records, images, writer),
        leaves=[_LeafReader(records, name, images, writer).read() for name in records.leaves],
        populations=populations,
        prefix=writer.prefix,
        final_run="final" in records.stages,
        leaf_mig=(records.summary or {}).get("final.leaf_mig"),
    )


class _LeafReader:
    """Reads a leaf run and draws its labels."""

    def __init__(self, records: RunRecords, name: str, images: ImageSet | None, writer: FigureWriter):
        self._name, self._iterations = name, records.leaves[name]
        self._records, self._images, self._writer = records, images, writer
        self._labels = records.labels(name) or LeafLabels()

    def read(self) -> _LeafView:
        return _LeafView(self._name, [self._read_iteration(i, record) for i, record in enumerate(self._iterations)])

    def _read_iteration(self, i: int, record: Iteration) -> _IterationView:
        names = self._name_latents(i, record)
        by_latent = dict(zip(record.latents, names, strict=True))
        return _IterationView(
            record=record,
            score=self._describe_score(i, record),
            names=names,
            repeated=[by_latent[latent] for latent in record.again],
            fixed=[by_latent[latent] for latent in record.held],
            varying=[name for latent, name in by_latent.items() if latent not in record.held],
            staircases=self._draw_staircases(i, record, names),
            purity=self._describe_purity(i, record),
        )

    def _describe_score(self, i: int, record: Iteration) -> str:
        member = self._records.best(f"{self._name}/iteration_{i}" if i else "x_run")
        if member is not None:
            return f"{name_score(member)} {member.describe_score}, in generation {member.generation}"
        return "" if record.score is None else f"score {record.score:.3f}"

    def _name_latents(self, i: int, record: Iteration) -> list[str]:
        """``z0 x``: the learned latents with the factors that they encode, as far as those are known."""
        factors = self._read_factors(i)
        if factors is None:
            return [f"z{latent}" for latent in record.latents]
        names, values = factors
        information = normalized_information(self._labels.labels[i], values)
        return [
            f"z{latent} {names[row.argmax()]}" if row.max() >= MIN_INFORMATION else f"z{latent}"
            for latent, row in zip(record.latents, information, strict=True)
        ]

    def _read_factors(self, i: int) -> tuple[tuple[str, ...], np.ndarray] | None:
        """Names and values [n, factors] of the factors of the iteration's images; None if they are unknown."""
        images = self._images
        if images is None or images.factor_space is None or i >= len(self._labels):
            return None
        if self._labels.labels[i].shape[1] != len(self._iterations[i].latents):
            return None
        indices = self._labels.indices[i]
        known = indices[-1] < len(images) and np.isin(indices, images.labelled()).all()
        return (images.factor_space.names, images.factors(indices)) if known else None

    def _draw_staircases(self, i: int, record: Iteration, names: list[str]) -> list[_Staircase]:
        if i >= len(self._labels) or record.reduction is None:
            return []
        labels = self._labels.labels[i]
        if len(record.reduction.staircases) != labels.shape[1]:
            return []
        return [self._draw_staircase(i, column, name, record.reduction) for column, name in enumerate(names)]

    def _draw_staircase(self, i: int, column: int, name: str, reduction: Reduction) -> _Staircase:
        label = self._labels.labels[i][:, column]
        order = np.argsort(label, kind="stable")
        bounds = [(plateau.start, plateau.stop) for plateau in reduction.staircases[column].plateaus]
        kept = reduction.chosen[column] if reduction.chosen else None
        file = f"{self._name}_iteration_{i}_{name.split()[0]}"
        count = f"{len(bounds)} plateau{'s' * (len(bounds) != 1)}"
        figure = self._writer.write_figure(
            f"{file}_staircase",
            figures.draw_staircase(label[order], bounds, kept, f"posterior mean of {name}"),
            f"sorted label {name} with {count}",
            f"{name}: {count}" + ("" if kept is not None else ", none kept"),
        )
        return _Staircase(figure, len(bounds), self._draw_examples(i, order, bounds, kept, file))

    def _draw_examples(
        self, i: int, order: np.ndarray, bounds: list[tuple[int, int]], kept: int | None, file: str
    ) -> list[_Plateau]:
        if self._images is None or not len(order) or self._labels.indices[i][-1] >= len(self._images):
            return []
        selected = set(np.linspace(0, len(bounds) - 1, min(len(bounds), _MAX_PLATEAUS)).astype(int)) | {kept}
        examples = []
        for number, (start, stop) in enumerate(bounds):
            if number in selected:
                random = generator(0, "report", self._name, i, number)
                few = np.sort(random.permutation(stop - start)[:_EXAMPLES]) + start
                pixels = self._images.images(self._labels.indices[i][order[few]])
                name, alt = f"{file}_plateau_{number}", f"images of plateau {number + 1}"
                strip = self._writer.write_images(name, pixels, alt, len(pixels))
                examples.append(_Plateau(number + 1, number == kept, strip))
        return examples

    def _describe_purity(self, i: int, record: Iteration) -> str:
        """The share of the kept images that have the commonest value of each true factor."""
        reduction, factors = record.reduction, self._read_factors(i)
        if reduction is None or not reduction.chosen or factors is None:
            return ""
        labels = self._labels.labels[i]
        inside = np.ones(len(labels), bool)
        for column, number in enumerate(reduction.chosen):
            if number is not None:
                plateau = reduction.staircases[column].plateaus[number]
                inside &= (labels[:, column] >= plateau.low) & (labels[:, column] <= plateau.high)
        if not inside.any():
            return ""
        names, values = factors
        shares = [
            f"{name} {np.unique(column[inside], return_counts=True)[1].max() / inside.sum():.0%}"
            for name, column in zip(names, values.T, strict=True)
            if np.ptp(column) > 0
        ]
        return f"Share of the {inside.sum():,} images in the kept plateaus with one value: {', '.join(shares)}."
