"""Have editors and type checkers see what a part imports."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import Any

from eggcarton.buildout import current
from eggcarton.buildout.built import Built
from eggcarton.commands.call import Call
from eggcarton.core import writing
from eggcarton.core.errors import UsageProblem
from eggcarton.packages import pyright

HELP = "write pyrightconfig.json, so that editors and pyright see what a part imports; tell how mypy does"
_FILE = "pyrightconfig.json"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument("part", nargs="?", metavar="PART", help="the part; without it, the one that imports most")


def run(call: Call) -> int:
    """Write the one file beside the configuration, and tell what other tools are to be told."""
    built = Built(call.buildout())
    part = call.options.part or _largest(built)
    found = built.inventory(part)
    config = current.config(built.buildout)
    directory = Path(config).parent if config else built.root
    finders = pyright.finders(found)
    extra_paths = [_relative(path, directory) for path in finders.directories]
    told = pyright.settings(
        _relative(built.lasting(part), directory), found.python.version, extra_paths, _left_out(built, directory)
    )
    changed = _write(directory, told)
    number = len(found.distributions)
    print(
        f"{_FILE} {'written' if changed else 'is up to date'}: editors and pyright see what [{part}] imports, "
        f"{number} distribution{'' if number == 1 else 's'} under Python {told['pythonVersion']}."
    )
    for name, path in finders.lost.items():
        print(f"They do not find {name}, whose place has another name: {_relative(path, directory)}")
    python = built.lasting(part) / "bin" / "python"
    paths = f"MYPYPATH={shlex.quote(os.pathsep.join(extra_paths))} " if extra_paths else ""
    print(f"For mypy: {paths}mypy --python-executable {shlex.quote(_relative(python, directory))}")
    return 0


def _largest(built: Built) -> str:
    sizes = {part: len(built.inventory(part).distributions) for part in built.parts()}
    return max(sizes, key=lambda part: sizes[part])


def _relative(path: Path, directory: Path) -> str:
    """Return a path from the directory of the configuration on, wherever both are below the same buildout."""
    return Path(os.path.relpath(path, directory)).as_posix()


def _left_out(built: Built, directory: Path) -> list[str]:
    section = built.buildout["buildout"]
    places = [section[f"{name}-directory"] for name in ("develop-eggs", "eggs", "parts")]
    found = [_relative(Path(place), directory) for place in places]
    return [place for place in found if not place.startswith("../")]


def _write(directory: Path, told: dict[str, Any]) -> bool:
    """Write the file where it is not as it should be, and tell whether it was not.

    Raises:
        UsageProblem: what others have written would be lost, or not be heeded any more.
    """
    path = directory / _FILE
    project = directory / "pyproject.toml"
    if not path.exists() and project.is_file() and pyright.is_in_pyproject(project.read_text("utf-8", "replace")):
        raise UsageProblem(
            f"{project} has [tool.pyright], which pyright does not read where there is a {_FILE}; write these lines "
            "into that section:\n" + _block(pyright.lines(told, toml=True))
        )
    try:
        before = path.read_text("utf-8") if path.exists() else None
        text = pyright.merged(before, told)
    except (pyright.Unreadable, UnicodeDecodeError) as error:
        raise UsageProblem(
            f"{path} cannot be changed without loss ({error}); write these lines into it yourself:\n"
            + _block(pyright.lines(told))
        ) from error
    if text != before:
        writing.replace(path.resolve(), text)
    return text != before


def _block(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
