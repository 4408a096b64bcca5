"""Runs tests with unittest."""

from __future__ import annotations

import time
import unittest
from typing import Any

from .job import Job
from .watch import ERROR, FAILED, PASSED, SKIPPED, Outcome, Watch


def run(job: Job) -> int:
    """Run the tests and return the exit status that `python -m unittest` has."""
    words = [*(["--failfast"] if job.fail_fast else []), *job.arguments]
    named = any(not word.startswith("-") for word in words)
    words += [] if named else job.packages
    runner = unittest.TextTestRunner
    try:
        unittest.main(module=None, argv=["unittest", *words], testRunner=_of(runner, job.watch))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0


def _of(runner: type[unittest.TextTestRunner], watch: Watch) -> type[unittest.TextTestRunner]:
    class Told(unittest.TextTestResult):
        """Tells of each test."""

        def startTest(self, test: Any) -> None:
            self._began, self._kind, self._details = time.perf_counter(), PASSED, ""
            super().startTest(test)

        def addFailure(self, test: Any, err: Any) -> None:
            super().addFailure(test, err)
            self._kind, self._details = FAILED, self.failures[-1][1]

        def addError(self, test: Any, err: Any) -> None:
            super().addError(test, err)
            self._kind, self._details = ERROR, self.errors[-1][1]

        def addSkip(self, test: Any, reason: str) -> None:
            super().addSkip(test, reason)
            self._kind, self._details = SKIPPED, reason

        def stopTest(self, test: Any) -> None:
            super().stopTest(test)
            group, _, name = test.id().rpartition(".")
            watch.ended(Outcome(group, name, self._kind, time.perf_counter() - self._began, "", self._details))

    class Runner(runner):  # type: ignore[misc, valid-type]  # mypy does not follow a class that is a value
        """Has its results told."""

        resultclass = Told

    return Runner
