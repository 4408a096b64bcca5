"""Facts about tests that are shared among processes as Django shares them: real pools, without Django itself."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import unittest
from pathlib import Path
from typing import Any

import pytest

from eggcarton.runtime.testing import django_workers, pieces, totals
from eggcarton.runtime.testing.django_workers import Died, Worker, hear
from eggcarton.runtime.testing.watch import ERROR, PASSED, SKIPPED, Watch


class Remote(unittest.TestResult):
    """Keeps what happens, as Django's remote result does."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[Any, ...]] = []
        self.test_index = -1

    def __getstate__(self) -> dict[str, Any]:
        return {"events": self.events, "test_index": self.test_index}

    def startTest(self, test: unittest.TestCase) -> None:
        self.test_index += 1
        self.events.append(("startTest", self.test_index))

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.events.append(("addSuccess", self.test_index))


class Runner:
    """Runs tests in another process, as Django's remote runner does."""

    def run(self, suite: unittest.TestSuite) -> Remote:
        result = Remote()
        suite.run(result)  # type: ignore[arg-type]
        return result


class Eggs(unittest.TestCase):
    """Tests to share, which only the processes of a pool run."""

    __test__ = False

    def test_fine(self) -> None:
        pass

    @unittest.skip("no eggs today")
    def test_skipped(self) -> None:
        pass

    def test_ends(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Shared:
    """A suite that a pool runs, a test in one of its processes at a time, as Django's parallel suite does."""

    runner_class: Any = Runner
    processes = 2

    def __init__(self, *names: str) -> None:
        self.names = names

    def run(self, result: Any) -> Any:
        context = multiprocessing.get_context("fork")
        made = self.runner_class
        with context.Pool(self.processes) as pool:
            found = pool.imap_unordered(_Ran(made), self.names)
            for _ in self.names:
                while True:
                    try:
                        events = found.next(timeout=0.1)
                        break
                    except multiprocessing.TimeoutError:
                        if result.shouldStop:
                            return result
                for event, *arguments in events:
                    if event == "told":
                        result.told(*arguments)
        return result


class _Ran:
    def __init__(self, made: Any) -> None:
        self.made = made

    def __call__(self, name: str) -> list[tuple[Any, ...]]:
        events: list[tuple[Any, ...]] = self.made().run(unittest.TestSuite([Eggs(name)])).events
        return events


def outcomes(watch: Watch) -> dict[str, tuple[str, str]]:
    return {outcome.name: (outcome.kind, outcome.message) for outcome in watch.outcomes}


def test_what_comes_of_each(tmp_path: Path) -> None:
    """The first process hears of each test what came of it, and pools of the application's own count for nothing."""
    watch = Watch()
    with multiprocessing.get_context("fork").Pool(3) as other:
        other.map(abs, [1])
        suite, result = Shared("test_fine", "test_skipped"), unittest.TestResult()
        hear(suite, watch)
        suite.run(result)
    assert {"test_fine": (PASSED, ""), "test_skipped": (SKIPPED, "no eggs today")} == outcomes(watch)
    assert ([], False) == (result.errors, result.shouldStop)


def test_one_that_dies() -> None:
    """Where a process dies the run stops, the test it was at is an error, and what others have run is kept."""
    watch, result = Watch(), unittest.TestResult()
    suite = Shared("test_fine", "test_ends")
    hear(suite, watch)
    suite.run(result)
    assert {"test_fine": (PASSED, ""), "test_ends": (ERROR, totals.DIED)} == outcomes(watch)
    [(test, text)] = result.errors
    assert ("test_ends", True) == (str(test).partition(" ")[0], f"{Died.__name__}: {totals.DIED}" in text)


def test_a_run_that_is_stopped() -> None:
    """Where the suite ends by an exception, such as Ctrl-C, the watch has heard of what the processes had run."""

    class Stopped(Shared):
        def run(self, result: Any) -> Any:
            with multiprocessing.get_context("fork").Pool(1) as pool:
                pool.map(_Ran(self.runner_class), ["test_fine"])
            raise KeyboardInterrupt

    watch = Watch()
    suite = Stopped()
    hear(suite, watch)
    with pytest.raises(KeyboardInterrupt):
        suite.run(unittest.TestResult())
    assert {"test_fine": (PASSED, "")} == outcomes(watch)


def test_a_result_is_pickled_as_the_remote_one(tmp_path: Path) -> None:
    """What stands in a remote result's place has all that it has, and is pickled as it."""
    watch = Watch()
    doubled = django_workers._Doubled(Remote(), watch)
    test = Eggs("test_fine")
    doubled.startTest(test)
    doubled.addSuccess(test)
    doubled.failfast = True
    found = pickle.loads(pickle.dumps(doubled))
    assert (Remote, 0) == (type(found), found.test_index)
    assert doubled._remote.failfast


def test_one_watch_a_process(tmp_path: Path) -> None:
    """However many suites a process runs, it keeps one piece, which tells of all its tests."""
    context = multiprocessing.get_context("fork")
    with context.Pool(1) as pool:
        worker = _Made(Watch().hand_on(), str(tmp_path))
        pool.map(_Ran(worker), ["test_fine", "test_skipped"])
    [place] = tmp_path.iterdir()
    found = [(outcome.name, outcome.kind) for outcome in pieces.read(place)]
    assert [("test_fine", PASSED), ("test_skipped", SKIPPED)] == found


class _Made:
    def __init__(self, handed: Any, directory: str) -> None:
        self.handed, self.directory = handed, directory

    def __call__(self) -> Worker:
        return Worker(Runner, self.handed, self.directory)
