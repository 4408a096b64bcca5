"""Makes a script that runs tests under coverage, writes reports, and fails where too little is covered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from eggcarton.core import django, imports, prerequisites, services, tested
from eggcarton.core.cases import Case
from eggcarton.core.layout import Environment, Layout
from eggcarton.core.options import option
from eggcarton.core.plan import KeptDirectory, Plan
from eggcarton.core.prerequisites import Prerequisite
from eggcarton.core.readers import boolean, choices, path, percentage, reads, words

__all__ = ["Options", "plan"]

_REPORTS = ("term", "term-missing", "html", "xml", "json", "lcov")
# As djangorecipe calls them.
_OTHER_NAMES = {"report": "term", "xml_report": "xml", "html_report": "html"}


@reads("a revision of git")
def _revision(value: str) -> str:
    """Return the name of a branch, tag or commit, or an expression that git knows for one."""
    if not re.fullmatch(r"[^\s\0-][^\s\0]*", value):
        raise ValueError("is not a revision of git, such as a branch, a tag or a commit")
    return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What is tested and measured, and what is reported."""

    eggs: tuple[str, ...] = tested.eggs()
    runner: str | None = tested.runner()
    packages: tuple[str, ...] = tested.packages()
    settings: str | None = django.settings()
    project: str | None = django.project()
    defaults: tuple[str, ...] = tested.defaults()
    parallel: str | None = tested.parallel()
    fail_fast: bool = tested.fail_fast()
    timeout: float | None = tested.timeout()
    junit: Path | None = tested.junit()
    cases: tuple[Case, ...] = tested.cases()
    working_directory: Path = tested.working_directory()
    environment: tuple[tuple[str, str], ...] = tested.environment()
    environment_file: Path | None = tested.environment_file()
    initialization: str = tested.initialization()
    script: str = tested.script()
    services: tuple[str, ...] = services.services()
    requires: tuple[Prerequisite, ...] = prerequisites.requires()
    source: tuple[str, ...] = option(
        words,
        "The packages or directories that are measured, with those of their files that no test imports; what is"
        " installed only where packages alone are named. Left out: every file that a test imports and that is not"
        " installed.",
        default="",
    )
    omit: tuple[str, ...] = option(words, "Patterns of files that are not measured.", default="")
    include: tuple[str, ...] = option(
        words, "Patterns of the only files that are measured, or with source reported.", default=""
    )
    branch: bool | None = option(
        boolean,
        "Whether branches are measured as well as lines; left out: as the project's own configuration of coverage"
        " says.",
        default=None,
    )
    contexts: bool = option(
        boolean, "Whether the reports html and json tell which tests have run a line.", default="false"
    )
    fail_under: float | None = option(
        percentage,
        "What has to be covered, in percent; with less the script exits with 2. Left out: as the project's own"
        " configuration of coverage says.",
        default=None,
    )
    diff: str | None = option(
        _revision,
        "A revision of git, such as main: the lines that have changed since the working tree parted from it are told"
        " in a table of their own; --diff REVISION on the command line names another one.",
        default=None,
    )
    diff_fail_under: float | None = option(
        percentage,
        "What has to be covered of the changed lines, in percent; with less the script exits with 2.",
        default=None,
    )
    report: tuple[str, ...] = option(
        choices(*_REPORTS, **_OTHER_NAMES),
        "The reports to make; term-missing is term with the lines that did not run. djangorecipe's names report,"
        " xml_report and html_report mean term, xml and html.",
        default="term",
    )
    html_directory: Path | None = option(
        path,
        "Where the HTML report is put, relative to the buildout directory; left out: html in the part's"
        " directory below var.",
        default=None,
    )
    extra_paths: tuple[Path, ...] = imports.extra_paths()
    allowed_eggs_from_site_packages: tuple[str, ...] = imports.allowed_eggs_from_site_packages()
    relative_paths: bool | None = imports.relative_paths()

    @property
    def requirements(self) -> tuple[str, ...]:
        """All that the part imports."""
        return tested.needed(self, "coverage")


def plan(options: Options, layout: Layout, environment: Environment | None) -> Plan:
    """Return the plan of the script, of the files it calls and of the directory for what is measured."""
    if environment is None:
        return Plan(())
    data = layout.var / layout.part
    html = layout.root / options.html_directory if options.html_directory else data / "html"
    measured = {
        "source": list(options.source),
        "omit": list(options.omit),
        "include": list(options.include),
        "outside": [environment.store, environment.prefix, layout.parts],
        "branch": options.branch,
        "contexts": options.contexts,
        "fail_under": options.fail_under,
        "diff": options.diff,
        "diff_fail_under": options.diff_fail_under,
        "report": list(options.report),
        "directory": data,
        "html_directory": html,
    }
    made = tested.made(options, layout, environment, {"coverage": measured})
    outputs = {
        "bin-directory": str(layout.bin),
        "html-directory": str(html),
        "location": str(layout.location),
        "script": str(made.script),
    }
    return Plan((KeptDirectory(data), *made.items), outputs, remarks=made.remarks)
