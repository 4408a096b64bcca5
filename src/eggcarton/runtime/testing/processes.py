"""Measures one process by coverage, whatever its release: the one that runs the tests, and each Python below it.

A run writes this file, with one call of `follow` behind it, to its own directory, and the hook of the environment
(`eggcarton.runtime.startup`) runs that in each Python that starts. So it imports none of its neighbours.
"""

from __future__ import annotations

import _thread
import atexit
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

VARIABLE = "EGGCARTON_COVERAGE"
"""The environment variable that names the file that measures each process of a run."""

FILE = "measure.py"
"""How that file is called, beside what processes save; it is there as long as the run goes on."""

CONTEXT = "EGGCARTON_COVERAGE_CONTEXT"
"""The environment variable that tells the test that is going on, where lines are to be told by tests."""

UNSAVED = "unmeasured-"
"""How files are called in which a process tells why it was not measured."""

# What is untrue of one process of several, or nothing that a tested program should print.
_OF_ONE_PROCESS = ("no-data-collected", "module-not-imported", "module-not-measured", "already-imported")
# What the run itself has said of how it measures.
_SAID = ("no-sysmon", "no-ctracer")

_tracked: list[Any] = []
_saving: list[Any] = []
_told_to_end: list[int] = []


class _Nudges:
    """Wakes processes that were told to terminate.

    Python runs a handler between two of its instructions: a process that a signal meets just before it waits in C goes
    on to wait. So those that save when they are told to terminate are woken by SIGCONT, which does nothing to others
    but continue those that are stopped.

    Args:
        kill: `os.kill`.
    """

    _SECONDS = (0.005, 0.02, 0.1, 0.5, 2.0)

    def __init__(self, kill: Callable[[int, int], None]) -> None:
        self._kill = kill
        self._begin_anew()
        os.register_at_fork(before=self._stop, after_in_parent=self._go_on, after_in_child=self._begin_anew)

    def _begin_anew(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, tuple[float, ...]]] = []
        self._runs = self._is_held = False

    def forget(self) -> None:
        """Wake no process any more."""
        with self._changed:
            self._due = []
            self._changed.notify_all()

    def add(self, process: int) -> None:
        """Wake a process, or a group of them as `os.kill` has it, a few times."""
        with self._changed:
            self._due.append((time.monotonic() + self._SECONDS[0], process, self._SECONDS[1:]))
            self._begin()
            self._changed.notify()

    def _begin(self) -> None:
        if self._due and not self._runs and not self._is_held:
            self._runs = True
            try:
                # One that tests which look for threads that are left do not see.
                _thread.start_new_thread(self._run, ())
            except BaseException as error:
                self._runs = False
                # The process was told to terminate all the same where there can be no more threads.
                if not isinstance(error, RuntimeError):
                    raise

    def _run(self) -> None:
        with self._changed:
            while self._due and not self._is_held:
                left = min(self._due)[0] - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                else:
                    self._due = [later for due in self._due for later in self._woken(*due)]
            self._runs = False
            self._changed.notify_all()

    def _woken(self, when: float, process: int, left: tuple[float, ...]) -> list[tuple[float, int, tuple[float, ...]]]:
        if when > time.monotonic():
            return [(when, process, left)]
        try:
            self._kill(process, signal.SIGCONT)
        except OSError:
            return []
        return [(time.monotonic() + left[0], process, left[1:])] if left else []

    def _stop(self) -> None:
        # Of a thread that lives while a process forks, newer releases of Python warn.
        with self._changed:
            self._is_held = True
            self._changed.notify_all()
            while self._runs:
                self._changed.wait()

    def _go_on(self) -> None:
        with self._changed:
            self._is_held = False
            self._begin()


def configured(settings: Mapping[str, Any]) -> Any:
    """Return coverage as a run configures it, for any of its processes.

    What is measured is told by absolute paths, since processes work in different directories. Data is saved by
    `begin`, and not by what coverage itself would patch, of which some releases know more than others.

    Args:
        settings: `data_file`; `config_file`, the project's own one, or False; `branch source source_pkgs omit
            include`, each None for what that says; `core`, None for what that says.
    """
    from coverage import Coverage
    from coverage.exceptions import ConfigError

    names = ("data_file", "config_file", "branch", "source", "source_pkgs", "omit", "include")
    measured: Any = Coverage(data_suffix=True, **{name: settings[name] for name in names})
    concurrency = measured.get_option("run:concurrency") or []
    measured.set_option("run:concurrency", [name for name in concurrency if name != "multiprocessing"])
    measured.set_option("run:sigterm", False)
    measured.set_option("run:parallel", True)
    measured.set_option("run:relative_files", False)
    ours = {"run:patch": [], **({"run:core": settings["core"]} if settings["core"] else {})}
    for name, value in ours.items():
        # Older releases have no such option.
        with suppress(ConfigError):
            measured.set_option(name, value)
    silent = [*(measured.get_option("run:disable_warnings") or []), *_OF_ONE_PROCESS]
    measured.set_option("run:disable_warnings", silent)
    return measured


