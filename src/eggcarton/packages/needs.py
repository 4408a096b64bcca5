"""What a resolution is asked for, and whether a lock answers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from eggcarton.core.errors import IntegrityProblem, UsageProblem
from eggcarton.packages import cutoff, markers, routed, trusted
from eggcarton.packages import origin as origins
from eggcarton.packages.lock import Lock, LockedPackage, extras_in
from eggcarton.packages.origin import Asked
from eggcarton.packages.while_running import ByPart

# A lock is walked several times a run, and each line of it was read as often as something leads to it.
_read = cache(Requirement)


@dataclass(frozen=True, slots=True)
class Need:
    """One requirement and who asks for it, such as ``part app`` or ``develop package guestbook``."""

    requirement: str
    asked_by: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How a resolution chooses, beside what it is asked for.

    Args:
        asked_python: the range of Pythons that the configuration asks for, None where it does not.
        prereleases: whether they may be chosen where a final release exists.
        unknown_extras: whether needs may name extras that are not there.
        exclude_newer: a setting that `cutoff.check` has returned, None where everything counts.
        picked: whether versions may be chosen that ``[versions]`` does not pin.
        indexes: the names and patterns that each index but the default one is asked for; None where nobody knows.
    """

    asked_python: str | None = None
    prereleases: bool = False
    unknown_extras: bool = False
    exclude_newer: str | None = None
    picked: bool = True
    indexes: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class WorkingSet:
    """What one part asks for, and the canonical names that it is allowed to take from the machine."""

    lines: tuple[str, ...]
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Needs:
    """Everything one resolution must answer.

    ``pins`` is the human's ``[versions]`` by name; ``develop`` are the packages that are built from source here:
    they have requirements, but no files, and are in no lock. ``constraints`` hold versions as pins do, may have
    markers, and tell where they stand; ``hashes`` are the sha256 by name that alone are trusted; ``addresses`` are
    those of another tool's file, taken where something leads to their names. ``machine`` is what the machine's own
    Python has and the parts may take from there; what no part needs from the lock is in ``develop`` too.
    ``while_running`` tells what of the needs recipes asked for while they ran; ``gone`` what is said of each name that
    was developed here by the last run and is not any more.
    """

    needs: tuple[Need, ...]
    pins: Mapping[str, str]
    develop: tuple[LockedPackage, ...]
    requires_python: str
    terms: Terms = Terms()
    constraints: tuple[Need, ...] = ()
    hashes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    addresses: tuple[Asked, ...] = ()
    machine: tuple[LockedPackage, ...] = ()
    working_sets: tuple[WorkingSet, ...] = ()
    while_running: ByPart = ()
    gone: Mapping[str, str] = field(default_factory=dict)

    @property
    def developed(self) -> frozenset[str]:
        """The canonical names of the develop packages."""
        return frozenset(package.name for package in self.develop)

    @property
    def given(self) -> frozenset[str]:
        """The canonical names that the machine gives to every part that needs them, so that no lock has them."""
        return self.developed & {package.name for package in self.machine}


def requirement_of(need: Need) -> Requirement:
    """Parse a requirement.

    Raises:
        UsageProblem: it is none.
    """
    try:
        return Requirement(need.requirement)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise UsageProblem(
            f"{need.asked_by}: {need.requirement!r} is not a requirement such as name>=1.0: {reason}"
        ) from None


def pin_of(name: str, value: str) -> SpecifierSet:
    """Read a value of ``[versions]``, where a bare version means exactly that one.

    Raises:
        UsageProblem: it is neither a version nor a specifier.
    """
    text = value.strip()
    try:
        return SpecifierSet(text if text[:1] in "<>=!~" else f"=={text}")
    except InvalidSpecifier:
        raise UsageProblem(
            f"[versions] {name} = {value}: not a version such as 1.2 or a range such as >=1.2,<2"
        ) from None


def check_range(requires_python: str) -> None:
    """Refuse a range of Pythons that is none, or that leaves out the one that runs.

    Raises:
        UsageProblem: it is so.
    """
    try:
        wanted = SpecifierSet(requires_python)
    except InvalidSpecifier:
        raise UsageProblem(
            f"[eggcarton] option 'requires-python': {requires_python!r} is not a range such as >=3.10"
        ) from None
    running = markers.here()["python_full_version"]
    if not wanted.contains(running, prereleases=True):
        raise UsageProblem(f"[eggcarton] option 'requires-python': {requires_python} leaves out this Python {running}")


