"""Pictures of a page: each is put into the page itself, and saved beside it for papers."""

import base64
import io
import re
import warnings
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from rdl.data.display import to_rgb
from rdl.report.markup import Content, Markup, raw, tag
from rdl.runs import files

INK = "#1b1d1f"
"""Text and axes. In the page it becomes the text's own colour, so that drawings follow light and dark."""

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.5,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a factor called $x$ is a name, not a formula
    "axes.formatter.use_mathtext": False,
    "savefig.transparent": True,
}


class Gallery:
    """Collects a page's pictures.

    Args:
      folder: where they are saved, as ``NAME.png`` and ``NAME.svg``.
      prefix: of ids in the page, where it shows more than one gallery.
    """

    def __init__(self, folder: Path, prefix: str = ""):
        self._folder, self.prefix = folder, prefix
        self._names: set[str] = set()

    def drawing(self, name: str, figure: Figure, alt: str, caption: Content = None) -> Markup:
        """A figure as inline SVG; saved as SVG and, on white, as PNG."""
        name = self._free(name)
        with matplotlib.rc_context(STYLE | {"svg.hashsalt": self.prefix + name}), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")  # a name in a script that the font does not have
            drawn = io.BytesIO()
            figure.savefig(drawn, format="svg", metadata={"Date": None})
            files.write_bytes(self._folder / f"{name}.svg", drawn.getvalue())
            figure.set_layout_engine("none")  # it is laid out now; to do it again is half of the time
            with files.replacing(self._folder / f"{name}.png") as file:
                figure.savefig(file, format="png", dpi=150, facecolor="white", transparent=False)
        width = f"max-width:{figure.get_figwidth() * 7:.1f}rem"
        return tag(
            "figure",
            _inline(drawn.getvalue().decode(), self.prefix + name, alt),
            _caption(caption),
            class_="drawing",
            style=width,
        )

    def strip(self, name: str, images: np.ndarray, alt: str) -> Markup:
        """Images [n, height, width, channels] in a row, pixel by pixel; saved as PNG."""
        name = self._free(name)
        encoded = png(tile(images, len(images)))
        files.write_bytes(self._folder / f"{name}.png", encoded)
        return picture(encoded, alt, class_="pixels", style=f"width:{2 * len(images)}rem")

    def picture(self, name: str, encoded: bytes, alt: str, caption: Content = None) -> Markup:
        """A PNG that is there already; saved beside the page too."""
        files.write_bytes(self._folder / f"{self._free(name)}.png", encoded)
        return tag("figure", picture(encoded, alt), _caption(caption), class_="drawing")

    def _free(self, name: str) -> str:
        """A file name from any text, unused so far."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "figure"
        free, number = name, 2
        while free in self._names:
            free, number = f"{name}_{number}", number + 1
        self._names.add(free)
        return free


def picture(encoded: bytes, alt: str, **attributes) -> Markup:
    """An image that the page carries in itself."""
    source = "data:image/png;base64," + base64.b64encode(encoded).decode()
    width, height = Image.open(io.BytesIO(encoded)).size
    return tag("img", src=source, alt=alt, width=width, height=height, **attributes)


def png(image: np.ndarray) -> bytes:
    """uint8 [height, width, channels] as a PNG file's bytes; 2, 4 or more channels are shown in false colours."""
    image = image if image.shape[-1] in (1, 3) else to_rgb(image)
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def tile(images: np.ndarray, columns: int, gap: int = 1, shade: int = 128) -> np.ndarray:
    """[n, height, width, channels] -> one image, rows of so many columns, thin lines between them."""
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), shade, np.uint8)
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def _inline(svg: str, name: str, alt: str) -> Markup:
    """matplotlib's SVG as a part of a page: no prologue, ids of its own, the page's colour and width."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.S)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r'(xlink:href)="#([^"]+)"', rf'\1="#{name}-\2"', svg)
    svg = svg.replace(INK, "currentColor")
    label = tag("title", alt)
    return raw(re.sub(r"<svg([^>]*)>", lambda m: f'<svg{m[1]} role="img">{label}', svg, count=1))


def _caption(caption: Content) -> Markup | None:
    return None if caption is None else tag("figcaption", caption)
