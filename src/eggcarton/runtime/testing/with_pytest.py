"""Runs tests with pytest."""

from __future__ import annotations

from typing import Any

import pytest

from .job import Job
from .watch import ERROR, FAILED, PASSED, SKIPPED, Outcome


def run(job: Job) -> int:
    """Run the tests and return pytest's exit status."""
    words = [*(["--pyargs"] if job.packages else []), *(["--exitfirst"] if job.fail_fast else [])]
    words += ["--numprocesses", job.parallel] if job.parallel else []
    return int(pytest.main([*words, *job.arguments], plugins=[_Plugin(job)]))


class _Plugin:
    """Chooses what is tested, and tells of each test."""

    def __init__(self, job: Job) -> None:
        self._job = job

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: Any) -> None:
        """Test the packages when the command line, as pytest itself reads it, names nothing to test."""
        if self._job.packages and not config.option.file_or_dir:
            config.args[:] = self._job.packages

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Tell what came of a test: of its call, or of what is set up before and taken down after, where that broke."""
        if report.when != "call" and report.passed:
            return
        kind = FAILED if report.failed else SKIPPED if report.skipped else PASSED
        path, _, name = report.nodeid.partition("::")
        *within, name = name.split("::")
        group = ".".join([path.removesuffix(".py").replace("/", "."), *within])
        broke = ERROR if report.failed and report.when != "call" else kind
        self._job.watch.ended(Outcome(group, name, broke, report.duration, "", report.longreprtext))
