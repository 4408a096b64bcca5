"""Bring here all that locks name for some Pythons and platforms: into the cache, or into a directory to carry away."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eggcarton.child.door import Door, Sources
from eggcarton.child.downloads import wanted_at
from eggcarton.child.pinned import PinnedFiles
from eggcarton.core.errors import Unavailable, UsageProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.indexes.wanted import Wanted
from eggcarton.packages import build_lock, bundle, closed, platforms, simple, vendoring
from eggcarton.packages import lock as locks
from eggcarton.packages import origin as origins
from eggcarton.packages import pins as pins_files
from eggcarton.packages.filling import Directory
from eggcarton.packages.lock import LockedFile, LockedPackage
from eggcarton.packages.platforms import Target
from eggcarton.packages.simple import Link


@dataclass(slots=True)
class Needed:
    """What is brought: each file by its place in a bundle.

    Args:
        files: as each is wanted.
        packages: those whose file is made of a repository.
        projects: the places of what an index of them lists.
        here: the paths of files that are here already, by sha256.
        unknown: what cannot even be named, in words.
        built, lacking: as of `bundle.Chosen`.
    """

    files: dict[str, Wanted] = field(default_factory=dict)
    packages: dict[str, LockedPackage] = field(default_factory=dict)
    projects: dict[str, list[str]] = field(default_factory=dict)
    here: dict[str, Path] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)

    @property
    def digests(self) -> dict[str, str]:
        """The sha256 of each file by its place."""
        return {place: wanted.sha256 for place, wanted in self.files.items()}

    def put(self, found: Mapping[str, Path], directory: Directory) -> None:
        """Put files at their places in a directory."""
        for place, path in found.items():
            directory.put(place, path, self.files[place].sha256)

    def told(self, door: Door) -> dict[str, Any]:
        """Return how many files it is, what of them came over a network, and what is built or lacking, for the user."""
        sha256s = set(self.digests.values())
        sizes = [size for sha256, size in door.fetcher.brought.items() if sha256 in sha256s]
        return {
            "files": len(self.files),
            "fetched": len(sizes),
            "bytes": sum(sizes),
            "built": sorted(set(self.built)),
            "lacking": sorted(set(self.lacking)),
        }

    def add_locks(self, paths: Sequence[Path], builds: Path, targets: Sequence[Target], door: Door) -> None:
        """Add what locks and a build lock name for some targets."""
        there = {path: locks.read(path) for path in paths if path.exists()}
        if not there:
            raise UsageProblem(f"there is no {paths[0].name}; bin/eggcarton lock makes it")
        for path, lock in there.items():
            self.lacking += bundle.unlocked(path.name, lock.requires_python, targets)
        locked = build_lock.read(builds)
        found: dict[LockedFile, LockedPackage] = {}
        for lock in [*there.values(), *(build.lock for build in locked.builds)]:
            chosen = bundle.chosen(lock.packages, bundle.locked_for(lock.requires_python, targets))
            found |= {file: package for package, file in chosen.files}
            self.built += chosen.built
            self.lacking += chosen.lacking
        found |= {source.sdist: source for source in locked.sources if source.sdist is not None}
        for file, place in bundle.places(found).items():
            package = found[file]
            self.files[place] = door.wanted(package, file)
            if package.origin is None:
                self.projects.setdefault(package.name, []).append(place)
            elif package.origin.kind != "archive":
                self.packages[place] = package

    def add_toolchain(
        self, toolchain: Path, targets: Sequence[Target], door: Door, directory: Directory | None
    ) -> None:
        """Add what the toolchain's pins and those of the closed set name for some targets."""
        local = [directory.path / bundle.TOOLCHAIN] if directory else []
        # Where this was built from a bundle, that has it.
        local += [path.with_name(bundle.TOOLCHAIN) for path in door.sources.directories if path.name == bundle.WHEELS]
        local += [path for path in sorted(door.sources.cache.glob("bootstrap/*")) if path.is_dir()]
        files = PinnedFiles(door, local)
        for path in (toolchain, closed.PINS):
            pins = pins_files.read(path.read_text("utf-8", "replace"), path.name)
            for pin in pins:
                needing = [target for target in targets if pin in bundle.pinned(pins, target)]
                for wanted in files.wanted(pin, needing):
                    place = f"{bundle.TOOLCHAIN}/{wanted.name}"
                    self.files[place] = wanted
                    self.projects.setdefault(pin.name, []).append(place)
        self.here |= files.here
        self.unknown += files.unknown
        self.lacking += files.lacking

    def add_extends(self, builds: Path, kept: Path) -> None:
        """Add what is extended from addresses, of which there are kept copies."""
        for url, sha256 in build_lock.read(builds).extends.items():
            self.files[f"{bundle.EXTENDS}/{sha256}"] = Wanted("", url, sha256, url=url)
            self._look_for_copy(kept, sha256)

    def _look_for_copy(self, kept: Path, sha256: str) -> None:
        copy = kept / sha256
        if copy.is_file() and file_digest(copy) == sha256:
            self.here[sha256] = copy

    def add_downloads(self, downloads: Sequence[Sequence[str]], kept: Path) -> None:
        """Add what recipes name by an address: pairs of that and the sha256, by which there may be kept copies."""
        for url, sha256 in downloads:
            wanted = wanted_at(url, sha256)
            place = f"{bundle.WHEELS}/{wanted.name}"
            if place in self.files and self.files[place].sha256 != sha256:
                place = f"{bundle.WHEELS}/{sha256[:16]}/{wanted.name}"
            self.files[place] = wanted
            self._look_for_copy(kept, sha256)

    def had(self, places: Sequence[str], door: Door) -> dict[str, Path]:
        """Return the files at some places, fetched where they are not here.

        Raises:
            Unavailable: some cannot be had; offline, all of them are named.
        """
        found = {place: path for place in places if (path := self.here.get(self.files[place].sha256))}
        made = [] if door.sources.offline else [place for place in places if place in self.packages]
        rest = [place for place in places if place not in found and place not in made]
        files, missing = dict[str, Path](), list[str]()
        try:
            files = door.fetch([self.files[place] for place in rest]) if rest else {}
        except Unavailable as problem:
            if not self.unknown:
                raise
            missing = list(problem.tried)
        if missing or self.unknown:
            # Only offline is anything unknown.
            missing += self.unknown
            raise Unavailable(f"offline, and {len(missing)} files are not in the cache:", tried=missing)
        found |= {place: files[self.files[place].sha256] for place in rest}
        return found | {place: door.direct.source(self.packages[place]) for place in made}


