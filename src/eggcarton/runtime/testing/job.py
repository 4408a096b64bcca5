"""What a runner is asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .watch import Watch

RESUMED = "--resume-layer"
"""What zope.testrunner starts the script with once more, for a layer in a process of its own."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of tests.

    Args:
        arguments: the command line; what it names to test takes the place of `packages`.
        packages: dotted names of what is tested otherwise.
        parallel: a number of processes, `auto`, or None for one.
        fail_fast: whether the first failure ends the run.
        script: the script that runs, whose first statements set up a process.
        watch: is told of each test.
        places: where zope.testrunner looks for tests: directories, each with the dotted name of the package that it is,
            or nothing, and with whether it is the source of a develop package.
    """

    arguments: Sequence[str]
    packages: Sequence[str]
    parallel: str | None
    fail_fast: bool
    script: str
    watch: Watch
    places: Sequence[tuple[str, str, bool]] = ()


def goes_on(arguments: Sequence[str]) -> bool:
    """Tell whether a command line is that of a process that goes on with the tests of another one.

    What is done once a run was done there: services are up, and reports are written when that one ends.
    """
    return RESUMED in arguments
