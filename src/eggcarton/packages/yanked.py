"""Which locked versions were withdrawn by their authors, why, and how another one is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from eggcarton.indexes.pages import Listed
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Needs, pin_of, requirement_of


def reason(package: LockedPackage, listed: Sequence[Listed]) -> str | None:
    """Return why a locked version was withdrawn, empty where no reason was given, None where it was not."""
    names = {file.name for file in (*package.wheels, *((package.sdist,) if package.sdist else ()))}
    return max((file.yanked for file in listed if file.name in names and file.yanked is not None), default=None)


def said(name: str, version: str, why: str) -> str:
    """Return what is said of a version that was withdrawn."""
    return f"{name} {version} was yanked{f': {why}' if why else ', no reason given'}"


def warnings(lock: Lock, needs: Needs, listed: Callable[[LockedPackage], Sequence[Listed]]) -> list[str]:
    """Return a warning for each locked version that was withdrawn, with what holds it.

    Args:
        lock: the lock, just made.
        needs: what it answers.
        listed: gives the files of a package's index.
    """
    found = []
    for package in lock.packages:
        # What comes from an address must be asked for at no index.
        why = reason(package, listed(package)) if package.origin is None else None
        if why is not None:
            holders = " and ".join(_holders(package.name, needs))
            remedy = (
                f"it is locked, since {holders}; ask for another version there"
                if holders
                else f"bin/eggcarton lock --upgrade {package.name} takes another version, if there is one"
            )
            found.append(f"{said(package.name, package.version, why)}; {remedy}")
    return found


def _holders(name: str, needs: Needs) -> Iterator[str]:
    """Give who asks for exactly one version of a name."""
    for key, value in needs.pins.items():
        if canonicalize_name(key) == name and _is_exact(pin_of(key, value)):
            yield f"[versions] has {key} = {value}"
    for need in needs.needs:
        requirement = requirement_of(need)
        if canonicalize_name(requirement.name) == name and _is_exact(requirement.specifier):
            yield f"{need.asked_by} asks for {need.requirement}"


def _is_exact(admits: SpecifierSet) -> bool:
    return any(bound.operator in ("==", "===") and not bound.version.endswith(".*") for bound in admits)
