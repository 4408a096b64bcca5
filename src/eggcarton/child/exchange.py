"""Write a lock for other tools, and make ours from what they have written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from eggcarton.child import building
from eggcarton.child.asked import NONE, needs_of, together
from eggcarton.child.door import Door, Sources
from eggcarton.child.provide import written
from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import Drift, EggcartonError, Unavailable, UsageProblem
from eggcarton.indexes.fetch import AT_ONCE
from eggcarton.indexes.pages import Listed
from eggcarton.packages import export as exports
from eggcarton.packages import foreign, markers, yanked
from eggcarton.packages import lock as locks
from eggcarton.packages import origin as origins
from eggcarton.packages.chains import Places
from eggcarton.packages.foreign import ForeignLock
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Need, Needs, check, drift, pin_of, requirement_of
from eggcarton.packages.wheels import best_wheel


def export(*, kind: str, lock: str, urls: bool, sources: Mapping[str, Any]) -> str:
    """Return a lock as another tool reads it.

    Args:
        kind: ``requirements``, ``constraints``, ``versions`` or ``pylock``.
        lock: the lock's path.
        urls: whether the address of each file is told, which asks the indexes.
        sources: the fields of `Sources`.

    Raises:
        UsageProblem: there is no lock.
        Unavailable: addresses are wanted offline, or an index does not tell one.
    """
    path = Path(lock)
    if not path.exists():
        raise UsageProblem(f"there is no {path.name}; bin/eggcarton lock makes it")
    current = locks.read(path)
    if kind == "requirements":
        return exports.requirements(current, path.name)
    if kind == "constraints":
        return exports.constraints(current, path.name)
    if kind == "versions":
        environment = markers.here()
        return exports.versions(current, path.name, environment)
    return _with_urls(current, sources) if urls else exports.pylock(current)


def _with_urls(lock: Lock, sources: Mapping[str, Any]) -> str:
    door = Sources.of(sources).open()
    if door.sources.offline:
        raise Unavailable("offline, and only the index tells where files lie; leave --urls or -o out")

    def listed(package: LockedPackage) -> tuple[Listed, ...]:
        index = door.routing.locked(package.name, package.index)
        page = door.pages.vouched(index, package.name)
        if page is not None and page.route is not None and page.route.url != index.url:
            raise Unavailable(
                f"index {index.name} ({without_credentials(index.url)}) does not tell where {package.name} lies, only "
                "a mirror does, whose addresses are for no other tool; run again when the index can be reached"
            )
        return page.listed if page is not None else ()

    indexed = [package for package in lock.packages if package.origin is None]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # Each page is kept by then, so that asking in order costs nothing.
        list(pool.map(listed, indexed))
    return exports.pylock_with_urls(lock, listed)


def bring_in(
    *,
    file: str,
    lock: str,
    needs: Sequence[Sequence[str]],
    pins: Mapping[str, str],
    develop: Sequence[Mapping[str, Any]],
    requires_python: str,
    terms: Mapping[str, Any],
    constraints: Sequence[Sequence[str]] = (),
    hashes: Mapping[str, Sequence[str]] = NONE,
    allow_sdist: Sequence[str],
    toolchain: Mapping[str, Any],
    sources: Mapping[str, Any],
    others: Sequence[Mapping[str, Any]] = (),
    places: Mapping[str, Any] | None = None,
    while_running: Mapping[str, Sequence[str]] = NONE,
    **_: Any,
) -> dict[str, Any]:
    """Make the lock from a file of another tool, whose versions and hashes are taken as they are.

    Args:
        file: the path of a requirements or constraints file, of uv.lock or a pylock.toml.
        lock: the lock's path; what the file does not have keeps the version that it has there.
        needs, pins, develop, requires_python, terms, constraints, hashes: as for `provide`, as are
            allow_sdist, toolchain, sources and places.

    Returns:
        ``changed``: what was trusted, left out and resolved, a line each; ``builds``: what else was locked for builds.

    Raises:
        IntegrityProblem: the file must not be obeyed, or the index contradicts its hashes.
        UsageProblem: the file and the configuration exclude each other.
    """
    path, theirs = Path(lock), foreign.read(Path(file))
    asked = needs_of(needs, pins, develop, requires_python, terms, constraints, hashes, while_running=while_running)
    wanted = together(asked, others)
    _check_configuration(theirs, wanted)
    door = Sources.of(sources).open()
    if door.sources.offline:
        raise Unavailable(f"offline, and what {theirs.file} names must be asked of the index")
    requirements = building.allow(door, toolchain, allow_sdist)
    outside = replace(theirs, packages=tuple(p for p in theirs.packages if p.name not in wanted.developed))
    held = (*wanted.constraints, *(Need(line, theirs.file) for line in outside.constraints))
    trusted = {**outside.hashes, **wanted.hashes}
    wanted = replace(wanted, constraints=held, hashes=trusted, addresses=outside.addresses)
    door.given, door.places = origins.given(line for line, _ in needs), Places(**(places or {}))
    old = locks.read(path) if path.exists() and not path.samefile(file) else None
    found = _resolved(door, wanted, old, theirs)
    new = foreign.with_hashes_of(outside, found)
    if left := drift(new, wanted):
        raise Drift(f"the lock made of {theirs.file} would not answer this configuration:", differences=left)
    check(new, wanted)
    new, _changed = written(path, old, new)
    lines = [*theirs.remarks, *told(outside, new), *narrowed(theirs, found, new)]
    for warning in yanked.warnings(new, wanted, door.listed):
        door.network.warn(f"{path.name}: {warning}")
    return {"changed": lines, "builds": requirements.changed if requirements else []}


def _resolved(door: Door, needs: Needs, old: Lock | None, theirs: ForeignLock) -> Lock:
    try:
        return door.resolver().resolve(needs, old=old, upgrade=sorted({package.name for package in theirs.packages}))
    except EggcartonError as error:
        if type(error) is not EggcartonError:
            raise
        raise EggcartonError(f"what {theirs.file} pins does not answer this configuration: {error}") from error


def _check_configuration(theirs: ForeignLock, needs: Needs) -> None:
    if not theirs.packages:
        raise UsageProblem(f"{theirs.file} names no distribution that could be locked")
    pins = {str(canonicalize_name(name)): pin_of(name, value) for name, value in needs.pins.items()}
    if found := foreign.contradictions(theirs, pins):
        rule = f"[versions] and {theirs.file} exclude each other; take the line out of one of them:"
        raise UsageProblem("\n".join([rule, *(f"  {line}" for line in found)]))
    asked = {str(canonicalize_name(requirement_of(need).name)) for need in needs.needs} - needs.developed
    elsewhere = [package for package in theirs.packages if package.refused and package.name in asked]
    if elsewhere:
        raise UsageProblem(foreign.refused_sources(f"{p.place}: {p.name} comes from {p.source}" for p in elsewhere))


def narrowed(theirs: ForeignLock, found: Lock, taken: Lock) -> list[str]:
    """Return what this machine cannot install, since the foreign file has hashes of other files alone, a line each."""
    lines = []
    for before, after in zip(found.packages, taken.packages, strict=True):
        if after.sdist is None and _has_wheel(before) and not _has_wheel(after):
            lines.append(
                f"{after.name} {after.version}: {theirs.file} has no hash of a file for this Python and platform, so "
                "that it cannot be installed here; have that file made here, or for all platforms"
            )
    return lines


def _has_wheel(package: LockedPackage) -> bool:
    return best_wheel([wheel.name for wheel in package.wheels]) is not None


def told(theirs: ForeignLock, lock: Lock) -> list[str]:
    """Return what of a lock comes from a foreign file, and by what it was trusted, a line each."""
    taken, hashed, resolved, addressed = [], [], [], []
    for package in lock.packages:
        entries = [entry for entry in theirs.named(package.name) if entry.admits(package.version)]
        if any(entry.address for entry in entries):
            addressed.append(package.name)
            continue
        if not any(entry.specifier for entry in entries):
            resolved.append(f"{package.name} {package.version}")
            continue
        taken.append(package.name)
        if any(entry.hashes for entry in entries):
            hashed.append(package.name)
    number, without = len(taken), len(taken) - len(hashed)
    parts = [f"{number} distribution{'' if number == 1 else 's'}"]
    if hashed:
        parts.append(f"{len(hashed)} with the hashes of {theirs.file}")
    if without:
        parts.append(f"{without} only by version: hashes taken from the index")
    if addressed:
        parts.append(f"{len(addressed)} more from the addresses that it names")
    lines = [", ".join(parts)]
    locked = {package.name for package in lock.packages}
    unneeded = sorted({entry.name for entry in theirs.packages} - locked)
    if unneeded:
        lines.append(f"left out, since the configuration does not need them: {', '.join(unneeded)}")
    if resolved:
        lines.append(f"resolved, since {theirs.file} does not have them: {', '.join(resolved)}")
    return lines
