"""The way out of a run: which route is asked next is decided elsewhere, here it is asked, timed and noted."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from eggcarton.core.credentials import without_credentials
from eggcarton.indexes.attempts import Ask, Attempts, Budget, GiveUp, Trial, Wait
from eggcarton.indexes.calls import Call, Ended
from eggcarton.indexes.client import Answer, Client, RequestFailed
from eggcarton.indexes.health import Health, Standing, State
from eggcarton.indexes.journal import GIVEN_UP, METADATA, PAGE, Event
from eggcarton.indexes.kept_pages import Kept, KeptPages
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.routing import Route, origin_of

T = TypeVar("T")

SMALL = 4
"""How many pages or metadata files an origin may be asked for at once in the place of one file."""


class NoRoute(Exception):
    """No route served a page or a file; `trials` has one entry a request, in order."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        super().__init__("; ".join(f"{without_credentials(t.route.url)}: {t.outcome}" for t in trials))
        self.trials = tuple(trials)

    @property
    def is_absent(self) -> bool:
        """Whether every route that answered said that it does not have it."""
        return bool(self.trials) and all(trial.outcome.kind is Kind.ABSENT for trial in self.trials)


class Crowded(Exception):
    """While a request waited until its origin had a place free, the route stopped being one to be asked."""


class Failed(Exception):
    """One request that did not serve, raised by what asks: its outcome, and the bytes that came and are kept."""

    def __init__(self, outcome: Outcome, received: int = 0) -> None:
        super().__init__(str(outcome))
        self.outcome, self.received = outcome, received


