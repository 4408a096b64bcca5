"""The options of parts that run tests, in the same words in each, and the files that come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from eggcarton.core import django
from eggcarton.core.beforehand import Needing, beforehand
from eggcarton.core.cases import Case, cases_file
from eggcarton.core.cases import cases as case_lines
from eggcarton.core.code_readers import module_names
from eggcarton.core.code_readers import source as python_source
from eggcarton.core.errors import OptionProblems
from eggcarton.core.isolation import OPEN_BELOW
from eggcarton.core.launchers import launcher
from eggcarton.core.layout import Environment, Layout
from eggcarton.core.names import canonical_name
from eggcarton.core.options import PART_NAME, option
from eggcarton.core.plan import File, KeptDirectory, OwnedDirectory, runtime_files
from eggcarton.core.preamble import Preamble
from eggcarton.core.readers import (
    arguments,
    assignments,
    boolean,
    choice,
    file_name,
    number_of_processes,
    path,
    requirement_name,
    requirements,
    seconds,
)
from eggcarton.core.script import Start, package_body

RUNNERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"pytest": ("pytest",), "zope.testrunner": ("zope.testrunner",), "django": ("Django",), "unittest": ()}
)
"""The runners, each with the distributions that it needs; of what eggs bring, the first one is used."""

_ELSE = "unittest"

# What runs side by side with the help of a distribution of its own.
_FOR_PARALLEL: Mapping[str, str] = MappingProxyType({"pytest": "pytest-xdist", "django": "tblib"})


def _listed(runners: Mapping[str, tuple[str, ...]]) -> str:
    *first, last = (runner for runner, needs in runners.items() if needs)
    return f"{', '.join(first)} and {last}" if first else last


class Tested(Needing, Protocol):
    """The options that each part has that runs tests."""

    @property
    def eggs(self) -> tuple[str, ...]:
        """The distributions that the tests import."""

    @property
    def runner(self) -> str | None:
        """The program that runs the tests, None for what the eggs bring."""

    @property
    def packages(self) -> tuple[str, ...]:
        """What is tested where the command line names nothing."""

    @property
    def defaults(self) -> tuple[str, ...]:
        """Arguments that come before those of the command line."""

    @property
    def working_directory(self) -> Path:
        """Where the tests run."""

    @property
    def environment(self) -> tuple[tuple[str, str], ...]:
        """Environment variables."""

    @property
    def environment_file(self) -> Path | None:
        """A file of more of them."""

    @property
    def initialization(self) -> str:
        """Python statements that come first."""

    @property
    def script(self) -> str:
        """The script's name."""

    @property
    def parallel(self) -> str | None:
        """How many processes share the tests."""

    @property
    def junit(self) -> Path | None:
        """Where the report in XML goes."""

    @property
    def timeout(self) -> float | None:
        """How long one test may take."""

    @property
    def fail_fast(self) -> bool:
        """Whether the first failure ends the run."""

    @property
    def cases(self) -> tuple[Case, ...]:
        """The parameter sets that the tests run with."""

    @property
    def settings(self) -> str | None:
        """The settings module of Django."""

    @property
    def project(self) -> str | None:
        """The package that it is in, where it does not say so itself."""


def eggs() -> tuple[str, ...]:
    """Declare the distributions that the tests import."""
    return option(requirements, "The distributions that the tests import, one requirement a line.", default=PART_NAME)


def runner() -> str | None:
    """Declare the program that runs the tests."""
    return option(
        choice(*RUNNERS),
        f"The program that runs the tests; left out: the first of {_listed(RUNNERS)} that eggs names, else the first"
        f" that they bring, else {_ELSE}.",
        default=None,
    )


def packages() -> tuple[str, ...]:
    """Declare what is tested unasked."""
    return option(
        module_names,
        "The packages or modules whose tests run when the command line names none, such as"
        " guestbook.tests; left out: what the runner finds in the working directory, and zope.testrunner in the"
        " distributions that eggs names.",
        default="",
    )


def defaults() -> tuple[str, ...]:
    """Declare the arguments that a runner always gets."""
    return option(arguments, "Arguments that the runner gets before those of the command line.", default="")


def working_directory() -> Path:
    """Declare where the tests run."""
    return option(path, "Where the tests run, relative to the buildout directory.", default=".")


def environment() -> tuple[tuple[str, str], ...]:
    """Declare the environment variables of the tests."""
    return option(
        assignments,
        "Environment variables for the tests, KEY=VALUE, one a line; or the name of a section that has them.",
        default="",
    )


def environment_file() -> Path | None:
    """Declare the file of further environment variables."""
    return option(
        path,
        "A file of more environment variables, KEY=VALUE, one a line, relative to the buildout directory; it is read"
        " whenever the tests start, and so the place for secrets.",
        default=None,
    )


def initialization() -> str:
    """Declare what runs before the tests."""
    return option(python_source, "Python statements that run before the tests, in their directory.", default="")


def script() -> str:
    """Declare the script's name."""
    return option(file_name, "The name of the script.", default=PART_NAME)


def parallel() -> str | None:
    """Declare how many processes share the tests."""
    return option(
        number_of_processes,
        "How many processes share the tests: a number, or auto for as many as there are processors. pytest does so by"
        " pytest-xdist, zope.testrunner runs its layers side by side, Django tells of failures in other processes by"
        " tblib; unittest has one process.",
        default=None,
    )


def junit() -> Path | None:
    """Declare where the report in XML goes."""
    return option(
        path,
        "The file that a report of all tests is written to, relative to the buildout directory: JUnit's XML, in one"
        " dialect for all runners.",
        default=None,
    )


