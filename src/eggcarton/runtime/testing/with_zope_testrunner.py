"""Runs tests with zope.testrunner."""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from zope.testrunner import find
from zope.testrunner.feature import Feature
from zope.testrunner.find import StartUpFailure
from zope.testrunner.runner import Runner

from . import pieces
from .job import RESUMED, Job, goes_on
from .timeouts import TookTooLong
from .watch import ERROR, FAILED, PASSED, SKIPPED, Outcome, merged

_DIED = "subprocess for "
# Classes of zope.testrunner's that its older versions have not got.
_OF_LAYERS = ("SetUpLayerFailure", "TearDownLayerFailure")
_UNEXPECTED = "UnexpectedSuccess"


def run(job: Job) -> int:
    """Run the tests and return zope.testrunner's exit status."""
    arguments, is_resumed = list(job.arguments), goes_on(job.arguments)
    if is_resumed:
        # The defaults stand there once more.
        arguments = arguments[arguments.index(RESUMED) :]
    program = _Program(
        job,
        defaults=list(_defaults(job)),
        args=[sys.argv[0], *arguments],
        script_parts=[job.script],
        cwd=os.getcwd(),
    )
    if is_resumed:
        pieces.write(job.watch)
    with contextlib.nullcontext() if is_resumed else pieces.gathered(job.watch):
        try:
            program.run()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(bool(end.code))
        finally:
            program.tell_of_layers()
    return int(program.failed)


def _defaults(job: Job) -> Iterator[str]:
    """Give the words that come before all others."""
    for path, package, _ in job.places:
        yield from ("--package-path", path, package) if package else ("--test-path", path)
    if job.parallel:
        yield from ("-j", str(_processors()) if job.parallel == "auto" else job.parallel)
    if job.fail_fast:
        yield "--stop-on-error"


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Program(Runner):  # type: ignore[misc]  # zope.testrunner has no types
    """Tells a watch of each test, and looks for tests where the part says."""

    def __init__(self, job: Job, **named: Any) -> None:
        super().__init__(**named)
        self._job = job

    def configure(self) -> None:
        """Read the command line, and let the output and what finds tests go through ours."""
        super().configure()
        if self.options.fail:
            return
        self.options.output = _Told(self.options.output, self.options, self._job)
        finder = next(at for at, feature in enumerate(self.features) if isinstance(feature, find.Find))
        self.features.insert(finder, _Places(self, self._job))

    def tell_of_layers(self) -> None:
        """Tell of what went wrong outside of any test."""
        for test, error in self.errors:
            if type(test).__name__ in _OF_LAYERS:
                layer, _, name = str(test).removeprefix("Layer: ").rpartition(".")
                self._job.watch.ended(Outcome(layer, name, ERROR, 0.0, *_described(error)))
            elif isinstance(test, str) and test.startswith(_DIED):
                layer, message = test.removeprefix(_DIED), "the process that ran the layer ended before its tests did"
                self._job.watch.ended(Outcome(layer, "subprocess", ERROR, 0.0, message))


class _Places(Feature):  # type: ignore[misc]  # as above
    """Lets packages be named although they are imported through links, and keeps what is installed as it is."""

    def __init__(self, runner: Any, job: Job) -> None:
        super().__init__(runner)
        self._job = job

    def global_setup(self) -> None:
        """Work out what to search, just before it is searched."""
        options = self.runner.options
        if not options.list_tests:
            self._job.watch.opened()
        developed = [path for path, package, is_developed in self._job.places if is_developed and not package]
        # Where no path leads to what lies beside the packages, zc.recipe.testrunner puts one.
        sys.path += [path for path in developed if path not in sys.path]
        self._remove_stale_bytecode(options)
        if not options.package and self._job.packages:
            options.package = list(self._job.packages)
            _narrow(options)
        if options.package:
            options.test_path = list(_directories(options))
            options.package = None

    def _remove_stale_bytecode(self, options: Any) -> None:
        """Let the runner remove compiled files without a source, but not of what others installed: it may be so."""
        given, installed = options.test_path, {path for path, _, is_developed in self._job.places if not is_developed}
        options.test_path = [(path, package) for path, package in given if path not in installed]
        find.remove_stale_bytecode(options)
        options.test_path, options.keepbytecode = given, True


