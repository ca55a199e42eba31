"""The images of a run as the data loader returned them: facts, the loader's notes, and a contact sheet."""

import numpy as np
from markupsafe import Markup

from rdl.data import ImageSet
from rdl.report.figure_writer import FigureWriter
from rdl.report.rendering import render
from rdl.seeds import generator

_EXAMINED = 5000  # images whose values are read
_SHEET, _COLUMNS = 48, 12


def render_images(images: ImageSet | None, writer: FigureWriter) -> Markup:
    """The section about the images; ``images`` is None if they cannot be loaded."""
    if images is None:
        return render("images.html", facts=[])
    chosen = generator(0, "report", "images").permutation(len(images))[:_EXAMINED]
    pixels = images.images(np.sort(chosen))
    sheet = images.images(np.sort(chosen[:_SHEET]))
    examined = "" if len(pixels) == len(images) else f" among {len(pixels):,} random ones"
    equal = len(pixels) - len({image.tobytes() for image in pixels})
    height, width, channels = images.shape
    facts = [
        ["data set", images.name],
        ["images", f"{len(images):,}"],
        ["size", f"{height} x {width} pixels, {channels} channel{'s' * (channels != 1)}"],
        ["values", f"{pixels.min()} to {pixels.max()}, mean {pixels.mean():.1f}{examined}"],
        ["images equal to an earlier one", f"{equal:,}{examined}"],
    ]
    caption = f"{len(sheet)} images, as the model receives them."
    if channels not in (1, 3):
        caption += f" The {channels} channels are shown in false colours, the first in red, the last in blue."
    return render(
        "images.html",
        facts=facts,
        notes=images.notes,
        sheet=writer.write_images("contact_sheet", sheet, f"contact sheet of {len(sheet)} images", _COLUMNS, 4.0),
        caption=caption,
    )