def timeout() -> float | None:
    """Declare how long one test may take."""
    return option(
        seconds, "How long one test may take; one that takes longer fails, and the next begins.", default=None
    )


def fail_fast() -> bool:
    """Declare whether the first failure ends the run."""
    return option(boolean, "Whether the first failure ends the run.", default="false")


def cases() -> tuple[Case, ...]:
    """Declare the parameter sets of the tests."""
    return option(
        case_lines,
        "Named parameter sets for the tests, NAME: KEY=VALUE KEY=VALUE, one a line, values quoted as for a shell. The"
        " environment variable EGGCARTON_CASES names a JSON file of them; under pytest, a test that takes the fixture"
        " case runs once for each.",
        default="",
    )


def needed(options: Tested, *more: str) -> tuple[str, ...]:
    """Return all that a part imports.

    Args:
        more: distributions that it needs beside those of its runner.
    """
    chosen = options.runner or _named(options.eggs)
    given = [] if options.runner is None else list(RUNNERS[options.runner])
    if chosen and options.parallel and (helper := _FOR_PARALLEL.get(chosen)):
        given.append(helper)
    return (*options.eggs, *given, *more)


def _named(eggs: Sequence[str]) -> str | None:
    """Return the runner that the eggs name themselves."""
    return _first_of({canonical_name(requirement_name(requirement)) for requirement in eggs})


def _first_of(names: set[str]) -> str | None:
    # Who names a plug-in of pytest means pytest.
    known = {"pytest" if name.startswith("pytest-") else name for name in names}
    return next((runner for runner, needs in RUNNERS.items() if {canonical_name(name) for name in needs} & known), None)


def _runner_of(options: Tested, layout: Layout, environment: Environment) -> str:
    """Return the runner of a part; a row has that of its part, whatever it brings itself.

    Raises:
        OptionProblems: the tests cannot be shared by several processes as they should be, or a row lacks the runner.
    """
    there_are, part = {name for name, _ in environment.distributions}, layout.part
    lacking = "" if layout.row is None else f", which nothing brings into the row '{layout.row}'"
    brought = there_are if layout.part_imports is None else set(layout.part_imports)
    chosen = options.runner or _named(options.eggs) or _first_of(brought) or _ELSE
    if layout.part_imports is not None and not there_are.issuperset(map(canonical_name, RUNNERS[chosen])):
        problem = f"option 'runner': this part runs its tests by {chosen}{lacking}; say runner = {chosen}"
        raise OptionProblems(part, [problem])
    if options.parallel and chosen == "unittest":
        problem = (
            f"option 'parallel' is {options.parallel}, but unittest, which runs these tests, has one process: choose"
            " another 'runner', or write 'parallel =' with nothing behind it, which undoes what the section inherits"
        )
        raise OptionProblems(part, [problem])
    helper = _FOR_PARALLEL.get(chosen)
    if options.parallel and helper and helper not in there_are:
        problem = (
            f"option 'parallel': {chosen} needs {helper} for it{lacking}; add that to eggs, or say runner = {chosen}"
        )
        raise OptionProblems(part, [problem])
    return chosen


def _places(options: Tested, runner: str, environment: Environment) -> list[list[object]]:
    """Return where a runner looks for tests, in the order of eggs: in what they name, not in what that needs.

    Eggs that do no more than bring the runner are not searched.
    """
    brought = set(map(canonical_name, RUNNERS[runner])) if options.runner is None else set()
    return [
        [place.path, place.package, place.is_developed]
        for name in dict.fromkeys(canonical_name(requirement_name(requirement)) for requirement in options.eggs)
        for place in environment.places
        if place.distribution == name and (name not in brought or place.is_developed)
    ]


@dataclass(frozen=True, slots=True)
class Made:
    """What a part that runs tests writes, and where that is."""

    items: tuple[File | OwnedDirectory | KeptDirectory, ...]
    script: Path
    remarks: tuple[str, ...]


def made(options: Tested, layout: Layout, environment: Environment, more: Mapping[str, object]) -> Made:
    """Return the files of the script that runs the tests of a part.

    Args:
        more: what `main` of `eggcarton.runtime.testing` is told beside what the common options say.
    """
    place, first = layout.bin / options.script, beforehand(options, layout)
    start = Start(python=environment.python, isolation=OPEN_BELOW, root=layout.movable)
    preamble = Preamble(
        environment=options.environment,
        environment_file=layout.root / options.environment_file if options.environment_file else None,
        initialization=options.initialization,
        directory=layout.location,
    )
    given = cases_file(layout.location / "cases.json", options.cases) if options.cases else None
    runner = _runner_of(options, layout, environment)
    junit = layout.root / options.junit if options.junit else None
    begins: dict[str, object] = {"working_directory": layout.root / options.working_directory, "junit": junit}
    settings: dict[str, object] = {
        "runner": runner,
        "packages": list(options.packages),
        "defaults": list(options.defaults),
        "parallel": options.parallel,
        "fail_fast": options.fail_fast,
        "timeout": options.timeout,
        "junit": junit,
        "cases": given.path if given else None,
        "script": place,
        **({"places": _places(options, runner, environment)} if runner == "zope.testrunner" else {}),
        **django.settings_module(options.project, options.settings),
        **more,
        **first.settings,
    }
    text = preamble.statements(start, place)
    body = package_body(start, place, layout.location, "testing", settings, preamble=text, before=begins)
    copied = runtime_files(layout.location, "testing", *first.copied)
    files = (*preamble.files, *([given] if given else []), *copied, *launcher(layout, start, options.script, body))
    # What a row has it has from its part, which is told.
    remarks = () if layout.row else django.without_effect(options.project, options.settings, runner, environment)
    return Made((OwnedDirectory(layout.location), *first.directories, *files), place, remarks)
