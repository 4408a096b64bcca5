"""What the requests of one build fetch and resolve through."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eggcarton.child import run
from eggcarton.core.errors import EggcartonError, Unavailable, UsageProblem
from eggcarton.indexes import kept_health
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.indexes.client import Client
from eggcarton.indexes.credentials import Credentials, withdrawn
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.freshness import Seen
from eggcarton.indexes.health import CAP, Health
from eggcarton.indexes.journal import Event
from eggcarton.indexes.kept_pages import KeptPages
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import SMALL, Network
from eggcarton.indexes.pages import Listed
from eggcarton.indexes.routing import DEFAULT, Index, Routing
from eggcarton.indexes.wanted import Wanted
from eggcarton.packages import zipped_eggs
from eggcarton.packages.chains import Places
from eggcarton.packages.direct import Direct
from eggcarton.packages.lock import LockedFile, LockedPackage
from eggcarton.packages.resolve import Resolver
from eggcarton.packages.sdists import Builder, is_allowed, refusal
from eggcarton.packages.store import Unpacked
from eggcarton.packages.wheels import best_wheel


@dataclass(frozen=True, slots=True)
class Sources:
    """Where files come from in this run: the cache, local directories, the indexes, and nothing at all offline.

    ``keeps`` is whether anything is kept for the next run, such as how the routes fare.
    """

    indexes: tuple[Index, ...]
    find_links: tuple[str, ...]
    cache: Path
    directories: tuple[Path, ...]
    offline: bool
    allow_hosts: tuple[str, ...] = ("*",)
    keeps: bool = True

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Sources:
        """Return what a request says, its text turned into paths; zipped eggs in find-links are there as wheels, too.

        Raises:
            EggcartonError: such an egg cannot be read.
        """
        links, cache = list(fields["find_links"]), Path(fields["cache"])
        # Offered as any wheel of find-links is, and found by its name when the lock wants it.
        made = zipped_eggs.converted([Path(link) for link in links if "://" not in link], cache / "from-eggs")
        more = [made] if made else []
        return cls(
            indexes=_indexes(fields),
            find_links=(*links, *map(str, more)),
            cache=cache,
            directories=(*map(Path, fields["directories"]), *more),
            offline=fields["offline"],
            allow_hosts=tuple(fields.get("allow_hosts", ("*",))),
            keeps=fields.get("keeps", True),
        )

    def open(self) -> Door:
        """Return the door to the network; nothing is asked before something is fetched."""
        routing = Routing(self.indexes)
        network = run.current().network(self._network, self, health=self.cache / kept_health.NAME, keeps=self.keeps)
        remote = [link for link in self.find_links if "://" in link]
        pages = Pages(routing, network, find_links=remote, seen=Seen(self.cache / "seen", keeps=self.keeps))
        fetcher = Fetcher(Cache(self.cache), pages, network, directories=self.directories)
        return Door(self, routing, network, pages, fetcher)

    def _network(self, health: Health, note: Callable[[Event], None], warn: Callable[[str], None]) -> Network:
        environment = withdrawn(self.indexes, os.environ)
        credentials = Credentials(self.indexes, environment=environment, warn=warn, say=run.current().say)
        client = Client(connections=CAP * SMALL, allow_hosts=self.allow_hosts, credentials=credentials)
        kept = KeptPages(self.cache / "pages" if self.keeps else None)
        return Network(client, health, note=note, warn=warn, kept=kept)


@dataclass(slots=True)
class Door:
    """One way out for all requests of a build, the source distributions it may build, and who asked for what where."""

    sources: Sources
    routing: Routing
    network: Network
    pages: Pages
    fetcher: Fetcher
    builder: Builder | None = None
    allow_sdist: tuple[str, ...] = ()
    made: dict[str, Path] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    places: Places = field(default_factory=Places)

    @property
    def direct(self) -> Direct:
        """The way to what is asked for by its address."""
        return Direct(Cache(self.sources.cache), self.fetcher, self.builder, self.sources.offline, self.given)

    def wanted(self, package: LockedPackage, file: LockedFile) -> Wanted:
        """Return a locked file as the fetcher wants it."""
        return self.direct.wanted(package, file)

    def resolver(self) -> Resolver:
        """Return what makes locks from here."""
        return Resolver(
            program=uv_program(),
            routing=self.routing,
            pages=self.pages,
            fetcher=self.fetcher,
            cache=self.sources.cache,
            find_links=self.sources.find_links,
            builder=self.builder,
            allow_sdist=self.allow_sdist,
            direct=self.direct,
            places=self.places,
        )

    def listed(self, package: LockedPackage) -> tuple[Listed, ...]:
        """Return what the index of a package and find-links list of it."""
        index = self.routing.locked(package.name, package.index)
        directories = [link for link in self.sources.find_links if "://" not in link]
        return self.pages.listed(index, package.name, directories)

    def unpackables(self, packages: Sequence[LockedPackage]) -> list[tuple[LockedPackage, Unpacked, LockedFile]]:
        """Return each package with what `unpackable` has of it.

        Raises:
            UsageProblem: some have no wheel and may not be built, with the lines that allow all of them.
            EggcartonError: one has no file for this Python and platform, or cannot be built.
        """
        refused = [
            package.name
            for package in packages
            if package.origin is None
            and package.sdist is not None
            and best_wheel([wheel.name for wheel in package.wheels]) is None
            and not is_allowed(package.name, self.allow_sdist)
        ]
        if refused and self.builder is not None:
            raise UsageProblem(refusal(refused, self.allow_sdist))
        return [(package, *self.unpackable(package)) for package in packages]

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
        sdist = package.sdist
        if package.origin is not None:
            # Being asked for by its address is the permission.
            built = self.direct.wheel(package)
        elif is_allowed(package.name, self.allow_sdist):
            source = self.fetch([self.wanted(package, sdist)])[sdist.sha256]
            built = self.builder.wheel(source, sdist.sha256, sdist.name)
        else:
            raise UsageProblem(refusal([package.name], self.allow_sdist))
        digest = file_digest(built)
        self.made[digest] = built
        return Unpacked(package.name, package.version, built.name, digest), sdist

    def fetch(
        self, files: Sequence[Wanted], arrived: Callable[[str, Path], None] = lambda sha256, path: None
    ) -> dict[str, Path]:
        """Bring files into the cache; offline, name at once all that are missing there.

        Args:
            files: what is wanted.
            arrived: called for each as soon as it is there, with its sha256 and path, where others are waited for.

        Raises:
            Unavailable: offline, or no route serves a file.
        """
        if not self.sources.offline:
            return self.fetcher.fetch(files, arrived)
        found = {file.sha256: path for file in files if (path := self.fetcher.local(file))}
        missing = sorted(file.name for file in files if file.sha256 not in found)
        if missing:
            number = "1 file is" if len(missing) == 1 else f"{len(missing)} files are"
            raise Unavailable(f"offline, and {number} neither in the store nor in the cache:", tried=missing)
        return found


def _indexes(fields: Mapping[str, Any]) -> tuple[Index, ...]:
    """Return the indexes that a request names: all of them, or the address of the one that there is."""
    return tuple(map(Index.of, fields.get("indexes") or [{"name": DEFAULT, "url": fields["index"]}]))


def uv_program() -> Path:
    """Return the uv binary of the closed set."""
    for directory in sys.path:
        path = Path(directory, "bin", "uv")
        if path.is_file():
            return path
    raise EggcartonError("the closed set holds no uv; remove it and run bootstrap.py again")
