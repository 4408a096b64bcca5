"""The example of Plone, built in directories of their own from its committed lock, and its servers while they run."""

from __future__ import annotations

import base64
import json
import os
import shutil
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.buildouts import BOOTSTRAP, CHECKOUT, PYTHON, Result, environment, run, user_cache
from support.built_example import MADE, NO_NETWORK

EXAMPLE = CHECKOUT / "examples/plone"
LOCKS = ("pylock.toml", "pylock.recipes.toml")


@dataclass(frozen=True, slots=True)
class Plone:
    """A copy of the example; its directory, its user's home, and the eggs directory that it shares with others."""

    root: Path
    home: Path
    eggs: Path

    @property
    def variables(self) -> dict[str, str]:
        """Those of a machine that has fetched all before, and reaches no network now."""
        return environment(self.home, EGGCARTON_CACHE=str(user_cache()))

    def run(self, program: str, *arguments: str, **more: str) -> Result:
        """Run a program of bin."""
        return run([self.root / "bin" / program, *arguments], cwd=self.root, variables=self.variables | more)

    def locks(self) -> list[bytes]:
        return [(self.root / name).read_bytes() for name in LOCKS]

    def build(self, config: str) -> str:
        """Build a configuration by bootstrap.py, which fetches what the cache lacks; return what was said."""
        command = [PYTHON, BOOTSTRAP, self.root, "-c", config]
        for variables in (self.variables, {**os.environ, "EGGCARTON_CACHE": str(user_cache())}):
            status, output = run(command, cwd=self.root, variables=variables)
            if status != NO_NETWORK:
                break
        else:
            pytest.skip(f"Plone's files are neither in the cache nor to be had: {output.splitlines()[-1]}")
        assert 0 == status, output
        return output

    def command(self, program: str) -> tuple[list[str | Path], Path, Mapping[str, str]]:
        """Return how a server of bin is run in the foreground: the words, where, and with which variables."""
        return [self.root / "bin" / program, "fg"], self.root, self.variables


def copied(place: Path, name: str, *changes: tuple[str, str, str]) -> Plone:
    """Copy the example as it is committed, but for changes, each a file, what it has and what it gets instead.

    Servers listen where the system chooses, and the ZEO server at a socket beside the data.
    """
    site = Plone(place / name, place / "home", place / "eggs")
    shutil.copytree(EXAMPLE, site.root, ignore=shutil.ignore_patterns(*MADE))
    site.home.mkdir(exist_ok=True)
    for file, old, new in (
        ("base.cfg", "extends = versions.cfg\n", f"extends = versions.cfg\neggs-directory = {site.eggs}\n"),
        ("base.cfg", "127.0.0.1:8080", "127.0.0.1:0"),
        ("zeo.cfg", "127.0.0.1:8081", "127.0.0.1:0"),
        ("zeo.cfg", "127.0.0.1:8082", "127.0.0.1:0"),
        ("zeo.cfg", "127.0.0.1:8100", "${buildout:directory}/var/zeo.sock"),
        *changes,
    ):
        text = (site.root / file).read_text("utf-8")
        assert 1 == text.count(old), (file, old)
        (site.root / file).write_text(text.replace(old, new), "utf-8")
    return site


def ask(address: str, data: Mapping[str, object] | None = None, *, accept: str = "text/html") -> tuple[int, bytes]:
    """Get a page as the administrator, or post data to it; return the status and what was answered."""
    request = urllib.request.Request(address, data=None if data is None else json.dumps(data).encode())
    request.add_header("Accept", accept)
    request.add_header("Content-Type", "application/json")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"admin:admin").decode())
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=300) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
