"""Buildouts that are built once: each test has them as they were then."""

from __future__ import annotations

import shutil

import pytest

from support.buildouts import Buildout, run
from support.distributions import wheel
from support.kept import Kept

pytestmark = pytest.mark.slow


def make(build: Buildout) -> None:
    """Build nothing, with a wheel on the index."""
    wheel(build.index.directory, "some")
    build.configure("[buildout]\nparts =\n")
    build.build()


def test_whatever_a_test_does_to_it(kept: Kept) -> None:
    """Files that were lost, changed and added, variables, and an index that was stopped and set, are as they were."""
    first = kept(make)
    before = {path: standing for place in (first.root, first.home) for path, standing in first.tree(str(place)).items()}
    url, names = first.index.url, [found.name for found in first.index.directory.iterdir()]
    first.variables["MORE"] = "1"
    first.configure("[broken")
    first.write("more.txt", "")
    shutil.rmtree(first.root / "bin")
    (first.home / ".buildout" / "default.cfg").write_text("", "utf-8")
    wheel(first.index.directory, "other")
    first.index.fault("*", "status:503", forever=True)
    first.index.yanked["some-1.0-py3-none-any.whl"] = "why not"
    first.index.json = False
    first.index.stop()
    second = kept(make)
    after = {
        path: standing for place in (second.root, second.home) for path, standing in second.tree(str(place)).items()
    }
    assert (before, url, {}) == (after, second.index.url, second.variables)
    assert names == [found.name for found in second.index.directory.iterdir()]
    assert ({}, True, []) == (second.index.yanked, second.index.json, second.index.requests)
    read = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).status)"
    assert (
        "200\n" == run(["python3", "-c", read, f"{url}some/"], cwd=second.root, variables=second.environment()).output
    )
    assert 0 == second.run().status


def test_two_of_them(kept: Kept) -> None:
    """What another function makes is another buildout; one is made once."""
    made: list[Buildout] = []
    assert kept(made.append).root == kept(made.append).root != kept(make).root
    assert 1 == len({build.root for build in made}) == len(made)
