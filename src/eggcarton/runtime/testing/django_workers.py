"""Lets the first process know what becomes of the tests that Django shares among several.

Django plays there what the results in the other processes were told, a class at a time, and does not know all of it,
such as how long a test took, or whether all of it was skipped. So what came of each test is played along; and where a
process has died, for which Django would wait, the piece tells that it kept.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import tempfile
import unittest
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.suite import _ErrorHolder  # type: ignore[attr-defined]  # typeshed leaves out what Django itself uses

from . import pieces, totals
from .results import telling
from .watch import ERROR, Outcome, Watch

_TOLD = frozenset(
    (
        *("startTest", "stopTest", "addError", "addFailure", "addSubTest", "addSkip", "addExpectedFailure"),
        *("addUnexpectedSuccess", "_setupStdout", "_restoreStdout"),
    )
)


_BEFORE_TESTS = Outcome("django", "test", ERROR, 0.0, "a process that was to run tests has ended")


class Died(Exception):
    """A process has died that ran tests."""


def hear(suite: Any, watch: Watch) -> None:
    """Let a watch hear of a suite whose tests Django is to share."""
    run, runner = suite.run, suite.runner_class

    def heard(result: Any, *more: Any, **others: Any) -> Any:
        with tempfile.TemporaryDirectory(prefix="eggcarton-tests-") as directory:
            suite.runner_class = functools.partial(Worker, runner, watch.hand_on(), directory)
            crew = _Crew(Path(directory), suite.processes, watch)
            result.__class__ = type(type(result).__name__, (_Played, type(result)), {"watch": watch, "crew": crew})
            watch.shared_out()
            try:
                found = run(result, *more, **others)
            except BaseException:
                crew.recover()
                raise
            # Not by its property, which would look for processes that are gone by now.
            if result.__dict__["shouldStop"] and not (result.failfast or watch.is_cut):
                # Django ends well where it is stopped by Ctrl-C, and leaves out the tests that are left.
                crew.recover()
            else:
                watch.gathered()
            return found

    suite.run = heard


class _Crew:
    """The processes that run tests, as the first one sees them.

    Args:
        directory: where each of them keeps a piece, in a directory named by its number.
        size: how many there are.
    """

    def __init__(self, directory: Path, size: int, watch: Watch) -> None:
        self._directory, self._size, self._watch = directory, size, watch
        self._seen: dict[int | None, Any] = {}
        # An application may have a pool of its own.
        self._others = {child.pid for child in multiprocessing.active_children()}

    def has_died(self) -> bool:
        """Tell whether one is no more, which is so for none while tests are left."""
        if not self._directory.exists():
            return False
        begun = {place.name for place in self._directory.iterdir()}
        children = [child for child in multiprocessing.active_children() if child.pid not in self._others]
        self._seen |= {child.pid: child for child in children if "PoolWorker" in child.name}
        # One that was never seen has another one in its place, and may have begun with a test.
        has_other = len(self._seen) > self._size or not begun <= {str(child.pid) for child in children}
        return has_other or any(child.exitcode is not None for child in self._seen.values())

    def recover(self) -> list[Outcome]:
        """Tell the watch of all tests that have ended, and return what those are at that ended with their process."""
        known = {(outcome.group, outcome.name) for outcome in self._watch.outcomes}
        living = {str(child.pid) for child in multiprocessing.active_children()}
        lost = []
        for place in sorted(self._directory.iterdir()):
            for outcome in pieces.read(place):
                if outcome.message == totals.DIED:
                    lost += [] if place.name in living else [outcome]
                elif (outcome.group, outcome.name) not in known:
                    self._watch.ended(outcome)
        return lost


class _Played(unittest.TestResult):
    """Is played what results in other processes were told, before a class of results in the order of bases.

    It stops where a process has died: while Django waits it asks again and again whether to stop.
    """

    watch: Watch
    crew: _Crew

    def told(self, _test: Any, outcome: Outcome) -> None:
        """Tell the watch what came of a test."""
        self.watch.ended(outcome)

    @property
    def shouldStop(self) -> bool:
        """Tell whether no more tests should run."""
        if not self.__dict__["shouldStop"] and self.crew.has_died():
            self.__dict__["shouldStop"] = self.watch.is_cut = True
            for lost in self.crew.recover() or [_BEFORE_TESTS]:
                error: Any = (Died, Died(lost.message), None)
                self.addError(_ErrorHolder(f"{lost.name} ({lost.group})"), error)
                self.watch.ended(lost)
        return bool(self.__dict__["shouldStop"])

    @shouldStop.setter
    def shouldStop(self, value: bool) -> None:
        self.__dict__["shouldStop"] = value


class Worker:
    """Runs tests in one of several processes, in the place of the remote runner that Django would make there.

    Args:
        runner: the class of that.
        handed: what the first process's watch hands on.
        directory: where the processes keep their pieces.
    """

    def __init__(self, runner: Any, handed: Mapping[str, Any], directory: str, **options: Any) -> None:
        self._runner, self._watch = runner(**options), _watch_of(directory, lambda: Watch.handed(handed))

    def run(self, suite: Any) -> Any:
        """Run some of the tests and return Django's remote result."""
        run = suite.run
        suite.run = lambda result, *more, **others: run(_Doubled(result, self._watch), *more, **others)
        try:
            return self._runner.run(suite)
        finally:
            self._watch.left()


_watches: dict[str, Watch] = {}


def _watch_of(directory: str, make: Any) -> Watch:
    """Return the one watch of this process."""
    place = os.path.join(directory, str(os.getpid()))
    if place not in _watches:
        os.mkdir(place)
        _watches[place] = make()
        pieces.write(_watches[place], place)
    return _watches[place]


class _Doubled:
    """Stands in a remote result's place: a result that tells a watch hears of everything too.

    It is pickled as the remote one: Django pickles subtests that fail, and these know the result.
    """

    __slots__ = ("_remote", "_telling", "_watch")

    def __init__(self, remote: Any, watch: Watch) -> None:
        parts = {"_remote": remote, "_telling": telling(unittest.TestResult, watch)(), "_watch": watch}
        for name, value in parts.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._remote, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return _same, (self._remote,)

    def __getattr__(self, name: str) -> Any:
        remote = getattr(self._remote, name)
        return functools.partial(self._both, name, remote) if name in _TOLD else remote

    def _both(self, name: str, remote: Any, *arguments: Any) -> Any:
        getattr(self._telling, name)(*arguments)
        while self._watch.outcomes:
            self._remote.events.append(("told", self._remote.test_index, self._watch.outcomes.pop(0)))
        return remote(*arguments)


def _same(result: Any) -> Any:
    return result
