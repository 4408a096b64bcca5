"""Runs the tests of a part, by any of the runners, measured by coverage where the part asks for it.

A plan copies this package beside the script that calls `main`; it imports nothing of eggcarton's but its neighbours.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from .job import Job
from .watch import Watch


def main(arguments: Sequence[str], **settings: Any) -> int:
    """Run the tests and return the exit status, which is the runner's.

    Args:
        arguments: the command line, for the runner.
        settings: `working_directory`; `coverage`, of which `measuring.measure` tells, where tests are measured; and the
            fields of `Job`, with `defaults` that come before the arguments.
    """
    working_directory, coverage = settings.pop("working_directory"), settings.pop("coverage", None)
    try:
        os.chdir(working_directory)
    except OSError as error:
        return say(f"{working_directory} is the working directory of the tests, but: {error.strerror}", 1)
    runner, junit = settings.pop("runner"), settings.pop("junit")
    watch = Watch(timeout=settings.pop("timeout"))
    job = Job(arguments=[*settings.pop("defaults"), *arguments], watch=watch, **settings)
    module = importlib.import_module(f".with_{runner.replace('.', '_')}", __name__)
    if coverage is None:
        status: int = module.run(job)
    else:
        from .measuring import measure

        status = measure(lambda: module.run(job), coverage)
    if junit:
        from .junit import write

        write(junit, watch.outcomes)
    return status


def say(sentence: str, status: int) -> int:
    """Tell what is wrong and return the exit status."""
    print(sentence, file=sys.stderr)
    return status
