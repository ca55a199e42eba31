"""One HTML file around a page's contents: its style and script are in it, nothing is loaded."""

from datetime import datetime
from importlib import resources

from rdl.report.markup import Markup, raw, tag


def document(title: str, body: Markup, refresh: int | None = None) -> str:
    """The whole HTML file; with ``refresh`` it loads itself again after so many seconds."""
    package = resources.files("rdl.report")
    style, script = (package.joinpath(name).read_text() for name in ("page.css", "page.js"))
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
