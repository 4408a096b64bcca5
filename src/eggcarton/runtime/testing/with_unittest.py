"""Runs tests with unittest."""

from __future__ import annotations

import importlib
import os
import sys
import unittest
from typing import Any

from .job import Job
from .results import telling


def run(job: Job) -> int:
    """Run the tests and return the exit status that `python -m unittest` has."""
    words = list(job.arguments)
    if job.fail_fast:
        # Only as its first word `discover` is what it should be.
        words.insert(1 if words[:1] == ["discover"] else 0, "--failfast")
    # As `python -m` does.
    sys.path.insert(0, os.getcwd())
    try:
        _program(job)(module=None, argv=[os.path.basename(sys.argv[0]), *words], testRunner=_runner(job))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0


def _runner(job: Job) -> type[unittest.TextTestRunner]:
    class Runner(unittest.TextTestRunner):
        """Has its results told."""

        resultclass = telling(unittest.TextTestResult, job.watch)

    return Runner


def _program(job: Job) -> type[unittest.TestProgram]:
    class Program(unittest.TestProgram):
        """Discovers tests in the packages, where nothing else is named."""

        start: str
        top: str | None
        testLoader: Any
        pattern: str

        def createTests(self, from_discovery: bool = False, Loader: Any = None) -> None:
            job.watch.opened()
            if not self._of_packages(from_discovery):
                super().createTests(from_discovery, Loader)

        def _of_packages(self, from_discovery: bool) -> bool:
            if not from_discovery or not job.packages or self.start != "." or self.top is not None:
                return False
            loader = self.testLoader
            if self.testNamePatterns:
                loader.testNamePatterns = self.testNamePatterns
            self.test = unittest.TestSuite(discovered(loader, name, self.pattern) for name in job.packages)
            return True

    return Program


def discovered(loader: unittest.TestLoader, name: str, pattern: str) -> unittest.TestSuite:
    """Return the tests of a module, or of all modules below a package.

    Args:
        pattern: of the names of modules.
    """
    try:
        module = importlib.import_module(name)
    except Exception:
        # The loader makes a test of this that fails.
        return loader.loadTestsFromName(name)
    places = getattr(module, "__path__", None)
    if places is None:
        return loader.loadTestsFromModule(module)
    suite = unittest.TestSuite()
    for place in places:
        top = place
        for _ in name.split("."):
            top = os.path.dirname(top)
        suite.addTests(loader.discover(place, pattern, top))
    return suite
