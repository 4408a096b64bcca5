"""Where several distributions own the same name: their files, merged into one directory by links."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from eggcarton.packages.eggs import COMPILED
from eggcarton.packages.member import Member

# The directories of an egg that hold data files, scripts and headers.
_TO_PREFIX = frozenset({"bin", "share", "etc", "include", "man"})
_CACHE = "__pycache__"


def fill(prefix: Path, site_packages: Path, members: Sequence[Member]) -> list[str]:
    """Link all that members hold into an environment, and return a remark for each file that several want to own.

    Where they share a file the first one wins.
    """
    remarks: list[str] = []
    owners = [(member.name, name, path) for member in members for name, path in _importable(member)]
    _merge(site_packages, owners, remarks)
    _merge(prefix, [(member.name, name, path) for member in members for name, path in _beside(member)], remarks)
    return remarks


def _importable(member: Member) -> Iterator[tuple[str, Path]]:
    """Give what of a member belongs into site-packages, by the name it has there."""
    for name in sorted(member.files or os.listdir(member.place)):
        path = member.place / name
        if name in _TO_PREFIX and not member.files and path.is_dir() and not (path / "__init__.py").exists():
            continue
        if name == "EGG-INFO":
            name = f"{member.name.replace('-', '_')}-{member.version}.egg-info"
        elif name.endswith(".dist-info"):
            name = f"{'-'.join(name.removesuffix('.dist-info').split('-')[:2])}.dist-info"
        if _is_lasting(path):
            yield name, path


def _beside(member: Member) -> Iterator[tuple[str, Path]]:
    """Give the data files of an egg, which belong to the prefix; its scripts need their first line and follow later."""
    for name in sorted(_TO_PREFIX - {"bin"}):
        path = member.place / name
        if not member.files and path.is_dir() and not (path / "__init__.py").exists():
            yield name, path


def _merge(directory: Path, owners: Iterable[tuple[str, str, Path]], remarks: list[str], inside: str = "") -> None:
    """Link names into a directory; where several distributions share a directory, go on inside it.

    Where they share a file the first one wins: develop packages, then the others by name.
    """
    by_name: dict[str, list[tuple[str, Path]]] = {}
    for owner, name, path in owners:
        by_name.setdefault(name, []).append((owner, path))
    for name, found in sorted(by_name.items()):
        place = directory / name
        directories = [(owner, path) for owner, path in found if path.is_dir()]
        # What Python writes for one distribution must not land in the store as a part of another one.
        if len(found) == 1 and name != _CACHE and not (place.is_dir() and not place.is_symlink()):
            place.symlink_to(found[0][1])
        elif len(directories) == len(found):
            place.mkdir(exist_ok=True)
            inner = [(owner, entry, path / entry) for owner, path in found for entry in sorted(os.listdir(path))]
            _merge(place, [item for item in inner if _is_lasting(item[2])], remarks, f"{inside}{name}/")
        else:
            place.symlink_to(found[0][1])
            if len({_bytes(path) for _, path in found}) > 1:
                remarks.append(shared(inside + name, found[0][0], ", ".join(owner for owner, _ in found[1:])))


def _is_lasting(path: Path) -> bool:
    """Tell whether something in the store was put there for good, which what Python compiled while it ran was not."""
    return path.name != _CACHE or any(part.endswith(COMPILED) for part in path.parts)


def shared(name: str, first: str, others: str) -> str:
    """Return the remark on a file that several distributions want to own."""
    return f"{name} is in several distributions; the one of {first} is used, not that of {others}"


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
