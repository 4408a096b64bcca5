"""The browser does what a person does: opens a page, reads, types, clicks, and looks."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support import browser
from support.browser import Browser, BrowserError

PAGE = """<!DOCTYPE html><html lang="en"><title>Form</title><body><h1>Say it</h1><ul><li>one<li>two</ul>
<form action="/said"><input name="word" value="very "><button>Send</button></form></body></html>"""


class Form(BaseHTTPRequestHandler):
    """A page with a form that shows what was sent."""

    def do_GET(self) -> None:
        body = PAGE.replace("Say it", f"You asked for {self.path}").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a server with one page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Form) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    """One browser for all tests."""
    if reason := browser.available():
        pytest.skip(reason)
    with Browser() as opened:
        yield opened


def test_a_form_is_filled_and_sent(window: Browser, address: str) -> None:
    """What is typed is sent when the button is followed, and then the next page is there."""
    window.go(address)
    assert ("Form", ["one", "two"]) == (window.title, window.texts("li"))
    window.type("input", "good")
    window.follow("button")
    assert f"{address}/said?word=very+good" == window.url
    assert "You asked for /said?word=very+good" == window.text("h1")
    window.clear("input")
    assert "" == window.run("return document.querySelector('input').value")
    assert "word" == window.attribute("input", "name")
    assert window.attribute("input", "title") is None


def test_screenshot(window: Browser, address: str, tmp_path: Path) -> None:
    """A screenshot is a PNG of the window as wide as it was made."""
    window.go(address)
    window.resize(500, 700)
    picture = window.screenshot(tmp_path / "page.png").read_bytes()
    assert b"\x89PNG" == picture[:4]
    assert 500 == int.from_bytes(picture[16:20], "big")


def test_what_is_not_there(window: Browser, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An element that does not come is an error that names the selector."""
    monkeypatch.setattr(window, "patience", 0.5)
    window.go(address)
    assert [] == window.texts("table")
    with pytest.raises(BrowserError, match=r"no such element.*table"):
        window.text("table")
    with pytest.raises(BrowserError, match=r"h1 opened no page within 0\.5 s"):
        window.follow("h1")
    window.click("input")
    assert "word" == window.run("return document.activeElement.name")


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A closed browser leaves no process and no file."""
    if reason := browser.available():
        pytest.skip(reason)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with Browser() as opened:
        opened.go("data:text/html,<p>here")
        assert "here" == opened.text()
        assert [] != list(tmp_path.iterdir())
    assert [] == list(tmp_path.iterdir())
    # What was killed may take a moment to go.
    until = time.monotonic() + 120
    while left := processes_that_name(tmp_path):
        assert time.monotonic() < until, left
        time.sleep(0.02)


def processes_that_name(place: Path) -> list[str]:
    """Return the command lines of this machine that name a directory; any process may end meanwhile."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if str(place) in line]


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no browser, the reason names the packages."""
    monkeypatch.setenv("PATH", "")
    assert "not installed: chromium, chromium-driver" == browser.available()
