"""Develop packages come before what is locked: what has to stand in an environment so that Python sees it so."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eggcarton.core.plan import runtime_source
from eggcarton.packages import modules
from eggcarton.packages.eggs import declares_namespace
from eggcarton.packages.member import Member
from eggcarton.packages.modules import Modules

LINES = "~eggcarton-first.pth"
"""The file of an environment that puts develop packages first; it sorts last, when all other lines had their effect."""
MODULE = "_eggcarton_developed"
"""The module that it imports."""

_SOURCE = "developed_first"
# The module of a finder that serves several packages. Source: the bootstrap module of ``editables``.
_SHARED_FINDER = "editables.redirector"


@dataclass(frozen=True, slots=True)
class Package:
    """A develop package: where its modules are, and those that an environment has of it to find them."""

    name: str
    modules: Modules
    finders: tuple[str, ...] = ()


def packages(members: Sequence[Member], first_paths: Sequence[Path]) -> list[Package]:
    """Return the develop packages among members, in their order.

    Args:
        first_paths: the directories of develop packages that no member tells of.
    """
    found = []
    for member in members:
        own = modules.find(member.place, member.files)
        files = tuple(name.removesuffix(".py") for name in member.files if name.endswith(".py"))
        if own.directories or own.found:
            found.append(Package(member.name, own, (*files, _SHARED_FINDER) if own.found else ()))
    named = {path for one in found for path in one.modules.directories}
    more = [path for path in dict.fromkeys(first_paths) if path not in named]
    return [*found, *(Package(f"in {path}", Modules((path,))) for path in more)]


def write(
    site_packages: Path,
    stands: Path,
    packages: Sequence[Package],
    namespaces: Mapping[str, Sequence[Path]],
    root: Path | None,
) -> None:
    """Let an environment import develop packages first, in their order; without any, nothing is written.

    Args:
        site_packages: where it is prepared.
        stands: where that will stand.
        namespaces: the directories of those that Python does not know by itself.
        root: the tree that is to work wherever it is moved to; None where paths may be absolute.
    """
    if not packages:
        return

    def spelt(paths: Iterable[Path]) -> list[str]:
        return [_spelt(path, stands, root) for path in paths]

    order = [(spelt(one.modules.directories), list(one.finders)) for one in packages]
    shared = {name: spelt(paths) for name, paths in sorted(namespaces.items())}
    (site_packages / f"{MODULE}.py").write_text(runtime_source(_SOURCE), "utf-8")
    (site_packages / LINES).write_text(f"import {MODULE}; {MODULE}.install({order!r}, {shared!r})\n", "utf-8")


def namespaces(packages: Iterable[Package], site_packages: Path) -> dict[str, list[Path]]:
    """Return the namespaces that develop packages have a part of, and where, as far as Python does not know them so.

    These are packages that somebody declares to be one by pkg_resources or pkgutil: develop packages, or what is
    locked.
    """
    here: dict[str, list[Path]] = {}
    for one in packages:
        for directory in one.modules.directories:
            _add(here, "", directory)
        for name, path in one.modules.found.items():
            here.setdefault(name.rpartition(".")[0] or name, [])
            if path.is_dir():
                here.setdefault(name, []).append(path)
    found, queue = {}, sorted(here)
    for name in queue:
        locked = site_packages.joinpath(*name.split("."))
        if not all(is_namespace(path) for path in here[name]):
            continue
        if any((path / "__init__.py").is_file() and is_namespace(path) for path in (*here[name], locked)):
            found[name] = here[name]
        elif not locked.is_dir():
            continue
        for directory in here[name]:
            queue += _add(here, f"{name}.", directory)
    return found


def _add(here: dict[str, list[Path]], before: str, directory: Path) -> list[str]:
    """Note the packages in a directory, and return the names of those that were not known."""
    new = []
    for path in sorted(directory.iterdir()):
        if path.name.isidentifier() and path.name != "__pycache__" and path.is_dir():
            if before + path.name not in here:
                new.append(before + path.name)
            here.setdefault(before + path.name, []).append(path)
    return new


def is_namespace(package: Path) -> bool:
    """Tell whether a directory is a part of a namespace, in whatever way it says so."""
    init = package / "__init__.py"
    return not init.is_file() or declares_namespace(init.read_text("utf-8", "replace"))


def _spelt(path: Path, stands: Path, root: Path | None) -> str:
    is_movable = root is not None and path.is_relative_to(root) and stands.is_relative_to(root)
    return os.path.relpath(path, stands) if is_movable else str(path)
