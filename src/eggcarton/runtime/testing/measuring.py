"""Runs tests under coverage and writes the reports."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import say

_MISSED = 2


def measure(run: Callable[[], int], settings: Mapping[str, Any]) -> int:
    """Run tests under coverage, and return their exit status, or 2 where less is covered than it should be.

    What the last run measured is erased first. The project's own coverage configuration counts
    for what the settings do not say, such as lines to exclude.

    Args:
        run: runs the tests and returns their exit status.
        settings: `source omit outside branch fail_under report data_file html_directory xml_file json_file`, where
            `outside` are directories of which nothing is measured.
    """
    from coverage import Coverage

    html = Path(os.path.realpath(settings["html_directory"]))
    if "html" in settings["report"]:
        _recover(html)
        if html.exists() and not _is_report(html):
            return say(f"{html} holds something else than a coverage report: choose another html-directory", 1)
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
        status = run()
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
        return say(f"coverage has nothing to report: {error}", _MISSED)
    if threshold is not None and total < threshold:
        # Rounded down, so that 99.999 is not called 100.
        return say(f"{int(total * 100) / 100:g} % is covered, but at least {threshold:g} % should be", _MISSED)
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
