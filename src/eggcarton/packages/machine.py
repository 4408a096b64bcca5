"""What the machine's own Python has installed, and which entries of its site-packages belong to one distribution."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from eggcarton.core.errors import UsageProblem
from eggcarton.core.names import canonical_name
from eggcarton.packages import core_metadata
from eggcarton.packages.member import OF_MACHINE, Member

_INFORMATION = (".dist-info", ".egg-info")
_CACHE = "__pycache__"
# Neither .pth files nor sitecustomize run for this.
_ASK = "import json, site; print(json.dumps(site.getsitepackages()))"


@dataclass(frozen=True, slots=True)
class Distribution:
    """One distribution of the machine's: where it lies, and the entry there that is its metadata."""

    name: str
    version: str
    place: Path
    info: str
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    def stub(self) -> dict[str, Any]:
        """Return it as a resolution knows it: requirements, and no files."""
        return {
            "name": self.name,
            "version": self.version,
            "requires": list(self.requires),
            "extras": list(self.extras),
            "machine": True,
        }

    def member(self) -> Member:
        """Return it as part of an environment.

        Raises:
            UsageProblem: it cannot be told which files are its own.
        """
        files = entries(self)
        return Member(self.name, self.version, self.place, identity(self.place, files), files)


def directories(python: Path) -> tuple[Path, ...]:
    """Return the directories that a Python's own distributions lie in, in the order in which it searches them.

    Raises:
        UsageProblem: it does not tell them.
    """
    command = [str(python), "-I", "-S", "-c", _ASK]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        found = [Path(path) for path in json.loads(done.stdout)]
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        words = str(getattr(error, "stderr", "") or error).strip()
        raise UsageProblem(f"{python} does not tell where its distributions lie: {words}; correct that") from error
    return tuple(path for path in dict.fromkeys(found) if path.is_dir())


def is_pattern(word: str) -> bool:
    """Tell whether a word stands for any number of names."""
    return any(sign in word for sign in "*?[")


def allows(patterns: Iterable[str], name: str) -> bool:
    """Tell whether a canonical name is among these names and patterns, however they are spelt."""
    return any(fnmatchcase(name, canonical_name(pattern)) for pattern in patterns)


def find(places: Sequence[Path], patterns: Collection[str]) -> dict[str, Distribution]:
    """Return the distributions in some directories that are among names and patterns, by canonical name.

    The first directory that has one wins, as when Python imports it.
    """
    found: dict[str, Distribution] = {}
    for place in places:
        for info in _informations(place):
            told = core_metadata.read(place / info)
            name = canonical_name(told.name) if told else ""
            if told is not None and name not in found and allows(patterns, name):
                found[name] = Distribution(name, told.version, place, info, told.requires, told.extras)
    return found


def _informations(place: Path) -> list[str]:
    """Return the entries of a directory that are metadata, those of the newer kind first."""
    return [name for kind in _INFORMATION for name in sorted(_listed(place)) if name.endswith(kind)]


def _listed(place: Path) -> list[str]:
    try:
        return os.listdir(place)
    except OSError:
        return []


def entries(found: Distribution) -> tuple[str, ...]:
    """Return what of its directory belongs to a distribution: whole directories where it has them to itself.

    Its RECORD or installed-files.txt tells; else its top_level.txt; else the modules that are called like it.

    Raises:
        UsageProblem: it cannot be told.
    """
    info = found.place / found.info
    files = _recorded(info)
    there = _fewest(found.place, "", files) if files is not None else _by_names(found)
    own = sorted({name for name in there if name.partition("/")[0] != found.info})
    if not own and files is None:
        raise UsageProblem(
            f"{found.name} {found.version} of the machine does not tell which files in {found.place} are its own; set "
            "include-site-packages = true to see all of them, and leave it out of allowed-eggs-from-site-packages"
        )
    return (found.info, *own)


def _recorded(info: Path) -> set[PurePosixPath] | None:
    """Return the files that an installer has noted, relative to the directory that the metadata lies in."""
    for name, prefix in (("RECORD", ""), ("installed-files.txt", info.name)):
        path = info / name
        if path.is_file():
            rows = csv.reader(path.read_text("utf-8", "replace").splitlines())
            paths = (os.path.normpath(os.path.join(prefix, row[0])) for row in rows if row and row[0].strip())
            return {PurePosixPath(path) for path in paths if not path.startswith(("/", "..")) and _is_kept(path)}
    return None


