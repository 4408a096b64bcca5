"""Resolve once, for all platforms: uv finds the versions, the metadata tells what leads to what."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from eggcarton.core.errors import EggcartonError, Unavailable
from eggcarton.indexes.client import Client, RequestFailed
from eggcarton.indexes.fetch import Fetcher, Pages, Wanted, hint_of
from eggcarton.indexes.routing import Routing
from eggcarton.packages import cutoff, metadata, uv
from eggcarton.packages import lock as locks
from eggcarton.packages import origin as origins
from eggcarton.packages.addresses import Addresses, stranger
from eggcarton.packages.direct import Direct
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage
from eggcarton.packages.needs import Needs, pin_of
from eggcarton.packages.offers import Offers, write_wheel
from eggcarton.packages.sdists import Builder
from eggcarton.packages.wheels import best_wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TABLE = "[tool.eggcarton.places]"
_NO_WHEEL = re.compile(r"Wheels are required for `([^`]+)`")


class Resolver:
    """Turns needs into a lock; the index, the cache and uv are handed in."""

    def __init__(
        self,
        *,
        program: Path,
        routing: Routing,
        pages: Pages,
        client: Client,
        fetcher: Fetcher,
        cache: Path,
        find_links: Sequence[str] = (),
        builder: Builder | None = None,
        allow_sdist: Sequence[str] = (),
        direct: Direct | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._program, self._routing, self._pages = program, routing, pages
        self._client, self._fetcher, self._cache = client, fetcher, cache
        self._find_links, self._now = tuple(find_links), now
        self._builder, self._allow_sdist, self._direct = builder, tuple(allow_sdist), direct

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
        addresses = Addresses(self._direct, needs, old, upgrade)
        with tempfile.TemporaryDirectory(prefix="eggcarton-resolve-") as name:
            directory = Path(name)
            if old is not None and upgrade is None:
                self._prefer(directory, old)
            elif old is not None and upgrade:
                dropped = {canonicalize_name(project) for project in upgrade}
                self._prefer(directory, replace(old, packages=tuple(p for p in old.packages if p.name not in dropped)))
            compiled, built = self._compiled(directory, needs, newest, addresses)
        direct = {package.name: package for package in addresses.packages}
        entries = [entry for entry in compiled.get("packages", ()) if entry["name"] not in needs.developed]
        packages = [_package(entry, needs.requires_python, direct) for entry in entries]
        packages = [_as_source(package, built.get(package.name)) for package in packages]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(self._metadata, packages))
        names = {package.name for package in packages} | needs.developed
        packages = [_with_edges(package, names, *edges) for package, edges in zip(packages, found, strict=True)]
        if old is not None and old.requires_python == needs.requires_python and (upgrade is None or upgrade):
            packages = [_as_before(package, old, upgrade or ()) for package in packages]
        return Lock(needs.requires_python, tuple(packages), newest)

    @staticmethod
    def _prefer(directory: Path, old: Lock) -> None:
        indexed = replace(old, packages=tuple(package for package in old.packages if package.origin is None))
        (directory / "pylock.toml").write_text(locks.text_of(indexed).partition(_TABLE)[0], "utf-8")

    def _compiled(
        self, directory: Path, needs: Needs, newest: str | None, addresses: Addresses
    ) -> tuple[dict[str, list[dict[str, object]]], dict[str, LockedFile]]:
        """Return what uv resolves to, and the source distributions that had to be built for it.

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
        )
        while True:
            done = self._compile(directory, needs, offers.directory, newest, addresses.packages)
            if not done.status:
                found = tomllib.loads((directory / "pylock.toml").read_text("utf-8"))
                if addresses.take([entry["name"] for entry in found.get("packages", ())]):
                    continue
                offers.check()
                return found, offers.built
            if addresses.take(addresses.mentioned(done.output)):
                continue
            if not offers.add(_NO_WHEEL.findall(done.output)):
                # What is refused may lead to nothing else here, so that it comes before any other reason.
                offers.check()
                raise stranger(done.output) or _unsolved(done.output, needs)

    def _compile(
        self, directory: Path, needs: Needs, offered: Path, newest: str | None, direct: Sequence[LockedPackage]
    ) -> uv.Completed:
        stubs = {package.name: _stub(directory, package) for package in needs.develop}
        lines = {_as_needed(need.requirement, stubs) for need in needs.needs}
        (directory / "needs.in").write_text("".join(f"{line}\n" for line in sorted(lines)), "utf-8")
        pins = [
            f"{name}{pin_of(name, value)}\n"
            for name, value in needs.pins.items()
            if canonicalize_name(name) not in stubs
        ]
        pins += [f"{_as_needed(line.requirement, stubs)}\n" for line in needs.constraints]
        # What nothing asks for by name here may still be led to, and must be asked for at no index then.
        pins += [f"{name} @ {stub.as_uri()}\n" for name, stub in stubs.items()]
        # Only by a constraint does uv take an address for what others need by name alone.
        pins += [f"{package.name} @ {_stub(directory, package).as_uri()}\n" for package in direct]
        (directory / "versions.txt").write_text("".join(sorted(pins)), "utf-8")
        index = self._routing.index_of("")
        arguments = [
            "pip",
            "compile",
            "needs.in",
            "--universal",
            "--format",
            "pylock.toml",
            "--output-file",
            "pylock.toml",
        ]
        arguments += ["--no-header", "--generate-hashes", "--no-build", "--system-certs", "--quiet"]
        arguments += ["--python", sys.executable, "--python-version", lowest(needs.requires_python)]
        arguments += ["--constraints", "versions.txt", "--default-index", index.url]
        arguments += ["--prerelease", "allow" if needs.terms.prereleases else "if-necessary-or-explicit"]
        arguments += ["--exclude-newer", newest] if newest else []
        for link in (str(offered), *self._find_links):
            arguments += ["--find-links", link]
        return uv.run(self._program, arguments, cache=self._cache / "uv", directory=directory)

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
        listed = next((file for file in self._pages.page(index, package.name) if file.name == wheel.name), None)
        if listed and listed.metadata_sha256:
            try:
                with self._client.get(listed.url + ".metadata") as answer:
                    body = answer.read()
            except RequestFailed:
                body = b""
            if sha256(body).hexdigest() == listed.metadata_sha256:
                return metadata.of_text(body.decode("utf-8", "replace"))
        return metadata.of_wheel(self._fetcher.fetch([wanted])[wheel.sha256])


