"""Jinja2 templates of the report. Autoescape is on: text from a run never becomes markup."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jinja2
from markupsafe import Markup
from PIL import Image

from rdl.time_left import format_duration

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("rdl.report"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["duration"] = format_duration


@dataclass(frozen=True)
class Section:
    """A section of a page.

    Attributes:
      anchor: the target of links to it.
      heading: its heading.
      content: HTML.
    """

    anchor: str
    heading: str
    content: Markup


@dataclass(frozen=True)
class Tile:
    """A number in large type at the top of a page, with a comment below it."""

    name: str
    value: str
    comment: str = ""


@dataclass(frozen=True)
class Article:
    """The part of a page about one run or one study.

    Attributes:
      title: its name.
      status: the line below the title.
      tiles: its most important numbers.
      sections: all sections, in order.
      missing: reasons why parts of the page are missing.
      prefix: of all anchors; unique where a page has several articles.
      verdict: HTML of the verdict, shown first.
    """

    title: str
    status: str
    tiles: Sequence[Tile]
    sections: Sequence[Section]
    missing: Sequence[str] = ()
    prefix: str = ""
    verdict: str = ""


def render(template: str, **values: Any) -> Markup:
    """Renders a template; a string among the values is escaped unless it is `markupsafe.Markup`."""
    return Markup(_ENVIRONMENT.get_template(template).render(values))


def render_page(title: str, articles: Sequence[Article], overview: str = "", refresh: int | None = None) -> str:
    """The complete HTML file with its style and script; it loads nothing else.

    Args:
      title: of the window.
      articles: one or several runs.
      overview: HTML above the articles.
      refresh: the page reloads after this number of seconds; None: never.
    """
    written = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    style, script = (
        Markup(_ENVIRONMENT.loader.get_source(_ENVIRONMENT, name)[0])  # type: ignore[union-attr]
        for name in ("page.css", "page.js")
    )
    values = {"title": title, "articles": articles, "overview": overview, "refresh": refresh}
    return str(render("page.html", **values, written=written, style=style, script=script))


def render_table(head: Sequence[str], rows: Sequence[Sequence[Any]], class_: str = "") -> Markup:
    """A table; the first column holds row headers."""
    module: Any = _ENVIRONMENT.get_template("macros.html").module
    return module.table(head, rows, class_)


def render_image(png: bytes, alt: str, class_: str = "", style: str = "") -> Markup:
    """An image stored in the page itself."""
    width, height = Image.open(io.BytesIO(png)).size
    return Markup('<img src="data:image/png;base64,{}" alt="{}" width="{}" height="{}" class="{}" style="{}">').format(
        base64.b64encode(png).decode(), alt, width, height, class_, style
    )
