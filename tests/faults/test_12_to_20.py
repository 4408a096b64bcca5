"""Faults 12 to 20: what indexes say, who may say it, and to whom a name may be told."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from eggcarton.core.errors import EggcartonError, IntegrityProblem, Unavailable
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.freshness import Seen
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index as Configured
from eggcarton.indexes.routing import Mirror, Routing
from eggcarton.packages.builds import Toolchain
from eggcarton.packages.lock import Lock
from eggcarton.packages.needs import Need, Needs, Terms
from eggcarton.packages.resolve import Resolver
from eggcarton.packages.sdists import Builder
from support.closed import uv_program
from support.distributions import wheel
from support.faults import Response
from support.index import Index
from support.pages import JSON
from support.scene import GUARD, Clock, Make, Scene, check_names, plain

HERE = f">={sys.version_info[0]}.{sys.version_info[1]}"
MIRROR, CANONICAL = "mirror", "canonical"

LONGEST_PAUSES = 5.0
"""Seconds that the runs of one test may wait between their requests."""


@dataclass
class Locking:
    """What locks by several indexes, with uv; its pauses are counted and not made."""

    place: Path
    indexes: tuple[Configured, ...]
    seen: Seen = field(default_factory=Seen)
    warnings: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    read: float = 60.0

    def lock(self, *requirements: str, old: Lock | None = None) -> Lock:
        """Lock what is required, with a network that knows nothing yet, and make sure that the cache is clean."""
        began = time.monotonic()
        try:
            return self._lock(requirements, old)
        finally:
            check_names(Cache(self.place / "cache"))
            assert [] == [*Cache(self.place / "cache").partial.glob("*")]
            assert time.monotonic() - began < GUARD
            assert self.clock.slept <= LONGEST_PAUSES

    def _lock(self, requirements: Sequence[str], old: Lock | None) -> Lock:
        client = Client(connect=60.0, read=self.read)
        network = Network(client, now=self.clock, sleep=self.clock.sleep, chance=lambda: 0.5, warn=self.warnings.append)
        routing = Routing(self.indexes)
        pages = Pages(routing, network, seen=self.seen)
        cache = self.place / "cache"
        resolver = Resolver(
            program=uv_program(),
            routing=routing,
            pages=pages,
            fetcher=Fetcher(Cache(cache), pages, network),
            cache=cache,
            find_links=(),
            builder=Builder(Toolchain((), {}), cache),
            allow_sdist=(),
        )
        needs = Needs(tuple(Need(line, "part app") for line in requirements), {}, (), HERE, Terms())
        return resolver.resolve(needs, old=old)

    def fails(self, *requirements: str) -> EggcartonError:
        """Lock in vain, and return the error."""
        with pytest.raises(EggcartonError) as caught:
            self.lock(*requirements)
        return caught.value


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Index]]:
    """Serve a directory of its own; options are the server's."""
    with ExitStack() as stack:
        count = [0]

        def start(*files: tuple[str, str, str], **options: Any) -> Index:
            count[0] += 1
            place = tmp_path / f"served{count[0]}"
            place.mkdir()
            for name, version, comment in files:
                wheel(place, name, version, {f"{name.replace('-', '_')}.py": f"# {comment}\n"})
            return stack.enter_context(Index(place, **options))

        yield start


@pytest.fixture
def locking(tmp_path: Path) -> Callable[..., Locking]:
    """What locks by one index called main, with these routes, the canonical one last, and perhaps by others."""

    def make(*routes: Index, others: tuple[Configured, ...] = (), **settings: Any) -> Locking:
        *mirrors, canonical = routes
        found = tuple(Mirror(mirror.url) for mirror in mirrors)
        return Locking(tmp_path, (Configured("main", canonical.url, mirrors=found, **settings), *others))

    return make


def versions(lock: Lock) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


def hashes(lock: Lock) -> set[str]:
    return {wheel.sha256 for package in lock.packages for wheel in package.wheels}


def page(index: Index, project: str = "six", accept: str = JSON) -> str:
    """Return what plain urllib makes of a page: whether it is the one that the index means to send."""
    right = Index(index.directory, json=index.json, hashes=index.hashes, metadata=index.metadata)
    pages = right._pages(index.json and accept == JSON)
    own = [one for one in right.distributions() if one.project == project]
    own = own[: len(own) - index.newest]
    return plain(f"{index.url}{project}/", pages.project(project, own).encode(), headers={"Accept": accept})


