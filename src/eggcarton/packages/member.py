"""One distribution of an environment, and what its metadata says."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eggcarton.core.layout import EntryPoint, ScriptFile

# What an installer is to replace by the interpreter, or one of Python 3 found in any other way.
_PYTHON = re.compile(rb"#!\s*(?:\S*/)?(?:env\s+)?(?:\S*/)?python(?:3(?:\.\d+)?)?w?(?:\s|$)")

OF_MACHINE = "machine "
"""What the identity of a distribution begins with that is not ours: the machine's own Python has it."""


@dataclass(frozen=True, slots=True)
class Member:
    """One distribution of an environment.

    Args:
        name: its canonical name.
        version: as its metadata says.
        place: the egg directory in the store; for a develop package the directory of its metadata.
        identity: what stands for its content: a sha256, or the digest of a develop package or of one of the machine's.
        files: the entries of ``place`` that belong to a develop package, or to a distribution of the machine's, which
            may lie in a directory that it shares; empty for an egg, which is whole.
    """

    name: str
    version: str
    place: Path
    identity: str
    files: tuple[str, ...] = ()

    @property
    def is_of_machine(self) -> bool:
        """Whether it is one of those that the machine's own Python has."""
        return self.identity.startswith(OF_MACHINE)


def base_of(prefix: Path, record: Mapping[str, Any]) -> Path:
    """Return the directory that paths in an environment's record start from: the root of a tree that may be moved."""
    return Path(os.path.normpath(prefix / (record.get("root") or "")))


def noted(prefix: Path, record: Mapping[str, Any]) -> list[Member]:
    """Return the members that an environment's record notes, where they lie now."""
    base = base_of(prefix, record)
    return [Member(n, v, base / place, i, tuple(files)) for n, v, place, i, files in record["members"]]


def ordered(members: Sequence[Member]) -> list[Member]:
    """Put develop packages first, so that where two own the same file theirs is the one that is used."""
    return sorted(members, key=lambda member: (not member.files, member.name))


def metadata(member: Member) -> Path | None:
    """Return the directory of a member's metadata, or the file that is all of it."""
    names = member.files or tuple(os.listdir(member.place))
    for name in sorted(names):
        if ("/" not in name and name.endswith((".dist-info", ".egg-info"))) or name == "EGG-INFO":
            return member.place / name
    return None


def entry_points(member: Member) -> Iterator[EntryPoint]:
    """Give all entry points that a member's metadata declares."""
    from eggcarton.core.layout import EntryPoint

    information = metadata(member)
    path = information / "entry_points.txt" if information else None
    if path is None or not path.is_file():
        return
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text("utf-8"))
    for group in parser.sections():
        for name, value in parser.items(group):
            module, _, attribute = value.partition("[")[0].strip().partition(":")
            yield EntryPoint(member.name, group, name, module.strip(), attribute.strip())


def script_files(member: Member) -> Iterator[tuple[ScriptFile, Path]]:
    """Give the scripts that a member brings as files, and where they lie, in the order of their names.

    Those of a wheel are in ``bin`` of its egg; those of a develop package, and of eggs that were made otherwise, are
    beside the metadata.
    """
    from eggcarton.core.layout import ScriptFile

    information, beside = metadata(member), member.place / "bin"
    places = [information / "scripts"] if information else []
    if not member.files and not (beside / "__init__.py").exists():
        places.append(beside)
    for place in places:
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path.is_file():
                yield ScriptFile(member.name, path.name, _kind(path)), path


def _kind(path: Path) -> str:
    with path.open("rb") as stream:
        start = stream.read(256)
    if _PYTHON.match(start):
        return "python"
    # A text that does not say what runs it is one for the shell, as shells have it.
    return "program" if start.startswith(b"#!") or b"\0" in start else "shell"
