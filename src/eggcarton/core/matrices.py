"""A matrix of test rows: the options that declare it, and the script that runs all rows side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from eggcarton.core.isolation import OPEN_BELOW
from eggcarton.core.launchers import launcher
from eggcarton.core.layout import Environment, Layout
from eggcarton.core.options import option
from eggcarton.core.plan import File, KeptDirectory, runtime_files
from eggcarton.core.readers import file_name, number_of_processes, reads, requirements, seconds, shortened
from eggcarton.core.script import Start, package_body

DEFAULT = "default"
"""The name of the row that is the part itself."""
ROWS = "rows"
"""The directory for what rows print; beside it the part's services have their logs, whatever they are called."""

_NAMED = re.compile(r"(?P<name>[^\s:;@]+)\s*:(?:\s+(?P<rest>.*))?")
_NAME = re.compile("[A-Za-z0-9_-]+")
_PYTHON = re.compile(r"3\.[1-9][0-9]?")


@dataclass(frozen=True, slots=True)
class RequirementSet:
    """One line of a matrix: the name of a set, and what it requires in the place of what is pinned."""

    name: str
    requirements: tuple[str, ...]


class WithMatrix(Protocol):
    """The options of a part that may have a matrix."""

    @property
    def script(self) -> str:
        """The script that runs the default row."""

    @property
    def matrix(self) -> tuple[RequirementSet, ...]:
        """The sets beside the default one."""

    @property
    def pythons(self) -> tuple[str, ...]:
        """The Pythons by which each row runs, as far as they are there."""

    @property
    def matrix_script(self) -> str | None:
        """The script that runs all rows, None for the usual name."""

    @property
    def matrix_parallel(self) -> str:
        """How many rows run at once, auto for as many as there are processors."""

    @property
    def matrix_timeout(self) -> float | None:
        """How long a row may take, None for any time."""


@reads("rows NAME: REQUIREMENTS, one a line")
def sets(value: str) -> tuple[RequirementSet, ...]:
    """Return the sets of a matrix; a line without a name goes on with the row before it.

    Several requirements of one line are separated by commas or blanks, but where one of them has a marker or an
    address: that has a line of its own.

    >>> [one.requirements for one in sets("old: django == 4.2.*, six[a,b]>=1,<2 pytz")]
    [('django == 4.2.*', 'six[a,b]>=1,<2', 'pytz')]
    """
    found: dict[str, list[str]] = {}
    for line in (re.sub(r"(^|\s)#.*", "", line).strip() for line in value.splitlines()):
        match = _NAMED.fullmatch(line)
        if match:
            name = match["name"]
            _check_name(name, found)
            found[name] = []
        elif line and not found:
            raise ValueError(f"holds the line '{shortened(line)}', which is no row such as 'old: name == 1.*'")
        rest = (match["rest"] or "") if match else line
        if rest:
            found[next(reversed(found))] += requirements("\n".join(_divided(rest)))
    return tuple(RequirementSet(name, tuple(lines)) for name, lines in found.items())


def _check_name(name: str, known: Iterable[str]) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"holds the row '{shortened(name)}', whose name is not of letters, digits, - and _")
    if name == DEFAULT:
        raise ValueError(f"holds the row '{DEFAULT}', which is what the part itself is called")
    if name.casefold() in (other.casefold() for other in known):
        raise ValueError(f"holds two rows '{name}'")


def _divided(line: str) -> list[str]:
    """Return the requirements of a line: behind what separates two a name begins, no version and no extra."""
    if ";" in line or "@" in line:
        return [line]
    words, depth, start = list[str](), 0, 0
    for match in re.finditer(r"[\[\]()]|(?:\s*,\s*|\s+)(?=[A-Za-z])", line):
        if match[0] in "[(":
            depth += 1
        elif match[0] in "])":
            depth -= 1
        elif not depth and line[start : match.start()].strip()[-1:] not in ("", *"=<>~!,"):
            words.append(line[start : match.start()])
            start = match.end()
    return [*words, line[start:]]


@reads("versions of CPython such as 3.12, separated by blanks")
def python_versions(value: str) -> tuple[str, ...]:
    """Return the minor versions of CPython, each once."""
    for word in value.split():
        if not _PYTHON.fullmatch(word):
            raise ValueError(f"holds '{shortened(word)}', which is not a minor version of CPython 3 such as 3.12")
        if int(word[2:]) < 10:
            raise ValueError(f"holds '{word}', but what builds there needs 3.10 or later")
    return tuple(dict.fromkeys(value.split()))


