"""Installs distributions, with the scripts they bring and an interpreter that can import them and no others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from eggcarton.core import imports, pie_file
from eggcarton.core.code_readers import ObjectReference, call_arguments, entry_points, source
from eggcarton.core.errors import OptionProblems
from eggcarton.core.isolation import BY_NAME
from eggcarton.core.launchers import interpreter_launcher, launcher
from eggcarton.core.layout import EntryPoint, Environment, Layout, ScriptFile
from eggcarton.core.names import canonical_name
from eggcarton.core.options import PART_NAME, option
from eggcarton.core.plan import File, Item, OwnedDirectory, Plan
from eggcarton.core.preamble import Preamble
from eggcarton.core.readers import (
    assignments,
    boolean,
    choice,
    file_name,
    path,
    renames,
    requirement_name,
    requirements,
    seconds,
)
from eggcarton.core.script import Start, entry_point_body, script_file_body

__all__ = ["Options", "plan"]

_GROUPS = ("console_scripts", "gui_scripts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Which distributions to install, and which scripts to make of them."""

    eggs: tuple[str, ...] = option(
        requirements, "The distributions to install, one requirement a line.", default=PART_NAME
    )
    scripts: tuple[tuple[str, str], ...] | None = option(
        renames,
        "The scripts to make, each NAME or NAME=NEW-NAME, of what the distributions bring and of entry-points; left"
        " out: all entry-points, and the scripts of the distributions that eggs names; empty: none.",
        default=None,
    )
    dependent_scripts: bool = option(
        boolean, "Whether scripts are made of what those distributions require, too.", default="false"
    )
    gui_scripts: bool = option(
        boolean, "Whether the scripts of programs with windows of their own are made unasked, too.", default="true"
    )
    entry_points: tuple[tuple[str, ObjectReference], ...] = option(
        entry_points,
        "Further scripts, NAME=MODULE:OBJECT, for what no distribution declares as one; where scripts is given, it"
        " has to name them too.",
        default="",
    )
    interpreter: str | None = option(
        file_name,
        "The name of an interpreter that imports what the part installs, and takes every option that Python takes.",
        default=None,
    )
    extra_paths: tuple[Path, ...] = imports.extra_paths()
    environment: tuple[tuple[str, str], ...] = option(
        assignments,
        "Environment variables that each script and the interpreter set; they are in the scripts, where anybody can"
        " read them.",
        default="",
    )
    environment_file: Path | None = option(
        path,
        "A file of more environment variables, KEY=VALUE, one a line, relative to the buildout directory; it is read"
        " when a script starts, and so the place for secrets.",
        default=None,
    )
    socket_timeout: float | None = option(
        seconds, "How long sockets wait that nothing else is said of; left out: for ever.", default=None
    )
    initialization: str = option(
        source,
        "Python statements that each script and the interpreter run first; what they define is there in the"
        " interpreter.",
        default="",
    )
    arguments: str = option(
        call_arguments,
        "What each script calls its entry point with: Python source, put between the parentheses.",
        default="",
    )
    isolation: str = option(
        choice(*BY_NAME),
        "How far the scripts and the interpreter are kept apart from what else is there. full: they and the Pythons"
        " of the environment that they start import from the environment and the standard library only. user:"
        " PYTHONPATH and the user's own site-packages are left out, but a program's own directory is imported from."
        " none: as any Python of a virtual environment.",
        default="full",
    )
    include_site_packages: bool = option(
        boolean,
        "Whether what is installed with the machine's own Python can be imported too, where the part has nothing of"
        " that name; it is not locked.",
        default="false",
    )
    allowed_eggs_from_site_packages: tuple[str, ...] = imports.allowed_eggs_from_site_packages()
    relative_paths: bool | None = option(
        boolean,
        "Whether the part works wherever the buildout directory is moved to; left out: as relative-paths in"
        " [buildout] says.",
        default=None,
    )
    pie: str | None = option(
        file_name,
        "The name of a file in etc that lists what the part imports, for any Python of the same version to load with"
        " load_isolated_environment, which pie.py in the part's directory has; an edited file is kept.",
        default=None,
    )

    @property
    def requirements(self) -> tuple[str, ...]:
        """All that the part imports."""
        return self.eggs


@dataclass(frozen=True, slots=True)
class _Script:
    """A script that can be made, and what it starts."""

    name: str
    starts: EntryPoint | ScriptFile

    @property
    def distribution(self) -> str:
        return canonical_name(self.starts.distribution)

    @property
    def window(self) -> bool:
        return isinstance(self.starts, EntryPoint) and self.starts.group == "gui_scripts"


