"""Lets a Python import what one file lists, and nothing that it forbids: the Python Isolated Environment (PIE) file.

This file stands alone: it needs the standard library of CPython 3.10 or later, and works wherever it is copied to.

    from pie import load_isolated_environment
    load_isolated_environment("/srv/shop/etc/shop.pie")

Line 1 of the file holds directories separated by ``:``; it may be empty, and relative ones start from the file's own
directory. Each further line is a requirement (``lxml >= 0.9``), ``!`` and a requirement, a comment (``#``) or empty.
"""

from __future__ import annotations

import ast
import functools
import operator
import os
import platform
import re
import sys
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from typing import Any, NamedTuple

__all__ = ["MalformedFile", "PackageConflict", "PackageMissing", "load_isolated_environment"]


class MalformedFile(ValueError):
    """A file that cannot be read as a PIE file; the sentence says file and line, what is wrong, and what to write."""

    def __init__(self, path: str, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")
        self.path, self.line = path, line

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args, self.__dict__)


class PackageMissing(ImportError):
    """A distribution that is needed, and nowhere in a version that will do.

    Args:
        name: its canonical name.
        requirement: as the file says it.
        versions: those that were found, in the order in which they were.
        directories: those of line 1, which were looked into.
        others: what else is missing.
    """

    def __init__(
        self,
        where: str,
        name: str,
        requirement: str,
        versions: Sequence[str],
        directories: Sequence[str],
        remark: str = "",
        others: Sequence[PackageMissing] = (),
    ) -> None:
        found = f"found: {', '.join(versions)}" if versions else "none is there"
        places = ", ".join(f"{each}{'' if os.path.isdir(each) else ' (no directory)'}" for each in directories)
        looked = f"in sys.path and in {places}" if places else "in sys.path; line 1 names no directory"
        own = f"{where}: {requirement} is needed, and {found} ({looked}){remark}"
        super().__init__("\n".join([own, *map(str, others)]), name=name)
        self.requirement, self.versions = requirement, tuple(versions)
        self.directories, self.others = tuple(directories), tuple(others)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args, {**self.__dict__, "name": self.name, "msg": self.msg})


def _again(kind: type[Exception], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> Exception:
    """Return an error anew, in another process too, to which it is sent in its parts."""
    one = kind.__new__(kind)
    one.args = arguments
    for name, value in attributes.items():
        setattr(one, name, value)
    return one


class PackageConflict(ImportError):
    """What a file asks for cannot be had in this process any more, because of what was imported or loaded before."""


def load_isolated_environment(path: str | bytes | os.PathLike[str]) -> tuple[str, ...]:
    """Let this process import what a PIE file needs, and no longer what it takes away, and return the new paths.

    What is importable already and will do stays as it is. The rest is looked for in line 1's directories, which go to
    the end of `sys.path`; of those only what is needed can be imported. Nothing is fetched, and what a distribution
    itself requires is not looked for: the file lists all. Nothing is changed when this raises.

    Raises:
        MalformedFile: the file is none.
        PackageMissing: something is nowhere.
        PackageConflict: another version is imported already, another file has decided otherwise, or a directory is one
            of another Python.
        OSError: the file cannot be read.
    """
    file, state = _read(os.path.abspath(os.fsdecode(path))), _state()
    _check_python(file)
    with state.lock:
        for cached in (_Distribution.files, _Distribution.modules, _modules_in, _real, _by_name):
            cached.cache_clear()
        decision = _decide(file, state)
        decision.carry_out()
    # They may import, and so may wait for a thread that waits here.
    for line, directory in decision.starts:
        _start(line, directory)
    return tuple(place.directory for place in decision.places)


# Versions, as PEP 440 has them.

_VERSION = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<phase>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre>\d+)?)?"
    r"(?P<is_post>-(?P<implicit>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post>\d+)?)?"
    r"(?P<is_dev>[-_.]?dev[-_.]?(?P<dev>\d+)?)?(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.IGNORECASE | re.ASCII,
)
_PHASES = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {"<=": operator.le, ">=": operator.ge}
_CLAUSE = re.compile(r"(===|~=|==|!=|<=|>=|<|>)\s*([^\s<>=!~]\S*)")


class _Version(NamedTuple):
    """The parts of a version in the order in which versions are compared."""

    epoch: int
    release: tuple[int, ...]
    pre: tuple[int, str, int]
    post: int
    dev: tuple[int, int]
    local: tuple[tuple[int, int, str], ...]

    @property
    def public(self) -> _Version:
        return self._replace(local=())

    @property
    def is_early(self) -> bool:
        return self.pre[0] == 0 or self.dev[0] == 0


