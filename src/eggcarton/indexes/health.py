"""How the origins of all routes fare: breakers, embargoes, caps and first-byte times; pure, the clock is passed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import inf, log2
from statistics import median
from typing import Any

from eggcarton.indexes.outcomes import Breaking, Kind, Outcome
from eggcarton.indexes.routing import Route

SERIOUS = 3
"""Serious faults in a row that open a breaker."""

FIRST_REST, LONGEST_REST = 30.0, 600.0
"""Seconds for which a breaker is open at first, and after doubling."""

OUTAGE = 2.0
"""Seconds before every route is asked for the last time: a server that is started again is there by then."""

TOLD_BY = OUTAGE + 2.0
"""Seconds after the first of an origin's faults in a row by which whatever had begun has told how it fares."""

CAP = 4
"""Requests that one origin gets at once."""

KEPT = 900.0
"""Seconds for which health is worth keeping between runs."""

UNSTEADY, WINDOW = 3, 30
"""Serious faults among so many of an origin's last requests that make it one to ask where no other route is ready."""

_REFUSALS = 3
_SAMPLES = 32
_FEWEST_SAMPLES = 5
_PROBE_CHECK = 0.25


class State(Enum):
    """Whether a route may be asked."""

    READY = "ready"
    UNSTEADY = "unsteady"  # it serves, and fails now and then: asked where no other route is ready
    EMBARGOED = "embargoed"  # it asked to be left alone for a while
    RESTING = "resting"  # its breaker is open after faults that come and go
    OUT = "out"  # spoilt, misconfigured or no index, at least for now


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a route, when it may be asked, and whether anything came from its origin in this run.

    ``is_probed`` is set where a request is on its way that will tell whether the origin is well. ``told_by`` is when
    it is certain that a resting one is down: until then requests that had begun are still made.
    """

    state: State
    at: float = inf
    has_served: bool = False
    is_probed: bool = False
    told_by: float | None = None


@dataclass(slots=True)
class Origin:
    """What is known of one origin; times are those of the clock that is passed in."""

    serious: int = 0
    down: float | None = None
    rest: float = 0.0
    opened: float | None = None
    counted: bool = False
    spoilt: bool = False
    probed: float | None = None
    embargo: float = 0.0
    cap: int = CAP
    since_halved: int = 0
    served: int = 0
    fault: str | None = None
    fault_at: float | None = None
    seen: float | None = None
    unsteady: float = 0.0
    faults: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    firsts: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))


class Health:
    """The state of every origin and route that was asked; not for several threads at once."""

    def __init__(self) -> None:
        self._origins: dict[str, Origin] = {}
        self._refusals: dict[str, int] = {}
        self._marked: dict[str, str] = {}

    def of(self, origin: str) -> Origin:
        """Return what is known of an origin, which may be nothing."""
        return self._origins.setdefault(origin, Origin())

    def marked(self, route: Route) -> str | None:
        """Return why a route counts as misconfigured, None where it does not."""
        return self._marked.get(route.url)

    def standing(self, route: Route, now: float) -> Standing:
        """Return whether a route may be asked, and when it may be where it may not yet."""
        origin = self.of(route.origin)
        if origin.spoilt or route.url in self._marked:
            return Standing(State.OUT)
        opens = origin.opened + origin.rest if origin.opened is not None else now
        if now < opens:
            if not origin.counted:
                # No index and no certificate: what comes from there is not waited for.
                return Standing(State.OUT)
            told_by = None if origin.down is None or now >= origin.down + TOLD_BY else origin.down + TOLD_BY
            return Standing(State.RESTING, opens, has_served=origin.served > 0, told_by=told_by)
        if now < origin.embargo:
            return Standing(State.EMBARGOED, origin.embargo)
        if origin.opened is not None and origin.probed is not None:
            return Standing(State.RESTING, now + _PROBE_CHECK, has_served=True, is_probed=True)
        if now < origin.unsteady:
            return Standing(State.UNSTEADY, origin.unsteady, has_served=True)
        return Standing(State.READY, now)

    def begin(self, route: Route, now: float) -> bool:
        """Take note of a request that begins, or will.

        Returns:
            Whether it is the one probe of an origin whose breaker was open; until it ends, no other one is. What is
            asked while that still rests, since no other route is left, is none: it does not make the rest longer.
        """
        origin = self.of(route.origin)
        if origin.opened is None or origin.probed is not None or now < origin.opened + origin.rest:
            return False
        origin.probed = now
        return True

    def release(self, route: Route, began: float) -> None:
        """Take note that a probe which was to begin never did, or has ended."""
        origin = self.of(route.origin)
        if origin.probed == began:
            origin.probed = None

    def end(
        self,
        route: Route,
        outcome: Outcome | None,
        now: float,
        *,
        began: float | None = None,
        first_byte: float | None = None,
    ) -> None:
        """Take note of how a request ended.

        Args:
            route: the one that was asked.
            outcome: how it ended, None where it was given up for reasons of ours.
            now: the clock's time.
            began: when it began; what began before a probe did is not the probe. None: it is, where there is one.
            first_byte: seconds until the first byte of an answer came, None where none did.
        """
        origin = self.of(route.origin)
        origin.seen = now
        was_probe = origin.probed is not None and (began is None or began >= origin.probed)
        if was_probe:
            origin.probed = None
        if first_byte is not None:
            origin.firsts.append(first_byte)
        if outcome is None:
            return
        if outcome.kind is not Kind.REFUSED:
            self._refusals.pop(route.url, None)
        if outcome.kind in (Kind.SERVED, Kind.ABSENT):
            self._well(origin, outcome)
            return
        origin.fault, origin.fault_at = str(outcome), now
        if outcome.kind is Kind.LATER:
            origin.embargo = max(origin.embargo, now + outcome.embargo)
        if outcome.kind is Kind.LATER or outcome.status == 503 or outcome.kind is Kind.UNREACHABLE:
            origin.cap, origin.since_halved = max(1, origin.cap // 2), 0
        self._break(origin, route, outcome, now, was_probe=was_probe)

    def _well(self, origin: Origin, outcome: Outcome) -> None:
        origin.serious, origin.down, origin.opened, origin.rest = 0, None, None, 0.0
        origin.served += outcome.kind is Kind.SERVED
        origin.faults.append(False)
        origin.since_halved += 1
        if origin.cap < CAP and origin.since_halved >= 2 * origin.cap:
            # A cap that was halved comes back slowly.
            origin.cap, origin.since_halved = origin.cap + 1, 0

    def _break(self, origin: Origin, route: Route, outcome: Outcome, now: float, *, was_probe: bool) -> None:
        breaking = outcome.rule.breaking
        if breaking is Breaking.RUN:
            origin.spoilt = True
        elif breaking is Breaking.MARK:
            self._refusals[route.url] = self._refusals.get(route.url, 0) + 1
            if outcome.status in (401, 407) or self._refusals[route.url] >= _REFUSALS:
                self._marked[route.url] = str(outcome)
        elif breaking is not Breaking.NOTHING:
            origin.serious += 1
            origin.faults.append(True)
            if origin.down is None or (origin.opened is None and now >= origin.down + TOLD_BY):
                origin.down = now
            if sum(origin.faults) >= UNSTEADY:
                # Three in a row open the breaker; three of many, with answers between them, cost as much.
                origin.unsteady = now + FIRST_REST
                origin.faults.clear()
            if was_probe or breaking is Breaking.OPEN or origin.serious >= SERIOUS:
                origin.counted = breaking is Breaking.COUNT
                origin.rest = min(2 * origin.rest, LONGEST_REST) if was_probe else origin.rest or FIRST_REST
                origin.opened = now

    def ranked(self, routes: Sequence[Route], now: float) -> list[Route]:
        """Return routes by tier, and inside a tier by health: what may be asked, then the sound, then the fast ones."""

        def key(route: Route) -> tuple[float, bool, int, int, int]:
            origin = self.of(route.origin)
            is_late = self.standing(route, now).state is not State.READY or origin.opened is not None
            return route.tier, is_late, origin.serious, _slowness(origin), route.position

        return sorted(routes, key=key)

    def patience(self, route: Route) -> float:
        """Return the seconds after which a first byte is overdue: 1, or three times what is usual for its origin."""
        firsts = self.of(route.origin).firsts
        return max(1.0, 3 * median(firsts)) if firsts else 1.0

    def kept(self, now: float, wall: float) -> dict[str, Any]:
        """Return what the next run may want to know, its times by the wall clock."""
        return {
            name: {
                "serious": origin.serious,
                "rest": origin.rest,
                "opened": None if origin.opened is None else origin.opened - now + wall,
                "counted": origin.counted,
                "embargo": origin.embargo - now + wall if origin.embargo > now else 0.0,
                "fault": origin.fault,
                "fault-at": None if origin.fault_at is None else origin.fault_at - now + wall,
                "firsts": [round(first, 4) for first in origin.firsts],
                # What was only taken over from an earlier run is no younger for that.
                "at": origin.seen - now + wall,
            }
            for name, origin in self._origins.items()
            if origin.seen is not None and (origin.firsts or origin.fault)
        }

    def remember(self, known: Mapping[str, Any], now: float, wall: float) -> None:
        """Take over what an earlier run has kept, unless it is too old, from the future, or no such thing.

        What an earlier run found only orders routes: an open breaker and an embargo of its are serious faults here, so
        that a run never refuses to try what may be well again.
        """
        for name, told in known.items() if isinstance(known, Mapping) else ():
            try:
                age = wall - float(told["at"])
                if not 0 <= age <= KEPT:
                    continue
                serious = max(int(told["serious"]), int(float(told["embargo"]) > wall), 0)
                origin = Origin(serious=min(serious, SERIOUS - 1), seen=now - age)
                origin.firsts.extend(_seconds(told["firsts"]))
            except (KeyError, TypeError, ValueError, OverflowError):
                continue
            self._origins.setdefault(str(name), origin)


def _seconds(values: Iterable[Any]) -> list[float]:
    return [float(value) for value in values if 0 <= float(value) < KEPT]


def _slowness(origin: Origin) -> int:
    """Return a coarse order of first-byte times: only what is twice as slow comes later, so that order is calm."""
    if len(origin.firsts) < _FEWEST_SAMPLES:
        return 0
    return max(0, int(log2(max(median(origin.firsts), 0.05) / 0.05)))
