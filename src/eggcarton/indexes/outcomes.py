"""What the outcome of one request means for the next one: pure decisions, no clock, no socket."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

_PASSING = frozenset({408, 425, 500, 502, 503, 504, *range(520, 528)})

LONGEST_EMBARGO = 300.0
"""Seconds that a route which asks to be left alone is left alone at most."""

SHORTEST_EMBARGO = 1.0
"""Seconds that such a route is left alone at least: it does not say, or names a time that is past."""


class Kind(Enum):
    """What became of one request; one row of the table below each."""

    SERVED = "served"
    UNREACHABLE = "unreachable"  # no such name, refused, no way there, the proxy failed
    INTERRUPTED = "interrupted"  # a time-out, a reset, an early end of the body
    LATER = "later"  # 429, or 503 that says when to come again
    PASSING = "passing"  # the server's own trouble
    USELESS = "useless"  # what answers is no index, or no file: a captive portal, another project's page
    ABSENT = "absent"  # this route does not have it, or not the part that was asked for
    STALE = "stale"  # an older page than one that was seen before
    REFUSED = "refused"  # credentials: asking again with the same ones is useless
    UNTRUSTED = "untrusted"  # a certificate that does not hold
    SPOILT = "spoilt"  # bytes with another hash or another length than the lock's


class Breaking(Enum):
    """What an outcome does to the breaker of its origin."""

    NOTHING = "nothing"
    COUNT = "count"  # one serious fault more
    OPEN = "open"  # at once
    RUN = "run"  # at once, and for the whole run
    MARK = "mark"  # the route is misconfigured, its origin may be well


@dataclass(frozen=True, slots=True)
class Rule:
    """What one kind of outcome leads to.

    Attributes:
        again: whether the same route is worth another request for the same thing.
        breaking: what the breaker of its origin makes of it.
        told: whether the user is warned of the route, once.
    """

    again: bool
    breaking: Breaking
    told: bool = False


RULES = {
    Kind.SERVED: Rule(again=False, breaking=Breaking.NOTHING),
    Kind.UNREACHABLE: Rule(again=True, breaking=Breaking.COUNT),
    Kind.INTERRUPTED: Rule(again=True, breaking=Breaking.COUNT),
    Kind.LATER: Rule(again=True, breaking=Breaking.NOTHING),
    Kind.PASSING: Rule(again=True, breaking=Breaking.COUNT),
    Kind.USELESS: Rule(again=False, breaking=Breaking.OPEN, told=True),
    Kind.ABSENT: Rule(again=False, breaking=Breaking.NOTHING),
    Kind.STALE: Rule(again=False, breaking=Breaking.NOTHING, told=True),
    Kind.REFUSED: Rule(again=False, breaking=Breaking.MARK, told=True),
    Kind.UNTRUSTED: Rule(again=False, breaking=Breaking.OPEN, told=True),
    Kind.SPOILT: Rule(again=False, breaking=Breaking.RUN, told=True),
}
"""The table of the mirror semantics in ``docs/mirrors.rst``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one request.

    Attributes:
        kind: the row of the table it belongs to.
        status: the HTTP status, where one came.
        fault: the sentence of a fault, where there was one beside or before a status.
        retry_after: the seconds after which the route wants to be asked again, where it told.
    """

    kind: Kind
    status: int | None = None
    fault: str | None = None
    retry_after: float | None = None

    @classmethod
    def of_status(cls, status: int, retry_after: float | None = None) -> Outcome:
        """Return what a status means.

        Args:
            status: as the server sent it, redirects followed.
            retry_after: the seconds of its Retry-After header, None where it has none that can be read.
        """
        return cls(_kind_of(status, retry_after is not None), status, None, retry_after)

    @property
    def rule(self) -> Rule:
        """What it leads to."""
        return RULES[self.kind]

    @property
    def embargo(self) -> float:
        """The seconds that the route is to be left alone; 0 where it did not ask for it."""
        if self.kind is not Kind.LATER:
            return 0.0
        return min(max(self.retry_after or 0.0, SHORTEST_EMBARGO), LONGEST_EMBARGO)

    def __str__(self) -> str:
        return self.fault if self.fault is not None else f"HTTP {self.status}"


def _kind_of(status: int, is_dated: bool) -> Kind:
    if status in (200, 206):
        return Kind.SERVED
    if status in (404, 410, 416):
        return Kind.ABSENT
    if status == 429 or (status == 503 and is_dated):
        return Kind.LATER
    if status in _PASSING:
        return Kind.PASSING
    # What a server does not want of us says nothing of its other files.
    return Kind.REFUSED if 400 <= status < 500 else Kind.USELESS


def pause(attempt: int, random: float) -> float:
    """Return the seconds to wait before attempt ``attempt`` (from 1), with full jitter.

    Args:
        attempt: how many attempts have failed.
        random: a number from 0 to 1, passed in so that this stays pure.
    """
    return random * min(4.0, 0.25 * 2.0**attempt)
