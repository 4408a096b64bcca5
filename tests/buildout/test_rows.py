"""The sections of a matrix's rows: what a row has from its part, and what is told of it in the words of that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from zc.buildout.buildout import Buildout

from eggcarton.buildout import needs, rows, settings
from eggcarton.buildout.interpreters import Finder
from eggcarton.buildout.sections import Sections

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
