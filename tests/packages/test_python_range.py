"""The Pythons beyond a range are told apart by markers."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from eggcarton.packages import python_range

RANGES = [
    ">=3.11,<3.12",
    ">=3.10,<=3.12.4",
    "~=3.11",
    "~=3.11.2",
    "==3.11.*",
    ">=3.10,!=3.12.*",
    ">=3.10,!=3.11.1,<3.13",
]
PYTHONS = ["3.11.2", "3.11.9", "3.12.0", "3.12.4", "3.12.5", "3.13.1", "4.0.0"]


@pytest.mark.parametrize("requires_python", RANGES)
def test_both_sides(requires_python: str) -> None:
    """A Python from the first of the range on is within or beyond it, as the range says."""
    first, second = python_range.fork(requires_python, lambda name, version: Path(f"/stubs/{name}-{version}.whl"))
    one = python_range.within("six", requires_python)
    for python in PYTHONS:
        inside = SpecifierSet(requires_python).contains(python)
        sides = [Requirement(line).marker for line in (one, first, second)]
        assert [inside, inside, not inside] == [
            marker.evaluate({"python_full_version": python}) for marker in sides if marker
        ]


@pytest.mark.parametrize("requires_python", [">=3.10", ">3.10", ""])
def test_no_end(requires_python: str) -> None:
    """A range that no later Python leaves needs nothing told apart."""
    assert "six" == python_range.within("six", requires_python)
    assert [] == python_range.fork(requires_python, lambda name, version: Path("/nothing"))


def test_a_marker_of_its_own() -> None:
    """A requirement keeps its own marker, whatever that is made of."""
    line = python_range.within('six ; sys_platform == "win32" or os_name == "nt"', ">=3.11,<3.12")
    expected = '(sys_platform == "win32" or os_name == "nt") and python_full_version < "3.12"'
    assert Marker(expected) == Requirement(line).marker


def test_repeated_clauses() -> None:
    """What holds for the whole lock is left out of a marker, but where only a part of that says it."""
    clauses = ["python_full_version < '3.12'"]
    assert "" == python_range.without_clauses("python_full_version < '3.12'", clauses)
    assert "a == 'b'" == python_range.without_clauses("python_full_version < '3.12' and a == 'b'", clauses)
    either = "python_full_version < '3.12' or a == 'b'"
    assert either == python_range.without_clauses(either, clauses)
