"""A browser driven over WebDriver; tests that need it are skipped if none is installed."""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest


class Browser:
    def __init__(self, driver: str, chromium: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        options = {
            "binary": chromium,
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"],
        }
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        try:
            self._wait()
            answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._session = f"/session/{answer['sessionId']}"
        except BaseException:
            self._process.kill()
            raise

    def _wait(self) -> None:
        for _ in range(100):
            try:
                self._call("GET", "/status")
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("chromedriver does not answer")

    def _call(self, method: str, path: str, body: dict | None = None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=300) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode(errors="replace")[:500]) from error

    def _chrome(self, command: str, **parameters):
        body = {"cmd": command, "params": parameters}
        return self._call("POST", f"{self._session}/goog/cdp/execute", body)

    def open(self, url: str, width: int = 1440, height: int = 900, dark: bool = False) -> None:
        shape = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._chrome("Emulation.setDeviceMetricsOverride", **shape)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._chrome("Emulation.setEmulatedMedia", features=features)
        self._call("POST", f"{self._session}/url", {"url": url})

    def run(self, script: str):
        return self._call("POST", f"{self._session}/execute/sync", {"script": script, "args": []})

    def press(self, selector: str, key: str) -> None:
        """A key on the keyboard, with the focus on the first such element."""
        (element,) = self._call(
            "POST", f"{self._session}/element", {"using": "css selector", "value": selector}
        ).values()
        self._call("POST", f"{self._session}/element/{element}/value", {"text": key})

    def messages(self) -> list[str]:
        """Errors and warnings on the console since the last call."""
        entries = self._call("POST", f"{self._session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, path: Path, whole: bool = False) -> None:
        shot = self._chrome("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        try:
            self._call("DELETE", self._session)
        finally:
            self._process.terminate()
            self._process.wait(timeout=20)


@pytest.fixture(scope="session")
def browser():
    driver = shutil.which("chromedriver")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not driver or not chromium:
        pytest.skip("no browser: install Debian's chromium and chromium-driver")
    opened = Browser(driver, chromium)
    yield opened
    opened.close()