def _as_source(package: LockedPackage, sdist: LockedFile | None) -> LockedPackage:
    """Lock what was built here as the source distribution it came from."""
    return package if sdist is None else replace(package, wheels=(), sdist=sdist)


def _as_before(package: LockedPackage, old: Lock, upgrade: Sequence[str]) -> LockedPackage:
    """Keep what is known of what stays at its version.

    An index that lists more or fewer files by now changes nothing else; nor does another Python, whose wheel may tell
    other requirements than the one that was looked at when the lock was made.
    """
    if package.origin is not None or package.name in {canonicalize_name(name) for name in upgrade}:
        return package
    same = (p for p in old.named(package.name) if p.version == package.version and p.origin is None)
    before = next(same, package)
    return replace(before, marker=package.marker)


def _stub(directory: Path, package: LockedPackage) -> Path:
    """Write a wheel that holds nothing but a develop package's metadata.

    uv then resolves its extras and markers as it does everyone's, and its name is asked at no index.
    """
    lines = [f"Provides-Extra: {extra}" for extra in sorted(package.extras)]
    # What it needs by address has an entry of its own.
    lines += [f"Requires-Dist: {origins.without_address(line)}" for line in package.requires]
    return write_wheel(directory, package.name, package.version, lines)


def _as_needed(line: str, stubs: Mapping[str, Path]) -> str:
    requirement = Requirement(line)
    stub = stubs.get(str(canonicalize_name(requirement.name)))
    if stub is None:
        return origins.without_address(line)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}{extras} @ {stub.as_uri()}{marker}"


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


def _package(entry: dict[str, object], requires_python: str, direct: Mapping[str, LockedPackage]) -> LockedPackage:
    marker = _told_apart(str(entry.get("marker", "")), requires_python)
    if found := direct.get(str(entry["name"])):
        return replace(found, marker=marker)
    wheels, sdist = entry.get("wheels", ()), entry.get("sdist")
    return LockedPackage(
        name=str(entry["name"]),
        version=str(entry["version"]),
        wheels=tuple(_file(wheel) for wheel in _tables(wheels)),
        sdist=_file(sdist) if isinstance(sdist, dict) else None,
        marker=marker,
    )


def _told_apart(marker: str, requires_python: str) -> str | None:
    """Return a marker without the clause that only repeats the lock's own Python range, as uv writes it everywhere."""
    clause = f"python_full_version >= '{lowest(requires_python)}'"
    if marker == clause:
        return None
    if marker.startswith(f"{clause} and ") and " or " not in marker:
        return marker.removeprefix(f"{clause} and ")
    return marker or None


def _tables(value: object) -> Iterable[dict[str, object]]:
    return value if isinstance(value, list) else ()


def _file(entry: dict[str, object]) -> LockedFile:
    url, path = str(entry.get("url", "")), str(entry.get("path", ""))
    name = str(entry.get("name") or (url or path).rpartition("/")[2])
    hashes, size = entry.get("hashes"), entry.get("size")
    digest = hashes.get("sha256") if isinstance(hashes, dict) else None
    if not digest:
        raise EggcartonError(
            f"{name}: the index names no sha256 for it, so it cannot be locked; use an index that does"
        )
    hint = hint_of(url) if url.startswith(("http://", "https://")) else None
    return LockedFile(name, str(digest), size if isinstance(size, int) else None, hint)


def _name(requirement: str) -> str:
    return str(canonicalize_name(Requirement(requirement).name))


def lowest(requires_python: str) -> str:
    """Return the lowest minor version in a range such as ``>=3.10``."""
    versions = [part.strip()[2:] for part in requires_python.split(",") if part.strip().startswith((">=", "~=", "=="))]
    return versions[0].rstrip(".*") if versions else f"{sys.version_info[0]}.{sys.version_info[1]}"


_NETWORK = (
    "error sending request",
    "failed to fetch",
    "dns error",
    "connection refused",
    "timed out",
    "tcp connect",
)


def _unsolved(output: str, needs: Needs) -> EggcartonError:
    text = output.strip()
    if any(word in text.lower() for word in _NETWORK):
        return Unavailable(
            f"the index could not be asked while locking; check its address, the proxy and the network:\n{text}"
        )
    asked: dict[str, list[str]] = {}
    for need in needs.needs:
        asked.setdefault(_name(need.requirement), []).append(f"{need.asked_by} asks for {need.requirement}")
    named = [line for name, lines in sorted(asked.items()) if _mentions(text, name) for line in sorted(set(lines))]
    named += [f"[versions] has {name} = {value}" for name, value in sorted(needs.pins.items()) if _mentions(text, name)]
    return EggcartonError(
        "\n".join(["no set of versions answers all that is asked for:", text, *(f"  {line}" for line in named)])
    )


def _mentions(text: str, name: str) -> bool:
    return str(canonicalize_name(name)) in text.lower().replace("_", "-").replace(".", "-") or name in text
