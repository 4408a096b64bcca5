"""What pyrightconfig.json says of an environment, beside what others have written into it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eggcarton.packages.inventory import Inventory

# What pyright leaves out where nobody says anything; whoever says something has to say that too.
_LEFT_OUT = ("**/node_modules", "**/__pycache__", "**/.*")
_KEY = re.compile(r'^([ \t]+)"', re.MULTILINE)
_STRING = r'("(?:\\.|[^"\\])*")'
_COMMENT = re.compile(_STRING + r"|//[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMA = re.compile(_STRING + r"|,(?=\s*[}\]])", re.DOTALL)
_OF_PYPROJECT = re.compile(r"^\s*\[\s*tool\s*\.\s*pyright\s*[.\]]", re.MULTILINE)


class Unreadable(ValueError):
    """A file is not plain JSON, or not such that writing it again would lose nothing."""


@dataclass(frozen=True, slots=True)
class Finders:
    """What only a finder leads to.

    Args:
        directories: what pyright has to be told to follow all that it can follow.
        lost: the modules whose directory or file is called otherwise, so that it cannot.
    """

    directories: tuple[Path, ...]
    lost: Mapping[str, Path]


def finders(found: Inventory) -> Finders:
    """Return where pyright finds what an environment imports by finders, which it does not run."""
    directories: list[Path] = []
    lost: dict[str, Path] = {}
    for held in found.distributions:
        for name, path in held.found.items():
            parts = name.split(".")
            if [*path.parts[-len(parts) : -1], path.name.removesuffix(".py")] == parts:
                directories.append(path.parents[len(parts) - 1])
            else:
                lost[name] = path
    return Finders(tuple(dict.fromkeys(directories)), lost)


def settings(venv: str, version: str, extra_paths: Sequence[str], left_out: Sequence[str]) -> dict[str, Any]:
    """Return what pyright has to be told of an environment.

    Args:
        venv: the path of the environment; paths start from the directory of the configuration.
        version: that of Python.
        left_out: directories of the build, whose files are nobody's source.
    """
    place, _, name = venv.rpartition("/")
    told: dict[str, Any] = {
        "venvPath": place or ".",
        "venv": name,
        "pythonVersion": ".".join(version.split(".")[:2]),
    }
    if extra_paths:
        told["extraPaths"] = list(extra_paths)
    return {**told, "exclude": [*_LEFT_OUT, *left_out]}


def merged(before: str | None, told: Mapping[str, Any]) -> str:
    """Return the text of a configuration, with what was in it before.

    What names files that are looked at stays as it was, and so do further paths to import from.

    Raises:
        Unreadable: what was in it cannot be kept.
    """
    found = {} if before is None else _read(before)
    wanted = {name: value for name, value in told.items() if name != "exclude" or not {"include", "exclude"} & {*found}}
    if "extraPaths" in wanted:
        kept = found.get("extraPaths", [])
        if not isinstance(kept, list):
            raise Unreadable("its extraPaths is no list")
        wanted["extraPaths"] = [*kept, *(path for path in wanted["extraPaths"] if path not in kept)]
    if before is not None and found == {**found, **wanted}:
        return before
    indentation: int | str = 4
    if before is not None:
        try:
            json.loads(before)
        except json.JSONDecodeError as error:
            raise Unreadable(f"line {error.lineno} is no plain JSON: {error.msg}") from error
        match = _KEY.search(before)
        indentation = match[1] if match else indentation
    return json.dumps({**found, **wanted}, indent=indentation, ensure_ascii=False) + "\n"


def _read(text: str) -> dict[str, Any]:
    """Read a configuration as pyright does, which takes comments and commas before a closing bracket."""
    plain = _COMMENT.sub(lambda match: match[1] or "", text)
    plain = _LAST_COMMA.sub(lambda match: match[1] or "", plain)
    try:
        found = json.loads(plain, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise Unreadable(f"it is no JSON: {error.msg}") from error
    if not isinstance(found, dict):
        raise Unreadable("it holds no object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("it names one setting twice")
    return found


def lines(told: Mapping[str, Any], *, toml: bool = False) -> list[str]:
    """Return the lines that say the same, for one who writes them by hand."""
    between, end = (" = ", "") if toml else (": ", ",")
    return [
        f"{name if toml else json.dumps(name)}{between}{json.dumps(value, ensure_ascii=False)}{end}"
        for name, value in told.items()
    ]


def is_in_pyproject(text: str) -> bool:
    """Tell whether a pyproject.toml has settings of pyright, which it would not read beside a pyrightconfig.json."""
    return bool(_OF_PYPROJECT.search(text))
