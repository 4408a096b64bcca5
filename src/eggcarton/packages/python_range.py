"""The end of a range of Pythons, such as ``<3.12``, which uv does not know: it resolves for all from the first on.

It does go separate ways where two requirements of one name exclude each other. So it gets a name that nobody has, at
one version within the range and at another one beyond, and what is asked for is asked for within the range alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

NAME = "eggcarton-range-of-pythons"
_OPPOSITE = {"<": ">=", "<=": ">", "!=": "==", "==": "!="}


def bounds(requires_python: str) -> list[str]:
    """Return the clauses of markers by which a range ends, or has a gap; none where all later Pythons are in it."""
    return [f"python_full_version {operator} '{version}'" for operator, version in _ends(requires_python)]


def within(requirement: str, requires_python: str) -> str:
    """Return a requirement that is one for the Pythons of a range alone."""
    clauses = bounds(requires_python)
    if not clauses:
        return requirement
    narrowed = Requirement(requirement)
    marker = f"({narrowed.marker}) and " if narrowed.marker else ""
    narrowed.marker = Marker(marker + " and ".join(clauses))
    return str(narrowed)


def fork(requires_python: str, stub: Callable[[str, str], Path]) -> list[str]:
    """Return the requirements for which uv tells the Pythons of a range from others, none where there are no others.

    Args:
        requires_python: the range.
        stub: makes a wheel of nothing, of a name and a version.
    """
    if not bounds(requires_python):
        return []
    beyond = " or ".join(
        f"python_full_version {_OPPOSITE[operator]} '{version}'" for operator, version in _ends(requires_python)
    )
    sides = (("1", " and ".join(bounds(requires_python))), ("2", beyond))
    return [f"{NAME} @ {stub(NAME, version).as_uri()} ; {marker}" for version, marker in sides]


def without_clauses(marker: str, repeated: Sequence[str]) -> str:
    """Return a marker without what holds for a whole lock: clauses that uv writes into every marker."""
    if " or " in marker:
        return marker
    return " and ".join(clause for clause in marker.split(" and ") if clause and clause not in repeated)


def _ends(requires_python: str) -> list[tuple[str, str]]:
    specifiers = sorted(SpecifierSet(requires_python), key=str)
    return [end for specifier in specifiers if (end := _end(specifier)) is not None]


def _end(specifier: Specifier) -> tuple[str, str] | None:
    """Return by which operator and version a specifier keeps later Pythons out, None where it does not."""
    if specifier.operator in (">=", ">", "==="):
        return None
    if specifier.operator == "~=":
        *most, _ = Version(specifier.version).release
        return "<", ".".join(map(str, (*most[:-1], most[-1] + 1)))
    return specifier.operator, specifier.version
