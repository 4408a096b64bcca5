"""Reads environment variables from a file when an application starts, so that no secret stands in its scripts.

A line is KEY=VALUE; blank lines and those that begin with # or ; count for nothing. A value may stand in single or
double quotes; between double ones a backslash takes its meaning from a backslash, a double quote, $ or `. Nothing is
ever replaced or run.

Source: EnvironmentFile in systemd.exec(5), for what fits on one line.
"""

from __future__ import annotations

import os
import re
import sys

_LINE = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"')


def read_into_environment(path: str) -> None:
    """Set the variables of a file, or end the process with a sentence that says why it cannot be read."""
    try:
        os.environ.update(read(path))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        sys.exit(f"Error: the environment file {path} cannot be read: {reason}")


def read(path: str) -> dict[str, str]:
    """Return the variables of a file, the last of two of one name.

    Raises:
        OSError: it cannot be read.
        ValueError: a line is none of a file of variables; the value itself is not told.
    """
    with open(path, encoding="utf-8-sig") as stream:
        lines = stream.read().splitlines()
    found = {}
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if not stripped or stripped.startswith(("#", ";")):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            raise ValueError(f"line {number} is not KEY=VALUE")
        if "\0" in match[2]:
            raise ValueError(f"line {number} holds a NUL character, which no variable can hold")
        found[match[1]] = _value(match[2], number)
    return found


def _value(text: str, number: int) -> str:
    if not text.startswith(("'", '"')):
        return text
    if match := _SINGLE.fullmatch(text):
        return match[1]
    if match := _DOUBLE.fullmatch(text):
        return re.sub(r'\\([\\"$`])', r"\1", match[1])
    raise ValueError(f"line {number}: the quotes do not end where the line does")
