"""What a bundle holds: of locks the files that some Pythons and platforms need, and the toolchain; and where in it.

A bundle is a directory that stands for every index, repository and address. Below ``wheels`` lie the files of the
locks, below ``toolchain`` those of the pins, below ``extends`` configuration files by their sha256.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet

from eggcarton.packages.lock import LockedFile, LockedPackage
from eggcarton.packages.pins import Pin
from eggcarton.packages.platforms import Target

MANIFEST = "bundle.sha256"
"""The list of a bundle's files with the sha256 of each, which ``sha256sum --check`` and bootstrap.py read."""
WHEELS, TOOLCHAIN, EXTENDS, SIMPLE = "wheels", "toolchain", "extends", "simple"
_FOR = "# for "


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of some packages is needed.

    Args:
        files: each file with its package, once.
        built: sentences on what has no wheel for a target, and is built there from source.
        lacking: sentences on what has no file for a target at all.
    """

    files: tuple[tuple[LockedPackage, LockedFile], ...]
    built: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


def chosen(packages: Sequence[LockedPackage], targets: Sequence[Target]) -> Chosen:
    """Return what of the packages of one lock is needed on some targets.

    A target that is not one Python on one platform takes whatever suits it, source distributions too.
    """
    files, built, lacking = dict[LockedFile, LockedPackage](), list[str](), list[str]()
    known = [package.marker for package in packages if package.marker]
    for target in targets:
        environments = target.environments(known)
        for package in packages:
            if not _holds(package.marker, environments):
                continue
            here = [package.wheels[position] for position in target.wheels([wheel.name for wheel in package.wheels])]
            if package.origin is not None:
                here = list(package.wheels)
            said = f"{package.name} {package.version} has no wheel for {target.told}"
            if package.sdist is not None and (not here or not target.is_exact):
                built += [] if here or package.origin else [said]
                here.append(package.sdist)
            lacking += [] if here else [f"{said}; pin a version that has one"]
            files |= dict.fromkeys(here, package)
    return Chosen(tuple((package, file) for file, package in files.items()), tuple(built), tuple(lacking))


def locked_for(requires_python: str | None, targets: Sequence[Target]) -> list[Target]:
    """Return the targets whose Python a lock is for; where all Pythons are meant, those of the lock are."""
    return [target for target in targets if _is_locked_for(requires_python, target)]


def unlocked(name: str, requires_python: str | None, targets: Sequence[Target]) -> list[str]:
    """Return a sentence for each Python of some targets that a lock is not for.

    Args:
        name: that of the lock's file.
        requires_python: the Pythons that it is for.
        targets: what is asked for.
    """
    versions = {target.version for target in targets if not _is_locked_for(requires_python, target)}
    return [
        f"{name} is locked for Python {requires_python}, and has nothing for {version}; widen it with requires-python "
        "in [eggcarton], and lock anew"
        for version in sorted(versions)
    ]


def _is_locked_for(requires_python: str | None, target: Target) -> bool:
    if requires_python is None or target.python is None:
        return True
    # Where the patch version is not known, any that the lock is for will do.
    patches = range(100) if target.patch is None else (target.patch,)
    allowed = SpecifierSet(requires_python)
    return any(allowed.contains(f"{target.python[0]}.{target.python[1]}.{patch}") for patch in patches)


def pinned(pins: Sequence[Pin], target: Target) -> list[Pin]:
    """Return the pins that are needed on a target."""
    environments = target.environments([pin.marker for pin in pins if pin.marker])
    return [pin for pin in pins if _holds(pin.marker, environments)]


def _holds(marker: str | None, environments: Sequence[Mapping[str, str]]) -> bool:
    if marker is None or not environments:
        return True
    return any(Marker(marker).evaluate(dict(environment), context="lock_file") for environment in environments)


def places(files: Iterable[LockedFile]) -> dict[LockedFile, str]:
    """Return where in a bundle each file of a lock lies.

    Of several files with one name, such as ``main.zip`` from two addresses, all but one lie below the beginning of
    their sha256.
    """
    found: dict[str, LockedFile] = {}
    for file in sorted(files, key=lambda file: (file.name, file.sha256)):
        place = f"{WHEELS}/{file.name}"
        if place in found and found[place].sha256 != file.sha256:
            place = f"{WHEELS}/{file.sha256[:16]}/{file.name}"
        found.setdefault(place, file)
    by_digest = {(file.name, file.sha256): place for place, file in found.items()}
    return {file: by_digest[file.name, file.sha256] for file in files}


def manifest(targets: Sequence[Target], digests: Mapping[str, str]) -> str:
    """Return the text that lists a bundle's files.

    Args:
        targets: what the bundle was made for.
        digests: the sha256 of each file by its place.
    """
    lines = [f"{_FOR}{target}" for target in targets]
    return "\n".join([*lines, *(f"{sha256}  {place}" for place, sha256 in sorted(digests.items())), ""])
