"""What is too slow is overtaken by another route, is not waited for, and costs few requests more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from eggcarton.indexes.cache import Cache
from eggcarton.indexes.calls import Call, Ended
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.hedge import Watch
from eggcarton.indexes.journal import Event
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index as Configured
from eggcarton.indexes.routing import Mirror, Routing
from eggcarton.indexes.wanted import Wanted
from support.distributions import wheel
from support.faults import Response, read_step
from support.index import Index

NAMES = tuple(f"project{number:02}" for number in range(24))


pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.fixture
def served(tmp_path: Path) -> Path:
    for name in NAMES:
        wheel(tmp_path / "served", name, "1.0", {f"{name}.py": f"name = {name!r}\n" * 999})
    return tmp_path / "served"


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def fetcher(canonical: Index, mirror: Index, cache: Cache, events: list[Event]) -> Fetcher:
    """On the real clock: what never answers is late on any machine, however fast."""
    network = Network(Client(), note=events.append)
    index = Configured("main", canonical.url, mirrors=(Mirror(mirror.url),))
    return Fetcher(cache, Pages(Routing((index,)), network), network)


def wanted(index: Index) -> list[Wanted]:
    return [Wanted(d.project, d.path.name, d.sha256, d.size, None, f"files/{d.place}") for d in index.distributions()]


def stored(cache: Cache) -> list[str]:
    """The names of all files of the cache, half-made ones too."""
    return sorted(path.name for path in cache.directory.rglob("*") if path.is_file())


def wait_for(happened: Callable[[], bool]) -> None:
    """Hold an answer back until something has happened."""
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("fault", ["stall", "stall:0.1", "slow:1"])
def test_a_slow_answer_is_overtaken(
    canonical: Index, mirror: Index, fetcher: Fetcher, cache: Cache, events: list[Event], fault: str
) -> None:
    """A mirror that accepts and then says nothing, or next to nothing, is overtaken by one request elsewhere."""
    file = wanted(canonical)[0]
    mirror.fault("/files/*", fault, forever=True)
    fetcher.fetch([file])
    assert (1, 1) == (len(mirror.paths("/files/*")), len(canonical.paths("/files/*")))
    assert [file.sha256] == stored(cache)
    assert [True] == [event.hedged for event in events if event.what == "file" and event.fault is None]
    assert ["another route was faster by far"] == [e.fault for e in events if e.what == "file" and e.fault]


def test_a_mirror_that_never_answers(
    canonical: Index, mirror: Index, fetcher: Fetcher, cache: Cache, events: list[Event]
) -> None:
    """All files come without one time-out; what was asked in vain is less than what one origin gets at once."""
    mirror.fault("*", "stall", forever=True)
    files = wanted(canonical)
    fetcher.fetch(files)
    assert sorted(file.sha256 for file in files) == stored(cache)
    assert len(NAMES) == len(canonical.paths("/files/*"))
    assert 2 >= len(mirror.paths())
    assert [] == [event.fault for event in events if (event.fault or "").startswith("nothing came from ")]


def test_a_mirror_whose_files_never_come(
    canonical: Index, mirror: Index, fetcher: Fetcher, cache: Cache, events: list[Event]
) -> None:
    """Where pages come and files do not, a few requests find that out, and no other waits for it."""
    mirror.fault("/files/*", "stall", forever=True)
    files = wanted(canonical)
    fetcher.fetch(files)
    assert sorted(file.sha256 for file in files) == stored(cache)
    assert 8 >= len(mirror.paths("/files/*"))
    assert len(NAMES) == len(canonical.paths("/files/*"))
    assert [] == [event.fault for event in events if (event.fault or "").startswith("nothing came from ")]


def test_one_route_is_waited_for(canonical: Index, cache: Cache) -> None:
    """An index with one route is never asked twice for what is slow: what comes late comes."""
    network = Network(Client())
    fetcher = Fetcher(cache, Pages(Routing((Configured("main", canonical.url),)), network), network)
    canonical.fault("/files/*", "wait:2")
    fetcher.fetch(wanted(canonical)[:1])
    assert 1 == len(canonical.paths("/files/*"))


def test_a_second_request_that_fails(canonical: Index, mirror: Index, fetcher: Fetcher, cache: Cache) -> None:
    """Where the second request fails, the first one, however slow, still brings the file."""
    file = wanted(canonical)[0]
    is_refused = threading.Event()

    def refused(response: Response) -> None:
        response.status = 404
        is_refused.set()

    mirror.fault("/files/*", lambda _: wait_for(is_refused.is_set))
    canonical.fault("/files/*", refused)
    fetcher.fetch([file])
    assert (1, 1) == (len(mirror.paths("/files/*")), len(canonical.paths("/files/*")))
    assert [file.sha256] == stored(cache)


def test_the_first_request_fails_while_the_second_is_on_its_way(
    canonical: Index, mirror: Index, fetcher: Fetcher, cache: Cache, events: list[Event]
) -> None:
    """Where the first request breaks while a second one is on its way, that one is waited for, and no third is sent."""
    file = wanted(canonical)[0]
    (reset,) = read_step("reset")
    is_second = threading.Event()

    def broken(response: Response) -> None:
        wait_for(is_second.is_set)
        reset(response)

    def held(response: Response) -> None:
        is_second.set()
        wait_for(lambda: any(event.fault for event in events if event.what == "file"))

    mirror.fault("/files/*", broken)
    canonical.fault("/files/*", held)
    fetcher.fetch([file])
    assert (1, 1) == (len(mirror.paths("/files/*")), len(canonical.paths("/files/*")))
    assert [file.sha256] == stored(cache)


def test_few_second_requests() -> None:
    """One second request may be sent in every run, and then one for ten requests that were."""
    watch = Watch(lambda: 0.0)
    assert [True, False] == [watch.claim(), watch.claim()]
    for _ in range(20):
        with watch.over(Call(), "http://index.example:80", 1.0, None) as call:
            call.began = 0.0
    assert [True, False] == [watch.claim(), watch.claim()]


def test_nothing_begins_after_the_end() -> None:
    """Once a run is given up, what is on its way is ended and nothing more begins."""
    watch = Watch(lambda: 0.0)
    with watch.over(Call(), "http://index.example:80", 1.0, None) as call:
        watch.end()
        assert call.is_ended
    with pytest.raises(Ended), watch.over(Call(), "http://index.example:80", 1.0, None):
        pass
    assert not watch.claim()
