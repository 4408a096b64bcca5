"""Which locked distributions have newer versions that this Python can use, and what holds them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from eggcarton.indexes.pages import Listed
from eggcarton.packages import yanked as withdrawn
from eggcarton.packages.chains import Graph, held
from eggcarton.packages.lock import LockedPackage
from eggcarton.packages.needs import Needs, pin_of
from eggcarton.packages.wheels import best_wheel


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that admits some versions only, in words that end the sentence 'held back, since ...'."""

    why: str
    admits: SpecifierSet


@dataclass(frozen=True, slots=True)
class Use:
    """What can be used: a Python version, whether prereleases and sdists are, and only what suits this platform."""

    python: str
    prereleases: bool = False
    sdists: bool = False
    here: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """One locked distribution beside what its index has.

    ``newest`` is the newest version that can be used and ``taken`` the newest that nothing holds back, each None where
    it is not newer than what is locked; ``held`` says what does not admit the newest; ``yanked`` is why the
    locked version was withdrawn, empty where no reason was given, None where it was not.
    """

    name: str
    locked: str
    newest: str | None = None
    taken: str | None = None
    held: tuple[str, ...] = ()
    yanked: str | None = None

    @property
    def is_finding(self) -> bool:
        """Whether something is to be done: a newer version can be had, or the locked one was withdrawn."""
        return self.taken is not None or self.yanked is not None

    def lines(self) -> list[str]:
        """Return what there is to tell, none where all is as it should be."""
        told = []
        if self.yanked is not None:
            told.append(withdrawn.said(self.name, self.locked, self.yanked))
        if self.newest is None:
            return told
        held = f"held back, since {', and '.join(self.held)}"
        if self.taken is None:
            told.append(f"{self.name} {self.locked} -> {self.newest}: {held}")
        else:
            more = f"; {self.newest} is {held}" if self.taken != self.newest else ""
            how = f"bin/eggcarton lock --upgrade {self.name} takes it"
            told.append(f"{self.name} {self.locked} -> {self.taken}: {how}{more}")
        return told


def look(package: LockedPackage, listed: Sequence[Listed], bounds: Iterable[Bound], use: Use) -> Standing:
    """Compare a locked distribution with what its index lists."""
    locked = Version(package.version)
    yanked = withdrawn.reason(package, listed)
    newer = [version for version in usable(listed, use, package.name) if version > locked]
    if not (use.prereleases or locked.is_prerelease):
        newer = [version for version in newer if not version.is_prerelease]
    if not newer:
        return Standing(package.name, package.version, yanked=yanked)
    newest, bounds = max(newer), list(bounds)
    admitted = [v for v in newer if all(bound.admits.contains(v, prereleases=True) for bound in bounds)]
    held = [bound.why for bound in bounds if not bound.admits.contains(newest, prereleases=True)]
    taken = str(max(admitted)) if admitted else None
    return Standing(package.name, package.version, str(newest), taken, tuple(dict.fromkeys(held)), yanked)


def usable(listed: Iterable[Listed], use: Use, name: str) -> set[Version]:
    """Return the versions that have a file which can be locked and used, and was not yanked."""
    found = set()
    for file in listed:
        if file.yanked is None and file.sha256 and _admits(file.requires_python, use.python):
            version = _version(file.name, use, name)
            if version is not None:
                found.add(version)
    return found


def _version(file: str, use: Use, name: str) -> Version | None:
    try:
        if file.endswith(".whl"):
            found, version, *_ = parse_wheel_filename(file)
            suits = not use.here or best_wheel([file]) is not None
        else:
            found, version = parse_sdist_filename(file)
            suits = use.sdists
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return version if suits and found == name else None


def _admits(requires_python: str | None, python: str) -> bool:
    try:
        return SpecifierSet(requires_python or "").contains(python, prereleases=True)
    except InvalidSpecifier:
        # As pip has it: what cannot be read excludes nobody.
        return True


def bounds_of(graph: Graph, needs: Needs, environment: Mapping[str, str] | None) -> dict[str, list[Bound]]:
    """Return what holds each name: pins, constraints, what the configuration asks for, what distributions need.

    Without an environment, constraints count that hold anywhere.
    """
    found: dict[str, list[Bound]] = {}
    for key, value in needs.pins.items():
        why = f"[versions] has {key} = {value}"
        found.setdefault(str(canonicalize_name(key)), []).append(Bound(why, pin_of(key, value)))
    for name, line, requirement in held(needs, environment):
        why = f"{line.asked_by} holds {line.requirement}"
        found.setdefault(name, []).append(Bound(why, requirement.specifier))
    for step in graph.reached():
        if step.requirement.specifier:
            found.setdefault(step.name, []).append(Bound(step.text, step.requirement.specifier))
    return found
