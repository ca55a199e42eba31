"""docs/recursion.md shows the code of the recursion as it is, on one page."""

import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "recursion.md").read_text()
EXCERPTS = re.findall(r"`(rdl/[\w/]+\.py)`:\n\n```python\n(.*?)```", PAGE, re.S)


@pytest.mark.parametrize(("path", "excerpt"), EXCERPTS, ids=[path for path, _ in EXCERPTS])
def test_excerpts_are_the_code(path, excerpt):
    assert textwrap.indent(excerpt, "    ") in (ROOT / path).read_text(), (
        f"copy the lines of {path} to docs/recursion.md"
    )


def test_the_page_shows_the_recursion_and_the_stage():
    assert [path for path, _ in EXCERPTS] == ["rdl/jobs/rpu_vae.py", "rdl/jobs/stage.py"]
    assert all(len(excerpt.splitlines()) <= 25 for _, excerpt in EXCERPTS)  # one screen each


def test_the_page_is_short():
    assert len(PAGE.split()) < 900