class Network:
    """All requests of one run: its connections, the health of its routes, and what is noted of each request.

    Shared by threads. Clock, pauses and chance are passed in.

    Args:
        client: opens single requests.
        health: how the routes fared so far.
        now: a clock that never goes back, in seconds.
        sleep: waits so many seconds.
        chance: gives a number from 0 to 1.
        note: told of every request that ended.
        warn: told of a route that needs care, a sentence each, once.
        kept: the pages of earlier runs.
    """

    def __init__(
        self,
        client: Client,
        health: Health | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        note: Callable[[Event], None] = lambda event: None,
        warn: Callable[[str], None] = lambda sentence: None,
        kept: KeptPages | None = None,
    ) -> None:
        self.client, self.health = client, health or Health()
        self.now, self.sleep, self._chance = now, sleep, chance
        self._note, self._warn = note, warn
        self.kept = kept or KeptPages()
        self._guard = threading.RLock()
        self._freed = threading.Condition(self._guard)
        self._busy: dict[str, int] = {}
        self._warned: set[str] = set()

    def ask(
        self, routes: Sequence[Route], one: Callable[[Route], T], budget: Budget | None = None, *, name: str = ""
    ) -> T:
        """Ask routes in turn, as their health and what came before say, until one serves.

        Args:
            routes: all that may be asked.
            one: asks one route; what it raises as `Failed` or `RequestFailed` sends it to the next.
            budget: what may be spent.
            name: the file that is wanted, which is named where a route needs care.

        Raises:
            NoRoute: none served.
        """
        attempts = Attempts(routes, budget or Budget())
        while True:
            with self._guard:
                began = self.now()
                step = attempts.next(self.health, began, self._chance())
                # Claimed here, so that no other thread takes the same origin for one that may be probed.
                is_probe = isinstance(step, Ask) and self.health.begin(step.route, began)
            if isinstance(step, GiveUp):
                raise NoRoute(attempts.trials)
            if isinstance(step, Wait):
                self._wait(step)
                continue
            try:
                return one(step.route)
            except Crowded:
                continue
            except Failed as failed:
                attempts.told(step.route, failed.outcome, failed.received)
            except RequestFailed as failed:
                attempts.told(step.route, failed.outcome)
            finally:
                if is_probe:
                    with self._guard:
                        self.health.release(step.route, began)
                        self._freed.notify_all()
            self.tell(step.route, attempts.trials[-1].outcome, name)

    def _wait(self, step: Wait) -> None:
        if step.is_probing:
            # Not by the clock: it is the end of a request that is waited for.
            with self._freed:
                self._freed.wait(step.seconds)
        else:
            self.sleep(step.seconds)

    def warn(self, sentence: str) -> None:
        """Warn of something, once in a run."""
        with self._guard:
            is_new = sentence not in self._warned
            self._warned.add(sentence)
        if is_new:
            self._warn(sentence)

    def tell(self, route: Route, outcome: Outcome, name: str = "") -> None:
        """Warn of a route that needs care, once, and name the file that showed it."""
        with self._guard:
            if not outcome.rule.told or route.url in self._warned:
                return
            self._warned.add(route.url)
        told = str(outcome)
        told = f"{name}: {told}" if name and name not in told else told
        url = without_credentials(route.url)
        # What is asked by its address is of no index.
        whose = url if "://" in route.index else f"index {route.index}: the route {url}"
        self._warn(f"{whose} needs care: {told}")

    def blame(self, route: Route, outcome: Outcome) -> None:
        """Count against a route what turned out to be its fault only after its request had ended."""
        with self._guard:
            self.health.end(route, outcome, self.now())

    def best(self, routes: Sequence[Route]) -> Route | None:
        """Return the route to ask first of those that may be asked now, None where none may be."""
        with self._guard:
            now = self.now()
            ready = [route for route in routes if self.health.standing(route, now).state is State.READY]
            return next(iter(self.health.ranked(ready, now)), None)

    def patience(self, route: Route) -> float:
        """Return the seconds after which the first bytes of a route are overdue."""
        with self._guard:
            return self.health.patience(route)

    def standing(self, route: Route) -> Standing:
        """Return whether a route may be asked now."""
        with self._guard:
            return self.health.standing(route, self.now())

    @contextmanager
    def request(
        self,
        route: Route,
        url: str,
        what: str,
        name: str,
        *,
        accept: str = "*/*",
        start: int = 0,
        end: int | None = None,
        hedged: bool = False,
        call: Call | None = None,
        kept: Kept | None = None,
    ) -> Iterator[Answer]:
        """Send one GET request along a route, when its origin has a place free, and give the answer.

        What is raised in the block as `Failed` or `RequestFailed` counts as the outcome of this request.

        Args:
            route, url: whose health is concerned, and whose credentials count; the address.
            what, name: as in `Event`.
            accept: the Accept header.
            start: the first byte that is wanted.
            end: the last byte that is wanted, where that is not the last one.
            hedged: whether it is a second request beside a slow one.
            call: by which another thread may end it.
            kept: for a page, what is kept of it.

        Raises:
            RequestFailed: no usable answer came.
            Ended: another thread has ended it, and the route is not to blame.
            Crowded: the route should no longer be asked.
        """
        began = self._enter(route, url, SMALL if what in (PAGE, METADATA) else 1)
        event = _begun(route, what, name, resumed=start > 0, hedged=hedged)
        outcome: Outcome | None = None
        answer: Answer | None = None
        if call is not None:
            call.began = began
        try:
            with self.client.get(
                url, accept=accept, start=start, end=end, credentials=route.credentials, call=call, kept=kept
            ) as answer:
                yield answer
                outcome = Outcome(Kind.SERVED, answer.status)
        except (Failed, RequestFailed) as failed:
            if call is None or not call.is_ended:
                outcome = failed.outcome
                raise
            # What the end of it looked like from here says nothing of the route, and being slow has been counted.
            if call.outcome is None:
                raise Ended from failed
            raise Failed(call.outcome, answer.received if answer is not None else 0) from failed
        finally:
            if call is not None:
                call.done()
                event = replace(event, fault=str(call.outcome or event.fault))
            self._leave(route, url, outcome, began, event, answer)

    def _leave(
        self, route: Route, url: str, outcome: Outcome | None, began: float, event: Event, answer: Answer | None
    ) -> None:
        """Free the place of a request that has ended, and take note of how it did."""
        ended = self.now()
        if answer is not None:
            event = replace(event, bytes=answer.received, first_byte=answer.first_byte)
        with self._guard:
            self.health.end(route, outcome, ended, began=began, first_byte=event.first_byte)
            self._busy[origin_of(url)] -= 1
            self._freed.notify_all()
        if outcome is not None:
            fault = None if outcome.kind is Kind.SERVED else str(outcome)
            event = replace(event, status=outcome.status, fault=fault)
        self._note(replace(event, seconds=ended - began))

    def known(self, wall: float) -> dict[str, Any]:
        """Return what the next run may want to know of the health of origins, as `Health.kept` does."""
        with self._guard:
            return self.health.kept(self.now(), wall)

    def state(self, route: Route) -> str:
        """Return whether a route may be asked now, in a word."""
        with self._guard:
            return str(self.health.standing(route, self.now()).state.value)

    def _enter(self, route: Route, url: str, share: int) -> float:
        """Wait until the origin that an address leads to has a place free, and return when the request began.

        Args:
            share: how many such requests count as one.
        """
        origin = origin_of(url)
        with self._freed:
            while self._busy.get(origin, 0) >= self.health.of(origin).cap * share:
                self._freed.wait()
                if self.health.standing(route, self.now()).state is not State.READY:
                    raise Crowded
            self._busy[origin] = self._busy.get(origin, 0) + 1
            began = self.now()
            self.health.begin(route, began)
            return began


def _begun(route: Route, what: str, name: str, *, resumed: bool, hedged: bool) -> Event:
    """Return the event of a request as it is unless that ends otherwise: a full disk or Ctrl-C is no route's fault."""
    shown = without_credentials(route.url)
    event = Event(route.index, shown, what, name, fault=GIVEN_UP, resumed=resumed, hedged=hedged)
    return replace(event, kind=route.kind, tier=route.tier, position=route.position)
