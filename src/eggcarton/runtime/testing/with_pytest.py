"""Runs tests with pytest."""

from __future__ import annotations

import os

import pytest

from .cases import told
from .job import Job
from .pytest_plugin import SCRIPT, Plugin, registered

_WITH_DEBUGGER = ("--pdb", "--trace")


def run(job: Job) -> int:
    """Run the tests and return pytest's exit status."""
    words = [*(["--pyargs"] if job.packages else []), *(["--exitfirst"] if job.fail_fast else [])]
    if job.parallel and not any(word in _WITH_DEBUGGER for word in job.arguments):
        # What comes later on the command line wins over this.
        words += ["--numprocesses", job.parallel]
    # Workers load this by its name, also where -n of the command line asks for them.
    words += ["-p", f"{__package__}.in_worker"]
    os.environ[SCRIPT] = job.script
    plugins: list[object] = []
    registered(plugins.append, Plugin(job.packages, job.watch), told())
    return int(pytest.main([*words, *job.arguments], plugins=plugins))
