"""Runs tests with unittest."""

from __future__ import annotations

import fnmatch
import importlib.util
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
    places = _places(name)
    if not places:
        # Where there is no such module, the loader makes a test of that, which fails.
        return loader.loadTestsFromName(name)
    suite = unittest.TestSuite()
    for place in places:
        if os.path.isfile(os.path.join(place, "__init__.py")):
            suite.addTests(loader.discover(place, pattern, _above(place, name)))
        else:
            suite.addTests(discovered(loader, f"{name}.{inside}", pattern) for inside in _inside(place, pattern))
    return suite


def _places(name: str) -> list[str]:
    """Return the directories of a package."""
    try:
        found = importlib.util.find_spec(name)
    except ImportError:
        return []
    return list(found.submodule_search_locations or ()) if found else []


def _above(place: str, name: str) -> str:
    for _ in name.split("."):
        place = os.path.dirname(place)
    return place


def _inside(place: str, pattern: str) -> list[str]:
    """Return the names that count in a package without a file of its own, where discovery itself does not begin."""
    found = []
    for entry in sorted(os.listdir(place)):
        stem, end = os.path.splitext(entry)
        is_package = os.path.isfile(os.path.join(place, entry, "__init__.py"))
        if entry.isidentifier() and is_package:
            found.append(entry)
        elif end == ".py" and stem.isidentifier() and fnmatch.fnmatch(entry, pattern):
            found.append(stem)
    return found