def highest(index: Index, project: str = "six") -> str:
    """Return the version that plain urllib, which knows nothing of authority, would take from a page."""
    asked = urllib.request.Request(f"{index.url}{project}/", headers={"Accept": JSON})
    with urllib.request.urlopen(asked, timeout=300) as response:
        return str(max(json.load(response)["versions"], key=Version))


def other_bytes(mirror: Index, canonical: Index) -> str:
    """Return what plain urllib makes of the mirror's first file, held against that of the canonical route."""
    place = mirror.distributions()[0].place
    return plain(f"{mirror.address}/files/{place}", canonical.distributions()[0].path.read_bytes())


SIX = ("six", "1.17.0", "right")


def test_fault_12_two_hashes_by_quorum(serve: Callable[..., Index], locking: Callable[..., Locking]) -> None:
    """Two routes with two hashes of one file are an error of integrity that shows both; each was asked once."""
    canonical, mirror = serve(SIX), serve(("six", "1.17.0", "wrong"))
    assert ["right", "right"] == [page(canonical), page(mirror)]
    # Plain urllib takes what the first one has.
    assert "wrong" == other_bytes(mirror, canonical)
    canonical.rewind()
    mirror.rewind()
    error = locking(mirror, canonical, authority="quorum:2").fails("six")
    assert isinstance(error, IntegrityProblem)
    assert 5 == error.exit_code
    for server in (canonical, mirror):
        assert server.distributions()[0].sha256 in str(error)
    assert [["/simple/six/"]] * 2 == [server.paths("*") for server in (canonical, mirror)]


def test_fault_12_two_hashes_by_the_canonical_route(
    serve: Callable[..., Index], locking: Callable[..., Locking]
) -> None:
    """The hash of the canonical route is locked, and the mirror with other bytes is not asked what there is."""
    canonical, mirror = serve(SIX), serve(("six", "1.17.0", "wrong"))
    assert ["right", "wrong"] == [page(mirror), other_bytes(mirror, canonical)]
    mirror.rewind()
    lock = locking(mirror, canonical).lock("six")
    assert {canonical.distributions()[0].sha256} == hashes(lock)
    assert [] == mirror.paths("/simple/*")


def test_fault_13_a_higher_foreign_version(serve: Callable[..., Index], locking: Callable[..., Locking]) -> None:
    """A version that only a mirror lists is not locked, while the canonical route answers or not."""
    canonical, mirror = serve(SIX), serve(SIX, ("six", "99.0", "foreign"))
    made = locking(mirror, canonical)
    # Plain urllib takes the highest version that it is shown.
    assert ["99.0", "1.17.0"] == [highest(mirror), highest(canonical)]
    for server in (canonical, mirror):
        server.rewind()
    old = made.lock("six")
    assert {"six": "1.17.0"} == versions(old)
    assert (["/simple/six/"], []) == (canonical.paths("/simple/*"), mirror.paths("/simple/*"))
    assert {canonical.distributions()[0].sha256} == hashes(old)
    canonical.stop()
    error = made.fails("six")
    assert (Unavailable, 4) == (type(error), error.exit_code)
    assert "authority = any" in str(error)
    # What the mirror lists is looked at, and nothing of it fetched.
    foreign = next(file.place for file in mirror.distributions() if file.version == "99.0")
    assert ["/simple/six/", f"/files/{foreign}.metadata"] == mirror.paths()


# How often the private index is asked for its page: what may pass is met in three rounds.
ASKED_AT_14 = {"stop": 0, "status:500": 3, "status:404": 1, "stall": 3, "portal": 1}


