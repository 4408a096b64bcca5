"""The tree digest: one SHA-256 of everything that a build consists of, the same in whatever directory it was made."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from eggcarton.core.records import Record
from eggcarton.core.standing import below, look
from eggcarton.packages import eggs
from eggcarton.packages.eggs import LEFT_OUT
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.member import OF_MACHINE

_FORMAT = 1
_CACHE = "__pycache__"
_HOME = re.compile(rb"^home = .*$", re.MULTILINE)
_RECORD = "eggcarton.json"
# How a script names its interpreter hangs on the directory: a long one, or one with a space in it, takes a shell.
_BY_SHELL = re.compile(rb"""\A#!/bin/sh\n'''exec' '?([^'\n]*?)'? (-\S+) "\$0" "\$@"\n' '''\n""")
_EXEC = re.compile(rb"""^exec .* "\$@"$""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or link: its path without the directories of this machine, whether it may be run, and its digest."""

    path: str
    is_executable: bool
    sha256: str


class Tokens:
    """The directories and digests that differ from one place to the next, each with the word that stands for it."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = {os.fsencode(found): os.fsencode(word) for found, word in words.items()}
        longest_first = sorted(self._words, key=lambda found: (-len(found), found))
        either = b"|".join(map(re.escape, longest_first))
        self._pattern = re.compile(rb"(?<![\w.-])(?:" + either + rb")(?![\w-])") if either else None

    def replace(self, content: bytes) -> bytes:
        """Return bytes in which the words stand instead."""
        if self._pattern is None:
            return content
        return self._pattern.sub(lambda match: self._words[match[0]], content)

    def in_file(self, content: bytes) -> bytes:
        """Return a file's bytes in which the words stand instead, and which start their interpreter in one way."""
        if self._pattern is None:
            return content
        direct = _BY_SHELL.sub(rb"#!\1 \2\n", self.replace(content))
        return _EXEC.sub(lambda match: match[0].replace(b"'", b""), direct)

    def path(self, path: Path) -> str:
        """Return a path in which the words stand instead."""
        return os.fsdecode(self.replace(os.fsencode(path)))

    def with_more(self, words: Mapping[str, str]) -> Tokens:
        """Return these words and more."""
        mine = {os.fsdecode(found): os.fsdecode(word) for found, word in self._words.items()}
        return Tokens({**mine, **words})


def of_egg(egg: Path) -> Iterator[Entry]:
    """Give what one egg holds, but for what Python compiled while it ran, and for who installed it and how."""
    info = eggs.info_of(egg)
    own = info.name if info else ""
    try:
        rows = eggs.recorded(egg)
    except (OSError, ValueError):
        rows = {}
    place = f"{{store}}/{egg.name}"
    for path in below(egg):
        name = path.relative_to(egg).as_posix()
        if (_CACHE in name.split("/") and name not in rows) or _is_left_out(name, own):
            continue
        if name == f"{own}/RECORD":
            lines = [json.dumps([path, str(row)]) for path, row in sorted(rows.items()) if not _is_left_out(path, own)]
            yield Entry(f"{place}/{name}", False, hashlib.sha256("\n".join(lines).encode()).hexdigest())
        else:
            yield _entry(f"{place}/{name}", path, Tokens({}))


def _is_left_out(name: str, info: str) -> bool:
    directory, _, last = name.rpartition("/")
    return directory == info and last in LEFT_OUT


def of_environment(prefix: Path, python: Interpreter, tokens: Tokens) -> tuple[str, list[Entry]]:
    """Return the word for one environment, which its content decides, and what it holds.

    Links into ``develop-eggs`` are followed: what lies there no lock names. Of the Python that environments are made
    for its version counts, not where it is.
    """
    entries = in_environment(prefix, python, tokens)
    word = f"{{environment {digest(entries, python)[:16]}}}"
    return word, [Entry(f"{word}/{entry.path}", entry.is_executable, entry.sha256) for entry in entries]


def in_environment(prefix: Path, python: Interpreter, tokens: Tokens) -> list[Entry]:
    """Return what one environment holds, by paths that begin in it."""
    inner = tokens.with_more({str(prefix): "{environment}", **_digests_in(prefix), str(python.executable): "{python}"})
    return list(_of_environment(prefix, inner))


def _digests_in(prefix: Path) -> dict[str, str]:
    """Return the word for each digest that hangs on the directory: an environment's own, and those of develop packages.

    Their files themselves are followed to where they lie.
    """
    try:
        record = json.loads((prefix / _RECORD).read_text("utf-8"))
        members = [(str(identity), files) for _, _, _, identity, files in record["members"]]
        identities = [identity for identity, files in members if files and not identity.startswith(OF_MACHINE)]
        developed = dict.fromkeys([*identities, *map(str, record["developed"].values())], "{develop}")
        return {**developed, str(record["digest"]): "{digest}"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _of_environment(prefix: Path, tokens: Tokens) -> Iterator[Entry]:
    for path in below(prefix):
        name = path.relative_to(prefix).as_posix()
        if path.parent.name == _CACHE and not path.is_symlink():
            continue
        if name == "pyvenv.cfg":
            content = _HOME.sub(b"home = {python}", tokens.replace(path.read_bytes()))
            yield Entry(name, False, hashlib.sha256(content).hexdigest())
            continue
        yield _entry(name, path, tokens)
        if path.is_symlink() and "develop-eggs" in Path(os.readlink(path)).parts:
            target = path.resolve()
            for inner in [target] if target.is_file() else below(target):
                if _CACHE not in inner.parts and not (inner.name in LEFT_OUT and inner.parent == target):
                    beside = os.path.relpath(inner, target)
                    yield _entry(f"{name}/{beside}" if beside != "." else f"{name}/", inner, tokens)


def of_record(record: Record, tokens: Tokens) -> Iterator[Entry]:
    """Give what a part owns, as it stands; what is gone is left out."""
    for path, owned in record.paths.items():
        if owned.kind == "editable":
            # It is the administrator's as much as ours.
            continue
        for inner in below(path) if owned.kind == "produced" else [path]:
            if look(inner).kind != "nothing":
                yield _entry(tokens.path(inner), inner, tokens)


def digest(entries: Iterable[Entry], python: Interpreter) -> str:
    """Return one digest for a Python of this version and these entries, in whatever order they come."""
    total = hashlib.sha256(f"eggcarton tree {_FORMAT} Python {python.version}\n".encode())
    for line in sorted({json.dumps([entry.path, entry.is_executable, entry.sha256]) for entry in entries}):
        total.update(f"{line}\n".encode())
    return total.hexdigest()


def _entry(name: str, path: Path, tokens: Tokens) -> Entry:
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        content, kind = tokens.replace(os.fsencode(os.readlink(path))), b"link "
    elif stat.S_ISREG(found.st_mode):
        content, kind = tokens.in_file(path.read_bytes()), b"file "
    else:
        # Neither a pipe nor a device is ever opened: reading one could hang for ever.
        content, kind = b"", f"{stat.S_IFMT(found.st_mode):o} ".encode()
    is_executable = stat.S_ISREG(found.st_mode) and bool(found.st_mode & stat.S_IXUSR)
    return Entry(name, is_executable, hashlib.sha256(kind + content).hexdigest())
