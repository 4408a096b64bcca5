"""Make the store hold what a build needs: lock when that is due, fetch what is missing, unpack it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from eggcarton.core.errors import Drift, EggcartonError, Unavailable
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher, Pages, Wanted
from eggcarton.indexes.routing import Index, Routing
from eggcarton.packages import lock as locks
from eggcarton.packages.builds import Toolchain
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage
from eggcarton.packages.needs import Need, Needs, activated, closure, drift
from eggcarton.packages.resolve import Resolver
from eggcarton.packages.sdists import Builder, is_allowed, refusal
from eggcarton.packages.store import Store, Unpacked


@dataclass(frozen=True, slots=True)
class Sources:
    """Where files come from in this run: the cache, local directories, one index, and nothing at all offline."""

    index: str
    find_links: tuple[str, ...]
    cache: Path
    directories: tuple[Path, ...]
    offline: bool

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Sources:
        """Return what a request says, its text turned into paths."""
        return cls(
            index=fields["index"],
            find_links=tuple(fields["find_links"]),
            cache=Path(fields["cache"]),
            directories=tuple(Path(directory) for directory in fields["directories"]),
            offline=fields["offline"],
        )

    def open(self, toolchain: Toolchain | None = None, allow_sdist: Sequence[str] = ()) -> Door:
        """Return the door to the network; nothing is asked before something is fetched."""
        routing = Routing((Index("default", self.index),))
        client = Client()
        pages = Pages(routing, client)
        fetcher = Fetcher(Cache(self.cache), pages, client, directories=self.directories)
        builder = Builder(toolchain, self.cache) if toolchain else None
        return Door(self, routing, client, pages, fetcher, builder, tuple(allow_sdist))


@dataclass(frozen=True, slots=True)
class Door:
    """What one request of a build fetches and resolves through."""

    sources: Sources
    routing: Routing
    client: Client
    pages: Pages
    fetcher: Fetcher
    builder: Builder | None
    allow_sdist: tuple[str, ...]
    made: dict[str, Path] = field(default_factory=dict)

    def resolver(self, *, prereleases: bool = False) -> Resolver:
        """Return what makes locks from here."""
        return Resolver(
            program=uv_program(),
            routing=self.routing,
            pages=self.pages,
            client=self.client,
            fetcher=self.fetcher,
            cache=self.sources.cache,
            find_links=self.sources.find_links,
            prereleases=prereleases,
            builder=self.builder,
            allow_sdist=self.allow_sdist,
        )

    def unpackable(self, package: LockedPackage) -> tuple[Unpacked, LockedFile]:
        """Return the wheel of a package for this Python and platform, and the locked file to fetch for it.

        Raises:
            EggcartonError: it has none, and may not be built, or cannot be.
        """
        position = best_wheel([wheel.name for wheel in package.wheels])
        if position is not None:
            wheel = package.wheels[position]
            return Unpacked(package.name, package.version, wheel.name, wheel.sha256), wheel
        if package.sdist is None or self.builder is None:
            raise EggcartonError(
                f"{package.name} {package.version} has no file for this Python and platform; pin a version that has one"
            )
        if not is_allowed(package.name, self.allow_sdist):
            raise EggcartonError(refusal([package.name]))
        sdist = package.sdist
        source = self.fetch([wanted_file(package, sdist)])[sdist.sha256]
        built = self.builder.wheel(source, sdist.sha256, sdist.name)
        digest = file_digest(built)
        self.made[digest] = built
        return Unpacked(package.name, package.version, built.name, digest), sdist

    def fetch(self, files: Sequence[Wanted]) -> dict[str, Path]:
        """Bring files into the cache; offline, name at once all that are missing there.

        Raises:
            Unavailable: offline, or no route serves a file.
        """
        if not self.sources.offline:
            return self.fetcher.fetch(files)
        found = {file.sha256: path for file in files if (path := self.fetcher.local(file))}
        missing = sorted(file.name for file in files if file.sha256 not in found)
        if missing:
            raise Unavailable(
                f"offline, and {len(missing)} files are neither in the store nor in the cache:", tried=missing
            )
        return found


def uv_program() -> Path:
    """Return the uv binary of the closed set."""
    for directory in sys.path:
        path = Path(directory, "bin", "uv")
        if path.is_file():
            return path
    raise EggcartonError("the closed set holds no uv; remove it and run bootstrap.py again")


def provide(
    *,
    lock: str,
    policy: str,
    upgrade: Sequence[str] | None,
    needs: Sequence[Sequence[str]],
    pins: Mapping[str, str],
    develop: Sequence[Mapping[str, Any]],
    requires_python: str,
    prereleases: bool,
    allow_sdist: Sequence[str],
    toolchain: Mapping[str, Any],
    sources: Mapping[str, Any],
    store: str | None,
    tag: str,
    sets: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Lock when the lock does not answer the needs, and fill the store.

    Args:
        lock: the lock's path. The file is rewritten only when its content changes.
        policy: ``update`` or ``frozen``.
        upgrade: names to lock anew, all of them when empty, none when None.
        needs: pairs of a requirement and who asks for it.
        pins: ``[versions]``, name to version or range.
        develop: name, version and requires of each package that is built from source here.
        requires_python: the range that a new lock is made for.
        prereleases: whether they may be chosen where a final release exists.
        allow_sdist: names and patterns of what may be built from source.
        toolchain: the paths and versions that such a build may use.
        sources: the fields of `Sources`.
        store: the eggs directory, or None to lock and go no further.
        tag: the end of the names of eggs.
        sets: the requirements of each working set, by its key.

    Returns:
        the selected distributions, each working set's names, and what was done.

    Raises:
        Drift: the lock does not answer, and the policy is frozen.
    """
    path = Path(lock)
    wanted = Needs(
        needs=tuple(Need(requirement, asked_by) for requirement, asked_by in needs),
        pins=pins,
        develop=tuple(LockedPackage(d["name"], d["version"], requires=tuple(d["requires"])) for d in develop),
        requires_python=requires_python,
    )
    door = Sources.of(sources).open(Toolchain(tuple(toolchain["paths"]), toolchain["versions"]), allow_sdist)
    current, changed = _locked(path, policy, upgrade, wanted, door, prereleases=prereleases)
    environment = {key: str(value) for key, value in default_environment().items()}
    active = activated(current, wanted.develop, environment)
    named = {key: closure(active, requirements, environment) for key, requirements in sets.items()}
    used = sorted({name for names in named.values() for name in names} - wanted.developed)
    result: dict[str, Any] = {"sets": named, "changed": changed, "distributions": {}}
    if store is not None:
        result |= _filled(Store(Path(store), tag), [active[name] for name in used], door)
    return result


