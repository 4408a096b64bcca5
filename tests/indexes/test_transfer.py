"""A file comes by whichever route has it, whatever becomes of the others, and never with a wrong byte."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from eggcarton.core.errors import IntegrityProblem, Unavailable
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.health import CAP
from eggcarton.indexes.journal import FILE, Event
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.partial import Partial
from eggcarton.indexes.routing import Index as Configured
from eggcarton.indexes.routing import Mirror, Routing
from eggcarton.indexes.wanted import Wanted
from support.distributions import wheel
from support.faults import Response
from support.index import Index

NAMES = tuple(f"project{number:02}" for number in range(8))
LARGE = 400_000


pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A directory of wheels; the first one is large, and no part of it is like another."""
    folder = tmp_path / "served"
    for name in NAMES:
        wheel(folder, name, "1.0", {f"{name}.py": f"name = {name!r}\n" * 99})
    noise = random.Random(1).randbytes(LARGE).hex()
    wheel(folder, NAMES[0], "1.0", {f"{NAMES[0]}.py": f"data = {noise!r}\n"})
    return folder


@pytest.fixture
def second(served: Path) -> Iterator[Index]:
    with Index(served) as index:
        yield index


@dataclass
class Run:
    """One run over an index and its mirrors, on a clock that only its pauses move."""

    canonical: Index
    mirrors: Sequence[Mirror]
    cache: Cache
    limit: int = 1 << 30
    network: Network = field(init=False)
    pauses: list[float] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.network = network = Network(
            Client(wall=lambda: 0.0),
            now=lambda: sum(self.pauses),
            sleep=self.pauses.append,
            note=self.events.append,
            warn=self.warnings.append,
        )
        index = Configured("main", self.canonical.url, mirrors=tuple(self.mirrors))
        self.fetcher = Fetcher(self.cache, Pages(Routing((index,)), network), network, limit=self.limit)

    def fetch(self, files: Sequence[Wanted]) -> dict[str, Path]:
        return self.fetcher.fetch(files)

    @property
    def received(self) -> int:
        """Bytes of files that came over the network."""
        return sum(event.bytes for event in self.events if event.what == FILE)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def run(canonical: Index, mirror: Index, cache: Cache) -> Run:
    """A run with one mirror."""
    return Run(canonical, [Mirror(mirror.url)], cache)


def wanted(index: Index) -> list[Wanted]:
    return [Wanted(d.project, d.path.name, d.sha256, d.size, None, f"files/{d.place}") for d in index.distributions()]


def stored(cache: Cache) -> list[str]:
    """The names of all files of the cache, half-made ones too."""
    return sorted(path.name for path in cache.directory.rglob("*") if path.is_file())


def ranges(index: Index, pattern: str = "/files/*") -> list[str | None]:
    """The Range header of each request for a file."""
    paths = set(index.paths(pattern))
    return [request.headers.get("Range") for request in index.requests if request.path in paths]


def test_mirrors_come_first(canonical: Index, mirror: Index, run: Run, cache: Cache) -> None:
    """All files come from a mirror that has them: its one page tells where, and nothing is asked elsewhere."""
    files = wanted(canonical)
    run.fetch(files)
    assert ([], 1) == (canonical.paths(), len(mirror.paths("/simple/*")))
    assert sorted(f"/{file.hint}" for file in files) == sorted(mirror.paths("/files/*"))
    assert sorted(file.sha256 for file in files) == stored(cache)


def test_tiers_are_obeyed(canonical: Index, mirror: Index, second: Index, cache: Cache) -> None:
    """A mirror of a lower tier is asked first, however they are listed."""
    Run(canonical, [Mirror(mirror.url, tier=2), Mirror(second.url, tier=1)], cache).fetch(wanted(canonical))
    assert ([], [], len(NAMES)) == (canonical.paths(), mirror.paths(), len(second.paths("/files/*")))


def test_a_mirror_that_lacks_a_file(canonical: Index, mirror: Index, run: Run) -> None:
    """What a mirror does not have comes from the next route, and the mirror is asked for the others."""
    files = wanted(canonical)[:3]
    mirror.fault(f"/{files[1].hint}", "status:404", forever=True)
    run.fetch(files)
    assert [f"/{files[1].hint}"] == canonical.paths("/files/*")
    assert 3 == len(mirror.paths("/files/*"))


