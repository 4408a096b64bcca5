"""What the runner adds to pytest, in its first process and in the workers of pytest-xdist."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .timeouts import TookTooLong
from .watch import ERROR, FAILED, PASSED, SKIPPED, Outcome, Watch, merged

SCRIPT = "EGGCARTON_TEST_SCRIPT"
"""Names the script that runs the tests to the workers."""


class Plugin:
    """Chooses what is tested, tells of each test, and limits its time.

    Args:
        packages: what is tested where the command line names nothing.
        watch: is told.
    """

    def __init__(self, packages: Sequence[str], watch: Watch) -> None:
        self._packages, self._watch = list(packages), watch
        self._found: dict[str, list[Any]] = {}
        self._identified: tuple[Any, tuple[str, str]] = (None, ("", ""))
        self._uncollected: set[str] = set()
        self._root, self._is_run, self._has_enough = Path(), False, False

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: Any) -> None:
        """Test the packages when the command line, as pytest itself reads it, names nothing to test."""
        # pytest 9.2 reads no further than --help.
        if self._packages and not getattr(config.option, "file_or_dir", None):
            config.args[:] = self._packages

    def pytest_configure(self, config: Any) -> None:
        """Know what paths are relative to."""
        self._root = Path(config.rootpath)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: Any) -> None:
        """Tell that tests are going to run, unless only their names are asked for."""
        self._is_run = not session.config.option.collectonly
        if self._is_run:
            self._watch.opened()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist what it needs to do the same."""
        node.workerinput["eggcarton"] = {"packages": self._packages, "watch": self._watch.hand_on()}
        self._watch.shared_out()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Generator[None, Any, None]:
        """Watch a test from the first fixture that is made for it to the last that is taken down."""
        self._identified = item, _identity(item)
        self._watch.begun(*self._identified[1])
        result = yield
        if getattr(result, "excinfo", None):
            # Someone has stopped the run.
            self._watch.paused()
        else:
            self._watch.over()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Generator[None, Any, None]:
        """Note in the report what only this process knows of the test; workers send it along."""
        report = (yield).get_result()
        known, identity = self._identified
        report.eggcarton_group, report.eggcarton_name = identity if known is item else _identity(item)
        report.eggcarton_error = _is_error(item, call)

    @pytest.hookimpl(trylast=True)
    def pytest_exception_interact(self, call: Any, report: Any) -> None:
        """Let no subtest keep for itself that the test has taken too long; others would run after it."""
        self._watch.resumed()
        if hasattr(report, "context") and call.excinfo.errisinstance(TookTooLong):
            raise call.excinfo.value

    def pytest_enter_pdb(self) -> None:
        """Let whoever debugs take any time."""
        self._watch.paused()

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Put together what came of a test, of what is set up before and of what is taken down after it."""
        if report.outcome == "rerun":
            self._found.pop(report.nodeid, None)
            return
        reports = self._found.setdefault(report.nodeid, [])
        reports.append(report)
        if report.when in ("setup", "call"):
            return
        del self._found[report.nodeid]
        outcome = self._outcome(reports)
        if outcome.kind != PASSED:
            # The last report has all that was written since the first.
            outcome = replace(outcome, stdout=report.capstdout, stderr=report.capstderr)
        self._watch.ended(outcome)

    def pytest_collectreport(self, report: Any) -> None:
        """Tell of what could not be collected, and of modules that are skipped as a whole."""
        if not self._is_run:
            return
        group = _module_of(report.nodeid, self._root)
        # Each worker tells of it.
        if not report.passed and group not in self._uncollected:
            self._uncollected.add(group)
            kind = ERROR if report.failed else SKIPPED
            self._watch.ended(Outcome(group, "collection", kind, 0.0, _message(report), _details(report)))

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Know whether the run has stopped by itself, after as many failures as it should."""
        self._has_enough = excinfo.errisinstance(pytest.Session.Interrupted)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Tell of tests of which something is known, although they were not taken down."""
        self._watch.left()
        if self._has_enough or exitstatus not in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR):
            self._watch.gathered()
        for reports in self._found.values():
            outcome = self._outcome(reports)
            if outcome.kind != PASSED:
                self._watch.ended(outcome)
        self._found.clear()

    def _outcome(self, reports: Sequence[Any]) -> Outcome:
        return reduce(merged, (_told(report, self._root) for report in reports))


def _identity(item: Any) -> tuple[str, str]:
    """Return the group and the name that unittest would give the same test."""
    name = getattr(getattr(item, "module", None), "__name__", None)
    # Not the class that Python has: one inside of another is inherited with that.
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    return ".".join([name or _module_of(item.nodeid, Path(item.config.rootpath)), *classes]), item.name


def _is_error(item: Any, call: Any) -> bool:
    """Tell whether a test has raised something else than what says that it failed."""
    if call.excinfo is None or not isinstance(item, pytest.Function):
        return False
    expected = getattr(item.cls, "failureException", AssertionError)
    return not call.excinfo.errisinstance((AssertionError, pytest.fail.Exception, TookTooLong, expected))


def _module_of(nodeid: Any, root: Path) -> str:
    """Return the name by which a file is imported: from the directory above its outermost package."""
    path = root / str(nodeid).partition("::")[0]
    names = [path.stem] if path.stem != "__init__" else []
    while (path.parent / "__init__.py").is_file():
        path = path.parent
        names.insert(0, path.name)
    return ".".join(names) or path.name


def _told(report: Any, root: Path) -> Outcome:
    kind = FAILED if report.failed else SKIPPED if report.skipped else PASSED
    if report.failed and (report.when != "call" or getattr(report, "eggcarton_error", False)):
        kind = ERROR
    group, name = getattr(report, "eggcarton_group", None), getattr(report, "eggcarton_name", None)
    if group is None or name is None:
        # Of a worker that has died there is only this.
        *within, name = str(report.nodeid).split("::")
        group = ".".join([_module_of(report.nodeid, root), *within[1:]])
    if hasattr(report, "context") and kind == SKIPPED:
        # Only a part of the test.
        return Outcome(group, name, PASSED, 0.0)
    if kind == PASSED:
        return Outcome(group, name, kind, report.duration)
    return Outcome(group, name, kind, report.duration, _message(report), _details(report))


def _message(report: Any) -> str:
    if hasattr(report, "wasxfail"):
        reason = str(report.wasxfail).removeprefix("reason: ")
        return f"expected failure: {reason}" if reason else "expected failure"
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr or "").strip()
    return text.splitlines()[0] if text else ""


def _details(report: Any) -> str:
    return "" if isinstance(report.longrepr, tuple) else str(report.longreprtext)


def fixture_of(cases: Sequence[Any]) -> object:
    """Return a plug-in with the fixture `case`, by which a test runs once for each case."""

    @pytest.fixture(scope="session", params=cases, ids=[case.name for case in cases])
    def case(request: Any) -> Any:
        """One of the cases that the part names."""
        return request.param

    # A module, since pytest warns of fixtures of a whole session that are methods.
    plugin = ModuleType("eggcarton_cases")
    vars(plugin)["case"] = case
    return plugin


def registered(register: Callable[[object], object], plugin: Plugin, cases: Sequence[Any]) -> None:
    """Register all that is added."""
    register(plugin)
    if cases:
        register(fixture_of(cases))
