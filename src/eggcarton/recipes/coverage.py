"""Makes a script that runs tests under coverage, writes reports, and fails where too little is covered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eggcarton.core import imports
from eggcarton.core.code_readers import module_names
from eggcarton.core.isolation import OPEN_BELOW
from eggcarton.core.launchers import launcher
from eggcarton.core.layout import Environment, Layout
from eggcarton.core.options import PART_NAME, option
from eggcarton.core.plan import File, KeptDirectory, OwnedDirectory, Plan, runtime_source
from eggcarton.core.readers import (
    arguments,
    assignments,
    boolean,
    choice,
    choices,
    file_name,
    path,
    percentage,
    requirements,
    words,
)
from eggcarton.core.script import Start, runtime_body

__all__ = ["Options", "plan"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What is tested and measured, and what is reported."""

    eggs: tuple[str, ...] = option(
        requirements, "The distributions that the tests import, one requirement a line.", default=PART_NAME
    )
    runner: str = option(choice("pytest"), "The program that runs the tests.", default="pytest")
    packages: tuple[str, ...] = option(
        module_names,
        "The packages or modules whose tests run when the command line names none, such as"
        " guestbook.tests; left out: what the runner finds in the working directory.",
        default="",
    )
    defaults: tuple[str, ...] = option(
        arguments, "Arguments that the runner gets before those of the command line.", default=""
    )
    working_directory: Path = option(path, "Where the tests run, relative to the buildout directory.", default=".")
    environment: tuple[tuple[str, str], ...] = option(
        assignments, "Environment variables for the tests, KEY=VALUE, one a line.", default=""
    )
    script: str = option(file_name, "The name of the script.", default=PART_NAME)
    source: tuple[str, ...] = option(
        words,
        "The packages or directories that are measured, with those of their files that no test imports; left"
        " out: every file that a test imports and that is not installed.",
        default="",
    )
    omit: tuple[str, ...] = option(words, "Patterns of files that are not measured.", default="")
    branch: bool = option(boolean, "Whether branches are measured as well as lines.", default="false")
    fail_under: float | None = option(
        percentage, "What has to be covered, in percent; with less the script exits with 2.", default=None
    )
    report: tuple[str, ...] = option(choices("term", "html", "xml", "json"), "The reports to make.", default="term")
    html_directory: Path | None = option(
        path,
        "Where the HTML report is put, relative to the buildout directory; left out: html in the part's"
        " directory below var.",
        default=None,
    )
    allowed_eggs_from_site_packages: tuple[str, ...] = imports.allowed_eggs_from_site_packages()

    @property
    def requirements(self) -> tuple[str, ...]:
        """All that the part imports."""
        return (*self.eggs, self.runner, "coverage")


def plan(options: Options, layout: Layout, environment: Environment | None) -> Plan:
    """Return the plan of the script, of the file it calls and of the directory for what is measured."""
    if environment is None:
        return Plan(())
    runner = layout.location / "run_tests.py"
    script = layout.bin / options.script
    data = layout.var / layout.part
    html = layout.root / options.html_directory if options.html_directory else data / "html"
    settings = {
        "packages": list(options.packages),
        "defaults": list(options.defaults),
        "working_directory": layout.root / options.working_directory,
        "coverage": {
            "source": list(options.source),
            "omit": list(options.omit),
            "outside": [environment.store, environment.prefix, layout.parts],
            "branch": options.branch,
            "fail_under": options.fail_under,
            "report": list(options.report),
            "data_file": data / "coverage.data",
            "html_directory": html,
            "xml_file": data / "coverage.xml",
            "json_file": data / "coverage.json",
        },
    }
    start = Start(python=environment.python, isolation=OPEN_BELOW, root=layout.movable)
    body = runtime_body(start, script, runner, options.environment, settings)
    return Plan(
        (
            OwnedDirectory(layout.location),
            KeptDirectory(data),
            File(runner, runtime_source("run_tests")),
            *launcher(layout, start, options.script, body),
        ),
        {
            "bin-directory": str(layout.bin),
            "html-directory": str(html),
            "location": str(layout.location),
            "script": str(script),
        },
    )