@pytest.mark.parametrize("fault", ASKED_AT_14)
def test_fault_14_the_public_index_has_the_private_name(
    serve: Callable[..., Index], locking: Callable[..., Locking], fault: str
) -> None:
    """While the private index fails, its names are an error, and the public one gets no request for them at all."""
    public, corp = serve(SIX, ("corp-web", "99.0", "foreign")), serve(("corp-web", "1.0", "ours"))
    private = Configured("corp", corp.url, projects=("corp-*",))
    made = locking(public, others=(private,))
    assert {"corp-web": "1.0", "six": "1.17.0"} == versions(made.lock("corp-web", "six"))
    for server in (public, corp):
        server.rewind()
    if fault == "stop":
        corp.stop()
    else:
        corp.fault("*", fault, forever=True)
    # A client that merges the answers of all indexes takes the foreign one.
    assert ("right", True) == (page(public, "corp-web"), page(corp, "corp-web") != "right")
    for server in (public, corp):
        server.rewind()
    made.read = 2.0 if fault == "stall" else made.read
    error = made.fails("corp-web", "six")
    assert ["/simple/corp-web/"] * ASKED_AT_14[fault] == corp.paths()
    # A 404 of the index itself is an answer: there is no such project.
    assert (1 if fault == "status:404" else 4) == error.exit_code
    # Whether the other name was asked for by then is uv's affair.
    assert {*public.paths()} <= {"/simple/six/"}


@pytest.mark.parametrize("status", [401, 403, 407])
def test_fault_15_a_private_index_that_refuses(
    serve: Callable[..., Index], locking: Callable[..., Locking], status: int
) -> None:
    """A private index that refuses our credentials is asked once, told of once, and no other index is asked."""
    public, corp = serve(SIX, ("corp-web", "99.0", "foreign")), serve(("corp-web", "1.0", "ours"))
    corp.fault("*", f"status:{status}", forever=True)
    assert f"HTTP {status}" == page(corp, "corp-web")
    corp.rewind()
    made = locking(public, others=(Configured("corp", corp.url, projects=("corp-*",)),))
    error = made.fails("corp-web")
    assert f"HTTP {status}" in str(error)
    assert ["/simple/corp-web/"] == corp.paths()
    assert [] == [path for path in public.paths("*") if "corp" in path]
    assert 0.0 == made.clock.slept


@pytest.mark.parametrize("fault", ["portal", "portal:511"])
def test_fault_16_a_captive_portal_for_a_page(
    serve: Callable[..., Index], locking: Callable[..., Locking], fault: str
) -> None:
    """A page of a captive portal is no index page: with nobody else to ask that is told, and nothing is locked."""
    canonical = serve(SIX)
    canonical.fault("/simple/*", fault, forever=True)
    assert page(canonical) in ("wrong", "HTTP 511")
    canonical.rewind()
    error = locking(canonical).fails("six")
    assert Unavailable is type(error)
    assert 1 == len(canonical.paths("*"))


@pytest.mark.parametrize("fault", ["portal", "portal:511"])
def test_fault_16_a_captive_portal_for_a_file(make: Make, fault: str) -> None:
    """A page in place of a file is left within its first kilobyte, and the next route serves."""
    scene: Scene = make()
    scene.route(MIRROR)
    scene.route(CANONICAL)

    def swollen(response: Response) -> None:
        response.body += b"<!-- and so on -->" * 500_000

    scene.servers[MIRROR].fault("/files/*", fault, forever=True)
    assert [("HTTP 511" if "511" in fault else "wrong"), "right"] == scene.control()
    done = scene.fetch()
    assert (None, {CANONICAL: 1}) == (done.error, done.served())
    assert ({MIRROR: 1, CANONICAL: 1}, 1) == (scene.counts(), len(done.warnings))
    assert all(event.bytes <= 1024 for event in done.events if event.fault and event.what == "file")


@pytest.mark.parametrize("fault", ["cut:0.5", "cut:0.9", "truncate:0.5"])
def test_fault_17_truncated_json(serve: Callable[..., Index], locking: Callable[..., Locking], fault: str) -> None:
    """Half a page of the right type is none: nothing is locked by it, and the hash in an old lock stays good."""
    canonical, mirror = serve(SIX), serve(SIX)
    made = locking(mirror, canonical)
    old = made.lock("six")
    for server in (canonical, mirror):
        server.rewind()
    canonical.fault("/simple/*", fault, forever=True)
    assert page(canonical) in ("wrong", "IncompleteRead")
    canonical.rewind()
    assert old == made.lock("six", old=old)
    # What ends early may pass: it is met twice where a mirror is asked next, and in three rounds where none is.
    may_pass = fault.startswith("truncate")
    assert (["/simple/six/"] * (2 if may_pass else 1), ["/simple/six/"]) == (canonical.paths(), mirror.paths())
    canonical.rewind()
    fresh = locking(canonical).fails("six")
    assert ["/simple/six/"] * (3 if may_pass else 1) == canonical.paths()
    assert Unavailable is type(fresh)


