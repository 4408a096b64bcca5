"""What the outcome of one request means for the next one: pure decisions, no clock, no socket."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ATTEMPTS = 3
"""Requests for one file on its only route before it counts as unavailable."""

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 528)})


class Meaning(Enum):
    """What to do after an outcome."""

    SERVED = "served"
    AGAIN = "again"  # a passing fault: the same route may be asked once more
    ABSENT = "absent"  # this route does not have it
    REFUSED = "refused"  # credentials: asking again with the same ones is useless
    BROKEN = "broken"  # this route is misconfigured or spoilt


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one request: an HTTP status, or the sentence of the fault that came before any status."""

    status: int | None = None
    fault: str | None = None
    integrity: bool = False

    def __str__(self) -> str:
        return self.fault if self.fault is not None else f"HTTP {self.status}"


def meaning(outcome: Outcome) -> Meaning:
    """Tell what an outcome means; the table is that of the mirror semantics in ``docs/design.rst``."""
    if outcome.integrity:
        return Meaning.BROKEN
    if outcome.status is None:
        return Meaning.AGAIN
    if outcome.status in (200, 206):
        return Meaning.SERVED
    if outcome.status in (404, 410):
        return Meaning.ABSENT
    if outcome.status in (401, 403, 407, 451):
        return Meaning.REFUSED
    return Meaning.AGAIN if outcome.status in _PASSING else Meaning.BROKEN


def pause(attempt: int, random: float) -> float:
    """Return the seconds to wait before attempt ``attempt`` (from 1), with full jitter.

    Args:
        attempt: how many attempts have failed.
        random: a number from 0 to 1, passed in so that this stays pure.
    """
    return random * min(4.0, 0.25 * 2.0**attempt)
