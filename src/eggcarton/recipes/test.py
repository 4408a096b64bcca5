"""Makes a script that runs tests, in an environment that holds what the tests need and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eggcarton.core import imports
from eggcarton.core.code_readers import module_names
from eggcarton.core.isolation import OPEN_BELOW
from eggcarton.core.launchers import launcher
from eggcarton.core.layout import Environment, Layout
from eggcarton.core.options import PART_NAME, option
from eggcarton.core.plan import File, OwnedDirectory, Plan, runtime_source
from eggcarton.core.readers import arguments, assignments, choice, file_name, path, requirements
from eggcarton.core.script import Start, runtime_body

__all__ = ["Options", "plan"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What is tested, by which runner, and where."""

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
    allowed_eggs_from_site_packages: tuple[str, ...] = imports.allowed_eggs_from_site_packages()

    @property
    def requirements(self) -> tuple[str, ...]:
        """All that the part imports."""
        return (*self.eggs, self.runner)


def plan(options: Options, layout: Layout, environment: Environment | None) -> Plan:
    """Return the plan of the script and of the file it calls."""
    if environment is None:
        return Plan(())
    runner = layout.location / "run_tests.py"
    script = layout.bin / options.script
    settings = {
        "packages": list(options.packages),
        "defaults": list(options.defaults),
        "working_directory": layout.root / options.working_directory,
    }
    start = Start(python=environment.python, isolation=OPEN_BELOW, root=layout.movable)
    body = runtime_body(start, script, runner, options.environment, settings)
    return Plan(
        (
            OwnedDirectory(layout.location),
            File(runner, runtime_source("run_tests")),
            *launcher(layout, start, options.script, body),
        ),
        {"bin-directory": str(layout.bin), "location": str(layout.location), "script": str(script)},
    )
