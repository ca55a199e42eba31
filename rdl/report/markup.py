"""HTML from Python in which text is always escaped: only what this module made counts as markup."""

import html
from collections.abc import Iterable
from typing import Any


class Markup(str):
    """Finished HTML. Any other string is text."""

    __slots__ = ()


Content = Any
"""Markup, text, numbers, None (nothing), or an iterable of these."""


def join(*contents: Content) -> Markup:
    """The contents one after another; text is escaped."""
    return Markup("".join(_flat(contents)))


def _flat(contents: Iterable[Content]) -> Iterable[str]:
    for content in contents:
        if content is None:
            continue
        if isinstance(content, Markup):
            yield content
        elif isinstance(content, (list, tuple)) or (isinstance(content, Iterable) and not isinstance(content, str)):
            yield from _flat(content)
        else:
            yield html.escape(str(content))


def tag(name: str, /, *contents: Content, **attributes: Any) -> Markup:
    """An element. ``class_`` stands for class and ``data_x`` for data-x; None and False leave an attribute out."""
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        parts.append(key if value is True else f'{key}="{html.escape(str(value))}"')
    opening = f"<{' '.join(parts)}>"
    if name in ("img", "input", "br", "meta", "link"):
        return Markup(opening)
    return Markup(f"{opening}{join(*contents)}</{name}>")


def raw(trusted: str) -> Markup:
    """Text that is markup already: a drawing, the page's own style and script. Never text from a run."""
    return Markup(trusted)


def table(head: Iterable[Content], rows: Iterable[Iterable[Content]], **attributes: Any) -> Markup:
    """A table; first column: row headers. Where the page is narrow a row's cells stand below each other, each with its
    column's title, which is why the head's cells are plain text.
    """
    titles = list(head)
    header = tag("tr", [tag("th", cell, scope="col") for cell in titles])
    body = []
    for row in rows:
        first, *rest = row
        body.append(
            tag(
                "tr",
                tag("th", first, scope="row"),
                [tag("td", tag("div", cell), data_title=title) for title, cell in zip(titles[1:], rest, strict=True)],
            )
        )
    return tag("div", tag("table", tag("thead", header), tag("tbody", body), **attributes), class_="wide", tabindex=0)


def fold(summary: Content, *contents: Content, open_: bool = False, **attributes: Any) -> Markup:
    """Contents that are folded away under a line."""
    return tag("details", tag("summary", summary), *contents, open=open_, **attributes)
