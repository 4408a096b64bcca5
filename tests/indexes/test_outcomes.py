"""What one outcome of a request means for the next request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggcarton.indexes.outcomes import RULES, Kind, Outcome, pause

TABLE = {
    Kind.SERVED: [200, 206],
    Kind.ABSENT: [404, 410, 416],
    Kind.REFUSED: [400, 401, 403, 406, 407, 418, 451],
    Kind.LATER: [429],
    Kind.PASSING: [408, 425, 500, 502, 503, 504, 520, 522, 527],
    Kind.USELESS: [204, 304, 501, 505, 511, 528],
}


@pytest.mark.parametrize(("expected", "status"), [(kind, s) for kind, found in TABLE.items() for s in found])
def test_statuses(expected: Kind, status: int) -> None:
    """Each HTTP status means what the table of the mirror semantics says."""
    assert expected is Outcome.of_status(status).kind


def test_a_503_that_says_when_to_come_again_is_obeyed() -> None:
    """With Retry-After a 503 is no fault of the route, and asks for a pause."""
    assert Kind.LATER is Outcome.of_status(503, 7.0).kind
    assert 7.0 == Outcome.of_status(503, 7.0).embargo


@pytest.mark.parametrize(("expected", "told"), [(1.0, None), (1.0, -3.0), (1.0, 0.0), (5.0, 5.0), (300.0, 1e12)])
def test_embargoes_have_bounds(expected: float, told: float | None) -> None:
    """A route is left alone as long as it asks for, at least a second, and five minutes at most."""
    assert expected == Outcome.of_status(429, told).embargo


def test_what_asking_again_cannot_mend() -> None:
    """Only faults that come and go are worth another request to the same route."""
    again = {Kind.UNREACHABLE, Kind.INTERRUPTED, Kind.LATER, Kind.PASSING}
    assert again == {kind for kind, rule in RULES.items() if rule.again}
    assert set(Kind) == set(RULES)


def test_an_outcome_reads_as_a_phrase() -> None:
    """An outcome names its fault, or else its status."""
    assert "timed out" == str(Outcome(Kind.INTERRUPTED, fault="timed out"))
    assert "HTTP 503" == str(Outcome.of_status(503))


@given(st.integers(1, 1000), st.floats(0, 1))
def test_a_pause_has_a_bound(attempt: int, random: float) -> None:
    """A pause is never negative and never longer than four seconds, however many attempts have failed."""
    assert 0 <= pause(attempt, random) <= 4


@given(st.integers(1, 30), st.floats(0, 1))
def test_a_pause_grows(attempt: int, random: float) -> None:
    """With the same luck, a later pause is no shorter than an earlier one."""
    assert pause(attempt, random) <= pause(attempt + 1, random)


def test_the_longest_pauses() -> None:
    """The longest pauses double from half a second to four."""
    assert [0.5, 1, 2, 4, 4] == [pause(attempt, 1) for attempt in range(1, 6)]
