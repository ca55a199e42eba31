"""The tables of the evidence pages are those of the committed results."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import evidence


@pytest.mark.parametrize("page", evidence.PAGES)
def test_tables_are_up_to_date(page):
    text = (evidence.DOCS / page).read_text()
    assert "<!-- table:" in text
    assert evidence.fill(text) == text, "run: python benchmarks/evidence.py"


def test_tables_follow_the_results(monkeypatch):
    text = (evidence.DOCS / "evidence.md").read_text()
    load = evidence.load

    def altered(name):
        results = load(name)
        if name == "warm_start":
            results["0"]["final_from_x_model"]["discrete_mig"] += 0.1
        return results

    monkeypatch.setattr(evidence, "load", altered)
    assert evidence.fill(text) != text