def test_mirrors_by_hash(canonical: Index, mirror: Index, cache: Cache) -> None:
    """A hashed mirror is asked for a file by its sha256 alone, by one request."""
    file = wanted(canonical)[1]
    Run(canonical, [Mirror(f"{mirror.address}/", hashed=True)], cache).fetch([replace(file, hint=None)])
    assert ([f"/sha256/{file.sha256}"], []) == (mirror.paths(), canonical.paths())


def test_a_mirror_without_pages(canonical: Index, mirror: Index, cache: Cache) -> None:
    """A mirror that has files and no pages is asked below its address, where the lock says that they lie."""
    run, files = Run(canonical, [Mirror(f"{mirror.address}/")], cache), wanted(canonical)
    run.fetch(files[:1])
    assert [f"/{files[0].project}/", f"/{files[0].hint}"] == mirror.paths()
    mirror.requests.clear()
    run.fetch(files[1:])
    assert sorted(f"/{file.hint}" for file in files[1:]) == sorted(mirror.paths())
    assert [] == canonical.paths()


def test_a_mirror_with_nothing(canonical: Index, tmp_path: Path, cache: Cache) -> None:
    """Of a mirror that has neither pages nor files the pages alone are asked after a few files."""
    (tmp_path / "empty").mkdir()
    with Index(tmp_path / "empty") as empty:
        run, files = Run(canonical, [Mirror(empty.url)], cache), wanted(canonical)
        for file in files:
            run.fetch([file])
        assert len(NAMES) == len(empty.paths("/simple/project??/"))
        assert 3 == len(empty.paths("/simple/files/*"))
    assert len(NAMES) == len(canonical.paths("/files/*"))


def test_a_name_that_does_not_resolve(canonical: Index, cache: Cache) -> None:
    """A mirror whose name leads nowhere costs no pause."""
    run = Run(canonical, [Mirror("http://mirror.invalid/simple/")], cache)
    run.fetch(wanted(canonical))
    assert (len(NAMES), []) == (len(canonical.paths("/files/*")), run.pauses)


def test_a_mirror_that_refuses(canonical: Index, mirror: Index, run: Run) -> None:
    """A dead mirror costs nothing but a few refused connections: no pause, and no other file waits for it."""
    mirror.stop()
    run.fetch(wanted(canonical))
    assert (len(NAMES), []) == (len(canonical.paths("/files/*")), run.pauses)


def test_wrong_bytes_of_a_mirror(canonical: Index, mirror: Index, run: Run, cache: Cache) -> None:
    """A mirror that serves other bytes is told of once and left for the run; all files come from the next route."""
    files = wanted(canonical)[1:]
    mirror.fault("/files/*", "flip", forever=True)
    run.fetch(files[:1])
    run.fetch(files[1:])
    assert (1, len(files)) == (len(mirror.paths("/files/*")), len(canonical.paths("/files/*")))
    assert [f"index main: the route {mirror.url} needs care: {files[0].name}: the bytes hash to"] == [
        warning.partition(" to ")[0] + " to" for warning in run.warnings
    ]
    assert sorted(file.sha256 for file in files) == stored(cache)


