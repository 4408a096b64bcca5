"""Lets the results of unittest, and of runners that build on it, tell of each test."""

from __future__ import annotations

import sys
import time
import unittest
from typing import Any

from .timeouts import FixtureTookTooLong, TookTooLong
from .watch import ERROR, FAILED, PASSED, SKIPPED, Outcome, Watch, merged

_LOADER = "unittest.loader."


def identity(test: Any) -> tuple[str, str]:
    """Return the group and the name of a test of unittest's.

    What could not be loaded is the test `collection` of the module that it is in, and what several tests share, such as
    setUpClass, has its own name.
    """
    whole = str(test.id())
    kind = f"{type(test).__module__}.{type(test).__qualname__}"
    if whole.startswith(f"{kind}.") and kind.startswith(_LOADER):
        return whole.removeprefix(f"{kind}."), "collection"
    if whole.startswith(f"{kind}."):
        return kind, whole.removeprefix(f"{kind}.")
    if whole.endswith(")") and " (" in whole:
        fixture, _, place = whole[:-1].partition(" (")
        return place, fixture
    group, _, name = whole.rpartition(".")
    return group or kind, name


def telling(result: type[unittest.TestResult], watch: Watch) -> type[Any]:
    """Return a class of results that are like those of another class, and tell a watch of each test."""
    return type(result.__name__, (Telling, result), {"watch": watch})


class Telling(unittest.TestResult):
    """Tells of each test, before a class of results in the order of bases."""

    watch: Watch

    _outcome: Outcome | None = None
    _started = 0.0

    def startTest(self, test: Any) -> None:
        """Tell that a test begins."""
        self._outcome = Outcome(*identity(test), PASSED, 0.0)
        self._started = time.perf_counter()
        self.watch.begun(self._outcome.group, self._outcome.name)
        super().startTest(test)

    def stopTest(self, test: Any) -> None:
        """Tell what came of it."""
        buffers = (getattr(self, name, None) for name in ("_stdout_buffer", "_stderr_buffer"))
        stdout, stderr = (buffer.getvalue() if buffer is not None else "" for buffer in buffers)
        super().stopTest(test)
        outcome, self._outcome = self._outcome, None
        if outcome is None:
            return
        if outcome.kind == PASSED and isinstance(sys.exc_info()[1], KeyboardInterrupt):
            # Someone stops the run; what else is known of the test is told when that ends.
            self.watch.paused()
            return
        told = Outcome(outcome.group, outcome.name, PASSED, time.perf_counter() - self._started)
        if outcome.kind != PASSED:
            told = merged(told, Outcome(*identity(test), PASSED, 0.0, stdout=stdout, stderr=stderr))
        self.watch.ended(merged(told, outcome))

    def stopTestRun(self) -> None:
        """Tell that no more tests run."""
        self.watch.left()
        super().stopTestRun()

    def addFailure(self, test: Any, err: Any) -> None:
        """Note a failure."""
        super().addFailure(test, err)
        self._tell(test, FAILED, _sentence(err), self.failures[-1][1])

    def addError(self, test: Any, err: Any) -> None:
        """Note an error; a test that takes too long has failed."""
        if isinstance(err[0], type) and issubclass(err[0], TookTooLong):
            self.addFailure(test, err)
            return
        super().addError(test, err)
        self._tell(test, ERROR, _sentence(err), self.errors[-1][1])

    def addSkip(self, test: Any, reason: str) -> None:
        """Note that a test is skipped, or a whole class."""
        super().addSkip(test, reason)
        # Only a part of the test, where a subtest is skipped.
        if not hasattr(test, "test_case"):
            self._tell(test, SKIPPED, str(reason))

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        """Note a failure that had to come."""
        super().addExpectedFailure(test, err)
        self._tell(test, SKIPPED, "expected failure")

    def addUnexpectedSuccess(self, test: Any) -> None:
        """Note that such a failure did not come."""
        super().addUnexpectedSuccess(test)
        self._tell(test, FAILED, "unexpected success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        """Note what came of a part of a test."""
        if err is not None and issubclass(err[0], TookTooLong) and sys.version_info >= (3, 11):
            # Not this subtest alone, after which the others would run, but the test has taken too long.
            # Before 3.11, what came of subtests is told only after the last one.
            raise err[1]
        super().addSubTest(test, subtest, err)
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            kept = self.failures if failed else self.errors
            sentence = f"{subtest._subDescription()} {_sentence(err)}"
            self._tell(test, FAILED if failed else ERROR, sentence, kept[-1][1])

    def _tell(self, test: Any, kind: str, message: str, details: str = "") -> None:
        if self._outcome is None:
            # Of what tests share, nothing is told but that it went wrong.
            self.watch.ended(Outcome(*identity(test), kind, 0.0, message, details))
            return
        told = Outcome(self._outcome.group, self._outcome.name, kind, 0.0, message, details)
        self._outcome = merged(self._outcome, told)

    def _setupStdout(self) -> None:
        # The suite calls this before what tests of a class or a module share.
        super()._setupStdout()  # type: ignore[misc]  # each class of results has it
        if self._outcome is None:
            self.watch.shared("what several tests share", FixtureTookTooLong)

    def _restoreStdout(self) -> None:
        if self._outcome is None:
            self.watch.over()
        super()._restoreStdout()  # type: ignore[misc]  # likewise


def _sentence(err: Any) -> str:
    kind, value, _ = err
    text = str(value)
    name = getattr(kind, "__name__", str(kind))
    return f"{name}: {text.splitlines()[0]}" if text.strip() else name
