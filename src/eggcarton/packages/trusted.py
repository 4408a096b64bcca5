"""Files whose sha256 a requirements file tells: of a project that it tells any of, no others are locked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from eggcarton.core.errors import IntegrityProblem
from eggcarton.packages.lock import Lock, LockedPackage

_LINE = re.compile(r", line \d+( of .*)?$")


def only(lock: Lock, hashes: Mapping[str, frozenset[str]], lines: Sequence[tuple[str, str]] = ()) -> Lock:
    """Return a lock without the files that are not trusted.

    Args:
        hashes: the trusted sha256 by canonical name; what is not in there is taken as it is.
        lines: requirements, and who asks for each or where it stands, by which the files of the hashes are told.

    Raises:
        IntegrityProblem: nothing is left of a distribution. All of which that is so are named.
    """
    packages = tuple(restricted(package, hashes.get(package.name)) for package in lock.packages)
    if gone := [package for package in packages if not files_of(package)]:
        told = [f"{package.name} {package.version}{_where(package.name, lines)}" for package in gone]
        raise IntegrityProblem(
            f"the index has no file of {', '.join(told)} whose sha256 the requirements file has, so that nothing was "
            "locked; have that file made anew, or find out who has changed them"
        )
    return replace(lock, packages=packages)


def _where(name: str, lines: Iterable[tuple[str, str]]) -> str:
    """Return where the lines of requirements files on a name stand, in brackets; empty where none does."""
    asked = {place for line, place in lines if canonicalize_name(Requirement(line).name) == name}
    places = sorted(place for place in asked if _LINE.search(place))
    return f" ({'; '.join(places)})" if places else ""


def drift(packages: Iterable[LockedPackage], hashes: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Give what is locked with files that are not trusted, or not trusted any more, a sentence each."""
    for package in packages:
        told = hashes.get(package.name)
        if told is not None and not files_of(package) <= told:
            yield f"{package.name} {package.version} is locked with files whose sha256 the requirements file lacks"


def restricted(package: LockedPackage, told: Collection[str] | None) -> LockedPackage:
    """Return a package with those files alone that have one of these sha256, with all of them where none are told."""
    if told is None:
        return package
    sdist = package.sdist if package.sdist is not None and package.sdist.sha256 in told else None
    return replace(package, wheels=tuple(wheel for wheel in package.wheels if wheel.sha256 in told), sdist=sdist)


def files_of(package: LockedPackage) -> set[str]:
    """Return the sha256 of all files of a package."""
    return {file.sha256 for file in (*package.wheels, *([package.sdist] if package.sdist else []))}