def plan(options: Options, layout: Layout, environment: Environment | None) -> Plan:
    """Return the plan of the scripts and the interpreter.

    Raises:
        OptionProblems: when a script is asked for that nothing provides, or two of one name.
    """
    if environment is None:
        if options.scripts or options.entry_points or options.interpreter or options.pie:
            raise OptionProblems(layout.part, ["option 'eggs' is empty: there is nothing to make scripts for"])
        return Plan(())
    start, preamble = _start(options, layout, environment), _preamble(options, layout)
    chosen = list(_chosen(options, layout, environment))
    names = [*(name for name, _ in chosen), *([options.interpreter] if options.interpreter else [])]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        problems = [f"'{file}' would be made twice: rename a script or the interpreter" for file in twice]
        raise OptionProblems(layout.part, problems)
    files = [file for name, script in chosen for file in _files(name, script, options, layout, start)]
    beside: list[Item] = list(preamble.files) if names else []
    if options.interpreter:
        first = layout.location / "interpreter.py" if preamble else None
        if first is not None:
            beside.append(File(first, f"import os\nimport sys\n\n{preamble.statements(start, first)}\n"))
        files += interpreter_launcher(layout, start, options.interpreter, first)
    outputs = {
        "bin-directory": str(layout.bin),
        "location": str(environment.prefix),
        "python": str(environment.python),
        "site-packages": str(environment.site_packages),
    }
    if options.pie:
        beside += pie_file.items(options.pie, layout, environment)
        outputs["pie"] = str(layout.etc / options.pie)
    remarks = tuple(_doubled(chosen, environment))
    return Plan((*([OwnedDirectory(layout.location)] if beside else []), *beside, *files), outputs, remarks)


def _start(options: Options, layout: Layout, environment: Environment) -> Start:
    isolation = BY_NAME[options.isolation]
    return Start(
        python=environment.python,
        isolation=isolation.with_site_packages() if options.include_site_packages else isolation,
        root=layout.movable,
    )


def _preamble(options: Options, layout: Layout) -> Preamble:
    return Preamble(
        environment=options.environment,
        environment_file=layout.root / options.environment_file if options.environment_file else None,
        socket_timeout=options.socket_timeout,
        initialization=options.initialization,
        directory=layout.location,
    )


def _files(name: str, script: _Script, options: Options, layout: Layout, start: Start) -> tuple[File, ...]:
    """Return the files of one script."""
    place = layout.bin / name
    before = _preamble(options, layout).statements(start, place)
    if isinstance(script.starts, EntryPoint):
        body = entry_point_body(script.starts, preamble=before, arguments=options.arguments)
    else:
        body = script_file_body(start, place, script.starts, preamble=before, windows=layout.windows)
    return launcher(layout, start, name, body, window=script.window)


def _chosen(options: Options, layout: Layout, environment: Environment) -> Iterator[tuple[str, _Script]]:
    """Give each script's file name and what it starts."""
    eggs = {canonical_name(requirement_name(requirement)) for requirement in options.eggs}
    every = [script for script in _scripts(environment) if not script.window or options.gui_scripts]
    wanted = every if options.dependent_scripts else [script for script in every if script.distribution in eggs]
    added = [
        _Script(name, EntryPoint("", "console_scripts", name, target.module, target.attribute))
        for name, target in options.entry_points
    ]
    if options.scripts is None:
        yield from ((name, script) for name, script in _by_name([*wanted, *added], eggs).items())
        return
    # A script of a dependency is made when it is asked for by name.
    there_are = _by_name([*_scripts(environment), *added], eggs)
    missing = [name for name, _ in options.scripts if name not in there_are]
    if missing:
        known = f"there are {', '.join(sorted(there_are))}" if there_are else "there is none at all"
        problems = [f"option 'scripts': no distribution has a script '{name}': {known}" for name in missing]
        raise OptionProblems(layout.part, problems)
    yield from ((file, there_are[name]) for name, file in options.scripts)


def _doubled(chosen: Collection[tuple[str, _Script]], environment: Environment) -> Iterator[str]:
    """Give a remark for each script that another distribution has too; the user's own are meant so."""
    for file, script in chosen:
        owners = dict.fromkeys(other.distribution for other in _scripts(environment) if other.name == script.name)
        others = [owner for owner in owners if owner != script.distribution]
        if script.distribution and others:
            yield f"{file} is the script {script.name} of {script.distribution}, not that of {', '.join(others)}"


def _scripts(environment: Environment) -> Iterator[_Script]:
    """Give what the distributions of an environment bring, in the order in which the first of one name is used."""
    for point in environment.entry_points:
        if point.group in _GROUPS and point.attribute:
            yield _Script(point.name, point)
    for file in environment.script_files:
        yield _Script(file.name, file)


def _by_name(scripts: Collection[_Script], eggs: Collection[str]) -> Mapping[str, _Script]:
    """Return one script a name: of two the user's own, then that of a distribution that `eggs` names."""
    ranks = {script: 0 if not script.distribution else 1 if script.distribution in eggs else 2 for script in scripts}
    found: dict[str, _Script] = {}
    for script in sorted(ranks, key=lambda script: ranks[script]):
        found.setdefault(script.name, script)
    return dict(sorted(found.items()))