def test_who_waits_for_a_place_looks_again(
    canonical: Index, mirror: Index, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that wait until a mirror has a place free do not take it when the mirror has failed meanwhile."""
    all_wait = threading.Event()
    met: list[None] = []
    waiting: set[int] = set()
    freed = run.network._freed
    wait = freed.wait

    def counted(timeout: float | None = None) -> bool:
        # A thread waits more than once: whenever another's page has come, all are woken.
        waiting.add(threading.get_ident())
        look()
        try:
            return wait(timeout)
        finally:
            waiting.discard(threading.get_ident())

    def look() -> None:
        if (CAP, len(NAMES) - CAP) == (len(met), len(waiting)):
            all_wait.set()

    monkeypatch.setattr(freed, "wait", counted)

    def meet(response: Response) -> None:
        # A file that had yet to come for its place would find it free, and the mirror's fault untold to it.
        met.append(None)
        look()
        assert all_wait.wait(timeout=300)
        response.body = response.body[:-1] + b"x"

    mirror.fault("/files/*", *[meet] * CAP)
    run.fetch([replace(file, hint=None) for file in wanted(canonical)])
    assert (CAP, len(NAMES)) == (len(mirror.paths("/files/*")), len(canonical.paths("/files/*")))


def test_all_routes_serve_wrong_bytes(canonical: Index, mirror: Index, run: Run, cache: Cache) -> None:
    """Where every route serves other bytes nothing is kept, and the error shows each of them with its digest."""
    file = wanted(canonical)[1]
    for index in (canonical, mirror):
        index.fault("/files/*", "flip", forever=True)
    with pytest.raises(IntegrityProblem) as caught:
        run.fetch([file])
    shown = f"HTTP 200, {file.size} bytes, the bytes hash to "
    rows = [line.partition(shown) for line in str(caught.value).splitlines()[1:]]
    assert [f"  {mirror.url}: ", f"  {canonical.url}: "] == [row[0] for row in rows]
    assert [f", not to {file.sha256}"] * 2 == [row[2][64:] for row in rows]
    assert [] == stored(cache)
    assert (1, 1) == (len(mirror.paths("/files/*")), len(canonical.paths("/files/*")))


def test_the_last_resort_decides_what_kind_of_error_it_is(canonical: Index, mirror: Index, run: Run) -> None:
    """Wrong bytes of a mirror while the index itself is down are told, and the file counts as unavailable."""
    mirror.fault("/files/*", "flip", forever=True)
    canonical.stop()
    with pytest.raises(Unavailable) as caught:
        run.fetch(wanted(canonical)[1:2])
    assert [True, True] == [index.url in str(caught.value) for index in (mirror, canonical)]


@pytest.mark.parametrize("fault", ["status:503", "status:403", "status:501", "portal", "reset", "cut", "long:5"])
def test_a_route_that_fails_costs_one_request(canonical: Index, mirror: Index, run: Run, fault: str) -> None:
    """Whatever is wrong with a mirror's answer, the next route is asked at once, without a pause."""
    mirror.fault("/files/*", fault)
    run.fetch(wanted(canonical)[1:2])
    assert (1, 1, []) == (len(mirror.paths("/files/*")), len(canonical.paths("/files/*")), run.pauses)


def test_a_portal_is_left_at_once(canonical: Index, mirror: Index, run: Run) -> None:
    """Of a web page in place of a file no more is read than tells that it is one."""

    def endless(response: object) -> None:
        response.body = b"<!DOCTYPE html>" + b" " * 10_000_000  # type: ignore[attr-defined]

    mirror.fault("/files/*", endless)
    run.fetch(wanted(canonical)[1:2])
    assert [1024] == [event.bytes for event in run.events if event.what == FILE and event.fault]


@pytest.mark.parametrize("ending", ["reset:0.9", "truncate:0.9"])
def test_what_broke_off_is_gone_on_with(canonical: Index, mirror: Index, run: Run, ending: str) -> None:
    """After a drop at nine tenths the same route is asked for the rest, at once, and next to nothing comes twice."""
    file = wanted(canonical)[0]
    assert file.size is not None
    mirror.fault("/files/*", ending)
    run.fetch([file])
    assert (2, [], []) == (len(mirror.paths("/files/*")), canonical.paths("/files/*"), run.pauses)
    assert file.size == run.received
    assert [None, f"bytes={int(file.size * 0.9)}-"] == ranges(mirror)


def test_an_archive_is_not_decoded(canonical: Index, mirror: Index, run: Run) -> None:
    """A server that takes an archive for an encoding of what is in it sends the right bytes all the same."""
    mirror.fault("/files/*", "header:Content-Encoding=gzip", "header:Content-Encoding=gzip")
    first, second = wanted(canonical)[1:3]
    run.fetch([first])
    run.fetcher.take(f"{mirror.address}/{second.hint}", second.name)
    assert [first.sha256, second.sha256] == list(run.fetcher.brought)
    assert ([], 2) == (canonical.paths(), len(mirror.paths("/files/*")))


def test_another_route_goes_on(canonical: Index, mirror: Index, run: Run) -> None:
    """Where a mirror breaks off and then is gone, the next route is asked for the rest alone."""
    file = wanted(canonical)[0]
    assert file.size is not None
    mirror.fault("/files/*", "reset:0.9", "status:404")
    run.fetch([file])
    assert file.size == run.received
    assert [f"bytes={int(file.size * 0.9)}-"] == ranges(canonical)


@pytest.mark.parametrize(("fault", "requests"), [("ranges:ignored", 2), ("ranges:start", 3), ("ranges:total", 3)])
def test_ranges_that_are_wrong(canonical: Index, mirror: Index, run: Run, fault: str, requests: int) -> None:
    """Where another part comes than was asked for the whole is asked for; where the whole comes it is taken."""
    file = wanted(canonical)[0]
    mirror.fault("/files/*", "reset:0.9", fault)
    run.fetch([file])
    assert (requests, []) == (len(mirror.paths("/files/*")), canonical.paths("/files/*"))
    assert file.sha256 == file_digest(run.cache.place(file.sha256))


def test_a_part_that_cannot_be_had(canonical: Index, mirror: Index, run: Run, cache: Cache) -> None:
    """A route that says that there is no such part is asked for the whole."""
    file = replace(wanted(canonical)[0], size=None)
    with Partial(cache, file.sha256) as partial:
        partial.write(bytes(3 * LARGE), "elsewhere")
    run.fetch([file])
    assert [f"bytes={3 * LARGE}-", None] == ranges(mirror)
    assert [] == canonical.paths("/files/*")


def test_a_file_put_together_wrongly_is_fetched_once_more(canonical: Index, mirror: Index, run: Run) -> None:
    """Where parts of two routes do not make the file, one of them alone is asked for all of it and not blamed."""
    file = wanted(canonical)[0]
    mirror.fault("/files/*", "flip:0.2 reset:0.9", "status:404", forever=True)
    run.fetch([file])
    assert [f"bytes={int((file.size or 0) * 0.9)}-", None] == ranges(canonical)
    assert [] == run.warnings


def test_a_file_put_together_wrongly_twice(canonical: Index, mirror: Index, run: Run) -> None:
    """A route that serves wrong bytes even of the whole is to blame."""
    file = wanted(canonical)[0]
    mirror.fault("/files/*", "reset:0.9", "status:404", forever=True)
    canonical.fault("/files/*", "flip:0.95", forever=True)
    with pytest.raises(IntegrityProblem):
        run.fetch([file])
    assert [f"bytes={int((file.size or 0) * 0.9)}-", None] == ranges(canonical)


def test_no_size_and_no_end(canonical: Index, mirror: Index, cache: Cache) -> None:
    """A file whose size nobody knows is cut at a limit."""
    run, file = Run(canonical, [Mirror(mirror.url)], cache, limit=10_000), replace(wanted(canonical)[1], size=None)
    mirror.fault("/files/*", "long:1000000")
    run.fetch([file])
    assert (1, 1) == (len(mirror.paths("/files/*")), len(canonical.paths("/files/*")))
    assert 200_000 > run.received


@pytest.mark.parametrize("has_hints", [True, False])
def test_files_on_another_host_that_is_down(
    canonical: Index, mirror: Index, second: Index, run: Run, has_hints: bool
) -> None:
    """Where the host of a mirror's files is down and its pages are not, that host is what is left alone."""
    mirror.files_at = second.address
    second.stop()
    for file in wanted(canonical):
        run.fetch([file if has_hints else replace(file, hint=None)])
    assert len(NAMES) == len(canonical.paths("/files/*"))
    assert 3 == sum(event.route.startswith(second.address) for event in run.events)


def test_a_flapping_index(canonical: Index, mirror: Index, run: Run, served: Path) -> None:
    """With an answer of 503 now and then, each costs one more request and none of the files."""
    for number in range(200):
        wheel(served, f"more{number:03}", "1.0")
    files = wanted(canonical)
    mirror.fault("/files/*", *(["ok"] * 19 + ["status:503"]) * 10)
    canonical.fault("/files/*", "status:503", "ok", "ok", "status:503")
    run.fetch(files)
    requests = len(mirror.paths("/files/*")) + len(canonical.paths("/files/*"))
    assert len(files) <= requests <= 1.1 * len(files)


def test_few_connections_allowed(canonical: Index, cache: Cache, served: Path) -> None:
    """An index that serves two at once and no more serves all files in the end, and is soon asked for no more."""
    for number in range(8):
        wheel(served, f"more{number:03}", "1.0")
    files = wanted(canonical)
    canonical.most = 2
    run = Run(canonical, [], cache)
    run.fetch(files)
    assert sorted(file.sha256 for file in files) == stored(cache)


def test_a_mirror_that_wants_to_be_left_alone(canonical: Index, mirror: Index, run: Run) -> None:
    """After 429 the next route is asked at once, and the mirror not before its time."""
    files = wanted(canonical)
    mirror.fault("/files/*", "status:429 header:Retry-After=40")
    for file in files[:4]:
        run.fetch([file])
    assert (1, 4, []) == (len(mirror.paths("/files/*")), len(canonical.paths("/files/*")), run.pauses)
    run.pauses.append(40.0)
    run.fetch(files[4:5])
    assert (2, 4) == (len(mirror.paths("/files/*")), len(canonical.paths("/files/*")))


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        ("status:429", 1),
        ("status:429 header:Retry-After=7", 7),
        ("status:503 header:Retry-After=7", 7),
        ("status:429 header:Retry-After=Thu,_01_Jan_1970_00:00:20_GMT", 20),
        ("status:503 header:Retry-After=Thu,_01_Jan_1970_00:00:20_GMT", 20),
        ("status:429 header:Retry-After=soon", 1),
    ],
)
def test_the_only_route_is_waited_for(canonical: Index, cache: Cache, fault: str, seconds: float) -> None:
    """Where the one route of an index asks to come later it is asked then, and once."""
    run = Run(canonical, [], cache)
    canonical.fault("/files/*", fault)
    run.fetch(wanted(canonical)[1:2])
    assert (2, seconds) == (len(canonical.paths("/files/*")), sum(run.pauses))


