"""The reports on what was measured, and whether that is enough."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import changed, history, processes, say
from .staging import Staging

MISSED = 2
"""The exit status where less is covered than should be, or nothing was measured."""
UNWRITTEN = 1
"""The exit status where enough is covered, and a report cannot be written."""

_FILES = {"xml": "coverage.xml", "json": "coverage.json", "lcov": "coverage.lcov"}


def is_report(directory: Path) -> bool:
    """Say whether a directory may be replaced: it is a report of coverage's, or empty."""
    return directory.is_dir() and ((directory / "status.json").exists() or not any(directory.iterdir()))


class Reports:
    """What is made of the data of all processes of a run."""

    def __init__(
        self, settings: Mapping[str, Any], resolved: Mapping[str, Any], changes: changed.Changes | None, html: Path
    ) -> None:
        self._settings, self._changes, self._html = settings, changes, html
        self._directory = Path(settings["directory"])
        self._data_file = resolved["data_file"]
        self._sources = [*resolved["source"], *resolved["source_pkgs"]]
        self._measured = processes.configured(resolved)
        self._measured.set_option("report:omit", resolved["report_omit"])
        self._measured.set_option("report:include", resolved["report_include"])
        for name in ("html:show_contexts", "json:show_contexts"):
            if settings["contexts"]:
                self._measured.set_option(name, True)

    def make(self, keep: Callable[[Mapping[str, Any]], Path | None]) -> int:
        """Combine, report, put the reports in place, and return 0 or what is too little.

        Args:
            keep: keeps the totals of the run, and returns the file that all of them are in.
        """
        from coverage.exceptions import CoverageException, NotPython

        staging, unmeasured = Staging(), ""
        try:
            self._measured.combine([os.path.dirname(self._data_file)])
            unmeasured = self._unmeasured()
            self._leave_out_what_is_gone()
            exactly, total = self._total()
            history_file = keep(total)
            said, failed = self._write(staging, history_file)
            of_changes = self._of_changes()
            os.replace(self._data_file, self._directory / "coverage.data")
            staging.put()
        except NotPython as error:
            return say(f"coverage could make no report: {error}; mend the file, or name it in 'omit'", MISSED)
        except CoverageException as error:
            return say(f"coverage has nothing to report: {unmeasured or str(error).rstrip('.')}", MISSED)
        finally:
            staging.drop()
        for place in said:
            print(f"coverage report: {place}")
        # Whoever reads both streams in one file reads them in this order.
        sys.stdout.flush()
        for sentence in (unmeasured, *failed):
            if sentence:
                say(sentence, UNWRITTEN)
        wrong = [say(sentence, MISSED) for sentence in (self._judged(exactly), of_changes) if sentence]
        return MISSED if wrong else UNWRITTEN if failed else 0

    def _unmeasured(self) -> str:
        """Return what is wrong with the sources of which nothing is measured, if any."""
        files = self._measured.get_data().measured_files()
        names = [repr(name) for name in self._sources if not any(map(_is_of(name), files))]
        if not names:
            return ""
        named = f"{', '.join(names)}, which 'source' names"
        return f"of {named}, nothing is measured: no test imports it, it is misspelt, or 'omit' leaves it out"

    def _leave_out_what_is_gone(self) -> None:
        """Say which files are not there any more, as tests write and remove them, and report the others."""
        gone = sorted(file for file in self._measured.get_data().measured_files() if not os.path.exists(file))
        if gone:
            # A pattern can hold no character that has a meaning in it, but for one of any kind.
            patterns = [re.sub(r"[*?\[\]{}]", "?", file) for file in gone]
            self._measured.set_option("report:omit", [*self._measured.get_option("report:omit"), *patterns])
            more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
            print(f"not reported, since it is not there any more: {gone[0]}{more}", file=sys.stderr)

    def _total(self) -> tuple[float, dict[str, Any]]:
        """Print the table where it is wanted, and return the totals of it."""
        kinds = set(self._settings["report"])
        shows_missing = True if "term-missing" in kinds else None
        text = io.StringIO()
        exactly = self._measured.report(file=text, show_missing=shows_missing, output_format="text")
        if kinds & {"term", "term-missing"}:
            if self._measured.get_option("report:format") not in (None, "text"):
                self._measured.report(file=sys.stdout, show_missing=shows_missing)
            else:
                print(text.getvalue(), end="")
        row = re.findall(r"^TOTAL +(\d+) +(\d+)(?: +(\d+) +\d+)? ", text.getvalue(), re.MULTILINE)
        if not row:
            return exactly, {"total": round(exactly, 4)}
        lines, missing, branches = (int(number or 0) for number in row[-1])
        # The table tells branches that are partly covered; the total counts the others.
        taken = round(exactly / 100 * (lines + branches)) - (lines - missing)
        found = {"total": round(exactly, 4), "lines": [lines - missing, lines]}
        return exactly, {**found, **({"branches": [taken, branches]} if row[-1][2] else {})}

    def _write(self, staging: Staging, history_file: Path | None) -> tuple[list[Path], list[str]]:
        """Write each report beside its place, and return where they are to be, and what is wrong with the others."""
        measured, said, failed = self._measured, [], []
        writers = {"xml": measured.xml_report, "json": measured.json_report, "lcov": measured.lcov_report}
        for kind in ("html", *writers):
            if kind not in self._settings["report"]:
                continue
            place = self._html if kind == "html" else self._directory / _FILES[kind]
            try:
                if kind == "html":
                    self._draw(Path(staging.directory(place)), history_file)
                else:
                    writers[kind](outfile=staging.file(place))
                said.append(place / "index.html" if kind == "html" else place)
            except OSError as error:
                staging.leave_out(place)
                stale = "; what stands there is of an earlier run" if place.exists() else ""
                failed.append(f"the report {place} cannot be written: {error.strerror}{stale}")
        return said, failed

    def _draw(self, page: Path, history_file: Path | None) -> None:
        self._measured.html_report(directory=str(page))
        if runs := _runs(history_file):
            from .trend import drawn

            (page / "history.svg").write_text(drawn(runs), "utf-8")

    def _of_changes(self) -> str:
        """Print the table of changed lines, and return what is wrong with them, if anything."""
        if self._changes is None:
            return ""
        files = self._measured.get_data().measured_files()
        included = [file for file in files if os.path.exists(file)]
        found = changed.covered(self._changes, included, self._measured.analysis2)
        print(changed.table(self._changes, found, included))
        threshold = self._settings["diff_fail_under"]
        part = changed.percent(found)
        if threshold is None or part >= threshold:
            return ""
        return f"{_down(part)} % of the changed lines is covered, but at least {threshold:g} % should be"

    def _threshold(self) -> float:
        own = self._measured.get_option("report:fail_under")
        given = self._settings["fail_under"]
        return float(own or 0) if given is None else float(given)

    def _judged(self, total: float) -> str:
        """Compare as coverage does: rounded to the precision that it reports in, but 100 is all."""
        precision, threshold = int(self._measured.get_option("report:precision") or 0), self._threshold()
        is_enough = total == 100 if threshold == 100 else round(total, precision) >= threshold
        return "" if is_enough else f"{_down(total)} % is covered, but at least {threshold:g} % should be"


def _is_of(source: str) -> Callable[[str], bool]:
    """Return what tells whether a file is of a package or module, or below a directory.

    A package of a process with another path is known by its name only.
    """
    if os.path.isabs(source):
        return lambda file: file.startswith(os.path.join(os.path.realpath(source), ""))
    name, *rest = source.split(".")
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    places = [os.path.join(place, *rest) for place in found.submodule_search_locations or ()] if found else []
    if found and found.origin and not rest:
        places.append(os.path.splitext(found.origin)[0])
    named = os.path.join(os.sep, name, *rest)
    below = tuple(os.path.join(os.path.realpath(place), "") for place in places)
    modules = (f"{named}.py", *(os.path.realpath(f"{place}.py") for place in places))
    return lambda file: f"{named}{os.sep}" in file or file.startswith(below) or file.endswith(modules)


def _runs(file: Path | None) -> list[dict[str, Any]]:
    """Return the history where it can be read: the reports are made without it too."""
    try:
        return [] if file is None else history.read(file)
    except OSError:
        return []


def _down(share: float) -> str:
    """Return a percentage rounded down, so that 99.999 is not called 100."""
    return f"{int(share * 100) / 100:g}"
