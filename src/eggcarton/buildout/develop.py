"""Develop packages: built in parallel, and kept while nothing that decides their metadata has changed."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eggcarton.core import locks
from eggcarton.core.errors import UsageProblem
from eggcarton.core.names import canonical_name
from eggcarton.packages import editable_metadata, surroundings
from eggcarton.packages.member import Member
from eggcarton.packages.watched import NOTHING_WATCHED, Watched, build_digests, fingerprint

_PROJECT = ("pyproject.toml", "setup.py")
_FORMAT = 3
_AT_ONCE = 8
"""How many packages ask their questions at the same time; most of that is waiting."""
_BUILDING, _OLD, _NEW = ".building-", ".old-", ".new-"
_NAME = re.compile(r"^\s*name\s*=\s*[\"']?([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Developed:
    """A develop package as it stands in ``develop-eggs``.

    ``files`` are its entries there; ``fingerprint`` is of everything that was ``watched`` while it was built, or empty
    when the build depended on something that cannot be watched, such as another program. ``locked`` is the digest of
    its locked build requirements, empty where the toolchain was enough. ``beside`` is the metadata that lies beside its
    modules.
    """

    source: str
    name: str
    version: str
    requires: tuple[str, ...]
    extras: tuple[str, ...]
    files: tuple[str, ...]
    fingerprint: str
    identity: str
    locked: str = ""
    beside: str = ""
    watched: Watched = NOTHING_WATCHED

    def stub(self) -> dict[str, Any]:
        """Return it as a resolution knows it: requirements, and no files."""
        return {
            "name": self.name,
            "version": self.version,
            "requires": list(self.requires),
            "extras": list(self.extras),
        }

    def member(self, directory: Path) -> Member:
        """Return it as part of an environment."""
        files = tuple(name for name in self.files if not name.endswith(".egg-link"))
        return Member(self.name, self.version, directory, self.identity, files)


def directories(option: str, root: Path, warn: Callable[[str], None], said: set[str] | None = None) -> list[Path]:
    """Return the directories that a ``develop`` option names; patterns as zc.buildout has them.

    Args:
        warn: told of a pattern that matches nothing, unless that is in ``said``, where it is kept.
    """
    found, said = [], set[str]() if said is None else said
    for word in option.split():
        pattern = os.path.join(root, os.path.expanduser(word))
        matches = sorted(glob.glob(pattern))
        if not matches:
            if not glob.has_magic(pattern):
                # Going on would ask an index for what is meant to be here.
                raise UsageProblem(f"[buildout] option 'develop': there is no {word}; correct the path")
            if (remark := f"develop = {word}: nothing matches") not in said:
                said.add(remark)
                warn(remark)
        found += [_project(match, word) for match in matches if not _is_passed_over(match, word)]
    return list(dict.fromkeys(found))


def _is_passed_over(match: str, word: str) -> bool:
    """Tell whether a pattern matches a directory that is never meant by it."""
    name = os.path.basename(os.path.normpath(match))
    return glob.has_magic(word) and os.path.isdir(match) and (name == "__pycache__" or name.startswith("."))


def _project(match: str, word: str) -> Path:
    """Return the directory of what is named, which may be a file of the project, as zc.buildout has it.

    Raises:
        UsageProblem: it is a file of none.
    """
    if os.path.isdir(match):
        return Path(match).resolve()
    place = Path(match).parent
    if not any((place / name).is_file() for name in _PROJECT):
        what = f"{word} matches {match}, which" if glob.has_magic(word) else match
        raise UsageProblem(
            f"[buildout] option 'develop': {what} is neither a directory nor a file of a project; move it away, or "
            "name the directories of projects"
        )
    return place.resolve()


def names_in(source: Path) -> set[str]:
    """Return the canonical names that a project's files seem to give it; which one is right its build tells.

    The name is wanted before anything is built: whatever bears it must never be asked for at an index.
    """
    found = {source.name}
    for file in ("pyproject.toml", "setup.cfg", "setup.py"):
        with suppress(OSError, UnicodeDecodeError):
            found |= set(_NAME.findall((source / file).read_text("utf-8")))
    return {canonical_name(name) for name in found}


def refuse_twins(named: Iterable[tuple[str, Path | str]]) -> None:
    """Refuse two develop packages of one name, of which nobody could tell which is meant.

    Args:
        named: the canonical name of each, and its directory.
    """
    known: dict[str, Path | str] = {}
    for name, source in named:
        if known.setdefault(name, source) != source:
            raise UsageProblem(
                f"[buildout] option 'develop': {known[name]} and {source} are both named {name}; leave one out, or "
                "name it otherwise"
            )


class Records:
    """What is known of the develop packages of one buildout between runs.

    Args:
        place: the directory of the records.
        directory: ``develop-eggs``.
        toolchain: its versions.
        lock: the lock of what builds require.
        seen: the fingerprints that were taken since anything was built, for the records of several Pythons.
    """

    def __init__(
        self,
        place: Path,
        directory: Path,
        toolchain: Mapping[str, str],
        lock: Path,
        seen: dict[tuple[Any, ...], str] | None = None,
    ) -> None:
        self._place, self._directory, self._lock = place, directory, lock
        self._seen = {} if seen is None else seen
        # A kernel's version is part of what setup.py is told of the machine; its name in the network decides nothing.
        machine = [platform.system(), platform.release(), platform.machine()]
        decided = [_FORMAT, sys.version, machine, sorted(toolchain.items())]
        self._with = hashlib.sha256(json.dumps(decided).encode()).hexdigest()

    def _file(self, source: Path) -> Path:
        return self._place / f"{hashlib.sha256(os.fsencode(source)).hexdigest()[:16]}.json"

    def find(self, sources: Sequence[Path]) -> dict[Path, Developed | None]:
        """Return packages as they were built last, None for those which building again might make something else."""
        known = {source: self._standing(source) for source in sources}
        asking = [source for source, found in known.items() if found is not None and found.watched.programs]
        if len(asking) > 1:
            # Each waits for its git.
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda source: self._is_current(source, known[source]), asking))
        return {source: found if self._is_current(source, found) else None for source, found in known.items()}

    def _standing(self, source: Path) -> Developed | None:
        """Return a package as its record has it, when it was built with what would build it now, and is still there."""
        try:
            found, made_with = _read(self._file(source))
            if made_with != self._with:
                return None
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None
        if not found.fingerprint or not all((self._directory / name).exists() for name in found.files):
            return None
        return found if not found.locked or found.locked in self._locked() else None

    def _is_current(self, source: Path, found: Developed | None) -> bool:
        if found is None:
            return False
        if not editable_metadata.stands(source, found.beside):
            return False
        asked = source, found.watched
        if asked not in self._seen:
            now = surroundings.of_develop(os.environ)
            self._seen[asked] = fingerprint(*asked, now, lambda question: question.ask(source, now))
        return self._seen[asked] == found.fingerprint

    def _locked(self) -> frozenset[str]:
        try:
            return build_digests(self._lock.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            return frozenset()

    def known(self) -> dict[Path, Developed]:
        """Return all records by their file, whether or not they are still right."""
        return known(self._place)

    def keep(self, developed: Developed) -> None:
        """Write a record, whole or not at all."""
        path = self._file(Path(developed.source))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(asdict(developed) | {"with": self._with}, indent=1), "utf-8")
        os.replace(temporary, path)


def known(place: Path) -> dict[Path, Developed]:
    """Return all records of a directory by their file, whether or not they are still right."""
    found = {}
    for path in sorted(place.glob("*.json")):
        try:
            found[path], _ = _read(path)
        except (ValueError, TypeError, KeyError):
            continue
    return found


def _read(path: Path) -> tuple[Developed, str]:
    raw: dict[str, Any] = json.loads(path.read_text("utf-8"))
    made_with, watched = str(raw.pop("with")), Watched.of(raw.pop("watched"))
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
    return Developed(**fields, watched=watched), made_with


def put_in_place(
    built: Mapping[str, Any], source: Path, unpacked: Path, directory: Path, old: Developed | None, root: Path
) -> Developed:
    """Move a built package's metadata into ``develop-eggs``, in the layout that zc.buildout gives it there.

    Args:
        root: the buildout's directory; the package is the same wherever that lies.
    """
    link = f"{built['project']}.egg-link"
    has_src = (source / "src").is_dir()
    (unpacked / link).write_text(f"{source / 'src' if has_src else source}\n{'..' if has_src else '.'}", "utf-8")
    files = (*built["files"], link)
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(editable_metadata.anywhere(_content(unpacked / name), root))
        _put(unpacked / name, directory / name)
    for name in set(old.files if old else ()) - set(files):
        _remove(directory / name)
    _remove_others(directory, built["project"], files)
    watched = Watched.of(built["watched"])
    now = "" if watched.out_of_sight else fingerprint(source, watched, surroundings.of_develop(os.environ))
    return Developed(
        source=str(source),
        name=built["name"],
        version=built["version"],
        requires=tuple(built["requires"]),
        extras=tuple(built["extras"]),
        files=tuple(files),
        fingerprint=now,
        identity=digest.hexdigest(),
        locked=built["locked"],
        beside=built["beside"],
        watched=watched,
    )


def _informations(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.name.endswith((".dist-info", ".egg-info")))


def _remove_others(directory: Path, project: str, files: Sequence[str]) -> None:
    """Remove metadata of another version of a project, which zc.buildout would take for that project too."""
    for path in _informations(directory):
        if path.name not in files and canonical_name(path.stem.partition("-")[0]) == canonical_name(project):
            _remove(path)


def sweep(directory: Path) -> None:
    """Remove what a run that was killed left half done in ``develop-eggs``; no other may be at work there."""
    for prefix in (_BUILDING, _OLD, _NEW):
        locks.sweep(directory, prefix, unheld=0)


def _content(path: Path) -> bytes:
    if path.is_dir():
        return b"".join(name.encode() + _content(path / name) for name in sorted(os.listdir(path)))
    return path.read_bytes()


def _put(source: Path, place: Path) -> None:
    new = place.with_name(f"{_NEW}{place.name}")
    # A run that was killed here has left it.
    _remove(new)
    shutil.copy2(source, new) if source.is_file() else shutil.copytree(source, new)
    if not place.is_dir() or place.is_symlink():
        os.replace(new, place)
        return
    aside = tempfile.mkdtemp(prefix=_OLD, dir=place.parent)
    os.rename(place, os.path.join(aside, place.name))
    os.rename(new, place)
    shutil.rmtree(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def forget(records: Records, sources: Sequence[Path], directory: Path) -> None:
    """Remove what packages left in ``develop-eggs`` that are developed no more."""
    kept = {str(source) for source in sources}
    known = records.known()
    used = {name for developed in known.values() if developed.source in kept for name in developed.files}
    for path, developed in known.items():
        if developed.source not in kept:
            for name in set(developed.files) - used:
                _remove(directory / name)
            path.unlink()
