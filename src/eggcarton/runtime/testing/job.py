"""What a runner is asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .watch import Watch


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
    """

    arguments: Sequence[str]
    packages: Sequence[str]
    parallel: str | None
    fail_fast: bool
    script: str
    watch: Watch
