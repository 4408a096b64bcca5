"""Develop packages are built as editable wheels, all at once, and tell what their build depended on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eggcarton.core.errors import EggcartonError
from eggcarton.packages import develop
from support.closed import toolchain
from support.distributions import source


def build(out: Path, *projects: Path, logs: Path | None = None) -> list[dict[str, Any]]:
    tools = toolchain()
    locked = replace(tools, versions={**tools.versions, "flit-core": "3.12"}, locked="the digest of flit-core's lock")
    return develop.build(projects, tools, out, lambda project: lambda requires, asked: locked, logs)


def test_several_at_once(tmp_path: Path) -> None:
    """Each package is told by its names, version and requirements, and lies in a directory by its position."""
    one = source(tmp_path, "One.Pack", "1.0", {"one/__init__.py": ""}, requires=["six>=1"], extras={"x": ["colour"]})
    two = source(tmp_path, "two", "2.0", console_scripts={"two": "two:main"})
    first, second = build(tmp_path / "out", one, two)
    assert ("one-pack", "One.Pack", "1.0") == (first["name"], first["project"], first["version"])
    assert ['colour; extra == "x"', "six>=1"] == first["requires"]
    assert ("two", "2.0", []) == (second["name"], second["version"], second["requires"])
    for number, built in enumerate((first, second)):
        assert built["files"] == sorted(path.name for path in (tmp_path / "out" / str(number)).iterdir())
    (info,) = (tmp_path / "out" / "1").glob("*.dist-info")
    assert "two = two:main" in (info / "entry_points.txt").read_text("utf-8")
    assert "two.py" not in (info / "RECORD").read_text("utf-8")


def test_what_decided_it(tmp_path: Path) -> None:
    """The project's files that the build read are told, what it wrote there itself is not, and nothing was hidden."""
    place = source(tmp_path, "own", "1.0", {"own/__init__.py": ""})
    (place / "version.txt").write_text("1.5", "utf-8")
    script = (place / "setup.py").read_text("utf-8").replace("'1.0'", "open('version.txt').read()")
    (place / "setup.py").write_text(script, "utf-8")
    (built,) = build(tmp_path / "out", place)
    assert "1.5" == built["version"]
    assert {"setup.py", "version.txt"} <= set(built["watched"]["files"])
    assert [] == [name for names in built["watched"].values() for name in names if ".egg-info" in name]
    assert () == built["watched"]["out_of_sight"]


def test_locked_build_requirements(tmp_path: Path) -> None:
    """What the toolchain does not answer is asked for, and what answered is told; the toolchain needs no lock."""
    foreign = source(tmp_path, "foreign", build_requires=["flit-core"])
    first, second = build(tmp_path / "out", foreign, source(tmp_path, "own"))
    assert ("foreign", "the digest of flit-core's lock") == (first["name"], first["locked"])
    assert ("own", "") == (second["name"], second["locked"])


def test_a_failure(tmp_path: Path) -> None:
    """A package that cannot be built stops the run with its directory and its last words; the rest is in a log."""
    place, logs = source(tmp_path, "own"), tmp_path / "logs"
    (place / "setup.py").write_text("print('first of all')\nprint('.\\n' * 40)\nraise RuntimeError('not today')\n")
    with pytest.raises(EggcartonError) as caught:
        build(tmp_path / "out", place, logs=logs)
    (log,) = logs.iterdir()
    assert str(caught.value).startswith(f"{place} could not be built:\n  all that it said is in {log}\n")
    assert str(caught.value).endswith("RuntimeError: not today")
    assert "first of all" not in str(caught.value)
    assert log.read_text("utf-8").startswith("first of all\n")
    (place / "setup.py").write_text("from setuptools import setup\nsetup(name='own')\n")
    build(tmp_path / "out", place, logs=logs)
    assert [] == list(logs.iterdir())


def test_several_failures(tmp_path: Path) -> None:
    """All packages that cannot be built are told at once, each with its last words; the others are built meanwhile."""
    good, *bad = (source(tmp_path, name) for name in ("good", "worse", "worst"))
    for place in bad:
        (place / "setup.py").write_text(f"raise RuntimeError('{place.name} of all')\n", "utf-8")
    with pytest.raises(EggcartonError) as caught:
        build(tmp_path / "out", bad[0], good, bad[1])
    lines = str(caught.value).splitlines()
    assert "2 of 3 develop packages could not be built:" == lines[0]
    ends = [line for line in lines[1:] if line.endswith((" could not be built:", "of all"))]
    told = [[f"{place} could not be built:", f"  RuntimeError: {place.name} of all"] for place in bad]
    assert [line for pair in told for line in pair] == ends
    assert (tmp_path / "out/1").is_dir()


def test_what_is_no_project_among_failures(tmp_path: Path) -> None:
    """A directory that cannot be built at all is told beside a build that failed."""
    place = source(tmp_path, "own")
    (place / "setup.py").write_text("raise RuntimeError('not today')\n", "utf-8")
    (tmp_path / "none").mkdir()
    with pytest.raises(EggcartonError, match=r"2 of 2[\s\S]*none holds neither[\s\S]*own could not[\s\S]*not today"):
        build(tmp_path / "out", tmp_path / "none", place)


def test_none(tmp_path: Path) -> None:
    """Without develop packages nothing is built."""
    assert [] == build(tmp_path / "out")
