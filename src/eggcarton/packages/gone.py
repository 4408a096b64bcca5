"""Names that were developed here and are not any more: no index is asked for one that nothing says is to come from it.

Whoever registers such a name at an index would otherwise have his code run in the place of a checkout that was moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from eggcarton.core.errors import UsageProblem
from eggcarton.packages import markers
from eggcarton.packages.lock import Lock
from eggcarton.packages.needs import Needs, activated, walk


def refuse(old: Lock | None, needs: Needs, new: Lock | None = None) -> None:
    """Refuse to lock what was developed here by the last run, unless it was locked before, pinned or has an address.

    Args:
        old: the lock as it stands, if there is one.
        new: the lock that would be in its place; without it, what needs lead to by way of what is known.

    Raises:
        UsageProblem: it is so.
    """
    if not needs.gone:
        return
    locked = {package.name for package in old.packages} if old is not None else set[str]()
    said = {str(canonicalize_name(name)) for name, pin in needs.pins.items() if pin.strip()}
    said |= {str(canonicalize_name(Requirement(line.requirement).name)) for line in needs.constraints}
    wanted = {package.name for package in new.packages} if new is not None else set(_led_to(old, needs))
    found = sorted(needs.gone.keys() & (wanted - locked - said - needs.developed))
    if found:
        raise UsageProblem(
            f"{'; '.join(needs.gone[name] for name in found)}; correct 'eggs' or 'develop', or pin "
            f"{'it' if len(found) == 1 else 'them'} in [versions] to have {', '.join(found)} from the index"
        )


def without_developed(lock: Lock, needs: Needs) -> Lock:
    """Return a lock without what is developed here, as it was locked while that was not so."""
    here = needs.developed - {package.name for package in needs.machine}
    return replace(lock, packages=tuple(package for package in lock.packages if package.name not in here))


def _led_to(lock: Lock | None, needs: Needs) -> Iterator[str]:
    """Give the canonical names that needs lead to, but for those that an address is given for."""
    environment = markers.here()
    active = activated(lock or Lock(None, ()), needs.develop, environment)
    for origin, line in walk(active, [need.requirement for need in needs.needs], environment):
        requirement = Requirement(line)
        is_here = origin is not None or requirement.marker is None or requirement.marker.evaluate(dict(environment))
        if requirement.url is None and is_here:
            yield str(canonicalize_name(requirement.name))
