"""Installs distributions, with the scripts they bring and an interpreter that can import them and no others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eggcarton.core.code_readers import ObjectReference, call_arguments, entry_points, source
from eggcarton.core.errors import OptionProblems
from eggcarton.core.layout import EntryPoint, Environment, Layout
from eggcarton.core.options import PART_NAME, option
from eggcarton.core.plan import File, Plan
from eggcarton.core.readers import file_name, paths, renames, requirement_name, requirements
from eggcarton.core.script import entry_point_script, interpreter

__all__ = ["Options", "plan"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Which distributions to install, and which scripts to make of them."""

    eggs: tuple[str, ...] = option(
        requirements, "The distributions to install, one requirement a line.", default=PART_NAME
    )
    scripts: tuple[tuple[str, str], ...] | None = option(
        renames,
        "The scripts to make, each NAME or NAME=NEW-NAME, of console scripts and entry-points; left out: all"
        " entry-points, and the console scripts of the distributions that eggs names; empty: none.",
        default=None,
    )
    entry_points: tuple[tuple[str, ObjectReference], ...] = option(
        entry_points,
        "Further scripts, NAME=MODULE:OBJECT, for what no distribution declares as one; where scripts is given, it"
        " has to name them too.",
        default="",
    )
    interpreter: str | None = option(
        file_name, "The name of an interpreter script that imports what the part installs.", default=None
    )
    extra_paths: tuple[Path, ...] = option(
        paths,
        "Further directories that the part imports from, relative to the buildout directory.",
        default="",
    )
    arguments: str = option(
        call_arguments,
        "What each script calls its entry point with: Python source, put between the parentheses.",
        default="",
    )
    initialization: str = option(
        source, "Python statements that each script and the interpreter run first.", default=""
    )

    @property
    def requirements(self) -> tuple[str, ...]:
        """All that the part imports."""
        return self.eggs


def plan(options: Options, layout: Layout, environment: Environment | None) -> Plan:
    """Return the plan of the scripts and the interpreter.

    Raises:
        OptionProblems: when a script is asked for that nothing provides, or two of one name.
    """
    if environment is None:
        if options.scripts or options.entry_points or options.interpreter:
            raise OptionProblems(layout.part, ["option 'eggs' is empty: there is nothing to make scripts for"])
        return Plan(())
    start = options.initialization
    texts = [
        (
            file,
            entry_point_script(environment.python, point, initialization=start, arguments=options.arguments),
        )
        for file, point in _chosen(options, layout, environment)
    ]
    if options.interpreter:
        texts.append((options.interpreter, interpreter(environment.python, start)))
    files = [file for file, _ in texts]
    twice = sorted({file for file in files if files.count(file) > 1})
    if twice:
        problems = [f"'{file}' would be made twice: rename a script or the interpreter" for file in twice]
        raise OptionProblems(layout.part, problems)
    outputs = {
        "bin-directory": str(layout.bin),
        "location": str(environment.prefix),
        "python": str(environment.python),
        "site-packages": str(environment.site_packages),
    }
    return Plan(tuple(File(layout.bin / file, text, 0o755) for file, text in texts), outputs)


def _chosen(options: Options, layout: Layout, environment: Environment) -> list[tuple[str, EntryPoint]]:
    """Return each script's file name and what it calls."""
    own = environment.scripts_of(requirement_name(requirement) for requirement in options.eggs)
    added = [
        EntryPoint("", "console_scripts", name, target.module, target.attribute)
        for name, target in options.entry_points
    ]
    if options.scripts is None:
        return [(point.name, point) for point in {point.name: point for point in (*own, *added)}.values()]
    # A script of a dependency is made when it is asked for by name; the part's own win.
    others = [point for point in environment.entry_points if point.group == "console_scripts"]
    there_are = {point.name: point for point in (*others, *own, *added)}
    missing = [name for name, _ in options.scripts if name not in there_are]
    if missing:
        known = f"there are {', '.join(sorted(there_are))}" if there_are else "there is none at all"
        problems = [f"option 'scripts': no distribution has a script '{name}': {known}" for name in missing]
        raise OptionProblems(layout.part, problems)
    return [(file, there_are[name]) for name, file in options.scripts]
