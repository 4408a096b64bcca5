"""What a wheel's metadata says of what leads from it to others."""

from __future__ import annotations

import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name


class Edges(NamedTuple):
    """The Requires-Dist lines that can be read, sorted, and the canonical names of all extras."""

    requires: tuple[str, ...]
    extras: frozenset[str]


def of_wheel(wheel: Path) -> Edges:
    """Return the edges of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA") and n.count("/") == 1)
        return of_text(archive.read(name).decode("utf-8", "replace"))


def of_text(text: str) -> Edges:
    """Return the edges that a METADATA file tells."""
    headers, found = HeaderParser().parsestr(text), set()
    for line in headers.get_all("Requires-Dist", ()):
        try:
            found.add(str(Requirement(line)))
        except InvalidRequirement:
            continue
    extras = frozenset(str(canonicalize_name(extra)) for extra in headers.get_all("Provides-Extra", ()))
    return Edges(tuple(sorted(found)), extras)
