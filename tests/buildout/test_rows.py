"""The sections of a matrix's rows: what a row has from its part, and what is told of it in the words of that."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from zc.buildout.buildout import Buildout

from eggcarton.buildout import needs, rows, settings
from eggcarton.buildout.interpreters import Finder
from eggcarton.buildout.sections import Sections
from support.buildouts import Buildout as Real
from support.distributions import wheel

CONFIG = """
[buildout]
directory = {root}
parts = test

[app]
recipe = eggcarton:scripts
scripts =

[test]
<= app
recipe = eggcarton:test
eggs = Django
parallel = 2
matrix =
    new: pytest==8.*
"""
# The library brings the runner only up to its first version.
REAL = """
[buildout]
extensions = eggcarton
parts = test coverage

[library]
recipe = eggcarton:scripts
eggs = library
scripts =

[test]
<= library
recipe = eggcarton:test
settings = library.settings
matrix =
    old: library==1.*, other
    new: library==2.*

[coverage]
<= test
recipe = eggcarton:coverage
"""


@pytest.fixture
def sections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sections:
    """Return the sections of a buildout whose rows have theirs."""
    # zc.buildout makes its directory the working one, which goes with the test.
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "buildout.cfg"
    path.write_text(CONFIG.format(root=tmp_path), "utf-8")
    buildout = Buildout(str(path), [], False)
    sections = Sections(buildout)
    finder = Finder(Path(os.devnull), os.environ, keep=False)
    read, _ = settings.read(sections, buildout["buildout"], "https://index.example/simple/")
    rows.seat(buildout, sections, read, finder)
    return sections


def test_what_is_inherited(sections: Sections) -> None:
    """What a part may have from another section by ``<``, though it does not read it, its rows may have too."""
    found = {one.part: one.recipe for one in needs.of_parts(sections)}
    assert {"test": "eggcarton", "test-new": "eggcarton"} == found


def test_requirements(sections: Sections) -> None:
    """A row requires what its part does, with what helps the runner of that, and behind it what is its own."""
    found = {one.part: one.requirements for one in needs.of_parts(sections)}
    assert {"test": ("Django", "tblib"), "test-new": ("Django", "tblib", "pytest==8.*")} == found


@pytest.mark.slow
def test_rows_of_a_buildout(build: Real) -> None:
    """Rows are built with their part alone, what is wrong with one is told of that, and what has no effect once."""
    for name in ("pytest", "other", "coverage"):
        wheel(build.index.directory, name)
    wheel(build.index.directory, "library", "1.0", requires=["pytest"])
    wheel(build.index.directory, "library", "2.0")
    pins = "[versions]\nlibrary = 1.0\n"
    config = REAL.replace("[test]\n", "[test]\nrunner = pytest\n") + pins
    build.configure(config)
    output = build.build("install", "coverage")
    assert 1 == len(list((build.root / "parts/.eggcarton/environments").glob("[!.]*"))), output
    build.configure(REAL + pins)
    output = build.fails(status=2)
    problem = "option 'runner': this part runs its tests by pytest, which nothing brings into the row 'new'"
    assert f"Error: [test] {problem}; say runner = pytest\n" in output
    build.configure(config)
    output = build.build()
    assert ["test"] == re.findall(r"\[(.+)\] option 'settings' has no effect", output), output
    assert ["coverage", "test", "test-new", "test-old"] == sorted(p.name for p in (build.root / "parts").glob("[!.]*"))
