"""Which modules no import reaches, since what is searched before them has one of that name."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder, all_suffixes
from pathlib import Path

from eggcarton.packages.member import Member
from eggcarton.packages.merging import importable
from eggcarton.packages.modules import Modules
from eggcarton.packages.precedence import Package, is_namespace
from eggcarton.packages.same_names import SameName

_SUFFIXES = tuple(sorted(all_suffixes(), key=len, reverse=True))


@dataclass(frozen=True, slots=True)
class _Provider:
    """What one owner has of one name.

    Args:
        owner: what to call it.
        is_locked: whether it is a distribution whose files are merged with those of others.
    """

    owner: str
    path: Path
    is_locked: bool = False

    @property
    def is_shared(self) -> bool:
        """Whether it is a part of a namespace, which others have parts of too."""
        return self.path.is_dir() and is_namespace(self.path)


def names(
    members: Sequence[Member],
    developed: Sequence[Package],
    extra_paths: Sequence[Path],
    standard: Collection[str],
) -> Iterator[SameName]:
    """Give the modules and packages that cannot be imported.

    Args:
        members: all distributions of an environment, the first ones first.
        developed: its develop packages, in the same order.
        extra_paths: what is searched last.
        standard: the top-level names of the standard library, which is searched first.
    """
    eggs = [
        (module, _Provider(member.name, path, is_locked=True))
        for member in members
        if not member.files
        for module, path in _modules((name, path) for name, path in importable(member))
    ]
    own = [
        (module, _Provider(f"the develop package {package.name}", path))
        for package in developed
        for module, path in _developed(package.modules)
    ]
    known = {os.path.realpath(path) for package in developed for path in package.modules.directories}
    extra = [
        (name, _Provider(f"the extra path {directory}", path))
        for directory in extra_paths
        if os.path.realpath(directory) not in known
        for name, path in _modules(_listing(directory))
    ]
    for name, provider in (*own, *eggs):
        if name in standard and not provider.is_shared:
            yield SameName("standard", name, "the standard library", (provider.owner,))
    named = {name.partition(".")[0] for name, _ in (*own, *extra)} - set(standard)
    by_name: dict[str, list[_Provider]] = {}
    for name, provider in (*own, *eggs, *extra):
        if name.partition(".")[0] in named:
            by_name.setdefault(name, []).append(provider)
    yield from _compared(by_name, 0)


def standard_library() -> frozenset[str]:
    """Return the top-level names of the standard library that this Python really has."""
    paths = [path for name in ("stdlib", "platstdlib") if (path := sysconfig.get_path(name))]
    paths += [path for path in sys.path if os.path.basename(path) == "lib-dynload"]
    names = sys.stdlib_module_names
    return frozenset(n for n in names if n in sys.builtin_module_names or PathFinder.find_spec(n, paths) is not None)


def _compared(by_name: Mapping[str, Sequence[_Provider]], depth: int) -> Iterator[SameName]:
    """Compare names with so many dots, and those below them where they are namespaces."""
    below = {name: list(found) for name, found in by_name.items() if name.count(".") > depth}
    for name, found in sorted(by_name.items()):
        if name in below:
            continue
        used = next((one for one in found if not one.is_shared), None)
        if used is None:
            for one in found:
                for module, path in _modules(_listing(one.path)):
                    below.setdefault(f"{name}.{module}", []).append(_Provider(one.owner, path, one.is_locked))
            continue
        others = [one for one in found if one is not used and not (one.is_locked and used.is_locked)]
        others = [one for one in others if _holds_code(one.path) and not _is_same(one.path, used.path)]
        if others:
            yield SameName("module", name, used.owner, tuple(dict.fromkeys(one.owner for one in others)))
    several = {name: found for name, found in below.items() if not all(one.is_locked for one in found)}
    if several:
        yield from _compared(several, depth + 1)


def _developed(found: Modules) -> Iterator[tuple[str, Path]]:
    yield from found.found.items()
    for directory in found.directories:
        yield from _modules(_listing(directory))


def _listing(directory: Path) -> Iterator[tuple[str, Path]]:
    if directory.is_dir():
        yield from ((name, directory / name) for name in sorted(os.listdir(directory)))


def _modules(entries: Iterator[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    """Give the module that each file or directory stands for, where it stands for one."""
    for name, path in entries:
        if path.is_dir():
            module = name
        else:
            suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), None)
            module = name.removesuffix(suffix) if suffix else ""
        if module.isidentifier() and module not in ("__pycache__", "__init__"):
            yield module, path


def _holds_code(path: Path) -> bool:
    return path.is_file() or any(name.endswith(_SUFFIXES) for name in os.listdir(path))


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