def _narrow(options: Any) -> None:
    """Where a module is named, look for it in its package, and take no other; the command line's -m is stronger."""
    patterns = []
    for at, name in enumerate(options.package):
        if hasattr(find.import_name(name), "__path__"):
            patterns.append(f"^{re.escape(name)}(\\.|$)")
        else:
            options.package[at] = name.rpartition(".")[0]
            patterns.append(f"^{re.escape(name)}$")
    if options.module == ["."] and any(not pattern.endswith("|$)") for pattern in patterns):
        options.module = patterns


def _directories(options: Any) -> Iterator[tuple[str, str]]:
    """Give the directories of the named packages, each with the package that its place is.

    zope.testrunner looks only where Python imports a package from; in an environment of links that is none of the
    places that are searched.
    """
    seen = set()
    for name in options.package:
        places = [os.path.abspath(path) for path in find.import_name(name).__path__]
        for path, package in [*_inside(options.test_path, name), *_prefixed(options, places, name)]:
            if os.path.realpath(path) not in seen and os.path.isdir(path):
                seen.add(os.path.realpath(path))
                yield path, package


def _inside(places: Sequence[tuple[str, str]], name: str) -> Iterator[tuple[str, str]]:
    for path, package in places:
        if not package:
            yield os.path.join(path, *name.split(".")), package
        elif f"{name}.".startswith(f"{package}."):
            yield os.path.join(path, *name[len(package) + 1 :].split(".")).rstrip(os.sep), package
        elif package.startswith(f"{name}."):
            yield path, package


def _prefixed(options: Any, places: Sequence[str], name: str) -> Iterator[tuple[str, str]]:
    """Give what zope.testrunner itself finds."""
    for path in places:
        package = next((package for prefix, package in options.prefix if f"{path}{os.sep}".startswith(prefix)), None)
        if package is None and options.auto_path:
            options.prefix.append((f"{path}{os.sep}", package := name))
        if package is not None:
            yield path, package


