"""Routes are looked at side by side, each in a time of its own: one that is silent holds up no other, nor the user."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from typing import Generic, TypeVar

from eggcarton.indexes.calls import Call
from eggcarton.indexes.network import Failed
from eggcarton.indexes.outcomes import Kind, Outcome

T = TypeVar("T")

_GRACE = 1.0
"""Seconds more for what nothing can end, such as looking up a name."""


class Turn:
    """The time that one route has for all its answers, which begins when its credentials are known."""

    def __init__(self, within: float) -> None:
        self._within = within
        self._begun, self._ends = threading.Event(), 0.0
        self._is_over = False
        self._call: Call | None = None
        self._guard = threading.Lock()
        self._timer = threading.Timer(within, self._end)
        self._timer.daemon = True

    @property
    def late(self) -> Outcome:
        """How a request ends for which there was not time enough."""
        return Outcome(Kind.INTERRUPTED, fault=f"it was too slow: no whole answer came within {self._within:g} s")

    def begin(self) -> None:
        """Have the time run from now on."""
        self._ends = time.monotonic() + self._within
        self._timer.start()
        self._begun.set()

    def left(self) -> float:
        """Wait until the time runs, and return the seconds that are left of it."""
        self._begun.wait()
        return max(0.0, self._ends - time.monotonic())

    def over(self) -> None:
        """Take note that nothing more is asked."""
        self._timer.cancel()
        self._begun.set()

    @contextmanager
    def call(self) -> Iterator[Call]:
        """Give what a request is ended by when the time is over.

        Raises:
            Failed: it is over.
        """
        with self._guard:
            if self._is_over:
                raise Failed(self.late)
            call = self._call = Call(connect=max(0.1, self.left()))
        yield call

    def _end(self) -> None:
        with self._guard:
            self._is_over = True
            if self._call is not None:
                self._call.end(self.late)


class _Look(threading.Thread, Generic[T]):
    """One look at a route, in a thread that keeps no process alive."""

    def __init__(self, look: Callable[[Turn], T], turn: Turn) -> None:
        super().__init__(daemon=True)
        self._look, self._turn, self._found = look, turn, futures.Future[T]()

    def run(self) -> None:
        try:
            self._found.set_result(self._look(self._turn))
        except BaseException as error:
            self._found.set_exception(error)
        finally:
            self._turn.over()

    def result(self, late: Callable[[Outcome], T]) -> T:
        try:
            return self._found.result(self._turn.left() + _GRACE)
        except futures.TimeoutError:
            return late(self._turn.late)


def side_by_side(looks: Sequence[tuple[Callable[[Turn], T], Callable[[Outcome], T]]], within: float) -> list[T]:
    """Return what looks find, in their order.

    Args:
        looks: each with what is found instead where it does not end in time.
        within: seconds that each has; a look begins its turn itself.
    """
    begun = [(_Look(look, Turn(within)), late) for look, late in looks]
    for look, _ in begun:
        look.start()
    return [look.result(late) for look, late in begun]
