"""Ends tests that take too long.

A test is first told so by an exception in the main thread, which a signal brings there. Where that does not end it,
since it waits in C or keeps the exception to itself, the process is ended after a while by a thread of faulthandler's,
which does not need the interpreter. The stacks of all threads are told each time.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from types import FrameType
from typing import Any

_LEAST, _MOST = 1.0, 10.0
# Seconds. A thread of faulthandler's costs more than many a test, so that one serves all tests that begin within this
# time of the first, and goes when none has begun for that.
_SHARED, _REST = 1.0, 0.5
_DEBUGGERS = {"bdb", "pdb", "cmd", "pydevd", "_pydevd_bundle", "IPython"}


class TookTooLong(BaseException):
    """A test took longer than it may. No `except Exception` keeps it from ending the test."""


class FixtureTookTooLong(Exception):
    """What several tests share took too long to set up or to take down, where runners expect an Exception."""


class Limit:
    """The time that each test may take.

    Args:
        seconds: how long.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        # As long again, within bounds: what is taken down after the exception takes its time too.
        self.grace = min(max(seconds, _LEAST), _MOST)
        self._test: str | None = None
        self._raised: type[BaseException] = TookTooLong
        # When the test is over its time and the grace, and when faulthandler ends the process, which is not before.
        self._last = 0.0
        self._armed: float | None = None
        # Whether the signal stays ours for a while, since another test may begin soon.
        self._rests = False
        # What others had set for the signal, and when.
        self._handler: Any = None
        self._timer = (0.0, 0.0)
        self._since = 0.0
        self._stderr = _copy_of_stderr()
        os.register_at_fork(before=self._stop, after_in_parent=self._go_on, after_in_child=self._forget)
        # The interpreter takes its handler away before its last steps, in which the signal would end the process.
        atexit.register(self.stop)

    def arm(self, test: str, raised: type[BaseException] = TookTooLong) -> None:
        """Begin to count for a test."""
        if self._test is not None:
            self.disarm()
        self._rests = False
        self._test, self._raised, self._since = test, raised, time.monotonic()
        self._last = self._since + self.seconds + self.grace
        if threading.current_thread() is threading.main_thread():
            is_ours = signal.getsignal(signal.SIGALRM) == self._expired
            if not is_ours:
                self._handler = signal.signal(signal.SIGALRM, self._expired)
            timer = signal.setitimer(signal.ITIMER_REAL, self.seconds)
            # Else it is the one by which the signal goes back.
            if not is_ours or timer[0] > _REST:
                self._timer = timer
        if self._armed is None or self._armed < self._last:
            self._arm(self._last + _SHARED)

    def disarm(self) -> None:
        """Count no longer; the signal and its timer are as they were, at once or when no other test begins soon."""
        if self._test is None:
            return
        self._test = None
        is_main = threading.current_thread() is threading.main_thread()
        is_ours = is_main and signal.getsignal(signal.SIGALRM) == self._expired
        if is_ours and self._handler in (None, signal.SIG_DFL) and not any(self._timer):
            signal.setitimer(signal.ITIMER_REAL, _REST)
            # Not before: a signal that has come late would give the handler back, and the timer end the process.
            self._rests = True
            return
        self._stop()
        if is_ours:
            self._give_back()

    def stop(self) -> None:
        """Count no longer, and leave the signal and its timer as they were."""
        self._test, self._rests = None, False
        self._stop()
        if threading.current_thread() is threading.main_thread():
            self._give_back()

    def _give_back(self) -> None:
        if signal.getsignal(signal.SIGALRM) != self._expired:
            return
        delay, interval = self._timer
        left = max(delay - (time.monotonic() - self._since), 0.001) if delay else 0.0
        # In this order no signal of ours comes to a handler that is not ours.
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, self._handler if self._handler is not None else signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        self._timer = (0.0, 0.0)

    def resume(self) -> None:
        """Count on, where something else has used faulthandler's only timer."""
        self._go_on()

    def _go_on(self) -> None:
        if self._test is not None:
            self._arm(self._last)

    def _arm(self, end: float) -> None:
        self._armed = end
        left = max(end - time.monotonic(), 0.001)
        faulthandler.dump_traceback_later(left, exit=True, file=self._stderr)

    def _stop(self) -> None:
        # A thread that lives while a process forks is warned of.
        if self._armed is not None:
            faulthandler.cancel_dump_traceback_later()
            self._armed = None

    def _forget(self) -> None:
        # A process that a test forks has no timer: it is not a test itself.
        self._test = None

    def _expired(self, number: int, frame: FrameType | None) -> None:
        test = self._test
        if test is None:
            if self._rests:
                self.stop()
            return
        left = self._since + self.seconds - time.monotonic()
        if left > 0:
            # The signal had gone its way before this test began.
            signal.setitimer(signal.ITIMER_REAL, left)
            return
        if _is_debugged(frame):
            self._stop()
            return
        # Something else may have taken the timer of faulthandler meanwhile.
        self._last = time.monotonic() + self.grace
        self._go_on()
        sentence = f"{test} took longer than the {self.seconds:g} s that a test may take"
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"\n{sentence}. What each thread did:\n{stacks(frame)}\n")
            sys.stderr.flush()
        raise self._raised(sentence)


def stacks(here: FrameType | None) -> str:
    """Return the stacks of all threads, the oldest call first.

    Args:
        here: where this thread is, without what asks for the stacks.
    """
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = []
    for ident, frame in sys._current_frames().items():
        found = here if here is not None and ident == threading.get_ident() else frame
        parts.append(f"\nThread {names.get(ident, ident)}:\n{''.join(traceback.format_stack(found))}")
    return "".join(parts)


def _is_debugged(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] in _DEBUGGERS:
            return True
        frame = frame.f_back
    return False


def _copy_of_stderr() -> int:
    """Return the descriptor of stderr as it is now: runners put files in its place while a test runs."""
    try:
        return os.dup(2)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
