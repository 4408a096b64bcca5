"""One locked file on its way: by one route after the other, gone on with where it broke off, and checked."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import EggcartonError, IntegrityProblem, Unavailable
from eggcarton.indexes import first_bytes
from eggcarton.indexes.attempts import Trial
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.client import Answer, RequestFailed
from eggcarton.indexes.health import State
from eggcarton.indexes.journal import FILE
from eggcarton.indexes.network import Failed, Network, NoRoute
from eggcarton.indexes.partial import Partial
from eggcarton.indexes.places import Address, Places
from eggcarton.indexes.routes import Kind, Outcome
from eggcarton.indexes.routing import Route
from eggcarton.indexes.wanted import Wanted

LIMIT = 1 << 32
"""Bytes at which a file is cut whose size nobody knows."""


class Doubtful(Failed):
    """Wrong bytes that may not be the route's fault: the address was guessed. ``suspected`` is what it is if it was."""

    def __init__(self, suspected: Outcome, received: int) -> None:
        super().__init__(Outcome(Kind.ABSENT, suspected.status, f"where it was said to be, {suspected}"), received)
        self.suspected = suspected


class Anew(Failed):
    """What is there cannot be gone on with: the same address is asked for the whole."""

    def __init__(self, why: str, status: int | None, received: int) -> None:
        super().__init__(Outcome(Kind.ABSENT, status, why), received)


class Transfer:
    """The ways to one file, and what has come of it."""

    def __init__(self, wanted: Wanted, cache: Cache, places: Places, network: Network, *, limit: int = LIMIT) -> None:
        self._wanted, self._cache, self._places, self._network = wanted, cache, places, network
        self._limit = wanted.size if wanted.size is not None else limit
        self._routes = places.routes(wanted)

    def run(self) -> Path:
        """Bring the file into the cache.

        Raises:
            IntegrityProblem: the last resort served other bytes.
            Unavailable: no route serves it.
            CacheProblem: it cannot be stored.
        """
        with Partial(self._cache, self._wanted.sha256) as partial:
            # Another run may have had it in hand until now.
            if found := self._cache.find(self._wanted.sha256):
                return found
            if partial.size and partial.sha256 == self._wanted.sha256:
                return partial.keep()
            if partial.size >= self._limit:
                partial.restart()
            try:
                return self._network.ask(list(self._routes), lambda route: self._by(route, partial))
            except NoRoute as none:
                raise self._failure(none) from none

    def _by(self, route: Route, partial: Partial) -> Path:
        """Ask one route, at all the addresses where it may have the file."""
        own, failed = self._routes[route], dict[str, Failed | RequestFailed]()
        last: Failed | RequestFailed | None = None
        for address in self._places.addresses(own, self._wanted):
            if earlier := failed.get(address.url):
                last = self._confirmed(address, earlier)
                break
            self._check_host(route, address)
            try:
                path = self._at(address, partial)
            except (Failed, RequestFailed) as failure:
                if not address.is_hint or failure.outcome.kind not in (Kind.ABSENT, Kind.REFUSED):
                    raise
                failed[address.url] = failure
                continue
            self._places.served(own)
            return path
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

    def _at(self, address: Address, partial: Partial) -> Path:
        while True:
            start = partial.size
            try:
                with self._network.request(address.route, address.url, FILE, self._wanted.name, start=start) as answer:
                    self._pour(answer, address, partial, start)
            except Anew:
                continue
            except RequestFailed as failed:
                if failed.outcome.status != 416 or not start:
                    raise
                partial.restart()
                continue
            return partial.keep()

    def _pour(self, answer: Answer, address: Address, partial: Partial, start: int) -> None:
        """Append what comes to what is there, as long as it may be the file, and check the whole."""
        self._begin(answer, partial, start)
        head = b""
        try:
            for block in answer.blocks(first=first_bytes.HEAD):
                if partial.size < first_bytes.HEAD and partial.size == len(head):
                    head += block
                    if outcome := first_bytes.problem(self._wanted.name, head, answer.status):
                        raise self._wrong(outcome, address, partial, answer)
                if partial.size + len(block) > self._limit:
                    whose = "that the lock names" if self._wanted.size is not None else "that any file may have"
                    outcome = Outcome(Kind.SPOILT, answer.status, f"more than the {self._limit} bytes {whose} arrived")
                    raise self._wrong(outcome, address, partial, answer)
                partial.write(block, address.route.url)
        except RequestFailed as broken:
            # An answer that had promised more than the file is no fault where the file is whole.
            if partial.sha256 != self._wanted.sha256:
                raise Failed(broken.outcome, answer.received) from broken
        if partial.sha256 == self._wanted.sha256:
            return
        if not _tells_its_end(answer) and (self._wanted.size is None or partial.size < self._wanted.size):
            if self._wanted.size is None:
                partial.restart()
            fault = "the answer ended early, or is another file: it did not say how long it is"
            raise Failed(Outcome(Kind.INTERRUPTED, answer.status, fault), answer.received)
        raise self._wrong(self._mismatch(partial, answer.status), address, partial, answer)

    def _begin(self, answer: Answer, partial: Partial, start: int) -> None:
        """Have the partial file be what the answer goes on with."""
        if answer.status != 206:
            if start:
                partial.restart()
            return
        match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers.get("Content-Range", "").strip())
        first, last, total = map(int, match.groups()) if match else (-1, -1, -1)
        if first == start and last == total - 1 and self._wanted.size in (None, total):
            return
        if not start:
            raise Failed(Outcome(Kind.INTERRUPTED, 206, "a part came where the whole was asked for"))
        partial.restart()
        raise Anew("another part came than was asked for", 206, 0)

    def _wrong(self, outcome: Outcome, address: Address, partial: Partial, answer: Answer) -> Failed:
        """Forget what came, and return whose fault it is."""
        is_mixed = partial.is_mixed
        partial.restart()
        if is_mixed:
            # Which of the routes sent the wrong bytes nobody can tell before one alone has sent all of them.
            return Anew(f"put together from several answers, {outcome}", answer.status, answer.received)
        return (Doubtful if address.is_hint else Failed)(outcome, answer.received)

    def _mismatch(self, partial: Partial, status: int) -> Outcome:
        fault = f"the bytes hash to {partial.sha256}, not to {self._wanted.sha256}"
        if self._wanted.size not in (None, partial.size):
            fault = f"{partial.size} bytes arrived, the lock names {self._wanted.size}"
        return Outcome(Kind.SPOILT, status, fault)

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
            return IntegrityProblem(
                f"{name}: {where} serves other bytes than were locked, and nothing was installed; if the file was "
                f"replaced on purpose, lock again:\n{told}",
                expected=self._wanted.sha256,
            )
        return Unavailable(f"{name}: no route of {where} serves it:\n{told}")


def _line(trial: Trial) -> str:
    """Return one row of the table of requests: route, status, bytes, and the fault, which names a wrong digest."""
    told = [] if trial.outcome.status is None else [f"HTTP {trial.outcome.status}"]
    told += [f"{trial.bytes} bytes"] if trial.bytes else []
    told += [trial.outcome.fault] if trial.outcome.fault else []
    return f"{without_credentials(trial.route.url)}: {', '.join(told)}"


def _tells_its_end(answer: Answer) -> bool:
    """Tell whether an answer that was cut short could be told from a whole one."""
    return "Content-Length" in answer.headers or "chunked" in answer.headers.get("Transfer-Encoding", "").lower()
