"""What one outcome of a request means for the next request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggcarton.indexes.routes import Meaning, Outcome, meaning, pause

TABLE = {
    Meaning.SERVED: [200, 206],
    Meaning.ABSENT: [404, 410],
    Meaning.REFUSED: [401, 403, 407, 451],
    Meaning.AGAIN: [408, 425, 429, 500, 502, 503, 504, 520, 522, 527],
    Meaning.BROKEN: [204, 304, 400, 406, 418, 501, 505, 511, 528],
}


@pytest.mark.parametrize(("expected", "status"), [(kind, s) for kind, found in TABLE.items() for s in found])
def test_statuses(expected: Meaning, status: int) -> None:
    """Each HTTP status means what the table of the mirror semantics says."""
    assert expected is meaning(Outcome(status=status))


def test_a_fault_is_tried_again() -> None:
    """A request that ended before any status may be made again."""
    assert Meaning.AGAIN is meaning(Outcome(fault="connection reset"))


@given(st.one_of(st.none(), st.integers(100, 599)))
def test_wrong_bytes_are_never_tried_again(status: int | None) -> None:
    """Bytes other than those promised make a route broken, whatever status they came with."""
    assert Meaning.BROKEN is meaning(Outcome(status=status, integrity=True))


def test_an_outcome_reads_as_a_phrase() -> None:
    """An outcome names its fault, or else its status."""
    assert "timed out" == str(Outcome(fault="timed out"))
    assert "HTTP 503" == str(Outcome(status=503))


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