def matrix() -> tuple[RequirementSet, ...]:
    """Declare the rows."""
    return option(
        sets,
        "Further rows of tests, NAME: REQUIREMENTS, one a line; a line without a name goes on with the one before. Each"
        " has a lock of its own, in which its requirements take the place of what [versions] pins for their names, and"
        " an environment of its own.",
        default="",
    )


def pythons() -> tuple[str, ...]:
    """Declare the Pythons."""
    return option(
        python_versions,
        "The CPythons that each row is also run by, such as 3.12 3.13, as far as they are found: in the directories"
        " or executables that the variable EGGCARTON_PYTHONS names, by their names in PATH, and where pyenv and uv put"
        " them.",
        default="",
    )


def matrix_script() -> str | None:
    """Declare the name of the script that runs all rows."""
    return option(
        file_name,
        "The name of the script that runs all rows side by side; left out: that of the script, with -matrix behind it.",
        default=None,
    )


def matrix_parallel() -> str:
    """Declare how many rows run at once."""
    return option(
        number_of_processes,
        "How many rows run at once: a number, or auto for as many as there are processors. The variable"
        " EGGCARTON_MATRIX_PARALLEL and the argument --matrix-parallel of the script come before it.",
        default="auto",
    )


def matrix_timeout() -> float | None:
    """Declare how long one row may take."""
    return option(seconds, "How long one row may take; then it is ended, and fails.", default=None)


@dataclass(frozen=True, slots=True)
class Made:
    """What a matrix adds to a plan."""

    items: tuple[File | KeptDirectory, ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()


def made(options: WithMatrix, layout: Layout, environment: Environment, default: Path) -> Made:
    """Return the script that runs all rows, and the directory for what they print; nothing where there is no matrix.

    Args:
        default: the script of the default row.
    """
    if not options.matrix and not options.pythons:
        return Made()
    if (built := layout.matrix) is None:
        needed = "option 'matrix' or 'pythons' takes extensions = eggcarton in [buildout]"
        return Made(remarks=(f"{needed}, which locks and builds each set; only {default.name} was made",))
    name = options.matrix_script or f"{options.script}-matrix"
    place, log = layout.bin / name, layout.log / layout.part / ROWS
    start = Start(python=environment.python, isolation=OPEN_BELOW, root=layout.movable)
    scripts = {row: _command(layout, directory / default.name) for row, directory in built.rows.items()}
    settings: dict[str, object] = {
        "rows": {DEFAULT: _command(layout, default), **scripts},
        "left_out": dict(built.left_out),
        "aliases": dict(built.aliases),
        "log": log,
        "parallel": options.matrix_parallel,
        "timeout": options.matrix_timeout,
        "in_turn": _in_turn(layout),
    }
    body = package_body(start, place, layout.location, "matrix", settings)
    items: tuple[File | KeptDirectory, ...] = (
        KeptDirectory(log),
        *_copied(layout),
        *launcher(layout, start, name, body),
    )
    told = [f"{name} runs {', '.join([DEFAULT, *built.rows])}", *built.pythons]
    told += [f"{row} is left out: {why}" for row, why in built.left_out.items()]
    return Made(items, (("matrix-script", str(place)), ("log-directory", str(log))), tuple(told))


def _in_turn(layout: Layout) -> str:
    """Return why rows have to run one after another: a service with a fixed port is up once at a time."""
    fixed = [f"{one.name} ({one.options.port})" for one in layout.services if one.options.port]
    if not fixed:
        return ""
    return (
        f"The rows run one after another, since the port of {', '.join(fixed)} is fixed; with port = auto they run side"
        " by side."
    )


def _copied(layout: Layout) -> tuple[File, ...]:
    """Return the copy of what runs all rows, which stands beside what runs one."""
    return tuple(file for file in runtime_files(layout.location, "matrix") if file.path.name == "matrix.py")


def _command(layout: Layout, script: Path) -> Path:
    """Return what starts a script."""
    return script.with_name(f"{script.name}.cmd") if layout.windows else script
