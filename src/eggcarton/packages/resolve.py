"""Resolve once, for all platforms: uv finds the versions, the metadata tells what leads to what."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from eggcarton.core.errors import EggcartonError
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listed_files import ListedFiles
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.pages import Listed
from eggcarton.indexes.relay import Relay
from eggcarton.indexes.routing import Routing
from eggcarton.indexes.wanted import Wanted
from eggcarton.packages import clash, compiled, cutoff, explanation, metadata, pythons, while_running
from eggcarton.packages import lock as locks
from eggcarton.packages.addresses import Addresses, stranger
from eggcarton.packages.chains import Places
from eggcarton.packages.compiling import Compiler
from eggcarton.packages.conflict import Attempt, Search
from eggcarton.packages.direct import Direct
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage
from eggcarton.packages.needs import Needs
from eggcarton.packages.offers import Offers
from eggcarton.packages.routed import routed, unmoved
from eggcarton.packages.sdists import Builder
from eggcarton.packages.vouching import Vouching
from eggcarton.packages.wheels import best_wheel

_NO_WHEEL = re.compile(r"Wheels are required for `([^`]+)`")


class Resolver:
    """Turns needs into a lock; indexes, the cache and uv are handed in."""

    def __init__(
        self,
        *,
        program: Path,
        routing: Routing,
        pages: Pages,
        fetcher: Fetcher,
        cache: Path,
        find_links: Sequence[str] = (),
        builder: Builder | None = None,
        allow_sdist: Sequence[str] = (),
        direct: Direct | None = None,
        places: Places | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._program, self._routing, self._pages = program, routing, pages
        self._fetcher = fetcher
        self._files = ListedFiles(Cache(cache), pages, fetcher)
        self._find_links, self._now = tuple(find_links), now
        self._directories = tuple(link for link in find_links if "://" not in link)
        self._builder, self._allow_sdist, self._direct = builder, tuple(allow_sdist), direct
        self._places = places

    def resolve(self, needs: Needs, *, old: Lock | None = None, upgrade: Sequence[str] | None = None) -> Lock:
        """Return a lock that answers the needs.

        Args:
            needs: requirements, pins, develop names and Python range.
            old: the lock so far; each of its versions is kept while it still satisfies.
            upgrade: names to be taken anew; an empty sequence means all of them, None none.

        Raises:
            EggcartonError: uv found no solution; its explanation is in the message.
            Unavailable: the index could not be asked.
        """
        terms = needs.terms
        newest = cutoff.moment(terms.exclude_newer, self._now()) if terms.exclude_newer else None
        old = unmoved(old, self._routing) if old is not None else None
        addresses = Addresses(self._direct, needs, old, upgrade)
        with self._relay() as relay, tempfile.TemporaryDirectory(prefix="eggcarton-resolve-") as name:
            compiler = Compiler(self._program, relay, self._directories, Path(name, "cache"))
            vouching = Vouching(self._routing, self._pages, self._directories, old)
            stay = kept(old, upgrade)
            needs, found, built = self._compiled(compiler, Path(name), needs, newest, addresses, stay, vouching)
        packages = compiled.packages(found, needs, addresses.packages)
        packages = [_as_source(package, built.get(package.name)) for package in packages]
        packages = [routed(package, self._routing) for package in packages]
        stays = old is not None and old.requires_python == needs.requires_python and (upgrade is None or upgrade)
        before = [_before(package, old, upgrade or ()) if old and stays else None for package in packages]
        # What stays as it was brings no hash that is new.
        packages = vouching.checked([same or package for same, package in zip(before, packages, strict=True)])
        with ThreadPoolExecutor(8) as pool:
            edges = list(pool.map(lambda same, new: None if same else self._metadata(new), before, packages))
        names = {package.name for package in packages} | needs.developed
        packages = [
            package if found is None else _with_edges(package, names, *found)
            for package, found in zip(packages, edges, strict=True)
        ]
        return Lock(needs.requires_python, tuple(packages), newest, while_running.settled((), needs.while_running))

    def _relay(self) -> Relay:
        return Relay(self._routing, self._pages, self._files)

    def _compiled(
        self,
        compiler: Compiler,
        directory: Path,
        needs: Needs,
        newest: str | None,
        addresses: Addresses,
        before: Lock | None,
        vouching: Vouching,
    ) -> tuple[Needs, dict[str, list[dict[str, object]]], dict[str, LockedFile]]:
        """Return what uv resolves to, for which needs, and the source distributions that had to be built for it.

        Where nobody asks for a range of Pythons, a pin that wants a later patch version than the first narrows it.

        uv itself builds nothing: a distribution without wheels stops it, and where that one is allowed it is built
        here, closed, and offered to uv as a wheel.
        """
        offers = Offers(
            directory / "offered",
            needs,
            newest,
            builder=self._builder,
            allow_sdist=self._allow_sdist,
            routing=self._routing,
            pages=self._pages,
            fetcher=self._fetcher,
            vouch=vouching.check,
            directories=self._directories,
        )
        while True:
            done = compiler.compile(directory, needs, offers.directory, newest, addresses.packages, before)
            if not done.status:
                found = compiler.read(directory)
                if addresses.take([str(entry["name"]) for entry in found.get("packages", ())]):
                    continue
                offers.check()
                return needs, found, offers.built
            if addresses.take(addresses.mentioned(done.output)):
                continue
            if not offers.add(_NO_WHEEL.findall(done.output)):
                # What is refused may lead to nothing else here, so that it comes before any other reason.
                offers.check()
                first = pythons.first_that_would_do(done.output, needs.requires_python)
                if first is not None and not needs.terms.asked_python:
                    needs = replace(needs, requires_python=f">={first}")
                    continue
                unsolved: EggcartonError | None = stranger(done.output)
                if unsolved is None:
                    unsolved = self._unsolved(compiler, done.output, needs, offers, newest, addresses.packages, before)
                raise unsolved

    def _unsolved(
        self,
        compiler: Compiler,
        words: str,
        needs: Needs,
        offers: Offers,
        newest: str | None,
        direct: Sequence[LockedPackage],
        before: Lock | None,
    ) -> EggcartonError:
        """Return the error that tells why there is no solution, found by asking again with less."""
        addressed = {package.name: package for package in direct}

        def attempt(fewer: Needs) -> Attempt:
            moment = newest if fewer.terms.exclude_newer else None
            with tempfile.TemporaryDirectory(prefix="eggcarton-resolve-") as name:
                done = compiler.compile(Path(name), fewer, offers.directory, moment, direct, before)
                if done.status:
                    return Attempt(None, done.output)
                found = compiled.packages(compiler.read(Path(name)), fewer, direct)
            packages = tuple(_as_source(package, offers.built.get(package.name)) for package in found)
            return Attempt(Lock(fewer.requires_python, packages))

        def with_edges(packages: Sequence[LockedPackage]) -> list[LockedPackage]:
            known = [addressed.get(package.name, package) for package in packages]
            with ThreadPoolExecutor(8) as pool:
                found = pool.map(self._metadata, known)
                return [replace(p, requires=edges.requires) for p, edges in zip(known, found, strict=True)]

        def listed(name: str) -> tuple[Listed, ...]:
            if name in addressed:
                file = f"{name.replace('-', '_')}-{addressed[name].version}-py3-none-any.whl"
                return (Listed(file, "", sha256="0" * 64),)
            return self._pages.listed(self._routing.index_of(name), name, self._directories)

        known = {_name(need.requirement) for need in needs.needs} | needs.developed
        known |= {str(canonicalize_name(name)) for name in needs.pins}
        known |= {package.name for package in (before.packages if before else ())}
        search = Search(needs, words, attempt)
        index = clash.Index(listed, with_edges)
        return explanation.unsolved(search, index, self._routing, newest=newest, places=self._places, known=known)

    def _metadata(self, package: LockedPackage) -> metadata.Edges:
        """Return requirements and extras of a package, by its metadata file or, without one, by its wheel."""
        if package.origin is not None:
            return metadata.Edges(package.requires, frozenset(package.extras))
        if package.sdist is not None and not package.wheels and self._builder is not None:
            sdist = package.sdist
            source = Wanted(package.name, sdist.name, sdist.sha256, sdist.size, package.index, sdist.hint)
            path = self._fetcher.fetch([source])[sdist.sha256]
            return metadata.of_wheel(self._builder.wheel(path, sdist.sha256, sdist.name))
        wheel = _nearest(package.wheels)
        wanted = Wanted(package.name, wheel.name, wheel.sha256, wheel.size, package.index, wheel.hint)
        index = self._pages.index_of(wanted)
        page = self._pages.whole(index, package.name)
        # A page that only a mirror told speaks for no metadata; the wheel itself has a sha256 that is vouched for.
        told = page.listed if page is not None and page.doubt is None else ()
        fits = (file for file in told if file.name == wheel.name and file.sha256 in (None, wheel.sha256))
        listed = next(fits, None)
        if listed is not None and listed.metadata_sha256 is not None:
            text = self._files.metadata(index, package.name, listed).decode("utf-8", "replace")
            return metadata.of_text(text)
        return metadata.of_wheel(self._fetcher.fetch([wanted])[wheel.sha256])


def kept(old: Lock | None, upgrade: Sequence[str] | None) -> Lock | None:
    """Return the versions that are to be kept where they still satisfy."""
    if old is None or (upgrade is not None and not upgrade):
        return None
    dropped = {canonicalize_name(project) for project in upgrade or ()}
    return replace(old, packages=tuple(package for package in old.packages if package.name not in dropped))


def _as_source(package: LockedPackage, sdist: LockedFile | None) -> LockedPackage:
    """Lock what was built here as the source distribution it came from."""
    return package if sdist is None else replace(package, wheels=(), sdist=sdist)


def _before(package: LockedPackage, old: Lock, upgrade: Sequence[str]) -> LockedPackage | None:
    """Return what is known of what stays at its version, None where it does not stay.

    An index that lists more or fewer files by now changes nothing else; nor does another Python, whose wheel may tell
    other requirements than the one that was looked at when the lock was made.
    """
    if package.origin is not None or package.name in {canonicalize_name(name) for name in upgrade}:
        return None
    same = (p for p in old.named(package.name) if p.version == package.version and p.origin is None)
    found = next(same, None)
    return found and replace(found, marker=package.marker)


def _with_edges(
    package: LockedPackage, names: Collection[str], lines: Sequence[str], extras: Collection[str]
) -> LockedPackage:
    """Give a package what leads from it to others.

    What an extra leads to stays, asked for or not: who asks for it later must find the lock wanting.
    """
    kept = tuple(line for line in lines if _name(line) in names or locks.extras_in(line))
    empty = set(extras).difference(*(locks.extras_in(line) for line in lines))
    return replace(package, requires=kept, empty_extras=tuple(sorted(empty)))


def _nearest(wheels: Sequence[LockedFile]) -> LockedFile:
    """Choose the wheel that this machine would install, since that one is fetched anyway; else the first."""
    return wheels[best_wheel([wheel.name for wheel in wheels]) or 0]


def _name(requirement: str) -> str:
    return str(canonicalize_name(Requirement(requirement).name))
