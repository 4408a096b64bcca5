"""What came from where in a run: one event a request, summed by index and route as the run goes on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from eggcarton.indexes.routing import AFTER_ALL, CANONICAL, DEFAULT, origin_of

PAGE, FILE, METADATA, OTHER = "page", "file", "metadata", "other"

_Named = tuple[str, str, str]

GIVEN_UP = "given up"
"""The fault of a request that was ended for reasons of ours, which says nothing of its route."""


@dataclass(frozen=True, slots=True)
class Event:
    """One request, as `bin/eggcarton mirrors` and the state file tell it.

    Attributes:
        index: the name of the index, or what else was asked.
        route: the route's address, without credentials.
        what: ``page``, ``file``, ``metadata`` or ``other``.
        name: the project or the file.
        status: the HTTP status, None where none came.
        fault: how it failed, None where it served.
        bytes: of the body, as received.
        seconds: from the request to its end.
        first_byte: seconds until the first byte of the answer, None where none came.
        resumed: whether it went on with what had come before.
        hedged: whether it was a second request beside a slow one.
        kind, tier, position: the route's.
    """

    index: str
    route: str
    what: str
    name: str
    status: int | None = None
    fault: str | None = None
    bytes: int = 0
    seconds: float = 0.0
    first_byte: float | None = None
    resumed: bool = False
    hedged: bool = False
    kind: str = CANONICAL
    tier: int = 0
    position: int = 0

    @property
    def is_absent(self) -> bool:
        """Whether the route answered that it does not have what was asked for."""
        return self.status in (404, 410)

    @property
    def is_fault(self) -> bool:
        """Whether the route is to blame for how the request ended."""
        return self.fault is not None and self.fault != GIVEN_UP and not self.is_absent


@dataclass(slots=True)
class Tally:
    """What one route of an index did: requests that served, by what they were for, and those that did not.

    Attributes:
        pages, files, metadata, other: requests that served.
        bytes: of all bodies, those of requests that were not ended included.
        resumed, hedged: requests of these kinds that served.
        absent: requests for what the route does not have.
        faults: requests that failed.
        last_fault, last_fault_at: the last of these, and the time by the wall clock.
        state: whether its origin could be asked in the end, as `health.State` tells it.
    """

    index: str
    route: str
    kind: str = CANONICAL
    tier: int = 0
    pages: int = 0
    files: int = 0
    metadata: int = 0
    other: int = 0
    bytes: int = 0
    resumed: int = 0
    hedged: int = 0
    absent: int = 0
    faults: int = 0
    last_fault: str | None = None
    last_fault_at: float | None = None
    state: str = "ready"

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Tally:
        """Return what `fields` gave.

        Raises:
            ValueError: it is no such thing.
        """
        known = {member.name: member for member in fields(cls)}
        given = {name.replace("-", "_"): value for name, value in told.items()}
        tally = cls(**{name: value for name, value in given.items() if name in known})
        for name, member in known.items():
            value, may_be_none = getattr(tally, name), str(member.type).endswith("| None")
            kinds: tuple[type, ...] = (str,) if "str" in str(member.type) else (int, float)
            if not isinstance(value, kinds) and not (value is None and may_be_none):
                raise ValueError(f"{name} is {value!r}")
        return tally

    def fields(self) -> dict[str, Any]:
        """Return all of it as JSON can tell it."""
        return {name.replace("_", "-"): value for name, value in asdict(self).items()}

    def add(self, other: Tally) -> None:
        """Count what the same route did besides, later."""
        for name in ("pages", "files", "metadata", "other", "bytes", "resumed", "hedged", "absent", "faults"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.kind, self.tier, self.state = other.kind, other.tier, other.state
        if other.last_fault is not None:
            self.last_fault, self.last_fault_at = other.last_fault, other.last_fault_at


def summed(tallies: Iterable[Tally]) -> list[Tally]:
    """Return one tally a route of an index, in the order of their names and tiers."""
    found: dict[tuple[str, str], Tally] = {}
    for tally in tallies:
        found.setdefault((tally.index, tally.route), Tally(tally.index, tally.route)).add(tally)
    return sorted(found.values(), key=lambda tally: (tally.index, tally.tier, tally.route))


@dataclass(frozen=True, slots=True)
class Instead:
    """So many files that came by another route than the first one that is meant for them, which had failed."""

    index: str
    by: str
    after: str
    files: int


@dataclass(slots=True)
class Journal:
    """Sums up events, of several threads at once."""

    wall: Callable[[], float] = time.time
    _tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    _failing: dict[str, dict[tuple[str, int, str], Event]] = field(default_factory=dict)
    _instead: Counter[tuple[_Named, tuple[_Named, ...]]] = field(default_factory=Counter)
    _seen: dict[str, None] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def note(self, event: Event) -> None:
        """Count one request."""
        with self._guard:
            tally = self._tallies.setdefault((event.index, event.route), Tally(event.index, event.route))
            tally.add(_of_one(event, self.wall()))
            self._seen[event.route] = None
            self._follow(event)

    def _follow(self, event: Event) -> None:
        """Notice where a file comes by a route that is there for when another one fails."""
        failing = self._failing.setdefault(event.index, {})
        kind, position = event.kind, 0 if event.kind == CANONICAL else event.position
        # Beside what a route did last: one that serves other files may have failed to serve this one.
        this, of_this = (kind, position, ""), (kind, position, event.name)
        if event.is_fault:
            failing[this] = event
            if event.what == FILE:
                failing[of_this] = event
        elif event.fault is None:
            # A page says nothing of whether files come.
            if this in failing and (event.what == FILE or failing[this].what != FILE):
                del failing[this]
            if event.what == FILE:
                failing.pop(of_this, None)
                concerned = [end for (*_, name), end in failing.items() if name in ("", event.name)]
                before = [_route_of(end) for end in concerned if _order(end) <= _order(event)]
                if before:
                    self._instead[_route_of(event), tuple(dict.fromkeys(before))] += 1

    def taken(self) -> tuple[list[Tally], list[Instead]]:
        """Return what was counted since this was last asked for."""
        with self._guard:
            tallies, instead = list(self._tallies.values()), Counter[tuple[str, str, str]]()
            for (by, before), number in self._instead.items():
                after = " and ".join(dict.fromkeys(name_of(*end, self._seen) for end in before))
                instead[by[0], name_of(*by, self._seen), after] += number
            self._tallies, self._instead = {}, Counter()
            return tallies, [Instead(*key, number) for key, number in instead.items()]


def name_of(index: str, route: str, kind: str, others: Iterable[str]) -> str:
    """Return what a route is called in a line: its index where it speaks for that, else its host.

    Args:
        index, route, kind: as in `Event`.
        others: all routes; where one has the same host and another port, the port is told.
    """
    if kind == CANONICAL and "://" not in index and index != DEFAULT:
        return index
    host, origin = urlsplit(route).hostname, origin_of(route)
    if host and any(urlsplit(other).hostname == host and origin_of(other) != origin for other in others):
        return origin.partition("://")[2]
    return host or route


def _order(event: Event) -> int:
    return AFTER_ALL if event.kind == CANONICAL else event.tier


def _route_of(event: Event) -> _Named:
    return event.index, event.route, event.kind


def _of_one(event: Event, at: float) -> Tally:
    tally = Tally(event.index, event.route, event.kind, event.tier, bytes=event.bytes)
    if event.fault is None:
        name = {PAGE: "pages", FILE: "files", METADATA: "metadata"}.get(event.what, "other")
        setattr(tally, name, 1)
        tally.resumed, tally.hedged = int(event.resumed), int(event.hedged)
    elif event.is_absent:
        tally.absent = 1
    elif event.is_fault:
        tally.faults, tally.last_fault, tally.last_fault_at = 1, event.fault, at
    return tally
