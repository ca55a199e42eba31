"""Markdown and front matter of untrusted text: it comes out as that text, never as markup or structure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_NAME = 100  # characters
LINE = 2000


def to_printable(text: str, longest: int = _NAME) -> str:
    r"""The text in one line of printable characters, others escaped as in Python (``\x1b``); cut at ``longest``."""
    line = " ".join(text.split())
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line[:longest])
    return shown if len(line) <= longest else f"{shown} .."


def format_code(text: Any) -> str:
    """A span of code that is safe in a table: a backtick would end the span and a bar the cell, so both are escaped."""
    return "`" + (to_printable(str(text)).replace("`", r"\x60").replace("|", r"\x7c") or " ") + "`"


def format_code_block(language: str, lines: Iterable[str]) -> str:
    """A block of printable lines of code between fences longer than any fence in them."""
    shown = list(lines)
    fence = "`" * max([3, *(1 + len(run) for line in shown for run in re.findall("`+", line))])
    return "\n".join([fence + language, *shown, fence])


def format_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def format_front_matter(content: Mapping[str, Any]) -> str:
    """A mapping as JSON, which YAML includes: printable texts, numbers to four decimals, nothing empty."""
    return json.dumps(_clean(content), ensure_ascii=False, indent=2)


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _clean(part) for key, part in value.items() if part not in ({}, [])}
    if isinstance(value, list):
        return [_clean(part) for part in value]
    if isinstance(value, float):
        return round(value, 4)
    return value if isinstance(value, int) else to_printable(str(value), LINE)