def check(lock: Lock, needs: Needs) -> None:
    """Refuse needs that no lock could answer.

    Raises:
        UsageProblem: a need excludes the version that is developed here or the machine's, or names an unknown extra.
    """
    environment = markers.here()
    active = activated(lock, needs.develop, environment)
    for need in needs.needs:
        requirement = requirement_of(need)
        package = active.get(str(canonicalize_name(requirement.name)))
        if package is None or (requirement.marker and not requirement.marker.evaluate(environment)):
            continue
        if not requirement.specifier.contains(Version(package.version), prereleases=True):
            told = "is developed here; develop another version, or ask for this one"
            if package.name in {one.name for one in needs.machine}:
                told = "is the machine's; leave it out of allowed-eggs-from-site-packages, or change the machine's"
            raise UsageProblem(f"{need.asked_by} needs {need.requirement}, and {package.name} {package.version} {told}")
        unknown = sorted({str(canonicalize_name(extra)) for extra in requirement.extras} - package.extras)
        if unknown and not needs.terms.unknown_extras:
            has = f"it has {', '.join(sorted(package.extras))}" if package.extras else "it has none"
            raise UsageProblem(
                f"{need.asked_by} needs {need.requirement}, and {package.name} {package.version} has no extra "
                f"{', '.join(unknown)}: {has}; correct it, or set allow-unknown-extras = true in [buildout]"
            )


def drift(lock: Lock, needs: Needs) -> list[str]:
    """Return what the lock does not answer, a sentence each: unmet requirements and contradicted pins."""
    found: dict[str, None] = {}
    environment = markers.here()
    active = activated(lock, needs.develop, environment)
    for need in needs.needs:
        requirement = requirement_of(need)
        name = str(canonicalize_name(requirement.name))
        if name in needs.developed or (requirement.marker and not requirement.marker.evaluate(environment)):
            continue
        package = active.get(name)
        if package is None:
            found[f"{need.asked_by} needs {need.requirement}, which the lock does not have"] = None
        elif other := _otherwise(requirement, package, need.asked_by):
            found[f"{need.asked_by} needs {need.requirement}, {other}"] = None
        elif not requirement.specifier.contains(Version(package.version), prereleases=True):
            found[f"{need.asked_by} needs {need.requirement}, the lock has {package.name} {package.version}"] = None
    for problem in _terms(lock, needs.terms):
        found[problem] = None
    if not SpecifierSet(lock.requires_python or "").contains(environment["python_full_version"], prereleases=True):
        found[
            f"this is Python {environment['python_full_version']}, the lock is for {lock.requires_python}; "
            "requires-python in [eggcarton] widens it"
        ] = None
    for name, value in needs.pins.items():
        package = active.get(str(canonicalize_name(name)))
        if (
            package
            and package.name not in needs.developed
            and not pin_of(name, value).contains(Version(package.version), prereleases=True)
        ):
            found[f"[versions] asks for {name} {value}, the lock has {package.version}"] = None
    for problem in (*_constrained(active, needs, environment), *trusted.drift(active.values(), needs.hashes)):
        found[problem] = None
    for elsewhere in routed.drift(lock, needs.terms.indexes, needs.developed, lambda: pruned(lock, needs)):
        found[elsewhere] = None
    for missing in _open_ends(active, needs, environment):
        found[missing] = None
    return list(found)


def _constrained(active: Mapping[str, LockedPackage], needs: Needs, environment: Mapping[str, str]) -> Iterator[str]:
    for line in needs.constraints:
        requirement = requirement_of(line)
        package = active.get(str(canonicalize_name(requirement.name)))
        if package is None or package.name in needs.developed or not _holds(line.requirement, environment):
            continue
        if other := _otherwise(requirement, package, line.asked_by):
            yield f"{line.asked_by} asks for {line.requirement}, {other}"
        elif not requirement.specifier.contains(Version(package.version), prereleases=True):
            yield f"{line.asked_by} asks for {line.requirement}, the lock has {package.name} {package.version}"


def _otherwise(requirement: Requirement, package: LockedPackage, asked_by: str) -> str | None:
    """Return where a package comes from, if that is not the address that is asked for; None where it is."""
    if requirement.url is None:
        return None
    if package.origin is None:
        return f"the lock has {package.name} {package.version} from an index"
    file = package.sdist or package.wheels[0]
    reference = origins.read(requirement.url, f"{asked_by} asks for {package.name}")
    if package.origin.answers(reference, file.sha256):
        return None
    return f"the lock has it from {package.origin}, with the sha256 {file.sha256}"