class _Told:
    """An output of zope.testrunner's that tells a watch of each test, and prints what it prints without."""

    def __init__(self, output: Any, options: Any, job: Job) -> None:
        self._output, self._options, self._watch = output, options, job.watch
        self._places = [os.path.realpath(path) for path, _, _ in job.places]
        self._outcome: Outcome | None = None
        self._began, self._is_over = 0.0, False
        if options.processes > 1:
            self._watch.shared_out()

    def __getattr__(self, name: str) -> Any:
        """Return what the output itself has."""
        return getattr(self._output, name)

    def import_errors(self, failures: Any) -> None:
        """Tell of modules that could not be imported, in the first process only: each one imports all."""
        for failure in failures or () if self._options.resume_layer is None else ():
            self._watch.ended(Outcome(failure.module, "collection", ERROR, 0.0, *_described(failure.exc_info)))
        self._output.import_errors(failures)

    def start_set_up(self, layer: Any, *more: Any) -> None:
        """Tell that a layer is set up, which may take any time."""
        self._watch.left()
        self._output.start_set_up(layer, *more)

    def start_tear_down(self, layer: Any, *more: Any) -> None:
        """Tell that a layer is taken down, likewise."""
        self._watch.left()
        self._output.start_tear_down(layer, *more)

    def tear_down_not_supported(self) -> None:
        """Tell that other layers are run by other processes now."""
        self._watch.shared_out()
        self._output.tear_down_not_supported()

    def start_test(self, test: Any, *more: Any, **named: Any) -> None:
        """Tell that a test begins."""
        self._end()
        group, name = _names(test, self._places)
        self._outcome, self._began, self._is_over = Outcome(group, name, PASSED, 0.0), time.perf_counter(), False
        self._watch.begun(group, name)
        self._output.start_test(test, *more, **named)

    def test_success(self, test: Any, *more: Any, **named: Any) -> None:
        """Note a failure that was expected, which is a success for the runner."""
        method = getattr(test, getattr(test, "_testMethodName", ""), None)
        if any(getattr(one, "__unittest_expecting_failure__", False) for one in (test, method)):
            self._note(SKIPPED, "expected failure")
        self._is_over = True
        self._output.test_success(test, *more, **named)

    def test_skipped(self, test: Any, reason: Any) -> None:
        """Note a test that is skipped; where that is but a part of one, it goes on."""
        if not hasattr(test, "test_case"):
            self._note(SKIPPED, str(reason))
        self._output.test_skipped(test, reason)

    def test_error(self, test: Any, seconds: float, exc_info: Any, *more: Any, **named: Any) -> None:
        """Note a test that broke, or that should not have passed."""
        if hasattr(test, "test_case") and _took_too_long(exc_info) and sys.version_info >= (3, 11):
            # Not this subtest alone, as with unittest: the others would run, and take too long as well.
            raise exc_info[1]
        if getattr(exc_info[0], "__name__", "") == _UNEXPECTED:
            self._note(FAILED, "unexpected success")
        else:
            self._note(FAILED if _took_too_long(exc_info) else ERROR, *_described(exc_info, test), **named)
        self._output.test_error(test, seconds, exc_info, *more, **named)

    def test_failure(self, test: Any, seconds: float, exc_info: Any, *more: Any, **named: Any) -> None:
        """Note a test that failed."""
        self._note(FAILED, *_described(exc_info, test), **named)
        self._output.test_failure(test, seconds, exc_info, *more, **named)

    def stop_test(self, *more: Any, **named: Any) -> None:
        """Tell that a test has ended, where anything came of it: of one that is interrupted nothing does."""
        if self._is_over:
            self._end()
        self._output.stop_test(*more, **named)

    def stop_tests(self) -> None:
        """Tell that a layer's tests have ended; a skipped test does not end with some versions of unittest."""
        self._end()
        self._watch.left()
        self._output.stop_tests()

    def _note(
        self, kind: str, message: str, details: str = "", stdout: str | None = None, stderr: str | None = None
    ) -> None:
        if self._outcome is not None:
            group, name = self._outcome.group, self._outcome.name
            told = Outcome(group, name, kind, 0.0, message, details, stdout or "", stderr or "")
            self._outcome, self._is_over = merged(self._outcome, told), True

    def _end(self) -> None:
        outcome, self._outcome = self._outcome, None
        if outcome is not None:
            took = Outcome(outcome.group, outcome.name, PASSED, time.perf_counter() - self._began)
            self._watch.ended(merged(took, outcome))


def _took_too_long(exc_info: Any) -> bool:
    return isinstance(exc_info[0], type) and issubclass(exc_info[0], TookTooLong)


def _described(exc_info: Any, test: Any = None) -> tuple[str, str]:
    """Return one line on what went wrong, and all that is known of it."""
    if not exc_info or exc_info[0] is None:
        return "", ""
    kind, error, trace = exc_info
    if isinstance(error, doctest.DocTestCase.failureException):
        lines = [line for line in str(error).splitlines() if line.strip("- ")]
        return (lines[0] if lines else ""), str(error)
    details = "".join(traceback.format_exception(kind, error, trace))
    text, of_part = str(error).strip(), getattr(test, "_subDescription", None)
    words = [of_part() if of_part else "", f"{kind.__name__}: {text.splitlines()[0]}" if text else kind.__name__]
    return " ".join(filter(None, words)), details


def _names(test: Any, places: Sequence[str]) -> tuple[str, str]:
    """Return the group and the name of a test; that of a document is its directory from where tests are searched."""
    if isinstance(test, StartUpFailure):
        return test.module, "collection"
    # The identity of a document leaves out where it lies.
    whole = str(test) if isinstance(test, doctest.DocFileCase) else str(test.id())
    if not os.path.isabs(whole):
        kind = f"{type(test).__module__}.{type(test).__qualname__}"
        if whole.startswith(f"{kind}."):
            return kind, whole.removeprefix(f"{kind}.")
        group, _, name = whole.rpartition(".")
        return group or kind, name
    # What is imported through links really lies where tests are searched.
    directory, name = os.path.split(os.path.realpath(whole))
    above = [place for place in (*places, os.getcwd()) if f"{directory}{os.sep}".startswith(f"{place}{os.sep}")]
    within = os.path.relpath(directory, max(above, key=len)) if above else os.path.basename(directory)
    return within.replace(os.sep, ".").strip("."), name
