"""On which line of a configuration file an option, or a line of its value, stands."""

from __future__ import annotations

import re
from pathlib import Path

_HEADER = re.compile(r"\[\s*([^\s:\[\]]+)")
_OPTION = re.compile(r"([^\s#;=\[][^=]*?)\s*[-+]?=(.*)")


def numbered(root: Path, file: str, section: str, option: str, text: str = "") -> str:
    """Return a file with the number of a line, ``FILE:NUMBER``; the file alone where that is not known.

    Args:
        root: what the file is relative to.
        file: its name, or what else gave the option.
        section: the section's name.
        option: the option's.
        text: the line of the value that is looked for; the option's own where it has none such, or this is empty.
    """
    try:
        lines = (root / file).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return file
    found, here, below = None, False, False
    for number, line in enumerate(lines, 1):
        if header := _HEADER.match(line):
            here, below = header[1] == section, False
        elif here and (match := _OPTION.match(line)):
            below = match[1] == option
            found = number if below else found
            if below and match[2].strip() == text:
                return f"{file}:{number}"
        elif here and below and line[:1].isspace() and line.strip() == text and text:
            return f"{file}:{number}"
    return f"{file}:{found}" if found else file
