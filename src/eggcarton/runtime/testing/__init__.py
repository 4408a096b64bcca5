"""Runs the tests of a part, by any of the runners, measured by coverage where the part asks for it.

A plan copies this package beside the script that calls `main`; it imports nothing of eggcarton's but its neighbours.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from . import earlier, totals
from .cases import VARIABLE as CASES
from .job import Job, goes_on
from .watch import Watch

if TYPE_CHECKING:
    from .asked import Asked

_STOPPED = "the run was stopped while this test ran"


def begin(arguments: Sequence[str], *, working_directory: str, junit: str | None) -> None:
    """Do what comes before all else in the script, and before the user's own statements.

    Args:
        arguments: the command line.
        working_directory: where the script goes.
        junit: the file of the report, of which the one of an earlier run is put aside.

    Raises:
        SystemExit: there is no such directory; what is wrong has been told.
    """
    if junit and not goes_on(arguments):
        earlier.put_aside(str(junit))
    try:
        os.chdir(working_directory)
    except OSError as error:
        advice = "make it, or name another one in 'working-directory'"
        sentence = f"{working_directory} is the working directory of the tests, but: {error.strerror}; {advice}"
        raise SystemExit(say(sentence, 1)) from None


def main(arguments: Sequence[str], *, junit: str | None, **settings: Any) -> int:
    """Run the tests and return the exit status, which is the runner's.

    Args:
        arguments: the command line, for the runner.
        junit: the file of the report.
        settings: `requires`, for `requires.met`, and `services`, for `services.during`, where there are any;
            `coverage`, of which `measuring.measure` tells, where tests are measured; `cases`, a file of them;
            `django_settings`, a module, where the environment names no other one; `timeout`; and the fields of `Job`,
            with `defaults` that come before the arguments.
    """
    status = _prepared(arguments, junit=junit, **settings)
    if junit and not status and not goes_on(arguments):
        # Something else than tests was asked for, such as help.
        earlier.put_back(str(junit))
    return status


def _prepared(arguments: Sequence[str], **settings: Any) -> int:
    """Run the tests when all that they need is there."""
    asked: Asked | None = None
    if goes_on(arguments):
        # The process that started this one has seen to these, and they are still there.
        settings = {name: value for name, value in settings.items() if name not in ("requires", "services")}
    elif settings.get("coverage") is not None:
        from .asked import answered

        asked, status = answered(arguments, settings["coverage"])
        if status is not None:
            return status
    if "requires" in settings:
        from ..requires import met

        if not met(settings.pop("requires")):
            return 1
    if "services" not in settings:
        return _run(arguments, asked, **settings)
    from ..services import during

    services = settings.pop("services")
    return during(partial(_run, arguments, asked, **settings), services)


def _run(
    arguments: Sequence[str],
    asked: Asked | None,
    *,
    runner: str,
    defaults: Sequence[str],
    script: str,
    timeout: float | None,
    junit: str | None,
    cases: str | None = None,
    django_settings: str | None = None,
    coverage: Any = None,
    **fields: Any,
) -> int:
    if cases:
        os.environ[CASES] = str(cases)
    if django_settings:
        os.environ["DJANGO_SETTINGS_MODULE"] = os.environ.get("DJANGO_SETTINGS_MODULE") or django_settings
    watch = _watch(timeout, coverage)
    words = [*defaults, *(asked.arguments if asked else arguments)]
    job = Job(arguments=words, script=str(script), watch=watch, **fields)
    module = importlib.import_module(f".with_{runner.replace('.', '_')}", __name__)
    run: Callable[[], int] = partial(module.run, job)
    if asked is not None:
        run = partial(_measured, run, job, asked, coverage)
    written = None
    if junit and not goes_on(arguments):
        from .junit import Report

        try:
            written = Report(str(junit), watch)
            watch.on_opened.append(partial(earlier.drop, str(junit)))
        except OSError as error:
            return say(_unwritable(junit, error), 1)
    # A test that runs tests has totals of its own, or none.
    began, numbers = time.monotonic(), os.environ.pop(totals.VARIABLE, None)
    try:
        status = run()
    finally:
        watch.closed(_STOPPED)
        failed = _written(junit, written)
        if numbers and not watch.is_piece:
            totals.write(numbers, watch.outcomes, time.monotonic() - began)
    return status or failed


def _watch(timeout: float | None, coverage: Any) -> Watch:
    watch = Watch(timeout=timeout)
    if coverage is not None and coverage["contexts"]:
        watch.follow("contexts:begun")
    return watch


def _measured(run: Callable[[], int], *arguments: Any) -> int:
    from .measuring import measure

    return measure(run, *arguments)


def _written(path: Any, report: Any) -> int:
    try:
        if report is not None:
            report.closed()
    except OSError as error:
        return say(_unwritable(path, error), 1)
    return 0


def _unwritable(path: Any, error: OSError) -> str:
    advice = "let it be written, or name another place in 'junit'"
    return f"{path} is where the report of the tests goes, but: {error.strerror}; {advice}"


def say(sentence: str, status: int) -> int:
    """Tell what is wrong and return the exit status."""
    print(sentence, file=sys.stderr)
    return status