def _is_kept(path: str) -> bool:
    return _CACHE not in path.split("/")


def _fewest(place: Path, inside: str, files: Iterable[PurePosixPath]) -> Iterator[str]:
    """Give the fewest entries that hold these files and no others."""
    by_top: dict[str, set[PurePosixPath]] = {}
    for file in files:
        by_top.setdefault(file.parts[0], set()).add(PurePosixPath(*file.parts[1:]))
    for top, inner in by_top.items():
        path = place / top
        if path.is_dir() and not _files_below(path) <= inner:
            yield from _fewest(path, f"{inside}{top}/", (name for name in inner if name.parts))
        elif os.path.lexists(path):
            yield f"{inside}{top}"


def _files_below(directory: Path) -> set[PurePosixPath]:
    found = set()
    for path, names, files in os.walk(directory):
        names[:] = [name for name in names if name != _CACHE]
        beside = os.path.relpath(path, directory)
        found |= {PurePosixPath(beside, name) for name in files}
    return found


def _by_names(found: Distribution) -> Iterator[str]:
    """Give the entries that bear a distribution's names and no other distribution claims."""
    info = found.place / found.info
    others = {
        top for other in _informations(found.place) if other != found.info for top in _claimed(found.place / other)
    }
    shared = others | set(_lines(info / "namespace_packages.txt"))
    tops = _lines(info / "top_level.txt") or [_called_like(found, others)]
    for top in tops:
        if top in shared:
            # zope.interface lies in zope/interface, whoever else has something in zope.
            told = core_metadata.read(info)
            parts = (told.name if told else found.name).split(".")
            if parts[0] == top and len(parts) > 1:
                inner = "/".join(parts[:-1])
                yield from (f"{inner}/{name}" for name in _modules(found.place / inner, parts[-1]))
        else:
            yield from _modules(found.place, top)


def _called_like(found: Distribution, others: Collection[str]) -> str:
    """Return the module that is called like a distribution, or like it without a python in its name."""
    name = found.name.replace("-", "_")
    known = {module.lower(): module for entry in _listed(found.place) if (module := entry.partition(".")[0])}
    likely = (name, name.removeprefix("python_"), name.removeprefix("py"), name.removesuffix("_python"))
    return next((known[word] for word in likely if word in known and known[word] not in others), found.name)


def _claimed(info: Path) -> set[str]:
    """Return the modules that another distribution's metadata names."""
    files = _recorded(info)
    if files is not None:
        return {path.parts[0].partition(".")[0] for path in files if path.parts[0] != info.name}
    return set(_lines(info / "top_level.txt"))


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return [line.strip() for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]


def _modules(place: Path, name: str) -> Iterator[str]:
    """Give the package, the module and the extension modules of a name, and the stubs for type checkers."""
    pattern = re.compile(rf"{re.escape(name)}(-stubs|\.py|(\.[\w-]+)?\.(so|pyd))?")
    yield from (entry for entry in _listed(place) if pattern.fullmatch(entry))


def identity(place: Path, files: Sequence[str]) -> str:
    """Return what changes when a distribution of the machine does, by its RECORD or by what its files look like."""
    infos = [place / name for name in files if name.endswith(_INFORMATION) and "/" not in name]
    digest = hashlib.sha256()
    for info in infos:
        for name in ("METADATA", "PKG-INFO", "entry_points.txt", "RECORD"):
            if (info / name).is_file():
                digest.update((info / name).read_bytes())
    if not any((info / "RECORD").is_file() for info in infos):
        digest.update(json.dumps(sorted(_looks(place, files))).encode())
    return f"{OF_MACHINE}{digest.hexdigest()}"


def _looks(place: Path, files: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    for name in files:
        inner = [name]
        if (place / name).is_dir():
            inner = [f"{name}/{path}" for path in _files_below(place / name)]
        for path in inner:
            try:
                standing = os.stat(place / path)
                yield path, standing.st_size, int(standing.st_mtime)
            except OSError:
                yield path, -1, 0
