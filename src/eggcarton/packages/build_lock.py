"""What a build obeys and PEP 751 has no place for, in ``buildout.lock.toml``: configuration files by their sha256, and
what builds from source require."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from eggcarton.core import writing
from eggcarton.core.errors import IntegrityProblem
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "buildout.lock.toml"
_VERSION = "1.0"
_CONFLICT = re.compile("^(<{7}|>{7}) ", re.MULTILINE)
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class LockedBuild:
    """The build requirements of one or more builds that require the same.

    Args:
        builds: what is built: the name and version of a source distribution, or the name of a develop package.
        requires: what its ``pyproject.toml`` requires, sorted.
        asked: what its backend asks for beyond that, sorted.
        lock: what answers it, on every platform.
    """

    builds: tuple[str, ...]
    requires: tuple[str, ...]
    asked: tuple[str, ...]
    lock: Lock

    def __str__(self) -> str:
        return f"the build of {', '.join(self.builds)}"


@dataclass(frozen=True, slots=True)
class BuildLock:
    """One ``buildout.lock.toml``: the sha256 of each address that a configuration extends, and build requirements.

    ``sources`` are the source distributions that recipes build in their own way, although there may be a wheel.
    """

    extends: Mapping[str, str] = field(default_factory=dict)
    builds: tuple[LockedBuild, ...] = ()
    sources: tuple[LockedPackage, ...] = ()


def read(path: Path) -> BuildLock:
    """Read a build lock; one that is not there is empty.

    Raises:
        IntegrityProblem: the file is none, or must not be obeyed.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return BuildLock()
    except UnicodeDecodeError as error:
        raise _problem(path, str(error)) from error
    if _CONFLICT.search(text):
        raise _problem(path, "it holds the conflict markers of a merge")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _problem(path, str(error)) from error
    version = str(raw.get("lock-version", ""))
    if version.partition(".")[0] != _VERSION.partition(".")[0]:
        raise _problem(path, f"its lock-version is {version or 'missing'}, and this reads {_VERSION}")
    entries = raw.get("extends", [])
    if not isinstance(entries, list):
        raise _problem(path, "extends is no list")
    extends = dict(_extended(path, position, entry) for position, entry in enumerate(entries))
    try:
        sources = tuple(_package(entry, where) for where, entry in _tables(raw.get("sources", []), "sources"))
        return BuildLock(extends, tuple(_builds(raw.get("builds", []))), sources)
    except ValueError as error:
        raise _problem(path, str(error)) from error


def _extended(path: Path, position: int, entry: Any) -> tuple[str, str]:
    url, sha256 = (entry.get("url"), entry.get("sha256")) if isinstance(entry, dict) else (None, None)
    if not isinstance(url, str) or not isinstance(sha256, str) or not _DIGEST.fullmatch(sha256):
        raise _problem(path, f"extends[{position}] has no address and sha256")
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise IntegrityProblem(
            f"{path.name}: the address in extends[{position}] holds credentials; remove them from the lock, and change "
            "them where they are used: whoever has read the lock knows them"
        )
    return url, sha256


def _builds(entries: Any) -> Iterator[LockedBuild]:
    for where, entry in _tables(entries, "builds"):
        python, newest = (_text(entry, key, where, optional=True) for key in ("requires-python", "exclude-newer"))
        packages = tuple(
            _package(package, place) for place, package in _tables(entry.get("packages"), where, "packages")
        )
        builds, requires, asked = (_texts(entry, key, where) for key in ("for", "requires", "backend-requires"))
        for line in (*requires, *asked):
            _checked(Requirement, line, f"{where} requires {line!r}, which is no requirement")
        if python:
            _checked(SpecifierSet, python, f"{where}.requires-python is no range of Pythons")
        yield LockedBuild(builds, requires, asked, Lock(python or None, packages, newest or None))


def _package(entry: Mapping[str, Any], where: str) -> LockedPackage:
    name, version = _text(entry, "name", where), _text(entry, "version", where)
    where = f"{where} ({name})"
    marker, requires = _text(entry, "marker", where, optional=True), _texts(entry, "requires", where)
    _checked(Version, version, f"{where} has the version {version!r}, which is none")
    if marker:
        _checked(Marker, marker, f"{where} has the marker {marker!r}, which is none")
    for line in requires:
        _checked(Requirement, line, f"{where} requires {line!r}, which is no requirement")
    wheels = tuple(_file(file, place) for place, file in _tables(entry.get("wheels", []), where, "wheels"))
    sdist = entry.get("sdist")
    if not wheels and sdist is None:
        raise ValueError(f"{where} has no file")
    project = str(canonicalize_name(name))
    for file in wheels:
        # A file of another name, or version, under a right sha256 would be installed as what it is not.
        try:
            told = parse_wheel_filename(file.name)[:2]
        except InvalidWheelFilename:
            raise ValueError(f"{where}: {file.name!r} is not the name of a wheel") from None
        if told != (project, Version(version)):
            raise ValueError(f"{where} is version {version}, and {file.name} is not")
    return LockedPackage(
        name=project,
        version=version,
        wheels=wheels,
        sdist=None if sdist is None else _file(sdist, f"{where}.sdist"),
        marker=marker or None,
        requires=requires,
        index=_text(entry, "index", where, optional=True) or None,
    )