def fetch(
    *,
    paths: Sequence[str],
    builds: str,
    extends: str,
    downloads: Mapping[str, Any],
    given: Sequence[str],
    platform: Sequence[str],
    python: Sequence[str],
    sources: Mapping[str, Any],
    ours: str,
    to: str | None,
    index: bool,
) -> dict[str, Any]:
    """Bring here what locks name.

    Args:
        paths: the locks; one that is not there has nothing.
        builds: the path of ``buildout.lock.toml``.
        extends: the directory with the kept copies of what is extended.
        downloads: ``files``, the address and the sha256 of each that a recipe names so, and ``kept``, where copies lie.
        given: what the configuration asks for, whose addresses may hold credentials.
        platform, python: what it is brought for, as the user has named it.
        sources: the fields of `Sources`.
        ours: a directory with what is vendored: bootstrap.py, the toolchain's pins and our own wheel.
        to: the directory that is filled; None for the cache alone.
        index: whether the directory becomes an index, too.

    Returns:
        ``targets``; how many ``files``, of which as many were ``kept`` there and ``fetched``, these so many ``bytes``;
        ``replaced``, where bytes were wrong; ``changed``, ours by hand; ``built`` and ``lacking`` of `bundle.Chosen`.

    Raises:
        UsageProblem: a platform or Python that is none, no lock, or a directory that leads elsewhere.
        Unavailable: some files cannot be had.
    """
    targets = platforms.targets(platform, python, running=(sys.version_info[0], sys.version_info[1]))
    door, needed = Sources.of(sources).open(), Needed()
    door.given = origins.given(given)
    needed.add_locks(list(map(Path, paths)), Path(builds), targets, door)
    files = {path.name: path.read_bytes() for path in Path(ours).iterdir()}
    directory = Directory.made(Path(to)) if to is not None else None
    vendored = vendoring.put(directory.path, files) if directory else None
    needed.add_toolchain(Path(to or ours, "toolchain.txt"), targets, door, directory)
    needed.add_extends(Path(builds), Path(extends))
    needed.add_downloads(downloads["files"], Path(downloads["kept"]))
    standing = directory.right(needed.digests) if directory else set()
    found = needed.had([place for place in needed.files if place not in standing], door)
    if directory is not None:
        needed.put(found, directory)
        _complete(directory, needed, targets, [*paths, builds], [*files, vendoring.RECORD], index=index)
    return {
        "targets": [target.told for target in targets],
        "kept": len(standing),
        "replaced": sorted(directory.replaced) if directory else [],
        "changed": list(vendored.kept) if vendored else [],
        **needed.told(door),
    }


def _complete(
    directory: Directory,
    needed: Needed,
    targets: Sequence[Target],
    paths: Sequence[str],
    beside: Sequence[str],
    *,
    index: bool,
) -> None:
    """Put the locks, the pages of an index and the list of all files beside what was brought."""
    digests = needed.digests
    for path in map(Path, paths):
        copy = directory.path / path.name
        if path.exists() and not (copy.exists() and copy.samefile(path)):
            digests[path.name] = directory.write(path.name, path.read_bytes())
    if index:
        links = {
            name: [
                Link(place, digests[place], simple.requires_python(directory.path / place)) for place in sorted(places)
            ]
            for name, places in needed.projects.items()
        }
        for page, text in simple.pages(links).items():
            place = f"{bundle.SIMPLE}/{page}"
            digests[place] = directory.write(place, text.encode())
    digests |= {name: sha256 for name in beside if (sha256 := directory.digest(name))}
    directory.write(bundle.MANIFEST, bundle.manifest(targets, digests).encode())
