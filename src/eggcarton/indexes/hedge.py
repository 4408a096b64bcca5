"""Requests that take too long are noticed while they run, so that a second one on another route can overtake them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from eggcarton.indexes.calls import Call, Ended

SHARE = 10
"""One request in so many may be a second one for the same file; one may be in every run."""

FIRST = 1024
"""Bytes of a body without which nothing has come yet: too few to tell whether it is the file."""

SLOW, FOR = 10_000, 10.0
"""Bytes a second below which an answer is slow, and the seconds that it must have been."""

_LOOK = 0.25


@dataclass(frozen=True, slots=True)
class Remedy:
    """What can be done about a request that is too slow.

    Attributes:
        count: counts it against its route, and tells whether anything can be done.
        act: does it.
    """

    count: Callable[[], bool]
    act: Callable[[], None]


@dataclass(slots=True, eq=False)
class _Watched:
    """A request that is watched, and when it is looked at next."""

    call: Call
    origin: str
    patience: float
    remedy: Remedy | None
    look_at: float | None = None
    mark: tuple[float, int] | None = None

    def is_overdue(self, now: float) -> bool:
        """Tell whether it is too slow by now, and settle when to look again."""
        began = self.call.began
        if began is None:
            return False
        if self.look_at is None:
            self.look_at = began + self.patience
        if now < self.look_at:
            return False
        received = self.call.received
        if received < FIRST:
            self.look_at = now + self.patience
            return True
        earlier, self.mark, self.look_at = self.mark, (now, received), now + FOR
        return earlier is not None and received - earlier[1] < SLOW * (now - earlier[0])


class Watch:
    """All requests for files that are on their way in a run.

    Args:
        now: the clock of the run.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._calls: dict[int, _Watched] = {}
        self._changed = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._begun = self._hedged = 0

    @contextmanager
    def over(self, call: Call, origin: str, patience: float, remedy: Remedy | None) -> Iterator[Call]:
        """Watch a request in the block.

        Args:
            call: the request.
            origin: which it is sent to.
            patience: seconds in which the first bytes should come.
            remedy: called, from another thread, whenever it is found too slow; None where nothing can be done.

        Raises:
            Ended: the run is being given up.
        """
        watched = _Watched(call, origin, patience, remedy)
        with self._changed:
            if self._is_closed:
                raise Ended
            self._calls[id(watched)] = watched
            if remedy is not None and self._thread is None:
                self._thread = threading.Thread(target=self._look, daemon=True)
                self._thread.start()
        try:
            yield call
        finally:
            with self._changed:
                del self._calls[id(watched)]
                # What was answered from memory was no request.
                self._begun += call.began is not None

    @property
    def is_closed(self) -> bool:
        """Whether the run is being given up."""
        return self._is_closed

    def claim(self) -> bool:
        """Tell whether one more second request may be sent in this run, which then counts."""
        with self._changed:
            if self._is_closed or self._hedged >= max(1, self._begun // SHARE):
                return False
            self._hedged += 1
            return True

    def end(self) -> None:
        """End all that is on its way, and let nothing more begin."""
        with self._changed:
            self._is_closed = True
            for watched in self._calls.values():
                watched.call.end()

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK)
            with self._changed:
                if not self._calls:
                    # Whatever begins after this starts another thread.
                    self._thread = None
                    return
                late = self._late(self._now())
            # All are counted before the first is acted on: what that sets free is not to run into the same wall.
            for remedy in [remedy for remedy in late if remedy.count()]:
                remedy.act()

    def _late(self, now: float) -> list[Remedy]:
        able = [watched for watched in self._calls.values() if watched.remedy is not None]
        late = [watched for watched in able if watched.is_overdue(now)]
        # Those that began a moment later at the same origin are as late, and would only be found so one by one.
        slow = {watched.origin for watched in late}
        late += [w for w in able if w not in late and w.origin in slow and w.is_overdue(now + 2 * _LOOK)]
        return [watched.remedy for watched in late if watched.remedy is not None]
