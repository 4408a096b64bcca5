"""The lock: every file of every distribution by its sha256, in a ``pylock.toml`` that holds no address."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.pylock import Pylock, PylockValidationError
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from eggcarton.core.errors import IntegrityProblem
from eggcarton.indexes.authority import ANY
from eggcarton.packages import markers, while_running
from eggcarton.packages import origin as origins
from eggcarton.packages.origin import Origin
from eggcarton.packages.while_running import ByPart

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = "wheels"
_EXTRA = re.compile(r"extra == [\"']([^\"']+)")
_HEX = frozenset("0123456789abcdef")
_CONFLICT = re.compile("^(<{7}|>{7}) ", re.MULTILINE)
_REMEDY = "restore the lock, or remove it and lock again"


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One file: its name, its sha256, its size in bytes where known, and where its index last had it."""

    name: str
    sha256: str
    size: int | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One distribution at one version.

    ``marker`` says where it is needed; ``requires`` are the lines of its metadata that lead to other locked
    distributions or belong to an extra, with their extras and markers; ``empty_extras`` are the extras that lead to
    nothing; ``index`` is the *name* of its index, None for the default one; ``authority`` is ``any`` where the word of
    any route was enough for its hashes; ``origin`` is set where it was asked for by
    its address: its one file, a wheel or what it is built of, is then kept by its sha256.
    """

    name: str
    version: str
    wheels: tuple[LockedFile, ...] = ()
    sdist: LockedFile | None = None
    marker: str | None = None
    requires: tuple[str, ...] = ()
    empty_extras: tuple[str, ...] = ()
    index: str | None = None
    origin: Origin | None = None
    authority: str | None = None

    @property
    def extras(self) -> set[str]:
        """The canonical names of its extras."""
        named = {extra for line in self.requires for extra in extras_in(line)}
        return named | {str(canonicalize_name(extra)) for extra in self.empty_extras}


@dataclass(frozen=True, slots=True)
class Lock:
    """All distributions of one resolution, for every platform, from ``requires_python`` on.

    ``exclude_newer`` is the moment after which nothing uploaded was chosen; ``while_running`` what recipes asked for.
    """

    requires_python: str | None
    packages: tuple[LockedPackage, ...]
    exclude_newer: str | None = None
    while_running: ByPart = ()

    def named(self, name: str) -> tuple[LockedPackage, ...]:
        """Return the entries of one project; several when platforms or Pythons differ."""
        return tuple(package for package in self.packages if package.name == name)


def read(path: Path) -> Lock:
    """Read a lock and refuse what must not be obeyed.

    Raises:
        IntegrityProblem: the file is no valid PEP 751 lock, or an entry has no sha256, a path that leaves the
            folder beside the lock, or an address with credentials in it.
        FileNotFoundError: there is none.
    """
    try:
        text = path.read_text("utf-8")
        if _CONFLICT.search(text):
            raise IntegrityProblem(
                f"{path.name} holds the conflict markers of a merge; take one side whole, and run bin/eggcarton lock"
            )
        raw = tomllib.loads(text)
        _check_major(path, raw.get("lock-version"))
        Pylock.from_dict(raw)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, PylockValidationError) as error:
        # Such as a version that was changed by hand, and the files were not.
        advice = "versions are changed in [versions]; " if "not consistent" in str(error) else ""
        raise IntegrityProblem(f"{path.name} is not a valid lock: {error}; {advice}{_REMEDY}") from error
    tool = _table(raw, f"{path.name}: [tool.eggcarton]")
    places = tool.get("places", {})
    if not isinstance(places, dict) or not all(isinstance(place, str) for place in places.values()):
        raise IntegrityProblem(f"{path.name}: [tool.eggcarton.places] must name places; {_REMEDY}")
    packages = []
    for position, entry in enumerate(raw.get("packages", ())):
        packages.append(_package(entry, f"{path.name}: packages[{position}] ({entry['name']})", places))
    _check_active(path, packages)
    newest = tool.get("exclude-newer")
    newest, asked = newest if isinstance(newest, str) else None, while_running.of_tool(tool, path.name)
    return Lock(raw.get("requires-python"), tuple(packages), newest, asked)


def _check_active(path: Path, packages: Sequence[LockedPackage]) -> None:
    """Refuse two entries of one name that this Python and platform would both install."""
    first: dict[str, tuple[int, LockedPackage]] = {}
    several = {name for name, number in Counter(package.name for package in packages).items() if number > 1}
    environment = markers.here() if several else {}
    for position, package in enumerate(packages):
        if package.name not in several:
            continue
        if package.marker is not None and not Marker(package.marker).evaluate(environment, context="lock_file"):
            continue
        before, other = first.setdefault(package.name, (position, package))
        if other is not package:
            raise IntegrityProblem(
                f"{path.name}: packages[{before}] and packages[{position}] ({package.name} {other.version} and "
                f"{package.version}) are both for this Python and platform; {_REMEDY}"
            )


def _check_major(path: Path, version: object) -> None:
    major = str(version).partition(".")[0]
    if isinstance(version, str) and major.isdecimal() and int(major) > 1:
        raise IntegrityProblem(
            f"{path.name} has the lock-version {version}, written by something newer, and this reads 1; run "
            "bootstrap.py of the newer eggcarton, or restore the lock"
        )


def _table(raw: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    table = raw.get("tool", {}).get("eggcarton", {})
    if not isinstance(table, dict):
        raise IntegrityProblem(f"{where} is not a table; {_REMEDY}")
    return table


def _texts(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    values = table.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise IntegrityProblem(f"{where}.tool.eggcarton.{key} is not a list of texts; {_REMEDY}")
    return tuple(values)


def _check_credentials(url: str, what: str, where: str) -> None:
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise IntegrityProblem(
            f"{where}: the address of {what} holds credentials; remove them from the lock, and change them where they "
            "are used: whoever has read the lock knows them"
        )


def _package(entry: Mapping[str, Any], where: str, places: Mapping[str, str]) -> LockedPackage:
    if "version" not in entry:
        raise IntegrityProblem(f"{where} has no version; {_REMEDY}")
    _check_credentials(str(entry.get("index", "")), "its index", where)
    tool = _table(entry, f"{where}.tool.eggcarton")
    origin = origins.of_entry(entry, tool, where)
    wheels, sdist = entry.get("wheels", ()), entry.get("sdist")
    if origin is not None:
        kept = origins.kept_of(entry, tool, where)
        wheels, sdist = ([kept], None) if origin.is_wheel else ([], kept)
    return LockedPackage(
        name=entry["name"],
        version=entry["version"],
        wheels=tuple(_file(wheel, f"{where}.wheels[{number}]", places) for number, wheel in enumerate(wheels)),
        sdist=_file(sdist, f"{where}.{'kept' if origin else 'sdist'}", places) if sdist else None,
        marker=entry.get("marker"),
        requires=_texts(tool, "requires", where),
        empty_extras=_texts(tool, "empty-extras", where),
        index=tool.get("index"),
        origin=origin,
        authority=ANY if tool.get("authority") == ANY else None,
    )


def _file(entry: Mapping[str, Any], where: str, places: Mapping[str, str]) -> LockedFile:
    place = entry.get("path") or entry.get("url") or ""
    name = entry.get("name") or origins.file_name(place)
    sha256 = entry.get("hashes", {}).get("sha256", "")
    if len(sha256) != 64 or not set(sha256) <= _HEX:
        raise IntegrityProblem(f"{where}: {name} has no sha256, so its bytes cannot be checked; {_REMEDY}")
    path = entry.get("path")
    if path is not None and (path.startswith(("/", "\\")) or ".." in path.replace("\\", "/").split("/") or ":" in path):
        raise IntegrityProblem(f"{where}: the path {path!r} leaves the folder of the lock; {_REMEDY}")
    if "/" in name or "\\" in name or name in ("", ".", ".."):
        raise IntegrityProblem(f"{where}: {name!r} is not a file name; {_REMEDY}")
    _check_credentials(entry.get("url", ""), name, where)
    hint = places.get(sha256[:16])
    return LockedFile(name, sha256, entry.get("size"), hint)


def text_of(lock: Lock) -> str:
    """Return a lock as TOML, in an order that depends on its content alone."""
    packages = sorted(lock.packages, key=lambda package: (package.name, package.version, package.marker or ""))
    names = {package.name for package in packages}
    document: dict[str, Any] = {"lock-version": "1.0", "created-by": "eggcarton"}
    if lock.requires_python:
        document["requires-python"] = lock.requires_python
    asked = _extras(package.requires for package in packages)
    document["packages"] = [_entry(package, names, asked) for package in packages]
    places = {
        file.sha256[:16]: file.hint
        for package in packages
        for file in (*package.wheels, *([package.sdist] if package.sdist else []))
        if file.hint
    }
    document["tool"] = {"eggcarton": {"places": dict(sorted(places.items()))}}
    if lock.exclude_newer:
        document["tool"]["eggcarton"]["exclude-newer"] = lock.exclude_newer
    if lock.while_running:
        asked_by = {part: list(lines) for part, lines in lock.while_running}
        document["tool"]["eggcarton"][while_running.KEY] = asked_by
    return toml_of(document)


def toml_of(document: Mapping[str, Any]) -> str:
    """Return a lock's document as TOML with one line a file, so that a change of one file is a change of one line."""
    lines = [f"{key} = {_inline(value)}" for key, value in document.items() if key not in ("packages", "tool")]
    if not document["packages"]:
        lines.append("packages = []")
    for package in document["packages"]:
        lines += ["", "[[packages]]"]
        lines += [f"{key} = {_value(value)}" for key, value in package.items() if key != "tool"]
        for name, table in package.get("tool", {}).items():
            lines += [
                "",
                f"[packages.tool.{name}]",
                *(f"{key} = {_value(value)}" for key, value in table.items()),
            ]
    for name, table in document.get("tool", {}).items():
        if plain := {key: value for key, value in table.items() if not isinstance(value, Mapping)}:
            lines += ["", f"[tool.{name}]", *(f"{key} = {_value(value)}" for key, value in plain.items())]
        for key, values in table.items():
            if key not in plain:
                lines += ["", f"[tool.{name}.{key}]", *(f"{_inline(k)} = {_inline(v)}" for k, v in values.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(["[", *(f"    {_inline(item)}," for item in value), "]"])
    return _inline(value)


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_inline(item)}' for key, item in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    # JSON's strings and whole numbers are TOML's too.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _entry(package: LockedPackage, names: set[str], asked: Mapping[str, set[str]]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": package.name, "version": package.version}
    if package.marker:
        entry["marker"] = package.marker
    targets = sorted(_targets(package.requires, asked.get(package.name, set())) & names - {package.name})
    if targets:
        entry["dependencies"] = [{"name": name} for name in targets]
    tool: dict[str, Any] = {}
    files = [*package.wheels, *([package.sdist] if package.sdist else [])]
    if package.origin:
        table, tool = origins.entry_of(package.origin, _file_entry(files[0]))
        entry |= table
    else:
        if package.sdist:
            entry["sdist"] = _file_entry(package.sdist)
        if package.wheels:
            entry["wheels"] = [_file_entry(wheel) for wheel in sorted(package.wheels, key=lambda wheel: wheel.name)]
    if package.index:
        tool["index"] = package.index
    if package.authority:
        tool["authority"] = package.authority
    if package.requires:
        tool["requires"] = list(package.requires)
    if package.empty_extras:
        tool["empty-extras"] = list(package.empty_extras)
    if tool:
        entry["tool"] = {"eggcarton": tool}
    return entry


def _file_entry(file: LockedFile) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": file.name, "path": f"{FOLDER}/{file.name}"}
    if file.size is not None:
        entry["size"] = file.size
    return entry | {"hashes": {"sha256": file.sha256}}


def _extras(lines: Iterable[Iterable[str]]) -> dict[str, set[str]]:
    """Return the extras of each project that some other distribution asks for."""
    found: dict[str, set[str]] = {}
    for requirement in _parsed(line for requires in lines for line in requires):
        found.setdefault(str(canonicalize_name(requirement.name)), set()).update(
            map(canonicalize_name, requirement.extras)
        )
    return found


def extras_in(line: str) -> set[str]:
    """Return the canonical names of the extras that the marker of a requirement names."""
    return {str(canonicalize_name(extra)) for extra in _EXTRA.findall(line)}


def _targets(requires: Iterable[str], extras: Collection[str]) -> set[str]:
    """Return the projects that a distribution leads to, on some platform, with these of its extras."""
    found = set()
    for requirement in _parsed(requires):
        optional = extras_in(str(requirement.marker or ""))
        if not optional or optional & set(extras):
            found.add(str(canonicalize_name(requirement.name)))
    return found


def _parsed(lines: Iterable[str]) -> Iterator[Requirement]:
    for line in lines:
        with suppress(InvalidRequirement):
            yield Requirement(line)
