"""Each run notes in the store what its build uses there, so that nobody takes it for left over."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from eggcarton.buildout import building
from eggcarton.packages import closed, registers
from eggcarton.packages.registers import Build
from eggcarton.packages.store_names import HIDDEN

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

logger = logging.getLogger("eggcarton")
_NOTE = "registered.txt"
_at_work: list[TextIO | None] = []
_ENTRY = re.compile(rf"{re.escape(HIDDEN)}[/\\]([0-9a-f]{{64}}(?:-compiled)?)[/\\]([^/\\\"']+?\.egg)")
_NAME = re.compile(r"[/\\]([^/\\\"']+?\.egg)\b")
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


def begin(session: Session) -> None:
    """Keep the store from being cleaned while this process runs, and have a new build known from its beginning."""
    _at_work.append(registers.begin(session.store))
    if registers.of(session.store, _root(session)) is None:
        with suppress(OSError):
            _note(session, "")


def register(session: Session) -> None:
    """Note what the build of a run that has succeeded uses, where that has changed."""
    key, there = _key(session), registers.of(session.store, _root(session))
    if there is not None and there.key == key:
        return
    try:
        _note(session, key)
    except OSError as error:
        _tell(session, key, error.strerror or str(error))


def _note(session: Session, key: str) -> None:
    root, store = _root(session), session.store
    registers.note(store, Build(root, key, {*_entries(session)}, {*_files(session)}))
    if Path(os.path.realpath(store)).is_relative_to(root):
        # A store that is moved with its build knows that by its old name too.
        registers.forget(store, [build for build in registers.all_of(store) if not build.is_there])


def _root(session: Session) -> Path:
    return Path(os.path.realpath(session.settings.root))


def _tell(session: Session, key: str, reason: str) -> None:
    """Say that a store of others does not know this build, once for each change of what is used."""
    noted = session.state / _NOTE
    with suppress(OSError):
        if noted.read_text("utf-8") == key:
            return
    logger.info(
        "What this build uses of %s cannot be noted there (%s); who cleans that store does not know of it.",
        session.store,
        reason.lower(),
    )
    with suppress(OSError):
        noted.write_text(key, "utf-8")


def _key(session: Session) -> str:
    """Return what changes with all that decides what is used, and takes no longer to find out than a run may."""
    selected = [found.key for each in (session, *session.beside.values()) for found in each.selected.values()]
    scripts = [(entry.name, entry.stat().st_mtime_ns) for entry in _scandir(_bin(session)) if entry.is_file()]
    environments = [entry.name for entry in _scandir(session.records / "environments")]
    content = [selected, sorted(scripts), sorted(environments), sys.path, sys.version, closed.directory_name()]
    return hashlib.sha256(json.dumps(content).encode() + _locked(session)).hexdigest()


def _entries(session: Session) -> Iterator[str]:
    """Give the eggs that are selected, and those that scripts, environments and what runs here lead to."""
    hidden = Path(os.path.realpath(session.store / HIDDEN))
    yield closed.directory_name()
    selected = (egg for each in (session, *session.beside.values()) for s in each.selected.values() for egg in s.eggs())
    for path in (*selected, *sys.path):
        yield from ("/".join(found) for found in _ENTRY.findall(path))
        yield from _entry(hidden, path)
    # Servers may still run from environments and scripts that the latest build has no more.
    for made in _scandir(session.records / "environments"):
        yield from ("/".join(found) for found in _ENTRY.findall(_text(Path(made.path, "eggcarton.json"))))
    for script in _scandir(_bin(session)):
        text = _text(Path(script.path)) if script.is_file() else ""
        yield from ("/".join(found) for found in _ENTRY.findall(text))
        for name in set(_NAME.findall(text)):
            yield from _entry(hidden, str(session.store / name))


def _entry(hidden: Path, path: str) -> Iterator[str]:
    """Give what a path leads to, where that is an entry of the store."""
    parts = os.path.realpath(path).removeprefix(f"{hidden}{os.sep}").split(os.sep)
    if len(parts) > 1 and re.fullmatch(r"[0-9a-f]{64}(-compiled)?", parts[0]):
        yield "/".join(parts[:2])
    elif parts[0].startswith("closed-set-"):
        yield parts[0]


def _files(session: Session) -> Iterator[str]:
    """Give the files that builds from source require; their eggs are unpacked when one is due."""
    yield from _DIGEST.findall(_locked(session).decode("utf-8", "replace"))


def _locked(session: Session) -> bytes:
    try:
        return building.lock_of(session).read_bytes()
    except OSError:
        return b""


def _bin(session: Session) -> str:
    return str(session.buildout["buildout"]["bin-directory"])


def _scandir(directory: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
