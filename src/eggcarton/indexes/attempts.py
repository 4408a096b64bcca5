"""What to do next for one page or file: pure, the clock and chance are passed in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from eggcarton.indexes.health import OUTAGE, Health, Standing, State
from eggcarton.indexes.outcomes import Kind, Outcome, pause
from eggcarton.indexes.routing import Route

WORTH = 1 << 16
"""Bytes that make an interrupted answer worth going on with at once, without counting it."""

_SHORTEST, _LONGEST = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is spent on one page or file before it counts as unavailable.

    Attributes:
        rounds: how often each route is asked; twice as often where it has served something else meanwhile.
        waiting: seconds spent on waiting for routes that will be ready later.
        resumptions: how often an answer is gone on with that was interrupted after bytes worth it.
        laters: how often a route that asks to come later is obeyed before that counts as being asked.
    """

    rounds: int = 3
    waiting: float = 60.0
    resumptions: int = 20
    laters: int = 8


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask this route now."""

    route: Route


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again after so many seconds, or as soon as a request ends where another file ``is_probing`` the route."""

    seconds: float
    is_probing: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No route is left, or the budget is spent."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One request that did not serve: its route, how it ended, and the bytes that came."""

    route: Route
    outcome: Outcome
    bytes: int = 0


@dataclass(slots=True)
class Attempts:
    """The requests for one page or file so far.

    Attributes:
        routes: all that may be asked, in the order in which an index lists them.
        budget: what may be spent.
        trials: what failed so far, in order.
    """

    routes: Sequence[Route]
    budget: Budget = field(default_factory=Budget)
    trials: list[Trial] = field(default_factory=list)
    _asked: dict[Route, int] = field(default_factory=dict)
    _served: dict[Route, int] = field(default_factory=dict)
    _out: set[Route] = field(default_factory=set)
    _round: int = 1
    _waited: float = 0.0
    _resumptions: int = 0
    _laters: int = 0
    _next: Route | None = None

    def next(self, health: Health, now: float, random: float) -> Ask | Wait | GiveUp:
        """Return what to do now.

        Args:
            health: how the origins fare.
            now: the time of the clock that `health` was told of.
            random: a number from 0 to 1, for the jitter of pauses.
        """
        again, self._next = self._next, None
        left = [r for r in self.routes if r not in self._out and self._number(r) < self._rounds(r, health)]
        if again in left:
            return Ask(again)
        standings = {route: health.standing(route, now) for route in health.ranked(left, now)}
        ready = [route for route, standing in standings.items() if standing.state is State.READY]
        if not ready:
            ready = [route for route, standing in standings.items() if standing.state is State.UNSTEADY]
        if not ready and self.trials:
            # A breaker keeps what has not begun from a route; what was begun is not given up while no other is there.
            resting = [route for route, standing in standings.items() if standing.state is State.RESTING]
            ready = [
                route
                for route in resting
                if self._number(route) + 1 < self._rounds(route, health)
                or (self._fails_at_once(route) and self._number(route) < self.budget.rounds)
            ]
        if ready:
            best = min(ready, key=self._number)
            if self._number(best) < self._round:
                return Ask(best)
            self._round = self._number(best) + 1
            return Wait(self._pause(random))
        return self._wait(standings.values(), now)

    def _pause(self, random: float) -> float:
        """Return the seconds before the next round: those before the last one outlast a short outage of all routes."""
        outage = min(OUTAGE, self.budget.waiting) if self._round == self.budget.rounds else 0.0
        return max(outage, pause(self._round - 1, random))

    def _wait(self, standings: Collection[Standing], now: float) -> Wait | GiveUp:
        """Wait for what will be ready within the budget.

        What never served in this run is waited for only until it is certain that it is down.
        """
        worth = [s for s in standings if s.state is State.EMBARGOED or (s.state is State.RESTING and s.has_served)]
        worth += [replace(s, at=min(s.at, s.told_by)) for s in standings if s.told_by is not None]
        first = min(worth, key=lambda standing: standing.at, default=Standing(State.OUT))
        seconds = max(0.0, first.at - now)
        if self._waited + seconds > self.budget.waiting:
            return GiveUp()
        # Another request may find it well before that.
        step = min(max(seconds, _SHORTEST), _LONGEST)
        self._waited += step
        return Wait(step, first.is_probed)

    def _rounds(self, route: Route, health: Health) -> int:
        """Return how often a route may be asked.

        One that serves others meanwhile was met at bad moments; one that had served before nothing listened there is
        asked once more when its breaker has rested.
        """
        if not self._number(route):
            return self.budget.rounds
        origin = health.of(route.origin)
        if origin.served > self._served.setdefault(route, origin.served):
            return 2 * self.budget.rounds
        was_well = origin.opened is not None and origin.served > 0
        return self.budget.rounds + (was_well and self._last(route) is Kind.UNREACHABLE)

    def _fails_at_once(self, route: Route) -> bool:
        """Return whether it takes no time to see that a route is still down, and there is time to wait for it."""
        return self.budget.waiting > 0 and self._last(route) in (Kind.UNREACHABLE, Kind.PASSING)

    def _last(self, route: Route) -> Kind | None:
        return next((trial.outcome.kind for trial in reversed(self.trials) if trial.route == route), None)

    def _number(self, route: Route) -> int:
        return self._asked.get(route, 0)

    def told(self, route: Route, outcome: Outcome, received: int = 0) -> None:
        """Take note of a request that did not serve.

        Args:
            route: the one that was asked.
            outcome: how it ended.
            received: the bytes of the answer's body that came, and that are kept.
        """
        self.trials.append(Trial(route, outcome, received))
        if not outcome.rule.again:
            self._out.add(route)
        elif outcome.kind is Kind.INTERRUPTED and received >= WORTH and self._resumptions < self.budget.resumptions:
            self._resumptions += 1
            self._next = route
        elif outcome.kind is Kind.LATER and self._laters < self.budget.laters:
            # The embargo keeps it from being asked at once.
            self._laters += 1
        else:
            self._asked[route] = self._number(route) + 1