def _version(text: str) -> _Version | None:
    """Return a version in its parts, None for what PEP 440 does not know."""
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        return None
    release = [int(number) for number in match["release"].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    phase = (match["phase"] or "").lower()
    is_post, is_dev = match["is_post"] is not None, match["is_dev"] is not None
    # Without a phase, a development release of nothing else comes before all phases, anything else behind them.
    other = -1 if is_dev and not is_post else 1
    return _Version(
        int(match["epoch"] or 0),
        tuple(release),
        (0, _PHASES.get(phase, phase), int(match["pre"] or 0)) if phase else (other, "", 0),
        int(match["implicit"] or match["post"] or 0) if is_post else -1,
        (0, int(match["dev"] or 0)) if is_dev else (1, 0),
        tuple(_local(part) for part in re.split("[-_.]", match["local"] or "") if part),
    )


def _local(part: str) -> tuple[int, int, str]:
    return (1, int(part), "") if part.isdigit() else (0, 0, part.lower())


def _satisfies(text: str, clauses: Iterable[tuple[str, str]]) -> bool:
    """Say whether a version is in all clauses; early releases count, since what is listed is what is there."""
    version = _version(text)
    for sign, wanted in clauses:
        if sign == "===":
            if text.strip().lower() != wanted.lower():
                return False
        elif version is None or not _is_in(version, sign, wanted):
            return False
    return True


def _is_in(version: _Version, sign: str, wanted: str) -> bool:
    if wanted.endswith(".*"):
        return _begins(version, wanted[:-2]) == (sign == "==")
    other = _version(wanted)
    assert other is not None
    if sign in ("==", "!="):
        return ((version if other.local else version.public) == other) == (sign == "==")
    if sign == "~=":
        match = _VERSION.fullmatch(wanted)
        assert match is not None
        start = match["release"].rpartition(".")[0]
        return version.public >= other and _begins(version, f"{other.epoch}!{start}")
    if sign in _ORDERED:
        return _ORDERED[sign](version.public, other)
    if sign == ">":
        # What comes after a version does not hold its own later posts, but where it is a post or a development release.
        is_further = other.dev[0] == 0 or other.post >= 0 or version[:3] != other[:3]
        return version.public > other and is_further
    # What comes before a version does not hold its own early releases, but where it is one itself.
    first = other if other.is_early else other._replace(pre=(-1 if other.post < 0 else 1, "", 0), dev=(0, 0))
    return version < first


def _begins(version: _Version, start: str) -> bool:
    match = _VERSION.fullmatch(start)
    assert match is not None
    wanted = [int(number) for number in match["release"].split(".")]
    release = [*version.release, *[0] * len(wanted)][: len(wanted)]
    return (version.epoch, release) == (int(match["epoch"] or 0), wanted)


# Requirements and markers, as PEP 508 has them.

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?)\s*(?:\[[^\]]*\])?\s*"
    r"(?P<clauses>\([^()]*\)|[^;]*?)\s*(?:;\s*(?P<marker>.*))?",
    re.IGNORECASE | re.ASCII,
)
_WORD = re.compile(r"\s*(?:(?P<text>'[^']*'|\"[^\"]*\")|(?P<sign>===|~=|==|!=|<=|>=|<|>|\(|\))|(?P<name>[a-z_]+))")
_FOR_EXAMPLE = "write a name and versions such as 'lxml >= 0.9'"


class _Line(NamedTuple):
    """One requirement of a file."""

    where: str
    text: str
    name: str
    spelled: str
    clauses: tuple[tuple[str, str], ...]

    def fits(self, found: _Distribution) -> bool:
        return self.name == found.name and _satisfies(found.version, self.clauses)


class _File(NamedTuple):
    """What a PIE file says."""

    path: str
    directories: tuple[str, ...]
    needed: tuple[_Line, ...]
    removed: tuple[_Line, ...]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(path: str) -> _File:
    with open(path, "rb") as stream:
        data = stream.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise MalformedFile(path, number, "this is not UTF-8; save the file as UTF-8") from None
    if not text:
        raise MalformedFile(path, 1, "the file is empty; write directories on line 1, or leave that line empty")
    first, *lines = re.split("\r\n|\n|\r", text)
    found: dict[bool, list[_Line]] = {False: [], True: []}
    for number, line in enumerate(lines, 2):
        said = re.sub(r"(^|\s)#.*", "", line).strip()
        if said:
            try:
                one = _line(said.removeprefix("!").strip(), f"{path}:{number}")
            except ValueError as error:
                raise MalformedFile(path, number, str(error)) from None
            if one is not None:
                found[said.startswith("!")].append(one)
    return _File(path, _directories(first, path), tuple(found[False]), tuple(found[True]))


def _check_python(file: _File) -> None:
    """Refuse directories of another Python, for which extension modules and chosen versions would be wrong."""
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for directory in file.directories:
        found = re.search(r"[/\\]python(\d+\.\d+)[/\\](?:site|dist)-packages$", os.path.realpath(directory))
        if found and found[1] != this:
            raise PackageConflict(
                f"{file.path}:1: {directory} is that of Python {found[1]}, and this is Python {this}; run this with "
                f"Python {found[1]}, or make the list with this one"
            )


