"""A real browser: headless Chromium, driven through chromedriver by the W3C WebDriver protocol.

with Browser() as browser:
    browser.go("http://127.0.0.1:6543/")
    browser.type("input[name=name]", "Ada")
    browser.click("button[type=submit]")
    assert "Ada" in browser.text()
    browser.screenshot(Path("page.png"))
"""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, final

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key that the protocol gives an element's reference
PROGRAMS = {"chromium": "chromium", "chromedriver": "chromium-driver"}


def available() -> str | None:
    """Return None where a browser can be started, else the reason why not."""
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    return f"not installed: {', '.join(missing)}" if missing else None


class BrowserError(Exception):
    """The browser refused a command; the text says which one and why."""


@final
class Browser:
    """One window of a browser that knows nothing: its home and profile are empty and removed at the end."""

    def __init__(self, width: int = 1280, height: int = 800) -> None:
        # Seconds: for an element or a page to come, and for the driver to answer at all.
        self.patience, self._limit = 30.0, 120.0
        self._home = tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        flags = [*FLAGS, f"--window-size={width},{height}", f"--user-data-dir={self._home.name}/profile"]
        # No proxy, credentials or session of the one who runs the tests reaches the browser.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": self._home.name, "LANG": "C.UTF-8"}
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
            start_new_session=True,
        )
        self._session = ""
        try:
            self._address = f"http://127.0.0.1:{self._told_port()}"
            wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": flags, "binary": _chromium()}}
            answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._session = f"/session/{answer['sessionId']}"
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Browser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def go(self, url: str) -> None:
        """Open a page and wait until it has loaded."""
        self._command("POST", "/url", url=url)

    @property
    def url(self) -> str:
        return str(self._command("GET", "/url"))

    @property
    def title(self) -> str:
        return str(self._command("GET", "/title"))

    def text(self, css: str = "body") -> str:
        """Return the visible text of the first element that a selector finds."""
        return str(self._command("GET", f"/element/{self._find(css)}/text"))

    def texts(self, css: str) -> list[str]:
        """Return the visible texts of all elements that a selector finds; none is no error."""
        found = self._command("POST", "/elements", using="css selector", value=css)
        return [str(self._command("GET", f"/element/{one[ELEMENT]}/text")) for one in found]

    def attribute(self, css: str, name: str) -> str | None:
        """Return an attribute of the first element that a selector finds."""
        value = self._command("GET", f"/element/{self._find(css)}/attribute/{name}")
        return None if value is None else str(value)

    def type(self, css: str, text: str) -> None:
        """Type into a field, after what is there."""
        self._command("POST", f"/element/{self._find(css)}/value", text=text)

    def clear(self, css: str) -> None:
        """Empty a field."""
        self._command("POST", f"/element/{self._find(css)}/clear")

    def click(self, css: str) -> None:
        """Click an element that changes this page; what opens another one is for `follow`."""
        self._command("POST", f"/element/{self._find(css)}/click")

    def follow(self, css: str) -> None:
        """Click a link or a form's button, and wait until the page that it opens has loaded."""
        old = self._find("html")
        self.click(css)
        # A click answers before the browser begins to leave the page, so that only the old page's end is a sign.
        self._wait(lambda: self._is_gone(old), f"{css} opened no page")
        self._wait(lambda: self.run("return document.readyState") == "complete", "the page did not load")

    def run(self, script: str, *arguments: object) -> Any:
        """Run JavaScript in the page and return what it returns."""
        return self._command("POST", "/execute/sync", script=script, args=list(arguments))

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, in CSS pixels."""
        self._command("POST", "/window/rect", width=width, height=height)

    def screenshot(self, path: Path) -> Path:
        """Write what the window shows as a PNG and return its path."""
        path.write_bytes(base64.b64decode(self._command("GET", "/screenshot")))
        return path

    def close(self) -> None:
        """End the browser, its driver and everything they started, and remove its home."""
        try:
            if self._session:
                self._command("DELETE", "")
        except (OSError, BrowserError):
            pass  # The group is ended below in any case.
        finally:
            self._session = ""
            _end_group(self._driver)
            self._home.cleanup()
            # What was killed may have written to it until it had gone.
            until = time.monotonic() + self._limit
            while os.path.exists(self._home.name) and time.monotonic() < until:
                shutil.rmtree(self._home.name, ignore_errors=True)

    def _find(self, css: str) -> str:
        """Return the first element found, waiting for it as a person would."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return str(self._command("POST", "/element", using="css selector", value=css)[ELEMENT])
            except BrowserError as error:
                if "no such element" not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def _is_gone(self, element: str) -> bool:
        try:
            self._command("GET", f"/element/{element}/name")
        except BrowserError as error:
            return "stale element reference" in str(error) or "no such element" in str(error)
        return False

    def _wait(self, happened: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + self.patience
        while not happened():
            if time.monotonic() > deadline:
                raise BrowserError(f"{otherwise} within {self.patience:g} s")
            time.sleep(0.02)

    def _command(self, method: str, place: str, **body: object) -> Any:
        return self._call(method, self._session + place, body)

    def _call(self, method: str, place: str, body: dict[str, Any]) -> Any:
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(self._address + place, data, method=method)
        request.add_header("Content-Type", "application/json")
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=self._limit) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            told = json.load(error)["value"]
            raise BrowserError(f"{place}: {told['error']}: {told['message'].splitlines()[0]}") from None

    def _told_port(self) -> int:
        assert self._driver.stdout is not None
        lines = []
        for line in self._driver.stdout:
            lines.append(line)
            if told := re.search(r"started successfully on port (\d+)", line):
                return int(told[1])
        raise BrowserError("chromedriver did not start: " + "".join(lines))


def _chromium() -> str:
    return shutil.which("chromium") or "chromium"


def _end_group(process: subprocess.Popen[str]) -> None:
    """End a process and all that it started; the group is ours alone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()
