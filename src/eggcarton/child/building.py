"""What builds from source require: locked in ``buildout.lock.toml``, fetched by hash, and unpacked into the store."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eggcarton.child.door import Door, Sources
from eggcarton.core.errors import Drift, EggcartonError, Unavailable
from eggcarton.packages import build_lock, once
from eggcarton.packages import lock as locks
from eggcarton.packages.build_lock import BuildLock, LockedBuild
from eggcarton.packages.build_requirements import changes, chosen, identity, name_of, spelled
from eggcarton.packages.builds import Toolchain
from eggcarton.packages.direct import build_name
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage
from eggcarton.packages.member import Member
from eggcarton.packages.needs import Need, Needs, Terms, drift
from eggcarton.packages.sdists import Builder, label_of
from eggcarton.packages.store import Store, Unpacked
from eggcarton.packages.watched import build_digests

BY_PIP = " (by pip)"
"""Ends what build requirements are locked for where a recipe has pip build it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where build requirements are locked and unpacked, and by which rules.

    Args:
        lock: the path of ``buildout.lock.toml``.
        frozen: whether it may not be changed.
        store: the eggs directory.
        tag: the end of the names of eggs.
        requires_python: the range that is locked for.
        exclude_newer: a setting that `cutoff.check` has returned.
        developed: canonical names of what is developed here; none of them is asked for at an index.
    """

    lock: Path
    frozen: bool
    store: Path
    tag: str
    requires_python: str
    exclude_newer: str | None = None
    developed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Place:
        """Return what a request says, its text turned into paths."""
        paths = {key: Path(fields[key]) for key in ("lock", "store")}
        return cls(**{**fields, **paths, "developed": frozenset(fields["developed"])})


@dataclass(slots=True)
class BuildRequirements:
    """The build requirements of one buildout; several builds may ask at the same time."""

    place: Place
    door: Door
    changed: list[str] = field(default_factory=list)
    _lock: BuildLock | None = None
    _before: dict[str, LockedBuild | None] = field(default_factory=dict)
    _guard: threading.RLock = field(default_factory=threading.RLock)
    _turns: dict[tuple[str, ...], threading.RLock] = field(default_factory=dict)
    _working: threading.local = field(default_factory=threading.local)

    @property
    def lock(self) -> BuildLock:
        """What is locked by now."""
        with self._guard:
            if self._lock is None:
                self._lock = build_lock.read(self.place.lock)
            return self._lock

    def locked_identity(self, build: str) -> tuple[str, ...] | None:
        """Return what stands for the content of a build's locked requirements here, None where it has none."""
        found = next((entry for entry in self.lock.builds if build in entry.builds), None)
        if found is None or drift(found.lock, self._needs(found)):
            return None
        return identity(chosen(found))

    def answer(self, build: str, requires: Sequence[str], asked: Sequence[str]) -> Toolchain:
        """Return what a build may import, locked now where it is not yet.

        Raises:
            Drift: it is not locked, and the policy is frozen.
            Unavailable: offline, and it is not locked or not here.
            EggcartonError: no set of versions answers it.
        """
        with self.entry(build, requires, asked) as entry:
            packages = chosen(entry)
            eggs = self._unpacked([package for package, _ in packages])
        members = tuple(
            Member(item.name, item.version, egg, item.sha256) for item, egg in sorted(eggs, key=lambda e: e[0].name)
        )
        versions = {package.name: package.version for package, _ in packages}
        [digest] = build_digests(build_lock.text_of(BuildLock(builds=(entry,))))
        return Toolchain((), versions, members, identity(packages), entry.asked, digest)

    @contextmanager
    def entry(self, build: str, requires: Sequence[str], asked: Sequence[str]) -> Iterator[LockedBuild]:
        """Give what answers a build in the lock, where it is put if it is not there yet; as `answer` raises."""
        wanted = LockedBuild((build,), spelled(requires), spelled(asked), Lock(None, ()))
        with self._turn(wanted):
            yield self._known(wanted) or self._resolved(wanted)

    @contextmanager
    def _turn(self, wanted: LockedBuild) -> Iterator[None]:
        """Let one build at a time lock and unpack the same requirements, and end what goes round in a circle."""
        with self._guard:
            turn = self._turns.setdefault(wanted.requires, threading.RLock())
        path: list[str] = getattr(self._working, "path", [])
        if wanted.builds[0] in path:
            raise EggcartonError(
                f"{' needs '.join([*path, wanted.builds[0]])} to be built; take a version of one that has a wheel"
            )
        self._working.path = [*path, wanted.builds[0]]
        try:
            with turn:
                yield
        finally:
            self._working.path = path

    def _known(self, wanted: LockedBuild) -> LockedBuild | None:
        """Return what answers in the lock: its own entry, or one of others that require the same."""
        same = [e for e in self.lock.builds if e.requires == wanted.requires and set(wanted.asked) <= set(e.asked)]
        [build] = wanted.builds
        for entry in sorted(same, key=lambda e: build not in e.builds):
            if not drift(entry.lock, self._needs(entry)):
                if build not in entry.builds and not self.place.frozen:
                    with self._guard:
                        self._keep(replace(entry, builds=(build,)))
                return entry
        return None

    def _needs(self, entry: LockedBuild) -> Needs:
        lines = tuple(Need(line, str(entry)) for line in (*entry.requires, *entry.asked))
        terms = Terms(exclude_newer=self.place.exclude_newer, indexes=self.door.routing.projects)
        return Needs(lines, {}, (), entry.lock.requires_python or self.place.requires_python, terms)

    def _resolved(self, wanted: LockedBuild) -> LockedBuild:
        place, [build] = self.place, wanted.builds
        old = next((entry for entry in self.lock.builds if build in entry.builds), None)
        lines = [f"{build} requires {line}" for line in (*wanted.requires, *wanted.asked)]
        if old is not None and old.requires == wanted.requires:
            # Which these are may hang on the machine, such as on a program that is there or not.
            named = set(map(name_of, wanted.asked))
            kept = [line for line in old.asked if name_of(line) not in named]
            wanted = replace(wanted, asked=spelled([*wanted.asked, *kept]))
        if place.frozen:
            raise Drift(
                f"{place.lock.name} does not answer what builds from source require, and policy = frozen, or that "
                "this only looks, forbids to change it; run bin/eggcarton lock where it may change:",
                differences=lines,
            )
        if self.door.sources.offline:
            raise Unavailable(f"offline, and {place.lock.name} does not have what builds require:", tried=lines)
        wanted = replace(wanted, lock=self._solved(wanted, old))
        with self._guard:
            self._keep(wanted)
            # A backend asks for the rest when the first requirements are there: both are one change of this run.
            before = self._before.setdefault(build, old)
            self.changed[:] = [line for line in self.changed if not line.startswith(f"{wanted}: ")]
            self.changed += changes(str(wanted), before, wanted)
        return wanted

    def _solved(self, wanted: LockedBuild, old: LockedBuild | None, upgrade: Sequence[str] | None = None) -> Lock:
        here = sorted(self.place.developed & set(map(name_of, (*wanted.requires, *wanted.asked))))
        if here:
            raise EggcartonError(
                f"{wanted} requires {', '.join(here)}, which is developed here; what builds require comes from an "
                "index, so release it first, or name its directory in backend-path"
            )
        lock = Lock(self.place.requires_python, (), None)
        needs = self._needs(replace(wanted, lock=lock))
        kept = replace(old.lock, requires_python=self.place.requires_python) if old else None
        try:
            return self.door.resolver().resolve(needs, old=kept, upgrade=upgrade)
        except EggcartonError as error:
            raise type(error)(f"{wanted}: its build requirements cannot be locked: {error}") from error

    def _keep(self, new: LockedBuild) -> None:
        """Put what answers a build into the lock, in the place of what that build had before."""
        [build] = new.builds
        same = next((e for e in self.lock.builds if (e.requires, e.asked) == (new.requires, new.asked)), None)
        builds = tuple(sorted({build, *(same.builds if same else ())}))
        entries = [
            replace(entry, builds=tuple(name for name in entry.builds if name != build))
            for entry in self.lock.builds
            if entry is not same
        ]
        entries = [entry for entry in entries if entry.builds]
        self._write(replace(self.lock, builds=(*entries, replace(new, builds=builds))))

    def _write(self, lock: BuildLock) -> None:
        # What others have locked meanwhile, such as what is extended, stays.
        there = build_lock.read(self.place.lock)
        lock = replace(lock, extends=there.extends, sources=there.sources)
        build_lock.write(self.place.lock, lock)
        self._lock = lock

    def _unpacked(self, packages: Sequence[LockedPackage]) -> list[tuple[Unpacked, Path]]:
        found = self.door.unpackables(packages)
        store, items = Store(self.place.store, self.place.tag), [item for _, item, _ in found]
        missing = [(p, file) for p, item, file in found if store.find(item.sha256) is None]
        eggs = once.unpacked(store, self._files(missing), items) if items else {}
        return [(item, eggs[item.sha256]) for item in items]

    def _files(self, wanted: Sequence[tuple[LockedPackage, LockedFile]]) -> dict[str, Path]:
        """Return files by sha256, those that were built here among them."""
        files = [self.door.wanted(package, file) for package, file in wanted if file is not package.sdist]
        return {**self.door.made, **(self.door.fetch(files) if files else {})}

    def put_wheels(self, entry: LockedBuild, directory: Path) -> None:
        """Make a directory hold the wheels of an entry for this Python and platform, each checked, and nothing else."""
        found = self.door.unpackables([package for package, _ in chosen(entry)])
        files = self._files([(package, file) for package, _, file in found])
        directory.mkdir(parents=True, exist_ok=True)
        for path in directory.iterdir():
            path.unlink()
        for _, item, _ in found:
            shutil.copyfile(files[item.sha256], directory / item.filename)

    def renew(self, upgrade: Sequence[str] | None, built: Collection[str]) -> None:
        """Resolve entries anew that hold what is to be upgraded, and drop what is not built any more.

        Args:
            upgrade: canonical names, all of them when empty, none when None.
            built: what is built from source by now: names of develop packages, names and versions of distributions.
        """
        entries = []
        for entry in self.lock.builds:
            left = tuple(build for build in entry.builds if build in built)
            if left:
                entries.append(self._renewed(replace(entry, builds=left), upgrade))
            else:
                self.changed.append(f"{entry} removed")
        self._write(replace(self.lock, builds=tuple(entries)))

    def _renewed(self, entry: LockedBuild, upgrade: Sequence[str] | None) -> LockedBuild:
        names = {package.name for package in entry.lock.packages}
        if upgrade is None or (upgrade and not names & set(upgrade)):
            return entry
        new = replace(entry, lock=self._solved(entry, entry, upgrade))
        self.changed += changes(str(entry), entry, new)
        return new


