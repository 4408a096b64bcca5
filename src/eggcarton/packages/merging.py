"""Where several distributions own the same name: their files, merged into one directory by links."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from eggcarton.packages.eggs import COMPILED, declares_namespace
from eggcarton.packages.member import Member
from eggcarton.packages.same_names import SameName

# The directories of an egg that hold data files, scripts and headers.
_TO_PREFIX = frozenset({"bin", "share", "etc", "include", "man"})
_CACHE = "__pycache__"

Owned = tuple[str, str, Path]
"""The distribution that owns something, the name that it has in a directory, and where it really is."""


def fill(
    prefix: Path, site_packages: Path, members: Sequence[Member], link: Callable[[Path, Path], None], *, folds: bool
) -> list[SameName]:
    """Link all that members hold into an environment, and return what several of them want to own.

    The first one wins. Where they share a directory it is made anew, and holds what each of them has there.

    Args:
        link: lets a place, the second, lead to a target.
        folds: whether the file system takes names for the same that differ in case, or in how letters are composed.
    """
    merge = _Merge(link, folds)
    merge.into(site_packages, [(one.name, name, path) for one in members for name, path in importable(one)])
    merge.into(prefix, [(one.name, name, path) for one in members for name, path in _beside(one)])
    return merge.same_names


def importable(member: Member) -> Iterator[tuple[str, Path]]:
    """Give what of a member belongs into site-packages, by the name it has there."""
    for name in sorted(member.files or os.listdir(member.place)):
        path = member.place / name
        if name in _TO_PREFIX and not member.files and path.is_dir() and not (path / "__init__.py").exists():
            continue
        if name == "EGG-INFO":
            name = f"{member.name.replace('-', '_')}-{member.version}.egg-info"
        elif name.endswith(".dist-info"):
            name = f"{'-'.join(name.removesuffix('.dist-info').split('-')[:2])}.dist-info"
        if is_lasting(path):
            yield name, path


def folded(name: str) -> str:
    """Return the one spelling of all names that some file systems take for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def folds_names(directory: Path) -> bool:
    """Tell whether names that differ only in case are the same in a directory."""
    with tempfile.NamedTemporaryFile(prefix="eggcarton-Case-", dir=directory) as file:
        return os.path.lexists(os.path.join(directory, os.path.basename(file.name).replace("Case", "cASE")))


def _beside(member: Member) -> Iterator[tuple[str, Path]]:
    """Give the data files of an egg, which belong to the prefix; its scripts need their first line and follow later."""
    for name in sorted(_TO_PREFIX - {"bin"}):
        path = member.place / name
        if not member.files and path.is_dir() and not (path / "__init__.py").exists():
            yield name, path


class _Merge:
    """Links what distributions own into directories, and notes what several of them want to own."""

    def __init__(self, link: Callable[[Path, Path], None], folds: bool) -> None:
        self._link, self._folds = link, folds
        self.same_names: list[SameName] = []

    def into(self, directory: Path, owned: Sequence[Owned], inside: str = "") -> None:
        """Fill a directory; what comes first wins.

        Args:
            inside: what to call the directory, with a slash behind.
        """
        by_name: dict[str, list[Owned]] = {}
        deeper: dict[str, list[Owned]] = {}
        for owner, name, path in owned:
            top, slash, rest = name.partition("/")
            # Of some directories not all is the owner's.
            (deeper if slash else by_name).setdefault(top, []).append((owner, rest or name, path))
        for name in self._alike(by_name, inside):
            del by_name[name]
        for name, more in sorted(deeper.items()):
            whole = [(owner, one, path / one) for owner, _, path in by_name.pop(name, ()) for one in _entries(path)]
            (directory / name).mkdir(exist_ok=True)
            self.into(directory / name, [*more, *whole], f"{inside}{name}/")
        for name, found in sorted(by_name.items()):
            self._put(directory / name, found, inside + name)

    def _put(self, place: Path, found: Sequence[Owned], told: str) -> None:
        paths = [path for _, _, path in found]
        # What Python writes for one distribution must not land in the store as a part of another one.
        if len(found) == 1 and place.name != _CACHE and not (place.is_dir() and not place.is_symlink()):
            self._link(paths[0], place)
        elif all(path.is_dir() for path in paths):
            place.mkdir(exist_ok=True)
            inner = [(owner, entry, path / entry) for owner, _, path in found for entry in _entries(path)]
            self.into(place, inner, f"{told}/")
        else:
            self._link(paths[0], place)
            if not _are_equal(paths):
                slash = "/" if any(path.is_dir() for path in paths) else ""
                self.same_names.append(
                    SameName("file", told + slash, found[0][0], tuple(owner for owner, _, _ in found[1:]))
                )

    def _alike(self, by_name: dict[str, list[Owned]], inside: str) -> list[str]:
        """Note the names that a file system may take for the same, and return those that have no place on this one."""
        groups: dict[str, list[str]] = {}
        for name in by_name:
            groups.setdefault(folded(name), []).append(name)
        left_out = []
        for first, *others in groups.values():
            used = by_name[first][0][0]
            for name in others:
                owners = tuple(dict.fromkeys(owner for owner, _, _ in by_name[name]))
                if self._folds or owners != (used,):
                    slash = "/" if by_name[name][0][2].is_dir() else ""
                    self.same_names.append(SameName("case", inside + first + slash, used, owners, inside + name))
            left_out += others if self._folds else []
        return left_out


def _entries(directory: Path) -> list[str]:
    """Return what a directory holds for good; where it is a file, nothing can be merged with it."""
    names = sorted(os.listdir(directory)) if directory.is_dir() else []
    return [name for name in names if is_lasting(directory / name)]


def is_lasting(path: Path) -> bool:
    """Tell whether something in the store was put there for good, which what Python compiled while it ran was not."""
    return path.name != _CACHE or any(part.endswith(COMPILED) for part in path.parts)


def _are_equal(paths: Sequence[Path]) -> bool:
    contents = {path.read_bytes() if path.is_file() else None for path in paths}
    if len(contents) > 1 and {path.name for path in paths} == {"__init__.py"} and None not in contents:
        # However they say it, all say the same.
        return all(declares_namespace(content.decode("utf-8", "replace")) for content in contents if content)
    return len(contents) == 1
