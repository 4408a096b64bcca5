"""At which index a lock has its packages from, and whether it is the one that they are asked at now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from eggcarton.indexes.routing import Routing
from eggcarton.packages.lock import Lock, LockedPackage


def drift(lock: Lock, projects: Mapping[str, Sequence[str]] | None, developed: Collection[str]) -> Iterator[str]:
    """Give what the lock has from another index than it is asked at, a sentence each.

    Args:
        lock: the lock so far.
        projects: the names and patterns of each index but the default one; None where nobody knows.
        developed: names of develop packages, which come from no index.

    Raises:
        UsageProblem: it has something from an index that is not configured any more.
    """
    if projects is None:
        return
    routing = Routing.of_projects(projects)
    for package in lock.packages:
        asked = routing.at(package.name)
        if package.origin is None and package.name not in developed and package.index != asked:
            routing.locked(package.name, package.index)
            yield f"{package.name} is asked at {_told(asked)}, the lock has it from {_told(package.index)}"


def _told(index: str | None) -> str:
    return f"the index {index}" if index else "the default index"


def routed(package: LockedPackage, routing: Routing) -> LockedPackage:
    """Return a package with the name of the index that it is asked at, if that is not the default one."""
    return package if package.origin is not None else replace(package, index=routing.at(package.name))


def unmoved(lock: Lock, routing: Routing) -> Lock:
    """Return what of a lock is asked where the lock has it from: another index has other things of the same name."""
    same = (p for p in lock.packages if p.origin is not None or p.index == routing.at(p.name))
    return replace(lock, packages=tuple(same))