def _terms(lock: Lock, terms: Terms) -> Iterator[str]:
    """Give what the lock was made with otherwise than is asked for now; that time has passed is no drift."""
    if terms.asked_python not in (None, lock.requires_python):
        yield f"requires-python asks for {terms.asked_python}, the lock is for {lock.requires_python}"
    if terms.exclude_newer and lock.exclude_newer is None:
        yield f"exclude-newer asks for {terms.exclude_newer}, the lock was made without"
    elif terms.exclude_newer and not cutoff.is_age(terms.exclude_newer) and terms.exclude_newer != lock.exclude_newer:
        yield f"exclude-newer asks for {terms.exclude_newer}, the lock was made with {lock.exclude_newer}"


def activated(lock: Lock, develop: Sequence[LockedPackage], environment: Mapping[str, str]) -> dict[str, LockedPackage]:
    """Return what is installed in an environment, by canonical name; a develop package hides a locked one.

    Raises:
        IntegrityProblem: the lock has two entries of one name for this environment.
    """
    active: dict[str, LockedPackage] = {}
    for package in lock.packages:
        if package.marker is None or Marker(package.marker).evaluate(dict(environment), context="lock_file"):
            if package.name in active:
                versions = f"{active[package.name].version} and {package.version}"
                raise IntegrityProblem(
                    f"the lock has {package.name} {versions} for the same Python and platform; restore the "
                    "lock, or remove it and lock again"
                )
            active[package.name] = package
    return active | {package.name: package for package in develop}


def pruned(lock: Lock, needs: Needs) -> Lock:
    """Return a lock without what nothing leads to any more, on whatever platform."""
    there: dict[str, list[LockedPackage]] = {}
    for package in (*lock.packages, *needs.develop):
        there.setdefault(package.name, []).append(package)
    queue = [requirement_of(need) for need in needs.needs]
    seen: set[tuple[str, str]] = set()
    while queue:
        requirement = queue.pop()
        name = str(canonicalize_name(requirement.name))
        for extra in {"", *map(canonicalize_name, requirement.extras)}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                lines = (line for package in there.get(name, ()) for line in package.requires)
                queue += [_read(line) for line in lines if extra in (extras_in(line) or {""})]
    kept = {name for name, _ in seen}
    return replace(lock, packages=tuple(package for package in lock.packages if package.name in kept))


def _open_ends(active: Mapping[str, LockedPackage], needs: Needs, environment: Mapping[str, str]) -> Iterator[str]:
    for origin, line in walk(active, [need.requirement for need in needs.needs], environment):
        requirement = _read(line)
        name = str(canonicalize_name(requirement.name))
        if origin is None:
            continue
        package = active.get(name)
        if package is None:
            yield f"{origin} needs {line}, which the lock does not have"
        elif name not in needs.developed and (other := _otherwise(requirement, package, origin)):
            yield f"{origin} needs {line}, {other}"
        elif not requirement.specifier.contains(Version(package.version), prereleases=True):
            where = "machine" if name in needs.given else "lock"
            yield f"{origin} needs {line}, the {where} has {package.name} {package.version}"


def walk(
    active: Mapping[str, LockedPackage], roots: Sequence[str], environment: Mapping[str, str]
) -> Iterator[tuple[str | None, str]]:
    """Give every requirement that some lead to, and the name that has it, None for those themselves."""
    queue: list[tuple[str | None, str]] = [(None, root) for root in roots]
    seen: set[tuple[str, str]] = set()
    while queue:
        origin, line = queue.pop(0)
        requirement = _read(line)
        yield origin, line
        name = str(canonicalize_name(requirement.name))
        package = active.get(name)
        if package is None or (
            requirement.marker and origin is None and not requirement.marker.evaluate(dict(environment))
        ):
            continue
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for further in package.requires:
                marker = _read(further).marker
                if marker is None:
                    if not extra:
                        queue.append((name, further))
                elif marker.evaluate({**environment, "extra": extra}) and (
                    not extra or not marker.evaluate({**environment, "extra": ""})
                ):
                    queue.append((name, further))


def closure(
    active: Mapping[str, LockedPackage], requirements: Sequence[str], environment: Mapping[str, str]
) -> list[str]:
    """Return the canonical names that a set of requirements leads to, its own first, each once.

    Requirements whose marker does not hold are left out.
    """
    roots = [line for line in requirements if _holds(line, environment)]
    names = (str(canonicalize_name(_read(line).name)) for _, line in walk(active, roots, environment))
    return list(dict.fromkeys(name for name in names if name in active))


def _holds(line: str, environment: Mapping[str, str]) -> bool:
    marker = _read(line).marker
    return marker is None or marker.evaluate(dict(environment))