def _directories(line: str, path: str) -> tuple[str, ...]:
    line = line.strip()
    # On Windows the colon behind a drive separates nothing.
    parts = re.split(r":(?![\\/])", line) if os.name == "nt" else line.split(":")
    names = [part.strip() for part in parts] if line else []
    if line.startswith("#"):
        raise MalformedFile(path, 1, "a comment stands where the directories belong; put it below line 1")
    if "\0" in line:
        raise MalformedFile(path, 1, "no directory's name holds a zero byte; take it out")
    if "" in names:
        raise MalformedFile(path, 1, "beside a ':' no directory is named; take that ':' out")
    start = os.path.dirname(path)
    found = tuple(dict.fromkeys(os.path.normpath(os.path.join(start, name)) for name in names))
    is_requirement = line.startswith("!") or re.search("[<>=~!]=|[<>]", line)
    if is_requirement and not any(os.path.isdir(place) for place in found):
        raise MalformedFile(path, 1, f"'{line}' is a requirement, not a directory; put an empty line 1 above it")
    return found


def _line(text: str, where: str) -> _Line | None:
    """Return a requirement, None where its marker is not for this Python.

    Raises:
        ValueError: it is none.
    """
    if not text:
        raise ValueError(f"nothing follows the '!'; {_FOR_EXAMPLE} behind it")
    match = _REQUIREMENT.fullmatch(text)
    is_address = "@" in text or "://" in text
    if match is None or is_address:
        what = "an address, and nothing is fetched" if is_address else "not a requirement"
        raise ValueError(f"'{text}' is {what}; {_FOR_EXAMPLE}")
    inside = match["clauses"].strip("() \t")
    clauses = tuple(_clause(one.strip(), text) for one in inside.split(",")) if inside else ()
    if match["marker"] is not None and not _Marker(match["marker"], text).is_true():
        return None
    return _Line(where, text, _canonical(match["name"]), match["name"], clauses)


def _clause(clause: str, text: str) -> tuple[str, str]:
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        what = f"'{clause}' has no version and comparison" if clause else "a comma has nothing beside it"
        raise ValueError(f"in '{text}' {what}; {_FOR_EXAMPLE}, several of them with commas between")
    sign, wanted = match.groups()
    if sign == "===":
        return sign, wanted
    is_exact, is_start = sign in ("==", "!="), wanted.endswith(".*")
    parsed = _VERSION.fullmatch(wanted[:-2] if is_start else wanted)
    if parsed is None:
        raise ValueError(f"in '{text}' '{wanted}' is not a version; write one such as 1.2, 1.2.* or 2.0rc1")
    if is_start and (not is_exact or any(parsed[part] for part in ("phase", "is_post", "is_dev", "local"))):
        raise ValueError(f"in '{text}' '.*' stands behind a plain number and '==' or '!=' only; write '== 1.2.*'")
    if parsed["local"] and not is_exact:
        raise ValueError(f"in '{text}' '{sign}' takes no local version; leave '+{parsed['local']}' out")
    if sign == "~=" and "." not in parsed["release"]:
        raise ValueError(f"in '{text}' '~=' needs two numbers; write '~= {wanted}.0' or '>= {wanted}'")
    return sign, wanted


class _Marker:
    """The condition behind a ``;``."""

    def __init__(self, marker: str, text: str) -> None:
        self._words: list[str] = []
        self._text, at = text, 0
        marker = marker.strip()
        while at < len(marker):
            match = _WORD.match(marker, at)
            if match is None:
                raise self._problem()
            self._words.append(match.group().strip())
            at = match.end()

    def _problem(self, detail: str = "its condition cannot be read") -> ValueError:
        return ValueError(f"in '{self._text}' {detail}; write one such as ; python_version < \"3.12\"")

    def is_true(self) -> bool:
        answer = self._either()
        if self._words:
            raise self._problem()
        return answer

    def _take(self) -> str:
        if not self._words:
            raise self._problem()
        return self._words.pop(0)

    def _either(self) -> bool:
        answer = self._both()
        while self._words[:1] == ["or"]:
            self._take()
            answer = self._both() or answer
        return answer

    def _both(self) -> bool:
        answer = self._one()
        while self._words[:1] == ["and"]:
            self._take()
            answer = self._one() and answer
        return answer

    def _one(self) -> bool:
        if self._words[:1] == ["("]:
            self._take()
            answer = self._either()
            if self._take() != ")":
                raise self._problem()
            return answer
        left, sign = self._value(), self._take()
        if sign == "not" and self._words[:1] == ["in"]:
            self._take()
            return left not in self._value()
        right = self._value()
        if sign == "in":
            return left in right
        if _CLAUSE.fullmatch(f"{sign}1") is None:
            raise self._problem()
        if _version(left) and _version(right.removesuffix(".*")):
            return _satisfies(left, [_clause(f"{sign}{right}", self._text)])
        ways: dict[str, Callable[[str, str], bool]] = {"==": operator.eq, "===": operator.eq, "!=": operator.ne}
        if sign not in ways:
            raise self._problem(f"'{left}' and '{right}' are not versions, which '{sign}' compares")
        return ways[sign](left, right)

    def _value(self) -> str:
        word = self._take()
        if word[0] in "'\"":
            return word[1:-1]
        here = sys.implementation.version
        early = "" if here.releaselevel == "final" else f"{here.releaselevel[0]}{here.serial}"
        values: dict[str, Callable[[], str]] = {
            "implementation_name": lambda: sys.implementation.name,
            "implementation_version": lambda: f"{here.major}.{here.minor}.{here.micro}{early}",
            "os_name": lambda: os.name,
            "platform_machine": platform.machine,
            "platform_python_implementation": platform.python_implementation,
            "platform_release": platform.release,
            "platform_system": platform.system,
            "platform_version": platform.version,
            "python_full_version": platform.python_version,
            "python_version": lambda: f"{sys.version_info[0]}.{sys.version_info[1]}",
            "sys_platform": lambda: sys.platform,
        }
        if word not in values:
            raise self._problem(f"'{word}' is nothing that a condition here can ask for")
        return values[word]()


