"""Runs the tests of a part with pytest, measured by coverage where the part asks for it.

This file stands alone: a plan copies it beside the script that calls `main`.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_MISSED = 2


def main(
    arguments: Sequence[str],
    *,
    packages: Sequence[str],
    defaults: Sequence[str],
    working_directory: str,
    coverage: Mapping[str, Any] | None = None,
) -> int:
    """Run the tests and return the exit status.

    Args:
        arguments: the command line; test paths in it take the place of `packages`.
        packages: dotted names of what is tested otherwise.
        defaults: arguments that come before those of the command line.
        working_directory: where the tests run.
        coverage: `source omit outside branch fail_under report data_file html_directory xml_file json_file`,
            where `outside` are directories of which nothing is measured;
            None where nothing is measured.
    """
    try:
        os.chdir(working_directory)
    except OSError as error:
        return _say(f"{working_directory} is the working directory of the tests, but: {error.strerror}", 1)
    command_line = [*defaults, *arguments]
    return run(command_line, packages) if coverage is None else measure(command_line, packages, coverage)


def run(command_line: Sequence[str], packages: Sequence[str]) -> int:
    """Run pytest, and return its exit status."""
    import pytest

    class ChosenPackages:
        """Tests the packages when the command line, as pytest itself reads it, names nothing to test."""

        @pytest.hookimpl(tryfirst=True)
        def pytest_cmdline_main(self, config: Any) -> None:
            if packages and not config.option.file_or_dir:
                config.args[:] = packages

    by_name = ["--pyargs"] if packages else []
    return int(pytest.main([*by_name, *command_line], plugins=[ChosenPackages()]))


def measure(command_line: Sequence[str], packages: Sequence[str], settings: Mapping[str, Any]) -> int:
    """Run pytest under coverage, and return its exit status, or 2 where less is covered than it should be.

    What the last run measured is erased first. The project's own coverage configuration counts
    for what the settings do not say, such as lines to exclude.
    """
    from coverage import Coverage

    html = Path(os.path.realpath(settings["html_directory"]))
    if "html" in settings["report"]:
        _recover(html)
        if html.exists() and not _is_report(html):
            return _say(f"{html} holds something else than a coverage report: choose another html-directory", 1)
    os.makedirs(os.path.dirname(settings["data_file"]), exist_ok=True)
    measured = Coverage(
        data_file=settings["data_file"],
        branch=settings["branch"],
        source=settings["source"] or None,
        omit=_omissions(settings["omit"], settings["outside"]),
    )
    measured.erase()
    measured.start()
    try:
        status = run(command_line, packages)
    finally:
        measured.stop()
        measured.save()
    if measured.get_option("run:parallel"):
        measured.combine()
    found = _report(measured, settings, html)
    return status or found


def _omissions(omit: Sequence[str], outside: Sequence[str]) -> list[str]:
    """Return patterns of files that are not measured.

    Installed distributions are linked into the environment, and coverage reports where they
    really lie, so that their real paths count.
    """
    places = {place for path in outside for place in (path, os.path.realpath(path))}
    return [*omit, *(f"{place}/*" for place in sorted(places))]


def _report(measured: Any, settings: Mapping[str, Any], html: Path) -> int:
    from coverage.exceptions import CoverageException

    kinds, threshold = settings["report"], settings["fail_under"]
    try:
        # The total comes with this report only, wanted or not; the threshold is compared here.
        total = measured.report(file=sys.stdout if "term" in kinds else io.StringIO())
        if "html" in kinds:
            _write_html(measured, html)
            print(f"coverage report: {html / 'index.html'}")
        if "xml" in kinds:
            os.makedirs(os.path.dirname(settings["xml_file"]), exist_ok=True)
            measured.xml_report(outfile=settings["xml_file"])
            print(f"coverage report: {settings['xml_file']}")
        if "json" in kinds:
            os.makedirs(os.path.dirname(settings["json_file"]), exist_ok=True)
            measured.json_report(outfile=settings["json_file"])
            print(f"coverage report: {settings['json_file']}")
    except CoverageException as error:
        return _say(f"coverage has nothing to report: {error}", _MISSED)
    if threshold is not None and total < threshold:
        # Rounded down, so that 99.999 is not called 100.
        return _say(f"{int(total * 100) / 100:g} % is covered, but at least {threshold:g} % should be", _MISSED)
    return 0


def _write_html(measured: Any, html: Path) -> None:
    """Write the report beside its place and put it there whole, so that no reader finds half of one."""
    staging, aside = _beside(html)
    html.parent.mkdir(parents=True, exist_ok=True)
    measured.html_report(directory=str(staging))
    if html.exists():
        os.rename(html, aside)
    os.rename(staging, html)
    shutil.rmtree(aside, ignore_errors=True)


def _recover(html: Path) -> None:
    """Clear up what a run that was killed has left."""
    staging, aside = _beside(html)
    shutil.rmtree(staging, ignore_errors=True)
    if aside.exists() and not html.exists():
        os.rename(aside, html)
    shutil.rmtree(aside, ignore_errors=True)


def _beside(html: Path) -> tuple[Path, Path]:
    return html.with_name(f".{html.name}.new"), html.with_name(f".{html.name}.old")


def _is_report(directory: Path) -> bool:
    """Say whether a directory may be replaced: it is a report of coverage's, or empty."""
    return directory.is_dir() and ((directory / "status.json").exists() or not any(directory.iterdir()))


def _say(sentence: str, status: int) -> int:
    print(sentence, file=sys.stderr)
    return status
