"""Runs tests under coverage, in however many processes, and writes the reports."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import changed, history, processes, say
from .asked import Asked
from .job import Job
from .reports import Reports, is_report
from .run_directory import Busy, held
from .staging import recover

# By these coverage itself would measure processes, into a place that is not ours.
_OTHERS = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


def measure(run: Callable[[], int], job: Job, asked: Asked, settings: Mapping[str, Any]) -> int:
    """Run tests under coverage, and return their exit status, or 2 where less is covered than it should be.

    What the last run measured does not count. The project's own coverage configuration counts for what the settings do
    not say, such as lines to exclude. Where a runner starts the script anew, for some of the tests, these only run.

    Args:
        run: runs the tests and returns their exit status.
        job: what it was told.
        asked: what the command line says beside that.
        settings: `source omit include outside branch fail_under report contexts diff diff_fail_under directory
            html_directory`, where `outside` are directories of which nothing is measured.
    """
    from coverage.exceptions import ConfigError

    directory, html = Path(settings["directory"]), Path(os.path.realpath(settings["html_directory"]))
    if os.path.realpath(directory) in _directories_of_runs():
        return run()
    try:
        revision = asked.diff or settings["diff"]
        changes = changed.since(revision) if revision else None
        owner = os.getpid()
        with held(directory) as place:
            if "html" in settings["report"]:
                recover(html)
                if html.exists() and not is_report(html):
                    return say(f"{html} holds something else than a coverage report: choose another html-directory", 1)
            resolved = _resolved(settings, place)
            status = _run(run, resolved, contexts=settings["contexts"])
            if os.getpid() != owner:
                return status
            _tell_of_unmeasured(place)
            reports = Reports(settings, resolved, changes, html)
            with _told():
                found = reports.make(lambda total: _keep(directory, asked, job, status, total))
    except changed.Unknown as error:
        return say(f"{error}", 1)
    except ConfigError as error:
        return say(f"the configuration of coverage is wrong: {' '.join(str(error).split())}", 1)
    except Busy as error:
        return say(f"{error}: wait for its end", 1)
    except _Broken as error:
        raise error.why from None
    except OSError as error:
        return say(f"{error.filename or directory} cannot be written for what is measured: {error.strerror}", 1)
    return status or found


def _directories_of_runs() -> set[str]:
    """Return the directory of the part whose run this process belongs to, if any."""
    file = os.environ.get(processes.VARIABLE)
    return {os.path.realpath(Path(file).parent.parent)} if file and os.path.exists(file) else set()


def _resolved(settings: Mapping[str, Any], place: Path) -> dict[str, Any]:
    """Return what `processes.configured` takes: the settings, and for what they leave out the project's own."""
    from coverage import Coverage
    from coverage.exceptions import ConfigError

    own = Coverage(data_file=str(place / "data"))

    def option(name: str) -> Any:
        try:
            return own.get_option(name)
        except ConfigError:
            return None

    source = list(settings["source"] or option("run:source") or ())
    # A package that is a directory here is measured as that, as coverage has it.
    directories = [os.path.abspath(word) for word in source if os.path.isdir(word)]
    names = [word for word in source if not os.path.isdir(word)]
    if not settings["source"]:
        names += option("run:source_pkgs") or ()
        directories += map(os.path.abspath, option("run:source_dirs") or ())
    include = [] if directories or names else list(settings["include"] or option("run:include") or ())
    # Whoever names an installed package, and nothing else, wants to know of that.
    outside = [] if names and not directories else _outside(settings["outside"])
    return {
        "data_file": str(place / "data"),
        "config_file": getattr(own.config, "config_file", None) or False,
        "branch": settings["branch"],
        "source": directories,
        "source_pkgs": names,
        "omit": [*map(_absolute, settings["omit"] or option("run:omit") or ()), *outside],
        "include": [_absolute(pattern) for pattern in include],
        # What counts the tests that run a line has to hear of it each time.
        "core": "ctrace" if settings["contexts"] else None,
        "report_omit": [*(settings["omit"] or option("report:omit") or ()), *outside],
        "report_include": list(settings["include"] or option("report:include") or ()),
    }


def _absolute(pattern: str) -> str:
    return pattern if pattern.startswith(("*", "?")) else os.path.abspath(pattern)


def _outside(directories: list[str]) -> list[str]:
    """Return patterns of files that are not measured.

    Installed distributions are linked into the environment, and coverage reports where they really lie, so that their
    real paths count.
    """
    places = {place for path in directories for place in (path, os.path.realpath(path))}
    return [f"{place}/*" for place in sorted(places)]


class _Broken(Exception):
    """The tests themselves could not be run.

    Args:
        why: what was raised.
    """

    def __init__(self, why: OSError) -> None:
        super().__init__(why)
        self.why = why


def _run(run: Callable[[], int], resolved: Mapping[str, Any], *, contexts: bool) -> int:
    from coverage.exceptions import ConfigError

    measured = processes.configured(resolved)
    with _handed_on(resolved, contexts=contexts):
        try:
            end = processes.begin(measured)
        except ImportError as error:
            raise ConfigError(f"of its plugins, {error.name} is not there") from error
        try:
            return run()
        except OSError as error:
            raise _Broken(error) from error
        finally:
            end()
            with _told():
                measured.save()


@contextmanager
def _told() -> Iterator[None]:
    """Let what the database of coverage cannot write, as on a full disk, be told as what else cannot be written.

    Raises:
        OSError: it cannot be written.
    """
    import sqlite3

    from coverage.exceptions import DataError

    try:
        yield
    except (sqlite3.Error, DataError) as error:
        raise OSError(errno.EIO, str(error)) from error


@contextmanager
def _handed_on(resolved: Mapping[str, Any], *, contexts: bool) -> Iterator[None]:
    """Have the processes that the tests start measured too."""
    from coverage import Coverage

    outer = Coverage.current()
    if outer is not None:
        # What measures this script itself: two do not work in one process.
        outer.stop()
    file = Path(resolved["data_file"]).with_name(processes.FILE)
    program = Path(processes.__file__).read_text("utf-8")
    file.write_text(f"{program}\n\nfollow({dict(resolved)!r})\n", "utf-8")
    changes = {processes.VARIABLE: str(file), **({processes.CONTEXT: ""} if contexts else {})}
    before = {name: os.environ.pop(name, None) for name in (*changes, *_OTHERS)}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _tell_of_unmeasured(place: Path) -> None:
    reasons = [path.read_text("utf-8") for path in sorted(place.glob(f"{processes.UNSAVED}*"))]
    if reasons:
        print(f"{len(reasons)} of the processes could not be measured: {reasons[0]}", file=sys.stderr)


def _keep(directory: Path, asked: Asked, job: Job, status: int, total: Mapping[str, Any]) -> Path | None:
    """Add the run to the history of the part, and return the file of that."""
    # A failed test leaves no other out, unless the first one ends the run; another status tells that tests are missing.
    is_cut = job.watch.is_shared or job.watch.is_cut
    is_whole = asked.is_whole and not is_cut and (status == 0 or (status == 1 and not job.fail_fast))
    run = {**total, "tests": len(job.watch.outcomes), "status": status, "whole": is_whole}
    file = history.path(directory)
    try:
        history.append(file, run)
    except OSError as error:
        say(f"{file} cannot be written, so that this run is not in the history: {error.strerror}", 0)
    return file
