"""A checkout that somebody has had for years: zc.buildout by pip in a virtual environment, and nothing of ours."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import pytest

from support.buildouts import PYTHON, Buildout, Shared, downloaded, environment, run
from support.index import Index

HERE = Path(__file__).parent
VERSIONS = ("6.0.1", "5.2.0")


class Adoption:
    """What the tests of adoption share: stock environments, and the wheels that an index of theirs has."""

    def __init__(self, shared: Shared, wheels: Path, template: Path, old: Path) -> None:
        self._shared, self._wheels, self._template, self._old = shared, wheels, template, old

    def program(self, version: str) -> Path:
        """Return the ``bin/buildout`` of a virtual environment that has zc.buildout and what that requires alone."""
        return self._shared.once(f"bare-{version}", functools.partial(self._make, version)) / "venv/bin/buildout"

    def vendored(self) -> Path:
        """Return a directory with what ``bin/eggcarton vendor`` writes, eggcarton's wheel among it."""

        def make(place: Path) -> None:
            command = [self._template / "bin/eggcarton", "vendor", place]
            done = run(command, cwd=self._template, variables=environment(place))
            assert 0 == done.status, done.output

        return self._shared.once("vendored", make)

    def fill(self, directory: Path) -> None:
        """Put on an index what eggcarton and its parts are made of, and some old libraries, but not eggcarton."""
        for place in (self._wheels, self._old, *(downloaded(pins) for pins in HERE.glob("stock-*.txt"))):
            for path in place.glob("*.whl"):
                if not (directory / path.name).exists():
                    (directory / path.name).symlink_to(path)

    def _make(self, version: str, place: Path) -> None:
        pins = HERE / f"stock-{version}.txt"
        wheels = downloaded(pins) if pins.exists() else self._wheels
        (place / "home").mkdir()
        pip = [place / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--find-links", wheels]
        for command in ([PYTHON, "-m", "venv", place / "venv"], [*pip, f"zc.buildout=={version}"]):
            done = run(command, cwd=place, variables=environment(place / "home"))
            assert 0 == done.status, done.output

    def checkout(self, place: Path, version: str, index: Index) -> Buildout:
        """Make a checkout with a stock ``bin/buildout``, whose user has eggs and downloads of all projects at home."""
        made = Buildout(root=place / "site", home=place / "home", index=index)
        made.bin.mkdir(parents=True)
        # zc.buildout may write its own anew.
        shutil.copy(self.program(version), made.bin / "buildout")
        defaults = made.home / ".buildout" / "default.cfg"
        defaults.parent.mkdir(parents=True)
        (made.home / "downloads").mkdir()
        defaults.write_text(
            f"[buildout]\nindex = {index.url}\neggs-directory = {made.home}/eggs\n"
            f"download-cache = {made.home}/downloads\n",
            "utf-8",
        )
        made.variables["PIP_INDEX_URL"] = index.url
        return made


@pytest.fixture(scope="session")
def adoption(shared: Shared, wheels: Path, template: Path) -> Adoption:
    """Stock environments and old wheels."""
    with_old = shared.once("adoption", lambda place: (place / "of").symlink_to(downloaded(HERE / "adoption.txt")))
    return Adoption(shared, wheels, template, with_old / "of")
