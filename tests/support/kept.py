"""Buildouts that are built once, and put back as they were then for each test that begins with one.

def prepare(build: Buildout) -> None:
    wheel(build.index.directory, "app", console_scripts={"app": "app:main"})
    build.configure(...)
    build.build()

@pytest.fixture
def built(kept: Kept) -> Buildout:
    return kept(prepare)
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from support.buildouts import Buildout, fresh
from support.index import Index


@dataclass(frozen=True)
class Kept:
    """What was built by one worker process of the test session, by what built it."""

    factory: pytest.TempPathFactory
    template: Path
    built: dict[Callable[[Buildout], None], tuple[Path, Buildout]] = field(default_factory=dict)

    def __call__(self, make: Callable[[Buildout], None]) -> Buildout:
        """Return the buildout that a function makes of a bootstrapped one, as that has left it; its index is as new."""
        if make not in self.built:
            place = self.factory.mktemp("kept")
            (place / "now" / "index").mkdir(parents=True)
            build = fresh(place / "now", self.template, Index(place / "now" / "index").start())
            make(build)
            shutil.copytree(place / "now", place / "then", symlinks=True)
            self.built[make] = place, build
        else:
            place, build = self.built[make]
            shutil.rmtree(place / "now")
            shutil.copytree(place / "then", place / "now", symlinks=True)
        build.index.begin_anew()
        return replace(build, variables=dict(build.variables))


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Kept]:
    """Buildouts that are built once."""
    made = Kept(tmp_path_factory, template)
    yield made
    for _, build in made.built.values():
        build.index.stop()
