"""Which of a build's locked requirements are taken here, and how they are told."""

from __future__ import annotations

from collections.abc import Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from eggcarton.core.errors import EggcartonError
from eggcarton.packages import markers
from eggcarton.packages.build_lock import LockedBuild
from eggcarton.packages.lock import LockedFile, LockedPackage
from eggcarton.packages.needs import activated, closure
from eggcarton.packages.wheels import file_for_here


def chosen(entry: LockedBuild) -> list[tuple[LockedPackage, LockedFile | None]]:
    """Return what an entry leads to on this Python and platform, each with the file that would be taken."""
    active = activated(entry.lock, (), environment := markers.here())
    names = closure(active, [*entry.requires, *entry.asked], environment)
    return [(active[name], file_for_here(active[name])) for name in sorted(names)]


def identity(packages: Sequence[tuple[LockedPackage, LockedFile | None]]) -> tuple[str, ...]:
    """Return what stands for the content of what was chosen, a text each."""
    return tuple(f"{package.name} {package.version} {file.sha256 if file else ''}" for package, file in packages)


def spelled(lines: Sequence[str]) -> tuple[str, ...]:
    """Return requirements in one spelling and order.

    Raises:
        EggcartonError: one is none.
    """
    found = set()
    for line in lines:
        try:
            found.add(str(Requirement(line)))
        except InvalidRequirement:
            raise EggcartonError(f"{line!r} in the build requirements is no requirement; correct it") from None
    return tuple(sorted(found))


def name_of(line: str) -> str:
    """Return the canonical name in a requirement."""
    return str(canonicalize_name(Requirement(line).name))


def changes(what: str, old: LockedBuild | None, new: LockedBuild) -> list[str]:
    """Return what changed in the requirements of a build, a line each."""
    before = {package.name: package.version for package in old.lock.packages} if old else {}
    after = {package.name: package.version for package in new.lock.packages}
    if not before:
        return [f"{what}: {', '.join(f'{name} {version}' for name, version in sorted(after.items()))}"]
    changed = [
        f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    return [f"{what}: {line}" for line in changed]