def allow(door: Door, toolchain: Mapping[str, Any], patterns: Sequence[str]) -> BuildRequirements | None:
    """Let a door build source distributions with these names, with a toolchain and with what a request says of locks.

    Args:
        toolchain: the ``paths`` and ``versions`` that builds may use, and as ``builds`` the fields of `Place`, where it
            is locked what they require beyond.

    Returns:
        what they require, None where the request says nothing of it.
    """
    requirements = BuildRequirements(Place.of(toolchain["builds"]), door) if "builds" in toolchain else None
    tools = Toolchain(tuple(toolchain["paths"]), toolchain["versions"])
    door.builder, door.allow_sdist = Builder(tools, door.sources.cache, requirements), tuple(patterns)
    return requirements


def renew(
    *, toolchain: Mapping[str, Any], sources: Mapping[str, Any], allow_sdist: Sequence[str], **order: Any
) -> list[str]:
    """Lock build requirements anew as far as they are to be upgraded, and return what changed, a line each.

    Args:
        toolchain: the paths and versions that builds may use, and the fields of `Place`.
        sources: the fields of `Sources`.
        allow_sdist: names and patterns of what may be built from source.
        order: ``upgrade`` and ``built`` as for `BuildRequirements.renew`; ``locks``, the paths of the locks whose
            source distributions are built; ``by_pip``, whether there are recipes that may have pip build something;
            ``others``, whether other configurations share the lock, whose develop packages stay.
    """
    door = Sources.of(sources).open()
    requirements = allow(door, toolchain, allow_sdist)
    assert requirements is not None
    if not requirements.lock.builds:
        return []
    if door.sources.offline and order["upgrade"] is not None:
        raise Unavailable("offline, and what is newer only the index knows; leave --upgrade or -o out")
    built = {*order["built"], *_distributions(order["locks"])}
    if order["others"]:
        # What they develop is known by other names here; a version is what tells distributions apart.
        built |= {build for entry in requirements.lock.builds for build in entry.builds if " " not in build}
    if order["by_pip"]:
        built |= {build for entry in requirements.lock.builds for build in entry.builds if build.endswith(BY_PIP)}
    requirements.renew(order["upgrade"], built)
    return requirements.changed


def _distributions(paths: Sequence[str]) -> Iterator[str]:
    for path in map(Path, paths):
        for package in locks.read(path).packages if path.exists() else ():
            yield f"{package.name} {package.version}" if package.origin is None else label_of(build_name(package))