def test_too_long_to_be_waited_for(canonical: Index, cache: Cache) -> None:
    """A route that asks to come much later is not waited for."""
    run = Run(canonical, [], cache)
    canonical.fault("/files/*", "status:429 header:Retry-After=200")
    with pytest.raises(Unavailable) as caught:
        run.fetch(wanted(canonical)[1:2])
    assert f"{canonical.url}: HTTP 429" in str(caught.value)
    assert (1, []) == (len(canonical.paths("/files/*")), run.pauses)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("portal", "a web page came in place of the file"),
        ("status:404", "HTTP 404"),
        ("flip:0", "the first bytes are not those of a .whl file"),
        ("long:9999999", "more than the 900000 bytes that any file may have arrived"),
    ],
)
def test_files_whose_hash_nobody_knows(canonical: Index, cache: Cache, fault: str, told: str) -> None:
    """A file that is asked for by its address alone is taken unless it cannot be the one; of others nothing stays."""
    run, file = Run(canonical, [], cache, limit=900_000), wanted(canonical)[1]
    url = f"{canonical.address}/{file.hint}"
    canonical.fault("/files/*", fault)
    with pytest.raises(Unavailable, match="does not serve it: ") as caught:
        run.fetcher.take(url, file.name)
    assert told in str(caught.value)
    assert [] == stored(cache)


