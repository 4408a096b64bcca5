"""The cases that tests run with: named parameter sets, as an option has them and as tests read them."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from eggcarton.core.plan import File
from eggcarton.core.readers import lines, reads, shortened


@dataclass(frozen=True, slots=True)
class Case:
    """A named parameter set."""

    name: str
    values: tuple[tuple[str, str], ...]


@reads("NAME: KEY=VALUE KEY=VALUE, one a line, values quoted as for a shell")
def cases(value: str) -> tuple[Case, ...]:
    """Return one case for each line that is not a comment."""
    found: dict[str, Case] = {}
    for line in (line for line in lines(value) if not line.startswith("#")):
        name, colon, rest = (part.strip() for part in line.partition(":"))
        if not colon or not name or any(sign.isspace() for sign in name):
            raise ValueError(f"holds the line '{shortened(line)}', which is not NAME: KEY=VALUE KEY=VALUE")
        if name in found:
            raise ValueError(f"names the case '{shortened(name)}' twice")
        found[name] = Case(name, _values(name, rest))
    return tuple(found.values())


def _values(name: str, text: str) -> tuple[tuple[str, str], ...]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"has a case '{shortened(name)}' with {str(error).lower()}") from error
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.isidentifier():
            raise ValueError(f"has a case '{shortened(name)}' with '{shortened(word)}', which is not KEY=VALUE")
        if key == "name":
            raise ValueError(f"has a case '{shortened(name)}' that sets name, which is what its own name is called")
        if key in found:
            raise ValueError(f"has a case '{shortened(name)}' that sets {key} twice")
        found[key] = value
    return tuple(found.items())


def cases_file(path: Path, found: tuple[Case, ...]) -> File:
    """Return the file that tests read them from."""
    text = json.dumps({case.name: dict(case.values) for case in found}, ensure_ascii=False, indent=1)
    return File(path, f"{text}\n")
