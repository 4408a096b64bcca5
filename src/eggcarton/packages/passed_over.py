"""Which versions were locked though the index has newer ones that nothing in the lock excludes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from eggcarton.indexes.pages import Listed
from eggcarton.packages import cutoff
from eggcarton.packages.chains import Graph
from eggcarton.packages.compiled import lowest
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Needs, requirement_of
from eggcarton.packages.outdated import Use, bounds_of, look, usable


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
    use = Use(lowest(lock.requires_python or ""), needs.terms.prereleases, sdists=True, here=False)
    # Who asks for what is looked up only where there is anything newer at all.
    newer = [
        (package, files)
        for package in _chosen(lock, before, needs)
        if look(package, files := _in_time(listed(package), lock.exclude_newer), (), use).taken
    ]
    bounds = bounds_of(Graph(lock, needs, None), needs, None) if newer else {}
    found = []
    for package, files in newer:
        newest = look(package, files, bounds.get(package.name, ()), use).taken
        if newest is not None:
            has_wheel = Version(newest) in usable(files, replace(use, sdists=False), package.name)
            found.append(_said(package.name, package.version, newest, has_wheel=has_wheel))
    return found


def _asked(needs: Needs) -> set[str]:
    """Return the names that may be locked in any version, as far as those know who ask for them."""
    asked = {str(canonicalize_name(requirement_of(need).name)) for need in needs.needs}
    for package in needs.develop:
        asked |= {str(canonicalize_name(Requirement(line).name)) for line in package.requires}
    # Of what is told with a sha256, others are out of the question.
    return asked - needs.developed - needs.hashes.keys() - set(map(canonicalize_name, needs.pins))


def _chosen(lock: Lock, before: Lock | None, needs: Needs) -> Iterator[LockedPackage]:
    """Give the newest entry of each name that was chosen among the versions of an index, and not merely kept."""
    for name in sorted(_asked(needs)):
        newest = max(lock.named(name), key=lambda package: Version(package.version), default=None)
        if newest is None or newest.origin is not None:
            continue
        if before is None or newest.version not in {package.version for package in before.named(name)}:
            yield newest


def _in_time(listed: Sequence[Listed], until: str | None) -> list[Listed]:
    return [file for file in listed if until is None or not cutoff.is_after(file.uploaded, until)]


def _said(name: str, locked: str, newest: str, *, has_wheel: bool) -> str:
    if has_wheel:
        return (
            f"{name} {locked} is locked and not {newest}: that one, or something that it needs, has no wheel that "
            f"suits, or does not go with the rest; {name} = {newest} in [versions] has the next run tell what it is"
        )
    return (
        f"{name} {locked} is locked and not {newest}, which has no wheel; {name} = {newest} in [versions] has it "
        f"built, with {name} in allow-sdist of [eggcarton]"
    )
