"""What recipes asked for while they ran, by part: a table of the lock, so that a fresh checkout knows it at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from eggcarton.core.errors import IntegrityProblem

KEY = "asked"
"""The name of the table below ``[tool.eggcarton]``."""
_LINE = re.compile(r'("(?:[^"\\]|\\.)*") = (\[.*\])')

ByPart = tuple[tuple[str, tuple[str, ...]], ...]
"""The requirements of each part, both in order; the part ``""`` is a recipe that ran for none."""


def table_of(asked: Mapping[str, Sequence[str]]) -> ByPart:
    """Return requirements by part in the order that a lock has them in."""
    return tuple((part, tuple(sorted(set(lines)))) for part, lines in sorted(asked.items()))


def settled(locked: ByPart, asked: ByPart) -> ByPart:
    """Return what a lock tells from now on: a part that asks for nothing any more is left out.

    What it has of parts that the configurations at hand do not have stays: another one may be run with the same lock.
    """
    return tuple((part, lines) for part, lines in sorted({**dict(locked), **dict(asked)}.items()) if lines)


def given_up(locked: ByPart, asked: ByPart) -> list[str]:
    """Return the requirements that a lock tells and a part does not ask for any more."""
    known = dict(locked)
    return [line for part, lines in asked for line in known.get(part, ()) if line not in lines]


def together(*tables: ByPart) -> ByPart:
    """Return what several configurations know of their parts, and a part that all of them have asks for."""
    found: dict[str, list[str]] = {}
    for table in tables:
        for part, lines in table:
            found.setdefault(part, []).extend(lines)
    return table_of(found)


def of_tool(tool: Mapping[str, Any], where: str) -> ByPart:
    """Return what ``[tool.eggcarton]`` of a lock tells.

    Raises:
        IntegrityProblem: it is no table of requirements by part.
    """
    raw = tool.get(KEY, {})
    lists = list(raw.values()) if isinstance(raw, dict) else [None]
    if not all(isinstance(lines, list) and all(isinstance(line, str) for line in lines) for lines in lists):
        raise IntegrityProblem(
            f"{where}: [tool.eggcarton.{KEY}] must name lists of requirements by part; restore the lock, or remove it "
            "and lock again"
        )
    return table_of(raw)


def read(lock: Path) -> dict[str, list[str]]:
    """Return the table of a lock without reading the rest, nothing where there is none.

    It is read as it is written by us; who writes a lock otherwise has the recipes ask once more. Nothing else of a
    lock is read inside ``bin/buildout``, and Python 3.10 has no reader of TOML.
    """
    found: dict[str, list[str]] = {}
    with suppress(OSError, UnicodeDecodeError):
        _, _, rest = lock.read_text("utf-8").partition(f"\n[tool.eggcarton.{KEY}]\n")
        for line in rest.split("\n"):
            match = _LINE.fullmatch(line)
            if match is None:
                break
            with suppress(ValueError):
                found[json.loads(match[1])] = [str(spec) for spec in json.loads(match[2])]
    return found