def begin(measured: Any) -> Callable[[], None]:
    """Measure this process, and those that fork off it, and return what ends that.

    Data is saved also by a process that ends by `os._exit`, as those of multiprocessing do, or becomes another
    program; and by one that forked off and is terminated, as those of a pool are.
    """
    own = {name: getattr(os, name) for name in ("_exit", "execv", "execve", "kill", "killpg") if hasattr(os, name)}
    nudges = _Nudges(os.kill) if hasattr(signal, "SIGCONT") else None

    def saving(call: Callable[..., Any]) -> Callable[..., Any]:
        def saved_first(*arguments: Any, **keywords: Any) -> Any:
            try:
                _save(measured)
            finally:
                # A forked process that is interrupted meanwhile must not go on with what its parent does.
                if call is own["_exit"]:
                    call(*arguments, **keywords)
            return call(*arguments, **keywords)

        return saved_first

    def nudging(
        call: Callable[[int, int], None], nudge: Callable[[int], None], group: int
    ) -> Callable[[int, int], None]:
        def nudged_after(process: int, number: int) -> None:
            call(process, number)
            if number == signal.SIGTERM:
                nudge(group * process)

        return nudged_after

    def end() -> None:
        for name, call in own.items():
            setattr(os, name, call)
        if nudges:
            nudges.forget()
        _tracked.remove(measured)
        measured.stop()

    measured.start()
    _tracked.append(measured)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _forked(measured))
    for name in ("_exit", "execv", "execve"):
        setattr(os, name, saving(own[name]))
    if nudges:
        os.kill, os.killpg = nudging(os.kill, nudges.add, 1), nudging(os.killpg, nudges.add, -1)
    return end


def _forked(measured: Any) -> None:
    if measured in _tracked:
        _save_when_terminated(measured)


def _save_when_terminated(measured: Any) -> None:
    """Save when the process is told to terminate, where the program does nothing of its own about that."""

    def terminated(number: int, frame: object) -> None:
        _told_to_end.append(os.getpid())
        # A worker of a pool may be at its end already, and be saving.
        if not _saving:
            _save(measured)

    # Only the main thread may say so; a fork makes the thread that forked the main one.
    with suppress(ValueError):
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, terminated)
            if signal.getsignal(signal.SIGCONT) is signal.SIG_DFL:
                # Without a handler that would wake nothing.
                signal.signal(signal.SIGCONT, lambda number, frame: None)


def _save(measured: Any) -> None:
    """Save what is known up to now; the process goes its way, whether that works or not."""
    _saving.append(measured)
    try:
        with suppress(Exception):
            directory = os.path.dirname(measured.get_option("run:data_file"))
            if os.path.exists(os.path.join(directory, FILE)):
                measured.save()
            else:
                # The run is over; coverage made its directory again, where this process began just then.
                os.rmdir(directory)
    finally:
        _saving.pop()
    if os.getpid() in _told_to_end:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


def follow(settings: Mapping[str, Any]) -> None:
    """Measure a process that a measured one has started; its own output stays what it is.

    One whose environment has no coverage is left alone.
    """
    try:
        from coverage import Coverage
    except ImportError:
        return
    if Coverage.current() is not None:
        return
    try:
        measured = configured(settings)
        measured.set_option("run:disable_warnings", [*measured.get_option("run:disable_warnings"), *_SAID])
        context = os.environ.get(CONTEXT)
        if context:
            measured.set_option("run:context", context)
        end = begin(measured)
    except Exception as error:
        directory = os.path.dirname(settings["data_file"])
        with suppress(OSError), open(os.path.join(directory, f"{UNSAVED}{os.getpid()}"), "w") as stream:
            stream.write(f"{type(error).__name__}: {error}")
        return

    def at_exit() -> None:
        with suppress(Exception):
            end()
            _save(measured)

    atexit.register(at_exit)
    _save_when_terminated(measured)
