"""The addresses of one resolution: which are asked for, by whom, and what is locked of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from eggcarton.core.errors import UsageProblem
from eggcarton.packages import origin as origins
from eggcarton.packages.direct import Direct
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Needs
from eggcarton.packages.origin import Asked, Reference

# What uv says where a distribution of an index needs something by its address.
_NOT_ASKED = re.compile(r"Package `([^`]+)` was included as a URL dependency", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Known:
    asked: Asked
    package: LockedPackage


class Addresses:
    """What a resolution takes from addresses.

    What the configuration and its develop packages ask for is taken, and what that needs by address itself: all of it
    is source that the same people answer for. What a distribution of an index needs by address is not.

    Args:
        direct: the way to them.
        needs: what the resolution is asked for.
        old: the lock so far.
        upgrade: the names to be taken anew, all when empty, none when None.

    Raises:
        UsageProblem: two addresses are asked for by one name, or one cannot be locked.
        EggcartonError: one cannot be had, or not be built.
    """

    def __init__(self, direct: Direct | None, needs: Needs, old: Lock | None, upgrade: Sequence[str] | None) -> None:
        self._direct, self._needs = direct, needs
        anew = {str(canonicalize_name(name)) for name in upgrade or ()}
        kept = () if old is None or (upgrade is not None and not anew) else old.packages
        self._old = {p.name: p for p in kept if p.origin is not None and p.name not in anew}
        self._foreign = {asked.name: asked for asked in needs.addresses}
        self._known: dict[str, _Known] = {}
        self._take(needed(needs))
        held = addressed([(line.requirement, line.asked_by) for line in needs.constraints])
        files = (*held, *needs.addresses, *_imported(self._old.values()))
        there = self._known.keys() | needs.developed
        self._waiting = {asked.name: asked for asked in reversed(files) if asked.name not in there}

    @property
    def packages(self) -> tuple[LockedPackage, ...]:
        """Everything that has an address, as it is to be locked, but for markers; where that is not known, its name."""
        there = tuple(known.package for known in self._known.values())
        return (*there, *(self._old.get(name, LockedPackage(name, "0")) for name in self._waiting))

    def take(self, names: Iterable[str]) -> bool:
        """Take what constraints or another tool's file ask for, where something leads to it; tell whether that was so.

        Raises:
            EggcartonError: it cannot be had, or not be built.
        """
        reached = [self._waiting.pop(name) for name in names if name in self._waiting]
        self._take(reached)
        for name in self._known:
            self._waiting.pop(name, None)
        return bool(reached)

    def mentioned(self, text: str) -> list[str]:
        """Return the names that are not known yet and stand in a text."""
        return [name for name in self._waiting if name in text.lower().replace("_", "-").replace(".", "-")]

    def _take(self, asked: Iterable[Asked]) -> None:
        queue = list(asked)
        while queue:
            item = queue.pop(0)
            known = self._known.get(item.name)
            if item.name in self._needs.developed or (known is not None and (item.imported or known.asked.imported)):
                continue
            if known is not None:
                _check_same(known.asked, item)
                continue
            package = self._locked(item)
            self._known[item.name] = _Known(item, package)
            by = f"{package.name} {package.version} from {package.origin}"
            queue += addressed([(line, by) for line in package.requires])

    def _locked(self, item: Asked) -> LockedPackage:
        if self._direct is None:
            raise UsageProblem(f"{item.asked_by} asks for {item.name} by an address, which has no place here")
        foreign = self._foreign.get(item.name)
        if foreign is not None:
            pinned = foreign.commit is not None and replace(item.reference, revision=foreign.reference.revision)
            _check_same(foreign, replace(item, reference=pinned) if pinned else item)
            item = replace(item, commit=foreign.commit, hashes=foreign.hashes)
        by = f"{item.asked_by} asks for {item.name}"
        old = self._old.get(item.name)
        if old is not None and old.origin is not None and foreign is None:
            file = old.sdist or old.wheels[0]
            if old.origin.answers(item.reference, file.sha256):
                origin = replace(old.origin, imported=item.imported)
                return self._direct.again(replace(old, origin=origin, marker=None), by)
        return self._direct.lock(
            item.name,
            item.reference,
            by,
            commit=item.commit,
            hashes=item.hashes or self._needs.hashes.get(item.name, frozenset()),
            imported=item.imported,
        )


def needed(needs: Needs) -> Iterator[Asked]:
    """Give the addresses that a configuration asks for, and those that its develop packages need.

    Raises:
        UsageProblem: one of them cannot be locked.
    """
    yield from addressed([(need.requirement, need.asked_by) for need in needs.needs])
    for package in needs.develop:
        yield from addressed([(line, f"develop package {package.name}") for line in package.requires])


def addressed(lines: Iterable[tuple[str, str]]) -> Iterator[Asked]:
    """Give the addresses in requirements, each of which comes with who asks for it."""
    for line, asked_by in lines:
        requirement = origins.requirement(line)
        if requirement is not None and requirement.url is not None:
            name = str(canonicalize_name(requirement.name))
            yield Asked(name, origins.read(requirement.url, f"{asked_by} asks for {name}"), asked_by)


def _imported(packages: Iterable[LockedPackage]) -> Iterator[Asked]:
    for package in packages:
        origin = package.origin
        if origin is not None and origin.imported:
            reference = Reference(origin.kind, origin.url, origin.revision, origin.subdirectory)
            yield Asked(package.name, reference, "an imported file", origin.commit, imported=True)


def _check_same(one: Asked, other: Asked) -> None:
    if replace(one.reference, sha256=None) != replace(other.reference, sha256=None) or (
        one.reference.sha256 and other.reference.sha256 and one.reference.sha256 != other.reference.sha256
    ):
        raise UsageProblem(
            f"{one.asked_by} asks for {one.name} at {one.reference}, and {other.asked_by} at {other.reference}; one "
            "lock holds one of them: let both ask for the same"
        )


def stranger(output: str) -> UsageProblem | None:
    """Return what to tell where uv met an address that nobody here has asked for."""
    found = _NOT_ASKED.search(output)
    if found is None:
        return None
    name = found[1]
    return UsageProblem(
        f"a distribution of an index needs {name} by an address, which nobody here has asked for; add "
        f"'{name} @ ADDRESS' to the eggs of a part if it is to be trusted:\n{output.strip()}"
    )


def given_up(lock: Lock, needs: Needs) -> list[str]:
    """Return what comes from an address that nothing asks for any more: its name alone means what the index has."""
    lines = [need.requirement for need in (*needs.needs, *needs.constraints)]
    for package in (*lock.packages, *needs.develop):
        if package.origin is not None or package.name in needs.developed:
            lines += package.requires
    asked = {str(canonicalize_name(found.name)) for line in lines if (found := origins.requirement(line))}
    return [
        f"the lock has {package.name} from {package.origin}, and nothing asks for that any more"
        for package in lock.packages
        if package.origin is not None and not package.origin.imported and package.name not in asked
    ]