def _locked(
    path: Path, policy: str, upgrade: Sequence[str] | None, needs: Needs, door: Door, *, prereleases: bool
) -> tuple[Lock, list[str]]:
    old = locks.read(path) if path.exists() else None
    problems = drift(old, needs) if old is not None else [f"there is no {path.name}"]
    if old is not None and not problems and upgrade is None:
        return old, []
    if policy == "frozen":
        raise Drift(
            f"{path.name} does not answer this configuration, and policy = frozen forbids to change it; run "
            "bin/eggcarton lock where it may change, and commit the result:",
            differences=problems,
        )
    if door.sources.offline:
        raise Unavailable(f"offline, and {path.name} must be made anew:", tried=problems)
    new = door.resolver(prereleases=prereleases).resolve(needs, old=old, upgrade=upgrade)
    left = drift(new, needs)
    if left:
        raise Drift("the new lock would not answer this configuration either:", differences=left)
    text = locks.text_of(new)
    if old is None or path.read_text("utf-8") != text:
        _replace(path, text)
    return new, _changes(old, new)


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _changes(old: Lock | None, new: Lock) -> list[str]:
    if old is None:
        return [f"{len({package.name for package in new.packages})} distributions locked"]
    before = {(package.name, package.version) for package in old.packages}
    after = {(package.name, package.version) for package in new.packages}
    lines = []
    for name in sorted({name for name, _ in before ^ after}):
        was = "/".join(sorted(version for key, version in before if key == name))
        now = "/".join(sorted(version for key, version in after if key == name))
        lines.append(
            f"{name} {was} -> {now}" if was and now else f"{name} {now} added" if now else f"{name} {was} removed"
        )
    return lines


def _filled(store: Store, packages: Sequence[LockedPackage], door: Door) -> dict[str, Any]:
    chosen = [(package, *door.unpackable(package)) for package in packages]
    unpacked = [item for _, item, _ in chosen]
    missing = [item for item in unpacked if store.find(item.sha256) is None]
    wanted = [
        wanted_file(package, file) for package, item, file in chosen if item in missing and item.sha256 not in door.made
    ]
    files = {**door.made, **(door.fetch(wanted) if wanted else {})}
    eggs = store.add(uv_program(), files, unpacked) if unpacked else {}
    remarks = store.show(eggs.values())
    return {
        "distributions": {
            item.name: {"version": item.version, "sha256": item.sha256, "egg": str(eggs[item.sha256])}
            for item in unpacked
        },
        "in_store": len(unpacked) - len(missing),
        "fetched": door.fetcher.count,
        "bytes": door.fetcher.bytes,
        "unpacked": len(missing),
        "remarks": remarks,
    }


def wanted_file(package: LockedPackage, file: LockedFile) -> Wanted:
    """Return a locked file as the fetcher wants it."""
    return Wanted(package.name, file.name, file.sha256, file.size, package.index, file.hint)


_TAGS = {tag: rank for rank, tag in enumerate(sys_tags())}


def best_wheel(names: Sequence[str]) -> int | None:
    """Return the position of the wheel that suits this Python and platform best, None when none does."""
    best: tuple[int, int] | None = None
    for position, name in enumerate(names):
        try:
            tags = parse_wheel_filename(name)[3]
        except InvalidWheelFilename:
            continue
        rank = min((_TAGS[tag] for tag in tags if tag in _TAGS), default=None)
        if rank is not None and (best is None or rank < best[0]):
            best = (rank, position)
    return best[1] if best else None
