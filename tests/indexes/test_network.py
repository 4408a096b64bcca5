"""Requests that are asked, timed and noted; what stands in for HTTP is passed in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from eggcarton.indexes.attempts import Budget
from eggcarton.indexes.client import RequestFailed
from eggcarton.indexes.health import CAP, State
from eggcarton.indexes.journal import FILE, Event
from eggcarton.indexes.network import Failed, Network, NoRoute
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.routing import Route

ONE = Route("main", "https://me:secret@one.example/simple/", tier=1)
TWO = Route("main", "https://two.example/simple/", tier=2, position=1)
BROKEN = Outcome(Kind.INTERRUPTED, fault="reset by peer")


@dataclass
class Reply:
    """What a request brought, as the client's answers tell it."""

    url: str
    status: int = 200
    first_byte: float = 0.5
    received: int = 7


@dataclass
class Wire:
    """A client without a network: what each host does next is scripted; at the end of its script it serves."""

    scripts: dict[str, list[Outcome | BaseException]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    during: Callable[[str], None] = lambda url: None

    @contextmanager
    def get(self, url: str, **_: Any) -> Iterator[Reply]:
        host = url.split("/")[2].rpartition("@")[2].partition(".")[0]
        self.asked.append(host)
        self.during(host)
        script = self.scripts.get(host)
        step = script.pop(0) if script else None
        if isinstance(step, Outcome):
            raise RequestFailed(step)
        if step is not None:
            raise step
        yield Reply(url)


@dataclass
class Run:
    """A network with a clock that goes by only while it waits, and all that it told."""

    wire: Wire
    events: list[Event] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    now: float = 100.0

    def __post_init__(self) -> None:
        self.network = Network(
            self.wire,  # type: ignore[arg-type]
            now=lambda: self.now,
            sleep=self.sleep,
            chance=lambda: 0.5,
            note=self.events.append,
            warn=self.warnings.append,
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def one(self, route: Route) -> str:
        with self.network.request(route, f"{route.url}six.whl", FILE, "six.whl") as answer:
            return answer.url

    def ask(self, *routes: Route, budget: Budget | None = None) -> str:
        return self.network.ask(routes or (ONE, TWO), self.one, budget)


def run(**scripts: list[Outcome | BaseException]) -> Run:
    return Run(Wire(dict(scripts)))


def test_a_request_that_serves() -> None:
    """What a route serves is returned, and one event tells of it, without credentials."""
    made = run()
    assert f"{ONE.url}six.whl" == made.ask()
    shown = "https://one.example/simple/"
    expected = Event("main", shown, FILE, "six.whl", tier=1, status=200, bytes=7, first_byte=0.5)
    assert ([expected], []) == (made.events, made.warnings)


def test_each_request_is_noted() -> None:
    """A route that fails and the next one that serves are two events, in order."""
    made = run(one=[BROKEN])
    made.ask()
    assert [("https://one.example/simple/", "reset by peer"), (TWO.url, None)] == [
        (event.route, event.fault) for event in made.events
    ]


def test_no_route() -> None:
    """Where none serves, each request is told, and no credentials are."""
    made = run(one=[Outcome.of_status(404)], two=[Outcome.of_status(401)])
    with pytest.raises(NoRoute) as caught:
        made.ask()
    assert "https://one.example/simple/: HTTP 404; https://two.example/simple/: HTTP 401" == str(caught.value)
    assert not caught.value.is_absent


def test_absent_everywhere() -> None:
    """A file is absent where every route says so."""
    made = run(one=[Outcome.of_status(404)], two=[Outcome.of_status(410)])
    with pytest.raises(NoRoute) as caught:
        made.ask()
    assert caught.value.is_absent


def test_nothing_asked_is_not_absent() -> None:
    """Where no route may be asked, nobody said that a file is absent."""
    with pytest.raises(NoRoute) as caught:
        run().network.ask((), run().one)
    assert (False, ()) == (caught.value.is_absent, caught.value.trials)


def test_what_reading_finds_counts() -> None:
    """What the reader of an answer finds wrong is the outcome of that request, and shuts its origin."""
    made = run()

    def one(route: Route) -> str:
        with made.network.request(route, route.url, FILE, "six.whl") as answer:
            if route is ONE:
                raise Failed(Outcome(Kind.SPOILT, answer.status, "other bytes"), answer.received)
            return answer.url

    assert TWO.url == made.network.ask((ONE, TWO), one)
    assert State.OUT is made.network.health.standing(ONE, made.now).state
    assert ["index main: the route https://one.example/simple/ needs care: other bytes"] == made.warnings


def test_a_route_is_warned_of_once() -> None:
    """A route that refuses our credentials is warned of once, however often it does."""
    made = run(one=[Outcome.of_status(403)] * 2)
    made.ask()
    made.ask()
    assert ["index main: the route https://one.example/simple/ needs care: HTTP 403"] == made.warnings


def test_faults_of_our_own_are_nobodys() -> None:
    """A full disk ends the run, is noted as given up, and shuts no route."""
    made = run(one=[OSError(28, "No space left on device")])
    with pytest.raises(OSError, match="No space left"):
        made.ask()
    assert (["given up"], ["one"]) == ([event.fault for event in made.events], made.wire.asked)
    assert (0, State.READY) == (
        made.network.health.of(ONE.origin).serious,
        made.network.health.standing(ONE, 100.0).state,
    )


def test_a_probe_that_our_own_fault_ends_is_free() -> None:
    """Where a full disk ends a probe, the next one may begin, also where no request was made at all."""
    made = run(one=[BROKEN] * 3 + [OSError(28, "No space left on device")])
    with pytest.raises(NoRoute):
        made.ask(ONE)
    made.now += 60.0
    with pytest.raises(OSError, match="No space left"):
        made.ask(ONE)

    def unable(route: Route) -> str:
        raise OSError(13, "Permission denied")

    with pytest.raises(OSError, match="Permission denied"):
        made.network.ask((ONE,), unable)
    assert f"{ONE.url}six.whl" == made.ask(ONE)


def test_pauses_are_made_by_what_was_passed_in() -> None:
    """Between rounds, and for a route that wants to be asked later, the clock that was passed in goes on."""
    made = run(one=[Outcome.of_status(429, 20.0), BROKEN])
    made.ask(ONE)
    assert 120.0 <= made.now < 122.0


@pytest.mark.parametrize("cap", [CAP, 1])
def test_no_more_at_once_than_an_origin_may_get(cap: int) -> None:
    """However many threads ask, an origin has as many requests at once as its cap: here each waits for so many."""
    guard, busy, peaks = threading.Lock(), [0], [0]
    meeting = threading.Barrier(cap, timeout=300)

    def during(host: str) -> None:
        with guard:
            busy[0] += 1
            peaks[0] = max(peaks[0], busy[0])
        meeting.wait()
        with guard:
            busy[0] -= 1

    made = Run(Wire(during=during))
    made.network.health.of(ONE.origin).cap = cap
    # So far from its next rise that it stays.
    made.network.health.of(ONE.origin).since_halved = -99
    with ThreadPoolExecutor(3 * cap) as pool:
        jobs = [pool.submit(made.ask, ONE) for _ in range(3 * cap)]
    assert [f"{ONE.url}six.whl"] * 3 * cap == [job.result() for job in jobs]
    assert cap == peaks[0]


def test_a_place_counts_by_the_origin_of_the_address() -> None:
    """Where a route's files lie on another host, it is that one's cap that counts."""
    made = run()
    made.network.health.of("https://files.example:443").cap = 1
    begun = threading.Event()
    with made.network.request(ONE, "https://files.example/a", FILE, "a"):

        def other() -> None:
            made.one(replace(ONE, url="https://files.example/"))
            begun.set()

        waiting = threading.Thread(target=other)
        waiting.start()
        with made.network.request(ONE, "https://elsewhere.example/b", FILE, "b"):
            assert not begun.is_set()
    waiting.join(300)
    assert begun.is_set()


def test_what_becomes_of_a_probe_is_waited_for() -> None:
    """A file that waits for another one's probe goes on when that ends, by no clock."""
    made = run(one=[BROKEN] * 3)
    with pytest.raises(NoRoute):
        made.ask(ONE)
    made.now += 60.0
    before, began = made.now, threading.Event()
    go_on = threading.Event()

    def during(host: str) -> None:
        if not began.is_set():
            began.set()
            go_on.wait(300)

    made.wire.during = during
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(made.ask, ONE)
        assert began.wait(300)
        second = pool.submit(made.ask, ONE)
        go_on.set()
        assert [f"{ONE.url}six.whl"] * 2 == [first.result(300), second.result(300)]
    assert before == made.now


def test_one_file_probes() -> None:
    """From when a file is to probe an origin until it has, no other file is sent there."""
    made = run(one=[BROKEN] * 3)
    with pytest.raises(NoRoute):
        made.ask(ONE)
    made.now += 60.0

    def one(route: Route) -> str:
        # Another file, at the moment between the decision and the request.
        with pytest.raises(NoRoute):
            made.ask(ONE, budget=Budget(waiting=0.0))
        return made.one(route)

    assert f"{ONE.url}six.whl" == made.network.ask((ONE,), one)
    assert 4 == len(made.wire.asked)
