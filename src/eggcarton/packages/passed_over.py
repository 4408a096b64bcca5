"""Which versions were locked though the index has newer ones that nothing in the lock excludes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from eggcarton.indexes.pages import Listed
from eggcarton.packages import cutoff
from eggcarton.packages.chains import Graph
from eggcarton.packages.compiled import lowest
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Needs, requirement_of
from eggcarton.packages.outdated import Use, bounds_of, usable


def warnings(
    lock: Lock, before: Lock | None, needs: Needs, listed: Callable[[LockedPackage], Sequence[Listed]]
) -> list[str]:
    """Return a warning for each name of which a newer version was passed over that nothing in the lock excludes.

    Only what the configuration or a develop package asks for itself is looked at: what others need may well be older.

    Args:
        lock: the lock, just made.
        before: what was to be kept of the one before; a version that stayed is no choice.
        needs: what it answers.
        listed: gives the files of a package's index.
    """
    newer = {name: versions for name in _asked(needs) if (versions := _newer(name, lock, before, needs, listed))}
    if not newer:
        return []
    bounds = bounds_of(Graph(lock, needs, None), needs, None)
    found = []
    for name, versions in sorted(newer.items()):
        admitted = [
            version
            for version in versions
            if all(bound.admits.contains(version, prereleases=True) for bound in bounds.get(name, ()))
        ]
        if admitted:
            newest = max(admitted)
            found.append(_said(name, _locked(lock, name), newest, has_wheel=versions[newest]))
    return found


def _asked(needs: Needs) -> set[str]:
    """Return the names that may be locked in any version, as far as those know who ask for them."""
    asked = {str(canonicalize_name(requirement_of(need).name)) for need in needs.needs}
    for package in needs.develop:
        asked |= {str(canonicalize_name(Requirement(line).name)) for line in package.requires}
    # Of what is told with a sha256, others are out of the question.
    return asked - needs.developed - needs.hashes.keys() - set(map(canonicalize_name, needs.pins))


def _newer(
    name: str,
    lock: Lock,
    before: Lock | None,
    needs: Needs,
    listed: Callable[[LockedPackage], Sequence[Listed]],
) -> dict[Version, bool]:
    """Return the newer versions of a name that all Pythons of a lock can use, and whether there is a wheel of each."""
    packages = lock.named(name)
    if not packages or any(package.origin is not None for package in packages):
        return {}
    locked = _locked(lock, name)
    if before is not None and any(Version(package.version) == locked for package in before.named(name)):
        return {}
    until = lock.exclude_newer
    files = [file for file in listed(packages[0]) if until is None or not cutoff.is_after(file.uploaded, until)]
    python = lowest(lock.requires_python or "")
    with_wheels, all_of_them = (usable(files, Use(python, sdists=sdists, here=False), name) for sdists in (False, True))
    finals = needs.terms.prereleases or locked.is_prerelease
    return {
        version: version in with_wheels
        for version in all_of_them
        if version > locked and (finals or not version.is_prerelease)
    }


def _locked(lock: Lock, name: str) -> Version:
    return max(Version(package.version) for package in lock.named(name))


def _said(name: str, locked: Version, newest: Version, *, has_wheel: bool) -> str:
    if has_wheel:
        return (
            f"{name} {locked} is locked and not {newest}: that one, or something that it needs, has no wheel that "
            f"suits, or does not go with the rest; {name} = {newest} in [versions] has the next run tell what it is"
        )
    return (
        f"{name} {locked} is locked and not {newest}, which has no wheel; {name} = {newest} in [versions] and "
        f"allow-sdist = {name} in [eggcarton] have it built"
    )
