"""TensorBoard in headless Chromium: every tab that a run fills shows it, without an error on the console."""

import importlib.util
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def load(name: str, path: Path):
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HERE = Path(__file__).parent
browser = load("report_conftest", HERE.parent / "report" / "conftest.py").browser
events = load("test_tensorboard_events", HERE / "test_tensorboard.py").events

# All text of the page, through the shadow roots that TensorBoard's parts live in.
TEXT = """
const text = node => node.nodeType === Node.TEXT_NODE ? node.textContent :
  ["SCRIPT", "STYLE"].includes(node.nodeName) ? "" :
  [...(node.shadowRoot ? node.shadowRoot.childNodes : []), ...node.childNodes].map(text).join(" ");
return text(document.body);
"""


@pytest.fixture(scope="module")
def address(events):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", events, "--port", str(port), "--load_fast=false"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(1000):
            try:
                with urllib.request.urlopen(url + "data/runs", timeout=10) as answer:
                    if b"x_run/best" in answer.read():
                        break
            except OSError:
                pass
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("timeseries", ["x_run", "population"]),
        ("scalars", ["x_run", "score"]),
        ("images", ["x_run/reconstructions", "x_run/traversals"]),
        ("histograms", ["log10_beta"]),
        ("text", ["configuration", "x_run/members"]),
        ("hparams", ["batch_size", "learning_rate", "beta", "stage", "score"]),
    ],
)
def test_each_tab_shows_the_run(browser, address, tab, expected):
    browser.open(f"{address}#{tab}")
    browser.run("location.reload()")  # a new fragment alone changes the tab, but loads no page
    missing = expected
    for _ in range(240):
        shown = browser.run(TEXT)
        missing = [word for word in expected if word not in shown]
        if not missing:
            break
        time.sleep(0.25)
    assert not missing
    # Not ours: the page asks for a font that the server does not carry.
    assert [line for line in browser.messages() if "SEVERE" in line and "font" not in line] == []
