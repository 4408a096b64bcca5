"""What a distribution's metadata says, in each of the forms that setuptools and its successors have written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

_SECTION = re.compile(r"\[([^:\]]*):?(.*)\]")


@dataclass(frozen=True, slots=True)
class Metadata:
    """A distribution's name, version and requirements, extras as markers, and the names of its extras."""

    name: str
    version: str
    requires: tuple[str, ...]
    extras: tuple[str, ...] = ()


def read(info: Path) -> Metadata | None:
    """Return what a ``.dist-info`` or ``.egg-info`` says, None where that is no metadata.

    Source: the core metadata specification; setuptools' documentation of ``requires.txt``.
    """
    for path in (info / "METADATA", info / "PKG-INFO", info):
        if path.is_file():
            headers = HeaderParser().parsestr(path.read_text("utf-8", "replace"))
            name, version = headers["Name"], headers["Version"]
            if name and version:
                requires = headers.get_all("Requires-Dist") or _lines(info / "requires.txt")
                extras = headers.get_all("Provides-Extra") or _extras(info / "requires.txt")
                return Metadata(name, version, tuple(requires), tuple(extras))
    return None


def _extras(path: Path) -> list[str]:
    """Return the extras of a ``requires.txt``, those that lead to nothing among them."""
    lines = path.read_text("utf-8").splitlines() if path.is_file() else ()
    found = (_SECTION.fullmatch(line.strip()) for line in lines)
    return sorted({match[1].strip() for match in found if match and match[1].strip()})


def _lines(path: Path) -> Iterator[str]:
    """Give the requirements of a ``requires.txt``, which groups them under ``[extra:marker]``."""
    condition = ""
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        line = line.strip()
        if found := _SECTION.fullmatch(line):
            extra, marker = found[1].strip(), found[2].strip()
            markers = [f"({marker})"] * bool(marker) + [f'extra == "{extra}"'] * bool(extra)
            condition = " and ".join(markers)
        elif line and not line.startswith("#"):
            # A blank before the semicolon ends a requirement's address.
            yield f"{line} ; {condition}" if condition else line
