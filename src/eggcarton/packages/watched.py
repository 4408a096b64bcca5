"""Whether all that decided a develop package's metadata is still what it was."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from eggcarton.packages import build_questions, surroundings

_IGNORED_ENDS = (".pyc", ".pyo", ".egg-info", ".dist-info", "~")
_IGNORED = frozenset({"__pycache__", "build", "dist", "bin", "parts", "eggs", "develop-eggs", "var"})
# What backends look for by these patterns becomes part of the metadata.
_LICENSES = ("licen[cs]e*", "copying*", "notice*", "authors*")
# Each shell and terminal sets these anew, and no build means them when it hands all variables on.
_OF_SHELL = frozenset({"_", "SHLVL"})
_STRICT = os.path.join("build", "__editable__")


@dataclass(frozen=True, slots=True)
class Question:
    """What a build asked another program that only tells: ``git describe``, for instance.

    Args:
        words: the command.
        place: the directory it ran in.
        given: variables that the build set for it.
        gone: variables that the build took away from it.
        told: the digest of the answer that the build got.
    """

    words: tuple[str, ...]
    place: str
    given: tuple[tuple[str, str], ...]
    gone: tuple[str, ...]
    told: str

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Question:
        """Return a question as JSON has it."""
        given = tuple((str(name), str(value)) for name, value in raw["given"])
        return cls(tuple(raw["words"]), raw["place"], given, tuple(raw["gone"]), raw["told"])

    def ask(self, root: Path, variables: Mapping[str, str]) -> str:
        """Return the digest of the answer of now.

        Args:
            root: the project's directory.
            variables: those of builds of develop packages, as they are now.
        """
        kept = {name: value for name, value in variables.items() if name not in self.gone}
        return build_questions.ask(self.words, str(root / self.place), kept | dict(self.given))


@dataclass(frozen=True, slots=True)
class Watched:
    """What decided the result of a build. Paths are relative to the project, or absolute where they lie outside of it.

    Args:
        files: were read.
        made: were written by the build, and are still there.
        probed: were looked for.
        measured: had their size or time looked at.
        listed: directories that were listed by tools.
        exact: directories that were listed by the project's own code.
        variables: their names; ``*`` stands for all of them.
        programs: what other programs were asked.
        out_of_sight: what the build did that cannot be watched, as words behind "it".
    """

    files: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    probed: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    programs: tuple[Question, ...] = ()
    out_of_sight: tuple[str, ...] = ()

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Watched:
        """Return what was watched as JSON has it.

        Raises:
            KeyError, TypeError: it is something else.
        """
        texts = {field.name: tuple(map(str, raw[field.name])) for field in fields(cls) if field.name != "programs"}
        return cls(**texts, programs=tuple(Question.of(one) for one in raw["programs"]))


NOTHING_WATCHED = Watched()


def build_digests(text: str) -> frozenset[str]:
    """Return a digest of each set of build requirements in a ``buildout.lock.toml``, whatever it is locked for."""
    blocks = text.split("\n[[builds]]\n")[1:]
    lines = ([line for line in block.strip().splitlines() if not line.startswith("for = ")] for block in blocks)
    return frozenset(hashlib.sha256("\n".join(block).encode()).hexdigest() for block in lines)


def fingerprint(
    root: Path, watched: Watched, variables: Mapping[str, str], answer: Callable[[Question], str] = lambda one: one.told
) -> str:
    """Return a digest of all that was watched, as it is now.

    Of a directory that tools have listed only modules count, directories that hold some, licences, and what is like a
    file beside it that was read: these are what a backend looks for, while a lock or a log that somebody leaves there
    decides nothing. What is gone counts as gone.

    Args:
        root: the project's directory.
        variables: those of builds of develop packages.
        answer: gives the answer to a question; without it, the one that the build got.
    """
    digest = hashlib.sha256()
    for line in _lines(root, watched, variables):
        digest.update(f"{line}\n".encode("utf-8", "surrogateescape"))
    for one in watched.programs:
        digest.update(f"program {one.words} {answer(one)}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _lines(root: Path, watched: Watched, variables: Mapping[str, str]) -> Iterator[str]:
    for kind, names in (("file", watched.files), ("made", watched.made)):
        for name in names:
            yield f"{kind} {name} {_content(root / name)}"
    for name in watched.probed:
        path = root / name
        yield f"probed {name} {'directory' if path.is_dir() else 'file' if path.exists() else '-'}"
    for name in watched.measured:
        try:
            found = os.stat(root / name)
        except (OSError, ValueError):
            yield f"measured {name} -"
        else:
            yield f"measured {name} {found.st_mode} {found.st_size} {found.st_mtime_ns}"
    # Where links were made to every file of a package, a new file wants a new link.
    is_strict = any(name.startswith(_STRICT) for name in watched.made)
    for name in watched.listed:
        ends = {os.path.splitext(file)[1] for file in watched.files if os.path.dirname(file) == name.strip(".")}
        yield f"listed {name} {_listing(root / name, is_exact=is_strict, ends=ends - {'', '.py'})}"
    for name in watched.exact:
        yield f"listed {name} {_listing(root / name, is_exact=True)}"
    every = (
        variables.keys() - _OF_SHELL if "*" in watched.variables else set(filter(surroundings.tells_version, variables))
    )
    for name in sorted({*watched.variables} | every):
        value = variables.get(name)
        # The home can be spelled in several ways; which one a shell has does not matter.
        yield f"variable {name} {os.path.realpath(value) if name == 'HOME' and value else value!r}"


def _content(path: Path) -> str:
    try:
        # A pipe would not end; what it stands for now is not what was read then.
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() or str(path) == os.devnull else "-"
    except OSError:
        return "-"


def _listing(directory: Path, *, is_exact: bool, ends: set[str] | frozenset[str] = frozenset()) -> list[str]:
    try:
        names = sorted(name for name in os.listdir(directory) if _counts(name))
    except OSError:
        return ["-"]
    if is_exact:
        return names
    return [name for name in names if _is_wanted(name, ends) or _is_module(directory / name)]


def _counts(name: str) -> bool:
    """Tell whether a name is one of the project's own files and not something that builds leave."""
    return not (name in _IGNORED or name.endswith(_IGNORED_ENDS) or name.startswith("."))


def _is_wanted(name: str, ends: set[str] | frozenset[str]) -> bool:
    return os.path.splitext(name)[1] in ends or any(fnmatch(name.lower(), pattern) for pattern in _LICENSES)


def _is_module(path: Path, depth: int = 3) -> bool:
    if not _counts(path.name):
        return False
    if path.suffix == ".py":
        return True
    try:
        return depth > 0 and path.is_dir() and any(_is_module(inner, depth - 1) for inner in path.iterdir())
    except OSError:
        return False
