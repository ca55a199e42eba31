"""One HTML file around a page's contents: its style and script are in it, nothing is loaded."""

from collections.abc import Sequence
from datetime import datetime
from importlib import resources

from rdl.report.markup import Content, Markup, join, raw, tag


def article(
    title: str,
    status: Content,
    tiles: Sequence[tuple[str, Content]],
    sections: Sequence[tuple[str, str, Content]],
    missing: Sequence[str] = (),
    prefix: str = "",
    first: Content = None,
) -> Markup:
    """One subject: its name, the result in a few numbers, links to its sections, the sections.

    Args:
      title: its name.
      status: a line below.
      tiles: names and values.
      sections: place (of a link), heading and content of each.
      missing: lines about what cannot be shown.
      prefix: of places, where a page has several subjects.
      first: what is read first, under the status.
    """
    links = [tag("a", heading, href=f"#{prefix}{place}") for place, heading, _ in sections]
    return tag(
        "article",
        tag("h1", title),
        tag("p", status, class_="status"),
        first,
        [tag("p", line, class_="missing") for line in missing],
        tag("dl", [tag("div", tag("dt", name), tag("dd", join(value))) for name, value in tiles], class_="tiles"),
        tag("nav", links, aria_label="sections"),
        [tag("section", tag("h2", heading), content, id=f"{prefix}{place}") for place, heading, content in sections],
        id=f"{prefix}top",
        class_="run",
    )


def document(title: str, body: Markup, refresh: int | None = None) -> str:
    """The whole HTML file; with ``refresh`` it loads itself again after so many seconds."""
    package = resources.files("rdl.report")
    style, script = (package.joinpath("static", name).read_text() for name in ("page.css", "page.js"))
    written = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="refresh", content=refresh) if refresh else None,
        tag("title", title),
        tag("link", rel="icon", href="data:,"),
        tag("style", raw(style)),
    )
    foot = tag("footer", f"Written {written}. The figures lie beside this page, in figures/, as PNG and SVG.")
    content = tag("body", tag("main", body), foot, tag("script", raw(script)))
    return "<!doctype html>\n" + tag("html", head, content, lang="en") + "\n"
