"""Runs tests as `manage.py test` does, with the runner that the settings name."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from django.core.management import ManagementUtility

from . import django_workers, say
from .job import Job
from .results import telling
from .watch import ERROR, Outcome, Watch

_MODULE = "DJANGO_SETTINGS_MODULE"


def run(job: Job) -> int:
    """Run the tests and return the exit status that `manage.py test` has.

    As with manage.py, the modules of its directory, which is the working directory, come before all others.
    """
    if sys.path[:1] != [os.getcwd()]:
        sys.path.insert(0, os.getcwd())
    # With a debugger there is one process; Django says so where the command line has both.
    parallel = None if "--pdb" in job.arguments else job.parallel
    words = [*(["--parallel", parallel] if parallel else []), *(["--failfast"] if job.fail_fast else [])]
    try:
        _Utility(["django-admin", "test", *words, *job.arguments], job).execute()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except Exception as error:
        # Of the settings, an application, a migration or a system check: what Django lets through around the tests.
        traceback.print_exc()
        line = traceback.format_exception_only(error)[-1].strip()
        job.watch.ended(Outcome("django", "test", ERROR, 0.0, line, traceback.format_exc()))
        return 1
    return 0


class _Utility(ManagementUtility):  # type: ignore[misc]  # it has no types
    """Finds the command `test`, which may be an application's own, and lets it find no runner but heard ones."""

    def __init__(self, words: list[str], job: Job) -> None:
        super().__init__(words)
        self._job = job

    def fetch_command(self, subcommand: str) -> Any:
        """Return the command; by now the applications are set up, or there are no settings."""
        if self.settings_exception is not None:
            _tell(self.settings_exception)
        from django.core.management.commands import test
        from django.test import utils

        get_runner = utils.get_runner

        def made() -> None:
            # Tests may run tests themselves, which are no business of ours.
            utils.get_runner = test.get_runner = get_runner

        def heard(*arguments: Any) -> _Runner:
            return _Runner(get_runner(*arguments), self._job, made)

        utils.get_runner = test.get_runner = heard
        return super().fetch_command(subcommand)


def _tell(error: Exception) -> None:
    """Say which settings there are not; what is wrong inside of them, their own traceback tells."""
    module = os.environ.get(_MODULE)
    if not module:
        sentence = f"Django's settings are not named: say settings = MODULE in the part, or set {_MODULE}"
        raise SystemExit(say(sentence, 1))
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and f"{module}.".startswith(f"{missing}."):
        sentence = f"Django's settings are {module}, but there is no module {missing} in {os.getcwd()} or in the eggs"
        raise SystemExit(say(sentence, 1))
    raise error


class _Runner:
    """Stands for the class of a runner; what that makes, it makes, and hears its tests."""

    def __init__(self, runner: Any, job: Job, made: Callable[[], None]) -> None:
        self._runner, self._job, self._made = runner, job, made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Make a runner that tests the packages where no label is given."""
        made, watch = self._runner(*arguments, **options), self._job.watch
        self._made()
        run_tests = made.run_tests

        def labelled(labels: Any = (), *more: Any, **others: Any) -> Any:
            watch.opened()
            return run_tests(labels or tuple(self._job.packages), *more, **others)

        made.run_tests = labelled
        if hasattr(made, "run_suite"):
            made.run_suite = functools.partial(_run_suite, made.run_suite, watch)
        elif watch.timeout is not None or watch.on_ended:
            name = f"{type(made).__module__}.{type(made).__qualname__}"
            say(f"{name} has no run_suite, as Django's runners do: of its tests nothing is known but the exit code", 0)
        return made


def _run_suite(run_suite: Callable[..., Any], watch: Watch, suite: Any, *more: Any, **others: Any) -> Any:
    hear = django_workers.hear if hasattr(suite, "runner_class") else _hear
    hear(suite, watch)
    return run_suite(suite, *more, **others)


def _hear(suite: Any, watch: Watch) -> None:
    """Let a watch hear of the tests of a suite, whatever result that is run with."""
    run = suite.run

    def heard(result: Any, *more: Any, **others: Any) -> Any:
        result.__class__ = telling(type(result), watch)
        return run(result, *more, **others)

    suite.run = heard