@pytest.mark.parametrize("fault", ["ok", "status:503", "reset:0.5", "truncate:0.5"])
def test_taking_a_file(canonical: Index, cache: Cache, fault: str) -> None:
    """A file without a known hash is asked for again after a passing fault, from its beginning."""
    run, file = Run(canonical, [], cache), wanted(canonical)[0]
    canonical.fault("/files/*", fault)
    assert file.sha256 == file_digest(run.fetcher.take(f"{canonical.address}/{file.hint}", file.name))
    assert [None] * (1 if fault == "ok" else 2) == ranges(canonical)
    assert ([file.sha256], {file.sha256: file.size}) == (stored(cache), run.fetcher.brought)


def test_files_of_this_machine(canonical: Index, cache: Cache) -> None:
    """A file asked for by an address of this machine is kept, where it has the sha256 that is asked for."""
    run, file = Run(canonical, [], cache), wanted(canonical)[1]
    url = (canonical.directory / file.name).as_uri()
    run.fetch([replace(file, url=url)])
    assert [file.sha256] == stored(cache)
    with pytest.raises(IntegrityProblem, match="is not the file that was locked"):
        run.fetch([replace(file, url=url, sha256=64 * "a")])
    with pytest.raises(Unavailable, match="cannot be read: No such file or directory"):
        run.fetcher.take(f"{url}.gone", file.name)
    assert [file.sha256] == stored(cache)
