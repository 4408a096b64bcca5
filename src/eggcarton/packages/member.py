"""One distribution of an environment, and what its metadata says."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eggcarton.core.layout import EntryPoint


@dataclass(frozen=True, slots=True)
class Member:
    """One distribution of an environment.

    Args:
        name: its canonical name.
        version: as its metadata says.
        place: the egg directory in the store; for a develop package the directory of its metadata.
        identity: what stands for its content: a sha256, or a develop package's digest.
        files: for a develop package, the entries of ``place`` that belong to it; empty for an egg, which is whole.
    """

    name: str
    version: str
    place: Path
    identity: str
    files: tuple[str, ...] = ()


def ordered(members: Sequence[Member]) -> list[Member]:
    """Put develop packages first, so that where two own the same file theirs is the one that is used."""
    return sorted(members, key=lambda member: (not member.files, member.name))


def metadata(member: Member) -> Path | None:
    """Return the directory of a member's metadata, or the file that is all of it."""
    names = member.files or tuple(os.listdir(member.place))
    for name in sorted(names):
        if name.endswith((".dist-info", ".egg-info")) or name == "EGG-INFO":
            return member.place / name
    return None


def entry_points(member: Member) -> Iterator[EntryPoint]:
    """Give all entry points that a member's metadata declares."""
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
