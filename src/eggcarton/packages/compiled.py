"""What uv resolved to, read as packages of a lock."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from eggcarton.core.errors import EggcartonError
from eggcarton.indexes.wanted import hint_of
from eggcarton.packages import python_range
from eggcarton.packages.lock import LockedFile, LockedPackage
from eggcarton.packages.needs import Needs


def packages(
    compiled: Mapping[str, Sequence[dict[str, object]]], needs: Needs, direct: Sequence[LockedPackage]
) -> list[LockedPackage]:
    """Return what uv would lock, without what is developed here.

    Args:
        compiled: the pylock.toml that uv has written.
        needs: what it was asked for.
        direct: what comes from an address, as it is to be locked but for its markers.
    """
    by_name = {package.name: package for package in direct}
    stubs = {*needs.developed, python_range.NAME}
    entries = [entry for entry in compiled.get("packages", ()) if entry["name"] not in stubs]
    return [_package(entry, needs.requires_python, by_name) for entry in entries]


def _package(entry: dict[str, object], requires_python: str, direct: Mapping[str, LockedPackage]) -> LockedPackage:
    marker = _told_apart(str(entry.get("marker", "")), requires_python)
    if found := direct.get(str(entry["name"])):
        return replace(found, marker=marker)
    wheels, sdist = entry.get("wheels", ()), entry.get("sdist")
    return LockedPackage(
        name=str(entry["name"]),
        version=str(entry["version"]),
        wheels=tuple(_file(wheel) for wheel in _tables(wheels)),
        sdist=_file(sdist) if isinstance(sdist, dict) else None,
        marker=marker,
    )


def _told_apart(marker: str, requires_python: str) -> str | None:
    """Return a marker without the clause that only repeats the lock's own Python range, as uv writes it everywhere."""
    first = f"python_full_version >= '{lowest(requires_python)}'"
    return python_range.without_clauses(marker, [first, *python_range.bounds(requires_python)]) or None


def _tables(value: object) -> Iterable[dict[str, object]]:
    return value if isinstance(value, list) else ()


def _file(entry: dict[str, object]) -> LockedFile:
    url, path = str(entry.get("url", "")), str(entry.get("path", ""))
    name = str(entry.get("name") or (url or path).rpartition("/")[2])
    hashes, size = entry.get("hashes"), entry.get("size")
    digest = hashes.get("sha256") if isinstance(hashes, dict) else None
    if not digest:
        raise EggcartonError(
            f"{name}: the index names no sha256 for it, so it cannot be locked; use an index that does"
        )
    hint = hint_of(url) if url.startswith(("http://", "https://")) else None
    return LockedFile(name, str(digest), size if isinstance(size, int) else None, hint)


def lowest(requires_python: str) -> str:
    """Return the lowest minor version in a range such as ``>=3.10``."""
    versions = [part.strip()[2:] for part in requires_python.split(",") if part.strip().startswith((">=", "~=", "=="))]
    return versions[0].rstrip(".*") if versions else f"{sys.version_info[0]}.{sys.version_info[1]}"
