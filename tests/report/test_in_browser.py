"""The page in headless Chromium: no error, no missing picture, nothing wider than the window."""

import os
from pathlib import Path

import pytest

from rdl.report.page import write_report
from rdl.report.study_page import write_study
from tests.report import made_up

pytestmark = pytest.mark.slow

BROKEN = "return [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.alt)"
UNFOLD = "document.querySelectorAll('details').forEach(fold => { fold.open = true; })"
LEFT, RIGHT = "\ue012", "\ue014"  # WebDriver's names of the arrow keys
# A reader does not expect these elements to scroll sideways; code may.
CUT = """return [...document.querySelectorAll('nav, .wide, table, td, th, .tiles > div, .verdict')]
    .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')
    .map(e => e.tagName + ' ' + e.textContent.slice(0, 60))"""
WIDTH = "return document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    long = "a_name_without_any_place_to_break_it_" * 5
    return {
        "finished": write_report([made_up.make_run(folder / "finished", alive=True)]),
        "running": write_report([made_up.make_run(folder / "running", finished=False)]),
        "long names": write_report([made_up.make_run(folder / long[:150], word=long, reason=long, leaves=1)]),
        "ladder": write_report([made_up.make_ladder(folder / "ladder")]),
        "study": write_study(made_up.make_study(folder / "study")),
        "several": write_report(
            [
                made_up.make_run(folder / "first", leaves=1),
                made_up.make_run(folder / "second_" / "with_a_longer_name", leaves=1),
                made_up.make_run(folder / "third", leaves=1, config=made_up.CONFIG + "population.size = 5\n"),
            ],
            folder / "several",
        ),
    }


@pytest.mark.parametrize("which", ["finished", "running", "long names", "ladder", "study", "several"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_shows_whole(browser, pages, which, width, dark):
    browser.open(pages[which].as_uri(), width, dark=dark)
    browser.run(UNFOLD)
    assert browser.run(BROKEN) == []
    assert browser.run(WIDTH) == width
    assert browser.run(CUT) == []
    assert browser.messages() == []


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_of_real_runs_show_whole(browser, width, dark):
    """RDL_REPORT_PAGES="runs/quickstart/report/index.html ..." names pages that bin/report has written."""
    real = os.environ.get("RDL_REPORT_PAGES", "").split()
    if not real:
        pytest.skip("RDL_REPORT_PAGES names no page")
    for page in map(Path, real):
        browser.open(page.resolve().as_uri(), width, dark=dark)
        browser.run(UNFOLD)
        assert browser.run(BROKEN) == [], page
        assert browser.run(WIDTH) == width, page
        assert browser.messages() == [], page
        assert page.stat().st_size < 8 * 2**20, page


def test_sliders_move_traversals(browser, pages):
    browser.open(pages["finished"].as_uri())
    moved = browser.run(
        """
        const card = document.querySelector(".card"), slider = card.querySelector("input");
        slider.value = slider.max;
        slider.dispatchEvent(new Event("input"));
        return [card.querySelector("output").textContent, card.querySelector(".window img").style.transform,
                document.querySelector(".play").textContent];
        """
    )
    assert moved == ["2.00", "translateY(-94.1176%)", "play all"]
    window, film = browser.run(
        """
        const card = document.querySelector(".card"), box = card.querySelector(".window").getBoundingClientRect();
        const picture = card.querySelector(".window img").getBoundingClientRect();
        return [[box.top, box.bottom], [picture.top, picture.bottom]];
        """
    )
    frame = (film[1] - film[0]) / 17
    assert abs(film[1] - frame - window[0]) < 1  # the last of the 17 frames fills the window
    assert abs(film[1] - window[1]) < 1


def test_arrow_keys_move_traversals(browser, pages):
    browser.open(pages["finished"].as_uri())
    browser.run("document.querySelector('.play').click(); document.querySelector('.card input').value = 3")
    shown = []
    for key in (RIGHT, RIGHT, LEFT):
        browser.press(".card input", key)
        shown.append(browser.run("return document.querySelector('.card output').textContent"))
    assert shown == ["-1.00", "-0.75", "-1.00"]


def test_dark_pages_have_light_drawings(browser, pages):
    browser.open(pages["finished"].as_uri(), dark=True)
    colours = browser.run(
        "const style = name => getComputedStyle(document.querySelector(name));"
        "return [style('body').backgroundColor, style('svg').color]"
    )
    assert colours == ["rgb(21, 24, 27)", "rgb(232, 234, 236)"]
