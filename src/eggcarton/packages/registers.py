"""Which builds use a store, and what each of them uses there: every build notes that itself, in the store."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from eggcarton.core import locks
from eggcarton.packages.store_names import HIDDEN

_DIRECTORY, _AT_WORK, _FORMAT = "builds", ".at-work.lock", 1


@dataclass(frozen=True, slots=True)
class Build:
    """One build that has noted what it uses of a store.

    Args:
        root: its directory.
        key: changes with all that decides what it uses.
        entries: the eggs, as ``SHA256/NAME.egg``, and the closed sets by their names.
        files: the sha256 of files of which each egg is used, whatever its name.
    """

    root: Path
    key: str = ""
    entries: Collection[str] = ()
    files: Collection[str] = ()

    @property
    def is_there(self) -> bool:
        """Whether its directory still is; without that, it is no longer known."""
        return self.root.is_dir()

    def uses(self, entry: str) -> bool:
        """Tell whether it uses an entry of the store."""
        return entry in self.entries or entry.partition("/")[0].partition("-")[0] in self.files


def begin(store: Path) -> TextIO | None:
    """Keep a store from being cleaned until what is returned is closed, or this process ends."""
    hidden = store / HIDDEN
    with suppress(OSError):
        hidden.mkdir(parents=True, exist_ok=True)
    return locks.hold(hidden / _AT_WORK, wait=True, shared=True)


def begin_cleaning(store: Path) -> TextIO | None:
    """Keep builds from beginning until what is returned is closed.

    Raises:
        BlockingIOError: one is at work.
    """
    return locks.hold(store / HIDDEN / _AT_WORK)


def of(store: Path, root: Path) -> Build | None:
    """Return what a build has noted; None where it has not."""
    return _read(_place(store, root))


def note(store: Path, build: Build) -> None:
    """Note what a build uses, in the place of what it has noted before.

    Raises:
        OSError: the store cannot be written.
    """
    path = _place(store, build.root)
    path.parent.mkdir(exist_ok=True)
    content: Mapping[str, Any] = {
        "format": _FORMAT,
        "root": str(build.root),
        "key": build.key,
        "entries": sorted(build.entries),
        "files": sorted(build.files),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(content, indent=1), "utf-8")
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def all_of(store: Path) -> list[Build]:
    """Return every build that has noted itself, those included whose directories are gone."""
    found = map(_read, _notes(store))
    return sorted((build for build in found if build is not None), key=lambda build: build.root)


def unreadable(store: Path) -> list[Path]:
    """Return the notes of builds that cannot be read here, such as those of another format."""
    return [path for path in _notes(store) if _read(path) is None and path.exists()]


def forget(store: Path, builds: Iterable[Build]) -> None:
    """Take builds for ones that do not use a store."""
    for build in builds:
        _place(store, build.root).unlink(missing_ok=True)


def _place(store: Path, root: Path) -> Path:
    name = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:32]
    return store / HIDDEN / _DIRECTORY / f"{name}.json"


def _notes(store: Path) -> list[Path]:
    return sorted((store / HIDDEN / _DIRECTORY).glob("*.json"))


def _read(path: Path) -> Build | None:
    try:
        raw = json.loads(path.read_text("utf-8"))
        if raw["format"] != _FORMAT:
            return None
        return Build(Path(raw["root"]), str(raw["key"]), frozenset(raw["entries"]), frozenset(raw["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
