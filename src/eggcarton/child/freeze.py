"""Tell what keeps the distributions that are installed somewhere from being locked, before anything is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from eggcarton.child.door import Door, Sources
from eggcarton.core.errors import Unavailable
from eggcarton.indexes.fetch import AT_ONCE
from eggcarton.indexes.routing import Index
from eggcarton.packages import markers
from eggcarton.packages.compiled import lowest
from eggcarton.packages.lock import LockedPackage
from eggcarton.packages.needs import closure

_ENOUGH = 3


def unlisted(
    *,
    installed: Sequence[Mapping[str, Any]],
    needs: Sequence[str],
    develop: Sequence[Mapping[str, Any]],
    requires_python: str,
    sources: Mapping[str, Any],
) -> dict[str, list[str]]:
    """Return what is needed and cannot be locked as it is installed.

    Args:
        installed: name, version and requires of each distribution, and whether it comes from an index.
        needs: the requirements of what is to be locked.
        develop: name, version and requires of each package that is built from source here.
        requires_python: the range that the lock is to be for.
        sources: the fields of `Sources`.

    Returns:
        ``missing``: what the index has no file of, a line each; ``narrow``: what is for fewer Pythons than the range,
        a line each; ``lowest``: the versions of Python that those begin with.

    Raises:
        Unavailable: offline, or the index does not answer.
    """
    door = Sources.of(sources).open()
    if door.sources.offline:
        raise Unavailable("offline, and whether the index still has what is installed must be asked of it")
    environment = markers.here()
    own = {item["name"] for item in develop} | {item["name"] for item in installed if not item["from_index"]}
    there = {item["name"]: _package(item) for item in (*installed, *develop)}
    names = [name for name in closure(there, list(needs), environment) if name not in own]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        files = list(pool.map(lambda name: list(_files(door, name)), names))
    found: dict[str, list[str]] = {"missing": [], "narrow": [], "lowest": []}
    for name, listed in zip(names, files, strict=True):
        if line := _missing(there[name], [file for file, _ in listed]):
            found["missing"].append(line)
        elif bound := _bound(there[name], listed, Version(lowest(requires_python))):
            found["narrow"].append(f"{name} {there[name].version} is for Python {bound}")
            found["lowest"].append(lowest(bound))
    found["lowest"].sort(key=Version)
    return found


def _package(item: Mapping[str, Any]) -> LockedPackage:
    return LockedPackage(item["name"], item["version"], requires=tuple(_readable(item["requires"])))


def _readable(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        try:
            yield str(Requirement(line))
        except InvalidRequirement:
            continue


def _files(door: Door, name: str) -> Iterator[tuple[str, str | None]]:
    """Give the files that the index, pages of find-links and local directories have of a project.

    Of each its name, and the Pythons that it is for where they are told.
    """
    yield from ((file.name, file.requires_python) for file in door.pages.page(door.routing.index_of(name), name))
    for number, url in enumerate((link for link in door.sources.find_links if "://" in link), 1):
        yield from ((file.name, None) for file in door.pages.page(Index(f"find-links {number}", url), ""))
    for directory in door.sources.directories:
        yield from ((path.name, None) for path in directory.glob("*"))


def _missing(package: LockedPackage, files: Iterable[str]) -> str | None:
    found = {version for file in files for version in _version(file, package.name)}
    try:
        if Version(package.version) in found:
            return None
    except InvalidVersion:
        return f"{package.name} {package.version}, which is no version that an index may have"
    newest = sorted(found, reverse=True)[:_ENOUGH]
    has = f"it has {', '.join(map(str, newest))}" if newest else "it has none"
    return f"{package.name} {package.version}: {has}"


def _bound(package: LockedPackage, files: Iterable[tuple[str, str | None]], python: Version) -> str | None:
    """Return the range of Pythons of a version, where that leaves out the lowest one that the lock is to be for."""
    told = None
    for file, bound in files:
        if Version(package.version) in _version(file, package.name):
            try:
                if not bound or SpecifierSet(bound).contains(python, prereleases=True):
                    return None
            except InvalidSpecifier:
                return None
            told = bound
    return told


def _version(file: str, name: str) -> Iterator[Version]:
    try:
        found, version, *_ = parse_wheel_filename(file) if file.endswith(".whl") else parse_sdist_filename(file)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return
    if found == name:
        yield version