# What lies in a directory.

# An environment of eggcarton's has its develop packages imported first by this file.
_FIRST, _DEVELOPED = "~eggcarton-first.pth", "_eggcarton_developed"
_STANDARD = os.path.realpath(os.path.dirname(ast.__file__))


class _Distribution(NamedTuple):
    """One distribution; `info` is its metadata's directory or file, or for one without metadata its module."""

    name: str
    version: str
    location: str
    info: str

    @property
    def has_metadata(self) -> bool:
        return self.info.endswith((".dist-info", ".egg-info", "EGG-INFO"))

    @property
    def key(self) -> tuple[str, str, str]:
        return _real(self.location), self.name, self.version

    def lines(self, name: str) -> list[str] | None:
        """Return the lines of a file of its metadata, None where there is none."""
        try:
            with open(os.path.join(self.info, name), encoding="utf-8", errors="replace") as stream:
                return stream.read().splitlines()
        except OSError:
            return None

    @functools.cache  # noqa: B019 - loading a file clears it
    def files(self) -> list[str] | None:
        """Return the paths of its files below its location, None where it does not tell them."""
        rows = self.lines("RECORD")
        if rows is not None:
            return [row[1 : row.index('"', 1)] if row[:1] == '"' else row.partition(",")[0] for row in rows if row]
        rows = self.lines("installed-files.txt")
        if rows is not None:
            return [os.path.relpath(os.path.join(self.info, row), self.location) for row in rows if row]
        if self.location.endswith(".egg"):
            return _zipped(self.location) if os.path.isfile(self.location) else sorted(os.listdir(self.location))
        return None

    def tops(self) -> frozenset[str]:
        """Return the first parts of `modules`, and maybe of what is none."""
        files = self.files() if self.has_metadata else None
        if files is None:
            return self.modules()
        told = (line.strip() for line in self.lines("top_level.txt") or ())
        return frozenset([*(file.partition("/")[0].partition(".")[0] for file in files), *told])

    @functools.cache  # noqa: B019 - loading a file clears it
    def modules(self) -> frozenset[str]:
        """Return its modules and packages as paths without suffix, such as zope/interface; empty where it tells none.

        What lies in `zope/interface` is in that set together with `zope` and `zope/interface` themselves.
        """
        if not self.has_metadata:
            return frozenset({os.path.relpath(self.info, self.location).partition(".")[0]})
        found: set[str] = set()
        for path in self.files() or ():
            parts = path.replace(os.sep, "/").split("/")
            if parts[0] in ("..", "") or "__pycache__" in parts or parts[0].endswith(("-info", "EGG-INFO", ".pth")):
                continue
            parts[-1] = parts[-1].partition(".")[0]
            found.update("/".join(parts[:end]) for end in range(1, len(parts) + 1) if parts[end - 1] != "__init__")
        found.update(line.strip() for line in self.lines("top_level.txt") or () if line.strip())
        spelled = os.path.basename(self.info).partition("-")[0].replace(".", "/")
        if "/" in spelled and os.path.isdir(os.path.join(self.location, spelled)):
            found.add(spelled)
        return frozenset(found or _by_name(self.location).get(self.name, []))


