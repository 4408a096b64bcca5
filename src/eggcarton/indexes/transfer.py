"""One locked file on its way: by one route after the other, by two at once where one is slow, until it is whole."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import EggcartonError, IntegrityProblem, Unavailable
from eggcarton.indexes.attempts import Trial
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.calls import Call, Ended
from eggcarton.indexes.client import RequestFailed
from eggcarton.indexes.health import State
from eggcarton.indexes.hedge import Remedy, Watch
from eggcarton.indexes.journal import FILE
from eggcarton.indexes.network import Crowded, Failed, Network, NoRoute
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.partial import PATIENCE, Partial
from eggcarton.indexes.places import Address, Places
from eggcarton.indexes.receiving import Anew, Doubtful, receive
from eggcarton.indexes.routing import AFTER_ALL, Route
from eggcarton.indexes.wanted import Wanted

LIMIT = 1 << 32
"""Bytes at which a file is cut whose size nobody knows."""


class _Overtaken(Exception):
    """Another request has brought the file; ``path`` is where it lies."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path


class Transfer:
    """The ways to one file, and what has come of it.

    The first request runs in the caller's thread. Where it is slow, a second one is sent along another route from a
    thread of its own, into a file of its own; whichever has brought the whole file first ends the other.
    """

    def __init__(
        self,
        wanted: Wanted,
        cache: Cache,
        places: Places,
        network: Network,
        watch: Watch,
        *,
        limit: int = LIMIT,
        patience: float = PATIENCE,
    ) -> None:
        self._wanted, self._cache, self._places, self._network = wanted, cache, places, network
        self._watch, self._limit, self._patience = watch, limit, patience
        self._routes = places.routes(wanted)
        # What find-links list is asked only where the index has failed, however slow that is.
        self._rivals = [route for route in self._routes if route.tier <= AFTER_ALL]
        self._changed = threading.Condition()
        self._asked: set[Route] = set()
        self._calls: dict[bool, Call] = {}
        self._is_hedged = self._is_waiting = False
        self._brought: Path | None = None

    def run(self) -> Path:
        """Bring the file into the cache.

        Raises:
            IntegrityProblem: the last resort served other bytes.
            Unavailable: no route serves it.
            CacheProblem: it cannot be stored.
        """
        sha256, given_up = self._wanted.sha256, lambda: self._watch.is_closed
        with Partial(self._cache, sha256, patience=self._patience, given_up=given_up) as partial:
            # Another run may have had it in hand until now.
            if found := self._cache.find(self._wanted.sha256):
                return found
            if partial.size and partial.sha256 == self._wanted.sha256:
                return partial.keep()
            if partial.size >= (self._wanted.size or self._limit):
                partial.restart()
            try:
                routes, name = list(self._routes), self._wanted.name
                return self._network.ask(routes, lambda route: self._first(route, partial), name=name)
            except _Overtaken as overtaken:
                partial.restart()
                return overtaken.path
            except NoRoute as none:
                if brought := self._second_one():
                    partial.restart()
                    return brought
                raise self._failure(none) from none
            finally:
                self._end_second()

    def _first(self, route: Route, partial: Partial) -> Path:
        if brought := self._second_one():
            raise _Overtaken(brought)
        with self._changed:
            self._asked.add(route)
        try:
            return self._by(route, partial, is_second=False)
        except (Failed, RequestFailed, Ended) as failed:
            if self._brought is not None:
                raise _Overtaken(self._brought) from failed
            raise

    def _second_one(self) -> Path | None:
        """Wait for the second request, if one is on its way, and return what was brought."""
        with self._changed:
            self._is_waiting = True
            while self._is_hedged:
                self._changed.wait()
            self._is_waiting = False
            return self._brought

    def _end_second(self) -> None:
        with self._changed:
            if call := self._calls.get(True):
                call.end()
            while self._is_hedged and self._changed.wait(1.0):
                pass

    def _by(self, route: Route, partial: Partial, *, is_second: bool) -> Path:
        """Ask one route, at all the addresses where it may have the file."""
        own, failed = self._routes[route], dict[str, Failed | RequestFailed]()
        last: Failed | RequestFailed | None = None
        for address in self._places.addresses(own, self._wanted, lambda to: self._call(to, is_second)):
            if earlier := failed.get(address.url):
                last = self._confirmed(address, earlier)
                break
            self._check_host(route, address)
            try:
                self._at(address, partial, is_second=is_second)
            except (Failed, RequestFailed) as failure:
                if not address.is_hint or failure.outcome.kind not in (Kind.ABSENT, Kind.REFUSED):
                    raise
                failed[address.url] = failure
                continue
            self._places.served(own)
            return self._won(partial, is_second=is_second)
        raise last or Failed(Outcome(Kind.ABSENT, fault="it does not list the file"))

    def _confirmed(self, address: Address, failure: Failed | RequestFailed) -> Failed | RequestFailed:
        """Return what a guessed address's failure means, now that the route's own page names that address too."""
        if not isinstance(failure, Doubtful):
            return failure
        self._network.blame(address.route, failure.suspected)
        return Failed(failure.suspected, failure.received)

    def _check_host(self, route: Route, address: Address) -> None:
        """Leave a route alone whose files lie on a host that is known to fail, as long as there are others."""
        if address.route == route or len(self._routes) == 1:
            return
        if self._network.standing(address.route).state in (State.RESTING, State.OUT):
            fault = self._network.health.of(address.route.origin).fault
            raise Failed(Outcome(Kind.ABSENT, fault=f"the host of its files has failed before: {fault}"))

    def _at(self, address: Address, partial: Partial, *, is_second: bool) -> None:
        """Have the file come from one address, the rest of it where a part is there."""
        while True:
            start = partial.size
            try:
                with (
                    self._call(address.route, is_second) as call,
                    self._network.request(
                        address.route,
                        address.url,
                        FILE,
                        self._wanted.name,
                        start=start,
                        hedged=is_second,
                        call=call,
                    ) as answer,
                ):
                    receive(answer, address, partial, self._wanted, limit=self._limit, progress=call.progress)
            except Anew:
                continue
            except RequestFailed as failed:
                if failed.outcome.status != 416 or not start:
                    raise
                partial.restart()
                continue
            return

    @contextmanager
    def _call(self, route: Route, is_second: bool) -> Iterator[Call]:
        """Have one request watched, which is not to wait long where there are other routes to ask."""
        patience = self._network.patience(route)
        has_others = len(self._rivals) > 1
        call = Call(patience if has_others and self._best() is not None else None)
        remedy = Remedy(
            lambda: self._counted(call, route, patience, is_second=is_second),
            lambda: self._remedied(call, patience, is_second=is_second),
        )
        with self._watch.over(call, route.origin, patience, remedy if has_others else None):
            with self._changed:
                self._calls[is_second] = call
                if is_second and self._brought is not None:
                    raise Ended
            yield call

    def _next(self, call: Call, *, is_second: bool) -> Route | None:
        """Return the route that could be asked in place of a slow one, None where it is to be waited for."""
        if self._brought is not None or call.is_ended or (self._is_hedged != is_second):
            return None
        if is_second and not self._is_waiting:
            return None
        return self._best()

    def _best(self) -> Route | None:
        """Return the best of the routes that were not asked yet, None where none may be asked now."""
        return self._network.best([route for route in self._rivals if route not in self._asked])

    def _counted(self, call: Call, route: Route, patience: float, *, is_second: bool) -> bool:
        with self._changed:
            if self._next(call, is_second=is_second) is None:
                return False
        self._network.blame(route, _late(call, patience))
        return True

    def _remedied(self, call: Call, patience: float, *, is_second: bool) -> None:
        """Overtake a slow request by another one; leave it where there were enough of those in this run."""
        with self._changed:
            route = self._next(call, is_second=is_second)
            if route is None:
                return
            if is_second or not self._watch.claim():
                call.end(_late(call, patience))
                return
            self._is_hedged = True
            self._asked.add(route)
        threading.Thread(target=self._overtake, args=(route,), daemon=True).start()

    def _overtake(self, route: Route) -> None:
        try:
            with Partial(self._cache, self._wanted.sha256, shared=False) as partial:
                self._by(route, partial, is_second=True)
        except (Failed, RequestFailed) as failed:
            self._network.tell(route, failed.outcome, self._wanted.name)
        except (Ended, _Overtaken, Crowded, EggcartonError):
            # A fault of the cache is the first request's too, which tells it.
            return
        finally:
            with self._changed:
                self._is_hedged = False
                self._changed.notify_all()

    def _won(self, partial: Partial, *, is_second: bool) -> Path:
        """Keep the file, and end the other request, which counts against its route if it was the first."""
        with self._changed:
            if self._brought is not None:
                raise _Overtaken(self._brought)
            self._brought = partial.keep()
            if other := self._calls.get(not is_second):
                other.end(Outcome(Kind.INTERRUPTED, fault="another route was faster by far") if is_second else None)
            return self._brought

    def _failure(self, none: NoRoute) -> EggcartonError:
        """Return the error that shows every request, and what was not asked and why."""
        where, name = self._places.index_of(self._wanted), self._wanted.name
        if none.is_absent:
            if self._wanted.url:
                return Unavailable(f"{name}: {where} does not have it; ask for a file that is there")
            return Unavailable(f"{name}: {where} does not list it; if it was removed there, lock again")
        lines = Counter(_line(trial) for trial in none.trials)
        asked = {trial.route for trial in none.trials}
        closed: dict[Route, str | None] = {}
        for route in self._routes:
            if route not in asked:
                origin = self._network.health.of(route.origin)
                closed[route] = self._network.health.marked(route) or origin.fault
                lines[f"{without_credentials(route.url)}: not asked, since it failed before: {closed[route]}"] += 1
        last = max(self._routes, key=lambda route: (route.tier, route.position))
        spoilt = {t.route for t in none.trials if t.outcome.kind is Kind.SPOILT}
        spoilt |= {route for route in closed if self._network.health.of(route.origin).spoilt}
        told = "\n".join(f"  {line}{f' ({count} times)' if count > 1 else ''}" for line, count in lines.items())
        if last in spoilt:
            what, remedy = "were locked", "lock again"
            if self._wanted.is_of_part:
                what, remedy = "option 'sha256' tells", "change that option"
            return IntegrityProblem(
                f"{name}: {where} serves other bytes than {what}, and nothing was installed; if the file was replaced "
                f"on purpose, {remedy}:\n{told}",
                expected=self._wanted.sha256,
            )
        return Unavailable(f"{name}: no route of {where} serves it:\n{told}")


def _late(call: Call, patience: float) -> Outcome:
    much = f"{call.received} bytes" if call.received else "nothing"
    return Outcome(Kind.INTERRUPTED, fault=f"{much} came in {patience:g} s or more, and other routes may be faster")


def _line(trial: Trial) -> str:
    """Return one row of the table of requests: route, status, bytes, and the fault, which names a wrong digest."""
    told = [] if trial.outcome.status is None else [f"HTTP {trial.outcome.status}"]
    told += [f"{trial.bytes} bytes"] if trial.bytes else []
    told += [trial.outcome.fault] if trial.outcome.fault else []
    return f"{without_credentials(trial.route.url)}: {', '.join(told)}"
