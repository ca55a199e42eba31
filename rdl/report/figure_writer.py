"""Figures of a page: part of the page, and files beside it for papers."""

import io
import re
import warnings
from pathlib import Path

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from rdl.data.display import encode_png, tile_images
from rdl.report.figures import INK, STYLE
from rdl.report.rendering import render_image
from rdl.runs import files


class FigureWriter:
    """Writes the figures of a page to a folder and returns their HTML.

    Args:
      folder: of the files ``NAME.png`` and ``NAME.svg``.
      prefix: of ids in the page, unique for every writer of the page.
    """

    def __init__(self, folder: Path, prefix: str = ""):
        self._folder, self.prefix = folder, prefix
        self._names: set[str] = set()

    def write_figure(self, name: str, figure: Figure, alt: str, caption: str = "") -> Markup:
        """A figure as SVG in the page; the files are an SVG and a PNG on white."""
        name = self._unused_name(name)
        with matplotlib.rc_context(STYLE | {"svg.hashsalt": self.prefix + name}), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")  # a name in a script that the font lacks
            drawn = io.BytesIO()
            figure.savefig(drawn, format="svg", metadata={"Date": None})
            files.write_bytes(self._folder / f"{name}.svg", drawn.getvalue())
            figure.set_layout_engine("none")  # the layout is done; doing it again takes half of the time
            with files.replacing(self._folder / f"{name}.png") as file:
                figure.savefig(file, format="png", dpi=150, facecolor="white", transparent=False)
        svg = _inline_svg(drawn.getvalue().decode(), self.prefix + name, alt)
        return _figure(svg, caption, f"max-width:{figure.get_figwidth() * 7:.1f}rem")

    def write_images(self, name: str, images: np.ndarray, alt: str, columns: int, scale: float = 2.0) -> Markup:
        """Images [n, height, width, channels] as one PNG, ``scale`` rem per image; also written as a file."""
        png = encode_png(tile_images(images, columns))
        files.write_bytes(self._folder / f"{self._unused_name(name)}.png", png)
        return render_image(png, alt, "pixels", f"width:{scale * columns}rem")

    def write_png(self, name: str, png: bytes, alt: str, caption: str = "") -> Markup:
        """An existing PNG; also written as a file."""
        files.write_bytes(self._folder / f"{self._unused_name(name)}.png", png)
        return _figure(render_image(png, alt), caption)

    def _unused_name(self, name: str) -> str:
        """A valid file name that this writer has not used."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "figure"
        unused, number = name, 2
        while unused in self._names:
            unused, number = f"{name}_{number}", number + 1
        self._names.add(unused)
        return unused


def _figure(content: Markup, caption: str, style: str = "") -> Markup:
    figcaption = Markup("<figcaption>{}</figcaption>").format(caption) if caption else ""
    return Markup('<figure class="drawing" style="{}">{}{}</figure>').format(style, content, figcaption)


def _inline_svg(svg: str, name: str, alt: str) -> Markup:
    """matplotlib's SVG for use in a page: without prologue, with ids of its own and the colour of the page's text."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.S)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r'(xlink:href)="#([^"]+)"', rf'\1="#{name}-\2"', svg)
    svg = svg.replace(INK, "currentColor")
    title = Markup("<title>{}</title>").format(alt)
    return Markup(re.sub(r"<svg([^>]*)>", lambda m: f'<svg{m[1]} role="img">{title}', svg, count=1))
