"""At which index a lock has its packages from, and whether it is the one that they are asked at now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from eggcarton.indexes.routing import Routing
from eggcarton.packages.lock import Lock, LockedPackage


def drift(
    lock: Lock, projects: Mapping[str, Sequence[str]] | None, developed: Collection[str], pruned: Callable[[], Lock]
) -> Iterator[str]:
    """Give what the lock has from another index than it is asked at, a sentence each.

    Args:
        lock: the lock so far.
        projects: the names and patterns of each index but the default one; None where nobody knows.
        developed: names of develop packages, which come from no index.
        pruned: returns what of the lock is still asked for.

    Raises:
        UsageProblem: what is still asked for is from an index that is not configured any more.
    """
    if projects is None:
        return
    routing = Routing.of_projects(projects)
    left = {package.name for package in orphans(lock, projects, developed, pruned)}
    for package in lock.packages:
        asked = routing.at(package.name)
        if package.origin is None and package.name not in {*developed, *left} and package.index != asked:
            routing.locked(package.name, package.index)
            yield f"{package.name} is asked at {_told(asked)}, the lock has it from {_told(package.index)}"


def orphans(
    lock: Lock, projects: Mapping[str, Sequence[str]] | None, developed: Collection[str], pruned: Callable[[], Lock]
) -> list[LockedPackage]:
    """Return what the lock has from an index that is not configured any more, and that nothing asks for."""
    gone = [
        package
        for package in lock.packages
        if package.origin is None and package.index not in (None, *(projects or {})) and package.name not in developed
    ]
    if projects is None or not gone:
        return []
    kept = {package.name for package in pruned().packages}
    return [package for package in gone if package.name not in kept]


def _told(index: str | None) -> str:
    return f"the index {index}" if index else "the default index"


def routed(package: LockedPackage, routing: Routing) -> LockedPackage:
    """Return a package with the name of the index that it is asked at, if that is not the default one."""
    return package if package.origin is not None else replace(package, index=routing.at(package.name))


def unmoved(lock: Lock, routing: Routing) -> Lock:
    """Return what of a lock is asked where the lock has it from: another index has other things of the same name."""
    same = (p for p in lock.packages if p.origin is not None or p.index == routing.at(p.name))
    return replace(lock, packages=tuple(same))
