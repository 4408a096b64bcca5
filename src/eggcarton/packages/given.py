"""What the machine gives to some parts: what of it has to be locked for others, and whether it does for its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from eggcarton.core.errors import UsageProblem
from eggcarton.packages import markers
from eggcarton.packages.lock import Lock, LockedPackage, extras_in
from eggcarton.packages.needs import Need, Needs, WorkingSet, activated, closure, walk

EMPTY = Lock(None, ())


def settled(lock: Lock, needs: Needs) -> Needs:
    """Return the needs that a lock has to answer: what a part needs that may not see the machine's is locked for it.

    The part that may see the machine's goes on to use that; what it requires is locked, too.
    """
    environment = markers.here()
    while given := needs.given:
        active = activated(lock, needs.develop, environment)
        reached = ((one, name) for one in needs.working_sets for name in closure(active, one.lines, environment))
        elsewhere = {name for one, name in reached if name in given - one.allowed}
        if not elsewhere:
            break
        needs = locked_too(needs, elsewhere)
    return needs


def locked_too(needs: Needs, names: Collection[str]) -> Needs:
    """Return needs for which some names are locked, together with what the machine's own of that name requires."""
    packages = [package for package in needs.develop if package.name in names]
    lines = [(line, package) for package in packages for line in package.requires if not extras_in(line)]
    more = (Need(line, f"{package.name} {package.version} of the machine") for line, package in lines)
    return replace(
        needs,
        needs=(*needs.needs, *more),
        develop=tuple(package for package in needs.develop if package.name not in names),
    )


def resolved(resolve: Callable[[Needs], Lock], needs: Needs) -> tuple[Lock, Needs]:
    """Return a new lock and the needs that it answers, which are known only when it is there.

    Raises:
        UsageProblem: what the machine has is not what is asked for.
    """
    check(EMPTY, needs)
    while True:
        lock = resolve(needs)
        after = settled(lock, needs)
        if after == needs:
            return lock, needs
        needs = after


def beside(needs: Needs, names: Collection[str]) -> dict[str, LockedPackage]:
    """Return what the machine has of some names, by canonical name."""
    return {package.name: package for package in needs.machine if package.name in names}


def check(lock: Lock, needs: Needs) -> None:
    """Refuse what the machine has where a part that takes it from there leads to another version.

    Args:
        lock: what is locked; `EMPTY` where only the configuration itself is looked at.
        needs: what is asked for.

    Raises:
        UsageProblem: it is so.
    """
    found = list(dict.fromkeys(problem for one in needs.working_sets for problem in _contradicted(lock, needs, one)))
    if found:
        advice = "leave the name out of allowed-eggs-from-site-packages to have it locked, or change the machine's"
        raise UsageProblem(f"{'; '.join(found)}; {advice}")


def _contradicted(lock: Lock, needs: Needs, one: WorkingSet) -> Iterator[str]:
    given = beside(needs, one.allowed)
    if not given:
        return
    environment = markers.here()
    active = activated(lock, needs.develop, environment) | given
    for origin, line in walk(active, one.lines, environment):
        requirement = Requirement(line)
        name = str(canonicalize_name(requirement.name))
        package = given.get(name)
        if origin in given and name not in active and lock is not EMPTY:
            # An extra of the machine's own leads elsewhere than the same extra of the one that is locked for others.
            yield f"{origin} {given[origin].version} of the machine needs {line}, which the lock does not have"
        if package is None or (origin is None and requirement.marker and not requirement.marker.evaluate(environment)):
            continue
        if not requirement.specifier.contains(_version(package), prereleases=True):
            who = origin or " and ".join(need.asked_by for need in needs.needs if need.requirement == line)
            yield f"{who} needs {line}, and the machine has {package.name} {package.version}"


def _version(package: LockedPackage) -> Version:
    try:
        return Version(package.version)
    except InvalidVersion:
        raise UsageProblem(
            f"the machine has {package.name} in the version {package.version!r}, which is none that can be compared; "
            "leave it out of allowed-eggs-from-site-packages"
        ) from None