def test_fault_18_html_only(serve: Callable[..., Index], locking: Callable[..., Locking]) -> None:
    """An index that knows only HTML, and tells no hashes: each file is fetched once to know its hash."""
    canonical = serve(SIX, json=False, hashes=False, metadata=False)
    promised = Index(canonical.directory)._pages(True).project("six", canonical.distributions())
    # Plain urllib asks for JSON and does not get it.
    assert "wrong" == plain(f"{canonical.url}six/", promised.encode(), headers={"Accept": JSON})
    canonical.rewind()
    lock = locking(canonical).lock("six")
    assert {canonical.distributions()[0].sha256} == hashes(lock)
    place = f"/files/{canonical.distributions()[0].place}"
    assert ["/simple/six/", place] == canonical.paths("*")


def test_fault_19_a_stale_mirror(serve: Callable[..., Index], locking: Callable[..., Locking]) -> None:
    """A mirror with a lower serial than one seen before is passed over, and told; one without a serial is not."""
    files = (SIX, ("six", "1.16.0", "old"))
    canonical, stale, fresh = serve(*files, serial=9), serve(*files, serial=8, newest=1), serve(*files)
    made = locking(stale, fresh, canonical)
    old = made.lock("six")
    for server in (canonical, stale, fresh):
        server.rewind()
    canonical.fault("/simple/*", "status:500", forever=True)
    # A client that asks the next one takes what is stale.
    assert ["HTTP 500", "right", "right"] == [page(server) for server in (canonical, stale, fresh)]
    for server in (canonical, stale, fresh):
        server.rewind()
    assert old == made.lock("six", old=old)
    pages = ["/simple/six/"]
    assert [pages * 2, pages, pages] == [server.paths() for server in (canonical, stale, fresh)]
    assert any("older than one seen before" in line and stale.url in line for line in made.warnings)
    assert not any(fresh.url in line for line in made.warnings)


def test_fault_19_nothing_but_stale(serve: Callable[..., Index], locking: Callable[..., Locking]) -> None:
    """Where all that answers is stale that is an error; with allow-stale it is taken, with a warning."""
    canonical = serve(SIX, serial=9)
    made = locking(canonical)
    made.lock("six")
    canonical.serial = 8
    # Plain urllib has no memory of what a page was.
    assert "right" == page(canonical)
    canonical.rewind()
    assert "stale" in str(made.fails("six"))
    assert ["/simple/six/"] == canonical.paths()
    canonical.rewind()
    taken = locking(canonical, allow_stale=True)
    taken.seen = made.seen
    assert {"six": "1.17.0"} == versions(taken.lock("six"))
    assert (["/simple/six/"], True) == (canonical.paths(), "which is taken, since allow-stale" in taken.warnings[-1])


@pytest.mark.parametrize("fault", ["status:404", "flip", "portal"])
def test_fault_20_advertised_metadata(serve: Callable[..., Index], locking: Callable[..., Locking], fault: str) -> None:
    """Metadata that is advertised and missing, or not what was advertised, is read from the wheel itself."""
    canonical = serve(("web", "1.0", "x"), SIX)
    right = locking(canonical).lock("web", "six")
    canonical.rewind()
    canonical.fault("/files/*.metadata", fault, forever=True)
    one = canonical.distributions()[0]
    assert "right" != plain(f"{canonical.address}/files/{one.place}.metadata", one.metadata)
    canonical.rewind()
    # What was fetched before would answer.
    assert hashes(right) == hashes(
        Locking(canonical.directory.parent / "other", locking(canonical).indexes).lock("web", "six")
    )
    # A page, the metadata, and the wheel in its place, each once.
    asked = Counter(canonical.paths("*"))
    files = [f"/files/{file.place}{end}" for file in canonical.distributions() for end in (".metadata", "")]
    assert dict.fromkeys(("/simple/six/", "/simple/web/", *files), 1) == asked


def test_the_control_of_pages(tmp_path: Path) -> None:
    """A page is the control's by its bytes: one other byte is another page."""
    wheel(tmp_path, "six", "1.0")
    with Index(tmp_path) as index:
        index.fault("*", "ok", "flip")
        assert ["right", "wrong"] == [page(index), page(index)]