class _Place:
    """A directory from which modules are imported, with the distributions in it.

    Args:
        root: whether it is one of line 1's itself, and not only reached by a .pth file or an egg.
    """

    def __init__(self, directory: str, *, root: bool = False) -> None:
        self.directory, self.root = directory, root
        self.found: list[_Distribution] = []
        self.names = _listed(directory)
        if "EGG-INFO" in self.names or (directory.endswith(".egg") and os.path.isfile(directory)):
            self._add("EGG-INFO", os.path.basename(directory))
        for name in self.names:
            if name.endswith((".dist-info", ".egg-info")):
                self._add(name, name)

    def _add(self, name: str, told: str) -> None:
        info = os.path.join(self.directory, name)
        spelled, _, rest = told.rpartition(".")[0].partition("-")
        version = re.split("-py[0-9]", rest)[0]
        for inner in ("METADATA", "PKG-INFO", ""):
            path = os.path.join(info, inner) if inner else info
            if os.path.isfile(path):
                headers = _headers(path)
                spelled, version = headers.get("name", spelled), headers.get("version", version)
                break
        self.found.append(_Distribution(_canonical(spelled), version or "0.0", self.directory, info))

    @property
    def is_standard(self) -> bool:
        """Say whether it holds the standard library, whose modules are nobody's to take away."""
        return _real(self.directory) in (_STANDARD, os.path.join(_STANDARD, "lib-dynload"))

    def named(self, name: str, spelled: str, *, is_needed: bool = True) -> list[_Distribution]:
        """Return the distributions of a name; where none has metadata, a module of that name that is nobody's.

        Args:
            is_needed: whether a module of the standard library will do as well.
        """
        found = [one for one in self.found if one.name == name]
        if found:
            return found
        paths = [*_by_name(self.directory).get(name, ())]
        paths += [spelled.replace(".", "/")] if "." in spelled else []
        owned: set[str] | None = None
        for path in paths:
            file = _module_file(os.path.join(self.directory, path))
            if file is not None:
                owned = set().union(*(one.modules() for one in self.found)) if owned is None else owned
                if path not in owned and (is_needed or not self.is_standard):
                    info = file.removesuffix(os.sep + "__init__.py")
                    return [_Distribution(name, _told_by_module(file), self.directory, info)]
        return []

    def eggs(self) -> Iterator[_Place]:
        for name in self.names:
            if name.endswith(".egg") and os.path.isdir(os.path.join(self.directory, name)):
                yield _Place(os.path.join(self.directory, name))

    def pth(self) -> Iterator[tuple[str, _Distribution | None, list[str]]]:
        """Give each .pth file's name, the distribution it belongs to, and its lines."""
        names = [name for name in self.names if name.endswith(".pth") and not name.startswith(".")]
        owners = {file: one for one in self.found for file in one.files() or ()} if names else {}
        for name in names:
            try:
                with open(os.path.join(self.directory, name), encoding="utf-8-sig", errors="surrogateescape") as stream:
                    lines = [line.strip() for line in stream]
            except OSError:
                continue
            stem = _canonical(name.removesuffix(".pth").removeprefix("__editable__.")).strip("-")
            by_name = [one for one in self.found if re.match(rf"{re.escape(one.name)}(-\d|-nspkg$|$)", stem)]
            yield name, owners.get(name, by_name[0] if by_name else None), [line for line in lines if line[:1] != "#"]

    def directories(self, lines: Iterable[str]) -> Iterator[str]:
        """Give the directories that lines of a .pth file name, as site reads them."""
        for line in lines:
            # From where the directory really lies: one that line 1 names may be a link.
            path = os.path.normpath(os.path.join(os.path.realpath(self.directory), line))
            if line and not re.match(r"import[ \t]", line) and "\0" not in line and os.path.isdir(path):
                yield path


def _listed(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory or "."))
    except OSError:
        return []


def _zipped(path: str) -> list[str]:
    """Return the files in a zipped egg; none where it is not one."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return []


def _headers(path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    with open(path, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            name, colon, value = line.partition(":")
            if not line.strip():
                break
            if colon and value.strip():
                found.setdefault(name.lower(), value.strip())
    return found


@functools.cache
def _real(path: str) -> str:
    return os.path.realpath(path)


def _shown(place: Any) -> str:
    """Return which directory an entry of a path is, however it is spelled; no entry but text is one."""
    if not isinstance(place, str):
        return ""
    try:
        return _real(place) if os.path.isabs(place) else os.path.realpath(place)
    except OSError:
        return place


@functools.cache
def _by_name(directory: str) -> dict[str, list[str]]:
    """Return the modules and packages at the top of a directory by the name of a distribution of that name."""
    found: dict[str, list[str]] = {}
    for one in _modules_in(directory):
        found.setdefault(_canonical(one), []).append(one)
    return found


@functools.cache
def _modules_in(directory: str) -> list[str]:
    """Return the modules and packages at the top of a directory."""
    found = (name.partition(".")[0] for name in _listed(directory))
    return [name for name in dict.fromkeys(found) if name.isidentifier() and name != "__pycache__"]


def _module_file(path: str) -> str | None:
    """Return the file of a module or package whose path has no suffix."""
    endings = (f"{os.sep}__init__.py", ".py", ".pyc", *EXTENSION_SUFFIXES)
    return next((path + ending for ending in endings if os.path.isfile(path + ending)), None)


def _told_by_module(file: str) -> str:
    """Return what a module says its version is, without running it; 0.0 where that cannot be read."""
    value = _value_in(file, "__version__")
    if isinstance(value, tuple):
        value = ".".join(map(str, value))
    value = str(value) if isinstance(value, float) else value
    return (value if isinstance(value, str) else "").strip() or "0.0"


def _value_in(file: str, name: str, depth: int = 0) -> object:
    """Return the text or the tuple that a module gives to a name, or imports by it from its own package."""
    try:
        with open(file, "rb") as stream:
            body = ast.parse(stream.read()).body
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    found: object = None
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            value = getattr(node, "value", None)
            is_other = isinstance(value, ast.Name) and value.id != name and depth < 5
            found = _value_in(file, value.id, depth + 1) if is_other else _constant(value)  # type: ignore[union-attr]
        for alias in node.names if isinstance(node, ast.ImportFrom) else ():
            if (alias.asname or alias.name) == name:
                other = _sibling(file, node)  # type: ignore[arg-type]
                found = _value_in(other, alias.name, depth + 1) if other and depth < 5 else None
    return found


def _constant(node: ast.AST | None) -> object:
    try:
        return ast.literal_eval(node) if isinstance(node, ast.Constant | ast.Tuple) else None
    except ValueError:
        return None


def _sibling(file: str, node: ast.ImportFrom) -> str | None:
    """Return the file of the module that a package's __init__.py imports from, where it is of that package."""
    directory, base = os.path.split(file)
    package, module = os.path.basename(directory), node.module or ""
    if base != "__init__.py" or not module or node.level > 1:
        return None
    if node.level == 0:
        if not module.startswith(f"{package}."):
            return None
        module = module.partition(".")[2]
    return _module_file(os.path.join(directory, *module.split(".")))