def _file(entry: Any, where: str) -> LockedFile:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} is not a file with name and sha256")
    name, sha256, size = _text(entry, "name", where), entry.get("sha256"), entry.get("size")
    if not isinstance(sha256, str) or not _DIGEST.fullmatch(sha256):
        raise ValueError(f"{where}: {name} has no sha256, so its bytes cannot be checked")
    if "/" in name or "\\" in name or name in (".", ".."):
        raise ValueError(f"{where}: {name!r} is not a file name")
    return LockedFile(name, sha256, size if isinstance(size, int) else None)


def _checked(kind: Any, text: str, problem: str) -> None:
    try:
        kind(text)
    except (InvalidRequirement, InvalidSpecifier, InvalidMarker, InvalidVersion):
        raise ValueError(problem) from None


def _tables(entries: Any, *where: str) -> Iterator[tuple[str, Any]]:
    name = ".".join(where)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{name} is no list of tables")
    yield from ((f"{name}[{position}]", entry) for position, entry in enumerate(entries))


def _text(entry: Mapping[str, Any], key: str, where: str, *, optional: bool = False) -> str:
    value = entry.get(key, "" if optional else None)
    if not isinstance(value, str) or not (value or optional):
        raise ValueError(f"{where} has no text as its {key}")
    return value


def _texts(entry: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    values = entry.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{where}.{key} is no list of texts")
    return tuple(values)


def _problem(path: Path, reason: str) -> IntegrityProblem:
    return IntegrityProblem(
        f"{path.name} is not a valid lock: {reason}; restore it, or remove it and run bin/eggcarton lock"
    )


def text_of(lock: BuildLock) -> str:
    """Return a build lock as TOML, in an order that depends on its content alone."""
    lines = [f'lock-version = "{_VERSION}"', 'created-by = "eggcarton"', "", "extends = ["]
    lines += [f'    {{ url = {json.dumps(url)}, sha256 = "{lock.extends[url]}" }},' for url in sorted(lock.extends)]
    lines.append("]")
    for source in sorted(lock.sources, key=lambda source: (source.name, source.version)):
        lines += ["", *_package_lines(source, "sources")]
    for build in sorted(lock.builds, key=lambda build: (build.requires, build.asked, build.builds)):
        # watched.build_digests knows that what is built stands in a line of its own.
        lines += ["", "[[builds]]", f"for = {json.dumps(sorted(build.builds))}"]
        lines += _list("requires", build.requires)
        lines += _list("backend-requires", build.asked) if build.asked else []
        told = {"requires-python": build.lock.requires_python, "exclude-newer": build.lock.exclude_newer}
        lines += [f"{key} = {json.dumps(value)}" for key, value in told.items() if value]
        for package in sorted(build.lock.packages, key=lambda p: (p.name, p.version, p.marker or "")):
            lines += ["", *_package_lines(package, "builds.packages")]
        lines += [] if build.lock.packages else ["packages = []"]
    return "\n".join([*lines, ""])


def _package_lines(package: LockedPackage, table: str) -> Iterator[str]:
    yield f"[[{table}]]"
    told = {"name": package.name, "version": package.version, "marker": package.marker, "index": package.index}
    yield from (f"{key} = {json.dumps(value)}" for key, value in told.items() if value)
    if package.requires:
        yield from _list("requires", package.requires)
    if package.sdist:
        yield f"sdist = {_inline(package.sdist)}"
    if package.wheels:
        yield from ("wheels = [", *(f"    {_inline(w)}," for w in sorted(package.wheels, key=lambda w: w.name)), "]")


def _inline(file: LockedFile) -> str:
    size = "" if file.size is None else f"size = {file.size}, "
    return f'{{ name = {json.dumps(file.name)}, {size}sha256 = "{file.sha256}" }}'


def _list(key: str, values: Sequence[str]) -> list[str]:
    return [f"{key} = [", *(f"    {json.dumps(value)}," for value in values), "]"]


def write(path: Path, lock: BuildLock) -> None:
    """Write a build lock, whole or not at all, where its text has changed."""
    text = text_of(lock)
    if not path.exists() or path.read_text("utf-8") != text:
        writing.replace(path, text)
