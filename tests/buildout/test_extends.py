"""Configuration files from addresses are locked by their sha256, and a kept copy serves where the address is dead."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from support.buildouts import Buildout
from support.fakes import greeting

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
extends = {}
parts = app

[app]
recipe = eggcarton:scripts
eggs = greeting
"""
PINS = "[versions]\ngreeting = 1.0\n"


class Site:
    """A directory served on loopback; the paths that were asked for are noted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.asked: list[str] = []
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *arguments: Any) -> None:
                asked.append(self.path)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(directory)))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "site").mkdir()
    site = Site(tmp_path / "site")
    yield site
    site.end()


@pytest.fixture
def extending(build: Buildout, site: Site) -> Buildout:
    """A buildout whose versions come from an address, by way of another file there; built once."""
    for version in ("1.0", "2.0"):
        greeting(build.index.directory, version)
    (site.directory / "versions.cfg").write_text(PINS)
    (site.directory / "base.cfg").write_text("[buildout]\nextends = versions.cfg\n")
    build.configure(CONFIG.format(f"{site.url}base.cfg"))
    output = build.build()
    assert f"buildout.lock.toml: {site.url}base.cfg added\n" in output
    assert f"buildout.lock.toml: {site.url}versions.cfg added\n" in output
    site.asked.clear()
    return build


def test_what_is_locked(extending: Buildout, site: Site) -> None:
    """The lock has the address and the sha256 of each file, and a second run asks for none of them."""
    text = (extending.root / "buildout.lock.toml").read_text("utf-8")
    for name in ("base.cfg", "versions.cfg"):
        digest = sha256((site.directory / name).read_bytes()).hexdigest()
        assert f'    {{ url = "{site.url}{name}", sha256 = "{digest}" }},\n' in text
    output = extending.build()
    assert ([], 1) == (site.asked, len(output.splitlines()))
    assert text == (extending.root / "buildout.lock.toml").read_text("utf-8")


def test_a_dead_address(extending: Buildout, site: Site) -> None:
    """Where the address is dead, the kept copies serve, offline too."""
    site.end()
    extending.build()
    extending.build("-o")
    assert "greeting 1.0\n" == extending.run(program="greet").output


def test_a_file_that_changed(extending: Buildout, site: Site) -> None:
    """Another file at the address is named where there is no copy; lock --upgrade takes it."""
    (site.directory / "versions.cfg").write_text("[versions]\ngreeting = 2.0\n")
    extending.build()
    assert "greeting 1.0\n" == extending.run(program="greet").output
    (extending.root / ".eggcarton/extends").rename(extending.home / "copies")
    output = extending.fails(status=5)
    assert (
        f"Error: {site.url}versions.cfg is not the file that was locked: buildout.lock.toml has its sha256 " in output
    )
    output = extending.run("lock", "--upgrade", program="eggcarton").output
    assert f"buildout.lock.toml: {site.url}versions.cfg changed\n" in output
    assert "base.cfg" not in output
    assert "greeting 1.0 -> 2.0\n" in output
    extending.build()
    assert "greeting 2.0\n" == extending.run(program="greet").output


def test_frozen(extending: Buildout, site: Site) -> None:
    """Under policy = frozen an address that is not locked is refused; bin/eggcarton lock adds it."""
    (site.directory / "further.cfg").write_text("[further]\nx = 1\n")
    text = (extending.root / "buildout.lock.toml").read_bytes()
    further = f"{site.url}base.cfg {site.url}further.cfg"
    extending.configure(CONFIG.format(further) + "[eggcarton]\npolicy = frozen\n")
    output = extending.fails(status=3)
    assert "buildout.lock.toml has no sha256 of what this configuration extends" in output
    assert f"\n  {site.url}further.cfg\n" in output
    assert text == (extending.root / "buildout.lock.toml").read_bytes()
    extending.run("lock", program="eggcarton")
    extending.build()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lock-version = '2.0'\n", "its lock-version is 2.0, and this reads 1.0"),
        ("", "its lock-version is missing"),
        ("lock-version = '1.0'\n<<<<<<< mine\n", "it holds the conflict markers of a merge"),
        ("lock-version = '1.0'\nextends = [ {", "buildout.lock.toml is not a valid lock: "),
        ("lock-version = '1.0'\nextends = 5\n", "extends is no list"),
        (
            "lock-version = '1.0'\nextends = [ { url = 'http://x/y', sha256 = 'aa' } ]\n",
            "extends[0] has no address and",
        ),
        (
            f"lock-version = '1.0'\nextends = [ {{ url = 'http://me:secret@x/y', sha256 = '{'a' * 64}' }} ]\n",
            "the address in extends[0] holds credentials",
        ),
    ],
)
def test_a_spoilt_lock(extending: Buildout, site: Site, text: str, words: str) -> None:
    """A lock that must not be obeyed is refused with what is wrong, and nothing is asked for."""
    (extending.root / "buildout.lock.toml").write_text(text)
    output = extending.fails(status=5)
    assert words in output
    assert "secret" not in output
    assert [] == site.asked
