"""The label pool: its tables, and images of the data set in the order of each label."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from rdl.data import ImageSet
from rdl.metrics.labelled_points import find_continuous_columns
from rdl.report.figure_writer import FigureWriter
from rdl.report.model_analysis import MIN_INFORMATION, normalized_information
from rdl.report.rendering import render
from rdl.report.run_records import RunRecords
from rdl.results.pool_table import EVIDENCE, LABEL_COLUMNS, STAGE_COLUMNS, PoolStage, PoolTable
from rdl.seeds import generator
from third_party.disentanglement_lib.evaluation.metrics import utils

_COLUMNS, _ROWS = 9, 3  # a column holds random images of equal shares of the sorted label


@dataclass(frozen=True)
class _LabelView:
    """Images in the order of a label, with a caption."""

    caption: str
    images: Markup


def render_pool(records: RunRecords, images: ImageSet | None, writer: FigureWriter) -> Markup:
    """The part of the section about the search that shows the label pool; empty without one.

    Args:
      records: of the run.
      images: of the run; None if they cannot be loaded, and the tables stand alone.
      writer: of the pictures.
    """
    table = records.pool
    if table is None:
        return Markup()
    return render(
        "pool.html",
        label_columns=LABEL_COLUMNS,
        label_rows=table.label_rows,
        stage_columns=STAGE_COLUMNS,
        stage_rows=table.stage_rows,
        evidence=EVIDENCE,
        views=[] if images is None else _draw_labels(records, table, images, writer),
    )


def _draw_labels(records: RunRecords, table: PoolTable, images: ImageSet, writer: FigureWriter) -> list[_LabelView]:
    views: list[_LabelView] = []
    first = 0
    for stage in table.stages:
        values = _read_values(records, stage, len(images))
        for number, column in enumerate([] if values is None else values.T, first):
            views.append(_draw_label(number, column, images, writer))
        first += len(stage.labels or ())
    return views


def _read_values(records: RunRecords, stage: PoolStage, num_images: int) -> np.ndarray | None:
    """The labels that a stage added, [images, labels]; None if the file is missing, damaged or of other images."""
    path = records.reader.paths.pool(stage.path)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            values = arrays["values"]
    except (OSError, ValueError, KeyError):
        return None
    return values if values.shape == (num_images, len(stage.labels or ())) and np.isfinite(values).all() else None


def _draw_label(number: int, values: np.ndarray, images: ImageSet, writer: FigureWriter) -> _LabelView:
    random = generator(0, "report", "pool", number)
    shares = np.array_split(np.argsort(values, kind="stable"), _COLUMNS)
    drawn = np.stack([random.choice(share, _ROWS) for share in shares if len(share)], axis=1)  # [rows, columns]
    pixels = images.images(drawn.ravel())
    caption = f"Label {number}{_describe_factor(values, images)}"
    alt = f"images in the order of label {number}"
    return _LabelView(caption, writer.write_images(f"pool_label_{number}", pixels, alt, drawn.shape[1]))


def _describe_factor(values: np.ndarray, images: ImageSet) -> str:
    """The true factor that the label encodes, as far as it is known, with its share of the factor's entropy."""
    if images.factor_space is None:
        return ""
    known = images.labelled()
    factors = utils.bin_continuous(images.factors(known).T, find_continuous_columns(images)).T
    information = normalized_information(values[known, None], factors)[0]
    best = int(np.argmax(information))
    if information[best] < MIN_INFORMATION:
        return ": no true factor"
    return f": {images.factor_space.names[best]}, {information[best]:.0%} of its entropy"
