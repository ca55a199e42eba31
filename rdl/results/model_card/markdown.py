"""Markdown and YAML of text that anybody may have written: what comes out is that text, never markup or structure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_NAME = 100  # characters
LINE = 2000


def printable(text: str, longest: int = _NAME) -> str:
    r"""The text in one line of characters that can be seen, others as Python writes them (``\x1b``); a rest is cut."""
    line = " ".join(text.split())
    seen = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line[:longest])
    return seen if len(line) <= longest else f"{seen} .."


def code(text: Any) -> str:
    """A span of code, for cells of a table too: in it a backtick alone is markup, and a bar between cells."""
    return "`" + (printable(str(text)).replace("`", r"\x60").replace("|", r"\x7c") or " ") + "`"


def block(language: str, lines: Iterable[str]) -> str:
    """A block of printable lines of code, between fences that are longer than any within."""
    shown = list(lines)
    fence = "`" * max([3, *(1 + len(run) for line in shown for run in re.findall("`+", line))])
    return "\n".join([fence + language, *shown, fence])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def yaml(content: Mapping[str, Any]) -> str:
    """A mapping in YAML's block style: texts as JSON's strings, which are YAML's too; numbers to four decimals.

    Empty mappings and lists are left out. Keys are our own words.
    """
    return "\n".join(_mapping(content))


def _mapping(content: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for key, value in content.items():
        if isinstance(value, (Mapping, list)):
            inner = _mapping(value) if isinstance(value, Mapping) else _items(value)
            lines += [f"{key}:", *(f"  {line}" for line in inner)] if value else []
        else:
            lines.append(f"{key}: {_scalar(value)}")
    return lines


def _items(values: list) -> list[str]:
    lines: list[str] = []
    for value in values:
        first, *rest = _mapping(value) if isinstance(value, Mapping) else [_scalar(value)]
        lines += [f"- {first}", *(f"  {line}" for line in rest)]
    return lines


def _scalar(value: Any) -> str:
    """YAML 1.1 takes ``1e-05`` for a text and some unseen characters for ends of lines: neither is written."""
    if isinstance(value, float):
        return f"{value:.4f}"
    return str(value) if isinstance(value, int) else json.dumps(printable(str(value), LINE), ensure_ascii=False)
