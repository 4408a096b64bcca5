"""Sections are read before any recipe has seen them, and where each of their options comes from is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from zc.buildout.buildout import Buildout

from eggcarton.buildout.inherited import options_of_others
from eggcarton.buildout.sections import Added, Sections

BASE = """
[versions]
six = 1

[app]
recipe = one
eggs =
    first
    second
"""
CONFIG = """
[buildout]
extends = more/base.cfg
directory = {root}

[app]
eggs += third
eggs -= second

[copy]
<= app

[settings]
ports = 80

[test]
<= settings
recipe = eggcarton:test
matrix = old: six
pythons = 3.12
branches = 1

[coverage]
<= test
recipe = eggcarton:coverage
eggs = six
pythons =

[further]
<= coverage
    copy
recipe = eggcarton
branch = true
"""


@pytest.fixture
def sections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sections:
    # zc.buildout makes its directory the working one, which goes with the test.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more").mkdir()
    (tmp_path / "more/base.cfg").write_text(BASE, "utf-8")
    (tmp_path / "buildout.cfg").write_text(CONFIG.format(root=tmp_path), "utf-8")
    given = [("app", "scripts", "none"), ("buildout", "offline", "true")]
    return Sections(Buildout(str(tmp_path / "buildout.cfg"), given, False))


@pytest.mark.parametrize(
    ("section", "option", "line", "expected"),
    [
        ("versions", "six", "", "more/base.cfg"),
        ("app", "recipe", "one", "more/base.cfg"),
        ("app", "eggs", "first", "more/base.cfg"),
        ("app", "eggs", "third", "buildout.cfg"),
        ("app", "eggs", "elsewhere", "buildout.cfg"),
        ("app", "scripts", "", "the command line"),
        ("app", "interpreter", "", None),
        ("copy", "eggs", "first", "more/base.cfg"),
        ("copy", "interpreter", "", None),
        ("buildout", "newest", "", None),
        ("nowhere", "eggs", "", None),
    ],
)
def test_where_an_option_comes_from(
    sections: Sections, section: str, option: str, line: str, expected: str | None
) -> None:
    """An option comes from the file that holds the line, added or inherited; a default comes from none."""
    assert expected == sections.origin(section, option, line)


def test_more_sections(sections: Sections) -> None:
    """A section that is added is one like any other, and what a part depends on is initialised with it."""
    sections.add("more", {"recipe": "two", "eggs": "${app:recipe}"}, Added("copy", ("six",)))
    assert {"recipe": "two", "eggs": "one"} == sections["more"]
    assert [Added("copy", ("six",)), None] == [sections.made_of("more"), sections.made_of("copy")]
    sections.depend("app", ["more"])
    sections.depend("app", ["copy"])
    assert "more\ncopy" == sections.section("app")["<part-dependencies>"]
    assert "" == sections.section("copy")["<part-dependencies>"]


def test_options_of_others(sections: Sections) -> None:
    """A section has options of others, or undoes them, where their recipes read them; of recipes of others all."""
    found = {name: options_of_others(sections, name) for name in ("test", "coverage", "further")}
    expected = {"test": set[str](), "coverage": {"matrix", "pythons"}}
    expected["further"] = {"matrix", "pythons", "eggs", "scripts"}
    assert expected == {name: options - {"recipe"} for name, options in found.items()}
