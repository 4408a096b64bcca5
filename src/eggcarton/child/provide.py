"""Make the store hold what a build needs: lock when that is due, fetch what is missing, unpack it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from eggcarton.child import building
from eggcarton.child.asked import needs_of, together
from eggcarton.child.door import Door, Sources
from eggcarton.child.offline import Missing
from eggcarton.core import writing
from eggcarton.core.errors import Drift, EggcartonError, Unavailable, UsageProblem
from eggcarton.packages import (
    build_lock,
    given,
    gone,
    markers,
    once,
    passed_over,
    routed,
    trusted,
    while_running,
    yanked,
)
from eggcarton.packages import lock as locks
from eggcarton.packages import origin as origins
from eggcarton.packages.addresses import given_up
from eggcarton.packages.chains import Places
from eggcarton.packages.changes import changes
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Need, Needs, activated, check, closure, drift, pruned
from eggcarton.packages.pins import unpinned
from eggcarton.packages.resolve import kept
from eggcarton.packages.store import Store


class Early:
    """The filling of the store that goes on while develop packages are built.

    What a build takes from its lock is known for certain only when its develop packages are; what the lock holds for
    this Python and platform is mostly the same, and can be fetched and unpacked meanwhile. Nothing hangs on it: what
    fails here is found, and told, when it is needed.
    """

    def __init__(self, lock: Path, store: Store, door: Door) -> None:
        self._lock, self._store, self._door = lock, store, door
        self._thread = threading.Thread(target=self._fill)
        self._thread.start()

    def _fill(self) -> None:
        with suppress(EggcartonError, OSError, ValueError):
            active = activated(locks.read(self._lock), (), markers.here())
            with_wheels = [package for package in active.values() if package.wheels]
            _filled(self._store, with_wheels, self._door)

    def end(self) -> tuple[Store, Door]:
        """Wait until it is done and return what it worked with, so that its counts and pages are kept."""
        self._thread.join()
        return self._store, self._door


_early: dict[str, Early] = {}


def ready() -> None:
    """Do nothing: that this module and all it needs have been imported is what was asked for."""


def prepare(*, lock: str, sources: Mapping[str, Any], store: str, tag: str, compiled: bool = False) -> None:
    """Begin to fill the store from a lock and return at once; `provide` goes on from there."""
    if Path(lock).exists() and not _early:
        _early[lock] = Early(Path(lock), Store(Path(store), tag, compiled=compiled), Sources.of(sources).open())


def locked_names(*, paths: Sequence[str]) -> list[str]:
    """Return the canonical names in these locks; one that is not there yet has none."""
    there: list[Lock] = []
    for path in filter(Path.exists, map(Path, paths)):
        is_of_builds = path.name == build_lock.NAME
        there += [entry.lock for entry in build_lock.read(path).builds] if is_of_builds else [locks.read(path)]
    return sorted({package.name for lock in there for package in lock.packages})


def provide(
    *,
    lock: str,
    policy: str,
    upgrade: Sequence[str] | None,
    allow_sdist: Sequence[str],
    toolchain: Mapping[str, Any],
    sources: Mapping[str, Any],
    store: str | None,
    tag: str,
    sets: Mapping[str, Sequence[str]],
    allowed: Mapping[str, Sequence[str]] | None = None,
    compiled: bool = False,
    others: Sequence[Mapping[str, Any]] | None = (),
    places: Mapping[str, Any] | None = None,
    downloads: Sequence[Sequence[str]] = (),
    **asked: Any,
) -> dict[str, Any] | None:
    """Lock when the lock does not answer the needs, and fill the store.

    Args:
        lock: the lock's path. The file is rewritten only when its content changes.
        policy: ``update`` or ``frozen``.
        upgrade: names to lock anew, all of them when empty, none when None.
        allow_sdist: names and patterns of what may be built from source.
        toolchain: as for `building.allow`.
        sources: the fields of `Sources`.
        store: the eggs directory, or None to lock and go no further.
        tag: the end of the names of eggs.
        sets: the requirements of each working set, by its key.
        allowed: the names that a working set takes from the machine, by its key, where it takes any.
        compiled: whether what is unpacked is byte-compiled.
        others: what else is asked of the lock, each with its ``config``; None where that is not known yet.
        places: where the configuration says what, the fields of `Places`.
        downloads: part, address and sha256 of what parts name by an address and that has to be here, too.
        asked: what is asked of the lock, as for `needs_of`.

    Returns:
        what is selected, the working sets, what was done, and whether the lock has a ``surplus`` that the policy
        keeps; None where ``others`` must be known.

    Raises:
        Drift: the lock does not answer, and the policy is frozen.
    """
    path = Path(lock)
    wanted = needs_of(**asked)
    everything = together(wanted, others or ())
    if others is None and policy != "frozen" and _is_due(path, upgrade, wanted, only_lock=store is None):
        return None
    place, door = _begun(lock, sources, Store(Path(store), tag, compiled=compiled) if store is not None else None)
    mine = {"allow_sdist": allow_sdist, **asked}
    requirements = _let_build(door, toolchain, places or {}, mine, *(others or ()))
    current, changed = _locked(path, policy, upgrade, everything, door, prune=store is None, whole=others is not None)
    named, used = _used(current, wanted, sets, allowed or {})
    check_picked(used, wanted)
    if place is not None and door.sources.offline:
        Missing(door, place, requirements).check(used, downloads)
    result: dict[str, Any] = {"sets": named, "changed": changed, "distributions": {}}
    result |= {"builds": requirements.changed if requirements else [], "surplus": _surplus(policy, current, everything)}
    return result | (_filled(place, used, door) if place is not None else {})


def _used(
    lock: Lock, needs: Needs, sets: Mapping[str, Sequence[str]], allowed: Mapping[str, Sequence[str]]
) -> tuple[dict[str, list[str]], list[LockedPackage]]:
    """Return the names in each working set, and what of the lock all of them together use."""
    needs, environment = given.settled(lock, needs), markers.here()
    active = activated(lock, needs.develop, environment)
    named, used = dict[str, list[str]](), set[str]()
    for key, lines in sets.items():
        own = given.beside(needs, allowed.get(key, ()))
        named[key] = closure(active | own, lines, environment)
        used |= set(named[key]) - needs.developed - own.keys()
    return named, [active[name] for name in sorted(used)]


def _let_build(
    door: Door, toolchain: Mapping[str, Any], places: Mapping[str, Any], *asked: Mapping[str, Any]
) -> building.BuildRequirements | None:
    """Let a door build what configurations allow, go where what they ask for lies, and know where they ask for it."""
    patterns = {pattern for question in asked for pattern in question["allow_sdist"]}
    lines = (pair for question in asked for pair in (*question["needs"], *question.get("constraints", ())))
    door.given = origins.given(line for line, _ in lines)
    door.places = Places(**places)
    return building.allow(door, toolchain, sorted(patterns))


def _is_due(path: Path, upgrade: Sequence[str] | None, needs: Needs, *, only_lock: bool) -> bool:
    if only_lock or upgrade is not None or not path.exists():
        return True
    lock = locks.read(path)
    needs = given.settled(lock, needs)
    asked = while_running.settled(lock.while_running, needs.while_running)
    return asked != lock.while_running or bool(drift(lock, needs) or given_up(lock, needs) or _orphans(lock, needs))


def check_picked(used: Sequence[LockedPackage], needs: Needs) -> None:
    """Refuse what [versions] does not pin, where a configuration wants all of it there.

    Raises:
        UsageProblem: with the lines to add.
    """
    if not needs.terms.picked and (found := unpinned(used, needs.pins)):
        lines = "\n".join(["[versions]", *(f"{package.name} = {package.version}" for package in found)])
        raise UsageProblem(
            "allow-picked-versions = false in [buildout], and not everything that is locked is pinned; add, or set it "
            f"to true, since the lock holds versions as well:\n{lines}"
        )


def _begun(lock: str, sources: Mapping[str, Any], store: Store | None) -> tuple[Store | None, Door]:
    early = _early.pop(lock, None)
    if early is not None:
        place, door = early.end()
        return (place if store is not None else None), door
    return store, Sources.of(sources).open()


def _locked(
    path: Path,
    policy: str,
    upgrade: Sequence[str] | None,
    needs: Needs,
    door: Door,
    *,
    prune: bool,
    whole: bool,
) -> tuple[Lock, list[str]]:
    old = locks.read(path) if path.exists() else None
    needs = given.settled(old or given.EMPTY, needs)
    gone.refuse(old, needs)
    problems = drift(old, needs) if old is not None else [f"there is no {path.name}"]
    if old is not None and whole:
        problems += given_up(old, needs)
    if old is not None and not problems and upgrade is None:
        check(old, needs)
        given.check(old, needs)
        if prune:
            asked = while_running.settled((), needs.while_running)
            return written(path, old, replace(gone.without_developed(pruned(old, needs), needs), while_running=asked))
        asked = while_running.settled(old.while_running, needs.while_running)
        dropped = [*_orphans(old, needs), *_given_up(old, needs)] if policy != "frozen" else []
        if policy == "frozen" or (not dropped and asked == old.while_running):
            return old, []
        stay = tuple(one for one in old.packages if one not in dropped)
        return written(path, old, replace(old, packages=stay, while_running=asked))
    if policy == "frozen":
        raise Drift(
            f"{path.name} does not answer this configuration, and policy = frozen forbids to change it; run "
            "bin/eggcarton lock where it may change, and commit the result:",
            differences=problems,
        )
    if door.sources.offline:
        if not problems:
            raise Unavailable("offline, and what is newer only the index knows; leave --upgrade or -o out")
        raise Unavailable(f"offline, and {path.name} must be made anew:", tried=problems)
    lines = [(need.requirement, need.asked_by) for need in (*needs.needs, *needs.constraints)]
    resolver = door.resolver()
    new, needs = given.resolved(lambda wanted: resolver.resolve(wanted, old=old, upgrade=upgrade), needs)
    gone.refuse(old, needs, new)
    new = trusted.only(new, needs.hashes, lines)
    if old is not None and not prune:
        new = replace(new, while_running=while_running.settled(old.while_running, needs.while_running))
    warnings = yanked.warnings(new, needs, door.listed)
    warnings += passed_over.warnings(new, kept(old, upgrade), needs, door.listed)
    left = drift(new, needs)
    if left:
        raise Drift("the new lock would not answer this configuration either:", differences=left)
    check(new, needs)
    given.check(new, needs)
    now = written(path, old, new)
    for warning in warnings:
        # Told with whatever comes of this run: the next one obeys the lock, and warns of nothing.
        door.network.warn(f"{path.name}: {warning}")
    return now


def _surplus(policy: str, lock: Lock, needs: Needs) -> bool:
    """Tell whether the lock has what the policy alone keeps from being dropped."""
    if policy != "frozen":
        return False
    asked = while_running.settled(lock.while_running, needs.while_running)
    return asked != lock.while_running or bool(_orphans(lock, given.settled(lock, needs)))


def _given_up(lock: Lock, needs: Needs) -> list[LockedPackage]:
    """Return what a lock has for nothing but what recipes asked for once, and ask for no more."""
    lines = while_running.given_up(lock.while_running, needs.while_running)
    if not lines:
        return []
    before = replace(needs, needs=(*needs.needs, *(Need(line, "a recipe, once,") for line in lines)))
    stay = {package.name for package in pruned(lock, needs).packages}
    return [package for package in pruned(lock, before).packages if package.name not in stay]


def _orphans(lock: Lock, needs: Needs) -> list[LockedPackage]:
    return routed.orphans(lock, needs.terms.indexes, needs.developed, lambda: pruned(lock, needs))


def written(path: Path, old: Lock | None, new: Lock) -> tuple[Lock, list[str]]:
    """Write a lock where its text has changed, and return it with what is different, a line each."""
    text = locks.text_of(new)
    if old is None or path.read_text("utf-8") != text:
        # Runs are kept apart.
        writing.replace(path, text, alone=True)
    return new, changes(old, new)


def _filled(store: Store, packages: Sequence[LockedPackage], door: Door) -> dict[str, Any]:
    chosen = door.unpackables(packages)
    unpacked = [item for _, item, _ in chosen]
    store.share(unpacked)
    missing = [item for item in unpacked if store.find(item.sha256) is None]
    wanted = [
        door.wanted(package, file) for package, item, file in chosen if item in missing and item.sha256 not in door.made
    ]
    with once.filling(store, unpacked) as take:
        files = {**door.made, **(door.fetch(wanted, take) if wanted else {})}
        for sha256, path in files.items():
            take(sha256, path)
    eggs = store.eggs(unpacked)
    remarks = [*store.remarks, *store.show(eggs.values())]
    # What was fetched for its metadata alone, or ahead and then not needed, is not what the build consists of.
    added = store.added & set(eggs)
    fetched = {sha256: size for sha256, size in door.fetcher.brought.items() if sha256 in added}
    return {
        "distributions": {
            item.name: {"version": item.version, "sha256": item.sha256, "egg": str(eggs[item.sha256])}
            for item in unpacked
        },
        "fetched": len(fetched),
        "bytes": sum(fetched.values()),
        "cached": len(added - set(fetched) - set(door.made)),
        "built": len(added & set(door.made)),
        "remarks": remarks,
    }