# What this process may import.


class _State:
    """What the files that were loaded have decided: plain values, so that two copies of this file can share them."""

    def __init__(self) -> None:
        self.needed: list[tuple[_Line, _Distribution]] = []
        self.removed: list[_Line] = []
        self.places: list[_Place] = []
        self.hidden: dict[str, set[str]] = {}
        self.kept_out: set[tuple[str, str, str]] = set()
        self.taken: dict[str, set[str]] = {}
        self.taken_out: set[tuple[str, str, str]] = set()
        self.lock = threading.RLock()


class _Guard(PathFinder):
    """Finds what the path has, but for names that are hidden in a directory."""

    eggcarton_pie = _State()

    @classmethod
    def find_spec(cls, fullname: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        """Find a module, hidden places left out."""
        name, hidden = fullname.rpartition(".")[2], cls.eggcarton_pie.hidden
        places = sys.path if path is None else path
        if any(name in hidden.get(_shown(place), ()) for place in places):
            places = [place for place in places if name not in hidden.get(_shown(place), ())]
        return super().find_spec(fullname, places, target)

    @classmethod
    def find_distributions(cls, *arguments: Any, **named: Any) -> Iterator[Any]:
        """Find distributions for importlib.metadata, hidden ones left out."""
        state = cls.eggcarton_pie
        places = {place for place, _, _ in state.kept_out}
        for found in super().find_distributions(*arguments, **named):
            place = os.path.realpath(str(found.locate_file("")))
            if place in places:
                name = found.metadata["Name"] or ""
                if (place, _canonical(name), found.version) in state.kept_out:
                    continue
            yield found


def _state() -> _State:
    """Return what was decided in this process so far, by whichever copy of this file."""
    states = (getattr(finder, "eggcarton_pie", None) for finder in sys.meta_path)
    found: _State = next((state for state in states if state is not None), _Guard.eggcarton_pie)
    return found


class _Decision(NamedTuple):
    """What loading a file comes to, once nothing is missing.

    Args:
        chosen: what answers each requirement.
        aside: what was importable and is no longer to be, with the place it is in.
        places: what goes to the path.
        starts: lines of .pth files to run, each with the directory it stands in.
    """

    file: _File
    state: _State
    chosen: list[tuple[_Line, _Distribution]]
    aside: list[tuple[_Distribution, _Place]]
    places: list[_Place]
    starts: list[tuple[str, str]]

    def carry_out(self) -> None:
        """Make it so, but for the lines to run."""
        state = self.state
        removed = {one.key for one, _ in self.aside}
        for one, place in self.aside:
            mine, where = _own(one, place, removed)
            for path in mine:
                for directory in where:
                    _hide(state.taken, directory, path)
            state.taken_out.add(one.key)
            _forget(one, mine, where)
            if one.location.endswith(".egg"):
                sys.path[:] = [entry for entry in sys.path if entry != one.location]
        state.needed += self.chosen
        state.removed += self.file.removed
        state.places += self.places
        state.hidden, state.kept_out = _hidden(state)
        if not any(getattr(finder, "eggcarton_pie", None) is state for finder in sys.meta_path):
            at = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else len(sys.meta_path)
            sys.meta_path[at : at + 1] = [_Guard]
        sys.path += [place.directory for place in self.places]
        sys.path_importer_cache.clear()


def _entries() -> Iterator[str]:
    """Give the directories and zipped eggs of the path; what else stands there Python does not import from."""
    for entry in dict.fromkeys(one for one in sys.path if isinstance(one, str)):
        try:
            place = entry or os.getcwd()
        except OSError:
            continue
        if os.path.isdir(place) or (place.endswith(".egg") and os.path.isfile(place)):
            yield place


def _decide(file: _File, state: _State) -> _Decision:
    """Choose what answers each requirement, with nothing changed."""
    here = [_Place(entry) for entry in _entries()]
    on_path = {_real(place.directory) for place in here}
    there = list(_offered(file, state, on_path))
    aside = [
        (one, place)
        for line in file.removed
        for place in here
        for one in place.named(line.name, line.spelled, is_needed=False)
        if line.fits(one) and _is_seen(one, state) and _may_go(line, one, state)
    ]
    aside = list({(one.key, place.directory): (one, place) for one, place in aside}.values())
    gone = {one.key for one, _ in aside}
    chosen: list[tuple[_Line, _Distribution]] = []
    missing: list[PackageMissing] = []
    for name in dict.fromkeys(line.name for line in file.needed):
        lines = [line for line in file.needed if line.name == name]
        seen = [
            (one, place)
            for place in here
            for one in place.named(name, lines[0].spelled)
            if one.key not in gone and _is_seen(one, state)
        ]
        others = [(one, place) for place in there for one in place.named(name, lines[0].spelled)]
        removed = [line for line in (*state.removed, *file.removed) if line.name == name]
        fitting = [
            (one, place)
            for one, place in seen + others
            if all(line.fits(one) for line in lines) and not any(line.fits(one) for line in removed)
        ]
        if not fitting:
            went = [
                one
                for place in here
                for one in place.named(name, lines[0].spelled)
                if any(line.fits(one) for line in removed)
            ]
            missing.append(_missing(lines, [*went, *(one for one, _ in seen + others)], file, removed))
            continue
        pick = fitting[0][0]
        for one, place in seen:
            if one.key == pick.key:
                break
            if not one.has_metadata and place.is_standard:
                continue
            _check_replaceable(lines[0], one, place, pick, state)
            aside.append((one, place))
        chosen += [(line, pick) for line in lines]
    if missing:
        missing[0].others = tuple(missing[1:])
        first, *rest = missing
        first.args = ("\n".join(map(str, [first, *rest])),)
        first.msg = first.args[0]
        raise first
    for one, place in aside:
        _check_told(one, _own(one, place, {each.key for each, _ in aside})[0])
    needed = {one.key for _, one in [*state.needed, *chosen]}
    new, starts = _to_add(there, needed, {one.key for _, one in chosen}, on_path)
    return _Decision(file, state, chosen, aside, new, starts)


def _offered(file: _File, state: _State, on_path: set[str]) -> Iterator[_Place]:
    """Give line 1's directories, and those that .pth files and eggs in them add."""
    added = {_real(place.directory) for place in state.places}
    for directory in file.directories:
        if not os.path.isdir(directory) or _real(directory) in on_path - added:
            continue
        root = _Place(directory, root=True)
        yield root
        yield from root.eggs()
        for _, _, lines in root.pth():
            yield from (_Place(path) for path in root.directories(lines) if path not in file.directories)


def _is_seen(one: _Distribution, state: _State) -> bool:
    """Say whether a distribution on the path can be imported, which what another file hides cannot."""
    if not one.has_metadata:
        return not one.modules() & state.hidden.get(_real(one.location), set())
    return one.key not in state.kept_out


def _may_go(line: _Line, one: _Distribution, state: _State) -> bool:
    for other, found in state.needed:
        if found.key == one.key:
            raise PackageConflict(
                f"{line.where}: '! {line.text}' takes away {one.name} {one.version}, which {other.where} needs; "
                "take one of the two lines out"
            )
    return True


def _missing(
    lines: Sequence[_Line], found: Iterable[_Distribution], file: _File, removed: Iterable[_Line]
) -> PackageMissing:
    versions = list(dict.fromkeys(one.version for one in found))
    line = lines[0]
    remark = "".join(
        f"; {one.where} takes {version} away"
        for version in versions
        for one in removed
        if _satisfies(version, one.clauses)
    )
    text = ", ".join(one.text for one in lines)
    return PackageMissing(line.where, line.name, text, versions, file.directories, remark)


# A Python that has setuptools imports this while it starts, and nothing of setuptools with it.
_BY_PTH = frozenset({"_distutils_hack"})


def _check_replaceable(line: _Line, one: _Distribution, place: _Place, pick: _Distribution, state: _State) -> None:
    """Refuse to put another version in the place of one that is in use."""
    for other, found in state.needed:
        if found.key == one.key:
            raise PackageConflict(
                f"{line.where}: {line.text} is needed, but {other.where} has put {one.name} {one.version} on the path "
                f"for '{other.text}'; let both lines ask for versions that one of them has"
            )
    mine, where = _own(one, place, {pick.key})
    imported = [name for name in _imported(mine, where) if name.partition(".")[0] not in _BY_PTH]
    if imported:
        raise PackageConflict(
            f"{line.where}: {line.text} is needed, but {imported[0]} is imported already, from {one.name} "
            f"{one.version} in {one.location}; load the file before anything imports it"
        )


def _to_add(
    there: Sequence[_Place], needed: set[tuple[str, str, str]], chosen: set[tuple[str, str, str]], on_path: set[str]
) -> tuple[list[_Place], list[tuple[str, str]]]:
    """Return the places that go to the path, in line 1's order, and the lines of .pth files that are run."""
    used = {place.directory for place in there if any(_key_in(place, key) for key in chosen)}
    new: dict[str, _Place] = {}
    starts: list[tuple[str, str]] = []
    for place in there:
        if place.directory not in used:
            continue
        new.setdefault(place.directory, place)
        found = list(place.pth()) if place.root else []
        for name, owner, lines in found:
            if name == _FIRST and all(one is None or one.key in needed for _, one, _ in found):
                starts += [(line, place.directory) for line in lines]
            if owner is not None and owner.key not in needed:
                continue
            for path in place.directories(lines):
                inner = _Place(path)
                if not inner.found or any(one.key in needed for one in inner.found):
                    new.setdefault(path, inner)
            if owner is not None and owner.key in chosen:
                starts += [(line, place.directory) for line in lines if re.match(r"import[ \t]", line)]
    return [place for path, place in new.items() if _real(path) not in on_path], starts


def _key_in(place: _Place, key: tuple[str, str, str]) -> bool:
    return _real(place.directory) == key[0]


def _own(one: _Distribution, place: _Place, gone: set[tuple[str, str, str]]) -> tuple[frozenset[str], list[str]]:
    """Return the modules that are a distribution's alone, and the directories that they are imported from."""
    others = (other.modules() for other in place.found if other.key != one.key and other.key not in gone)
    mine = one.modules().difference(*others)
    where = [one.location]
    for _, owner, lines in place.pth():
        if owner is not None and owner.key == one.key:
            where += place.directories(lines)
    is_told = any(not name.startswith("__editable__") for name in mine)
    return mine if is_told else mine.union(*map(_modules_in, where[1:])), where


def _check_told(one: _Distribution, mine: frozenset[str]) -> None:
    is_told = one.files() is not None or one.lines("top_level.txt") is not None
    if not mine and not is_told and not one.location.endswith(".egg"):
        raise PackageConflict(
            f"{one.name} {one.version} in {one.location} does not tell which modules are its own, so that it cannot be "
            "taken off the path; take the line out, or remove the distribution"
        )


def _imported(mine: frozenset[str], where: Sequence[str]) -> list[str]:
    """Return which of some modules are imported, from some directories."""
    starts = tuple(os.path.join(directory, "") for directory in where)
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", None) or ()), "")
        parts = name.split(".")
        is_mine = any("/".join(parts[:end]) in mine for end in range(1, len(parts) + 1))
        if is_mine and isinstance(file, str) and os.path.abspath(file).startswith(starts):
            found.append(name)
    return found


def _forget(one: _Distribution, mine: frozenset[str], where: Sequence[str]) -> None:
    """Let no import find what was imported from a distribution; who holds such a module keeps it."""
    for name in _imported(mine, where):
        module = sys.modules.pop(name)
        parent, _, last = name.rpartition(".")
        if getattr(sys.modules.get(parent), last, None) is module:
            delattr(sys.modules[parent], last)
    ours = re.compile(rf"-editable-{re.escape(one.name)}-")
    sys.meta_path[:] = [each for each in sys.meta_path if not ours.match(_canonical(getattr(each, "__module__", "")))]


def _hide(table: dict[str, set[str]], directory: str, path: str) -> None:
    head, _, tail = path.rpartition("/")
    table.setdefault(_real(os.path.join(directory, head) if head else directory), set()).add(tail)


def _hidden(state: _State) -> tuple[dict[str, set[str]], set[tuple[str, str, str]]]:
    """Return what is hidden in which directory, and which distributions are: what was taken away, and in the places
    that were added all that no file needs."""
    table = {directory: set(names) for directory, names in state.taken.items()}
    out = set(state.taken_out)
    needed = {one.key for _, one in state.needed}
    for place in state.places:
        wanted = [one for one in place.found if one.key in needed]
        wanted += [one for _, one in state.needed if one.location == place.directory and not one.has_metadata]
        others = [one for one in place.found if one.key not in needed]
        # Only where something is hidden inside of packages it matters what they hold.
        seen = set().union(*(one.modules() if others else one.tops() for one in wanted))
        unseen = set().union(*(one.modules() for one in others))
        is_told = all(one.files() is not None or one.lines("top_level.txt") is not None or not one.has_metadata
                      for one in wanted)  # fmt: skip
        if place.root and is_told:
            own = ("__editable__", _DEVELOPED)
            unseen.update(name for name in _modules_in(place.directory) if not name.startswith(own))
        above = {path[:end] for path in seen for end, sign in enumerate(path) if sign == "/"}
        for path in unseen - seen - above:
            _hide(table, place.directory, path)
        out.update(one.key for one in others)
    return table, out


def _start(line: str, sitedir: str) -> None:
    """Run a line of a .pth file as site does: it may look for `sitedir` in the frame that runs it."""
    exec(line)
    # That of another environment is another module.
    sys.modules.pop(_DEVELOPED, None)


def main(arguments: Sequence[str]) -> int:
    """Say what answers each line of a file, and what would go to the path; return the exit status."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write("usage: python pie.py FILE\n")
        return 2
    try:
        decision = _decide(_read(os.path.abspath(arguments[0])), _state())
    except (MalformedFile, PackageMissing, PackageConflict, OSError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    for line, one in decision.chosen:
        print(f"{line.text}: {one.name} {one.version} in {one.location}")
    for one, _ in decision.aside:
        print(f"taken away: {one.name} {one.version} in {one.location}")
    for place in decision.places:
        print(f"put on the path: {place.directory}")
    return 0


if __name__ == "__main__":
    # This file's own directory is on the path for its sake alone.
    sys.exit(main(sys.argv[1:]))
