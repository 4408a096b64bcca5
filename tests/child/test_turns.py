"""Looks go on side by side, each with its own time, and what nothing can end is left behind."""

from __future__ import annotations

import threading
import time

import pytest

from eggcarton.child.turns import Turn, side_by_side
from eggcarton.core.errors import UsageProblem
from eggcarton.indexes.network import Failed


def test_side_by_side() -> None:
    """All looks are under way at once, and their results come in order."""
    meeting = threading.Barrier(20, timeout=300)

    def look(number: int, turn: Turn) -> int:
        turn.begin()
        meeting.wait()
        return number

    looks = [(lambda turn, number=number: look(number, turn), lambda late: -1) for number in range(20)]
    assert [*range(20)] == side_by_side(looks, 120.0)


def test_what_cannot_be_ended() -> None:
    """A look that no end of a request ends, as for a name, is left behind, and what is told instead says why."""
    never = threading.Event()

    def look(turn: Turn) -> str:
        turn.begin()
        never.wait(600)
        return "done"

    assert ["it was too slow: no whole answer came within 0.1 s"] == side_by_side([(look, str)], 0.1)
    never.set()


def test_time_begins_with_the_turn() -> None:
    """What a look does before it begins its turn takes none of its time; what it does when that is over fails."""

    def slow(turn: Turn) -> str:
        # Longer than its time and what is given beyond that.
        time.sleep(4.5)
        turn.begin()
        return "done"

    def late(turn: Turn) -> str:
        turn.begin()
        with turn.call() as call:
            while not call.is_ended:
                time.sleep(0.01)
        with pytest.raises(Failed, match="it was too slow"), turn.call():
            pass
        return str(call.outcome)

    assert ["done", "it was too slow: no whole answer came within 3 s"] == side_by_side(
        [(slow, str), (late, repr)], 3.0
    )


def test_errors_are_raised() -> None:
    """What a look raises is raised to whoever asked for it, also where its turn had not begun."""

    def look(turn: Turn) -> str:
        raise UsageProblem("the proxy is none")

    with pytest.raises(UsageProblem, match="the proxy is none"):
        side_by_side([(look, str)], 30.0)
