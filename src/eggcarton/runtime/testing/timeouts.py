"""Ends tests that take too long.

A test is first told so by an exception in the main thread, which a signal brings there. Where that does not end it,
since it waits in C or keeps the exception to itself, the process is ended after a while by a thread of faulthandler's,
which does not need the interpreter. The stacks of all threads are told each time.
"""

from __future__ import annotations

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
        self._last = 0.0
        self._handler: Any = None
        self._timer = (0.0, 0.0)
        self._since = 0.0
        self._stderr = _copy_of_stderr()
        os.register_at_fork(before=self._stop, after_in_parent=self._resume, after_in_child=self._forget)

    def arm(self, test: str, raised: type[BaseException] = TookTooLong) -> None:
        """Begin to count for a test."""
        self.disarm()
        self._test, self._raised, self._since = test, raised, time.monotonic()
        self._last = self._since + self.seconds + self.grace
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGALRM, self._expired)
            self._timer = signal.setitimer(signal.ITIMER_REAL, self.seconds)
        self._resume()

    def disarm(self) -> None:
        """Count no longer, and leave the signal and its timer as they were."""
        if self._test is None:
            return
        self._stop()
        self._test = None
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGALRM) == self._expired:
            delay, interval = self._timer
            left = max(delay - (time.monotonic() - self._since), 0.001) if delay else 0.0
            # In this order no signal of ours comes to a handler that is not ours.
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, self._handler if self._handler is not None else signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, left, interval)

    def resume(self) -> None:
        """Count on, where something else has used faulthandler's only timer."""
        self._resume()

    def _resume(self) -> None:
        if self._test is not None:
            left = max(self._last - time.monotonic(), 0.001)
            faulthandler.dump_traceback_later(left, exit=True, file=self._stderr)

    def _stop(self) -> None:
        # A thread that lives while a process forks is warned of.
        if self._test is not None:
            faulthandler.cancel_dump_traceback_later()

    def _forget(self) -> None:
        # A process that a test forks has no timer: it is not a test itself.
        self._test = None

    def _expired(self, number: int, frame: FrameType | None) -> None:
        test = self._test
        if test is None:
            return
        if _is_debugged(frame):
            self._stop()
            return
        # Something else may have taken the timer of faulthandler meanwhile.
        self._last = time.monotonic() + self.grace
        self._resume()
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
