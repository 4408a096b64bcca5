"""Which environments the last builds used: those are kept, and the latest ones are what stands built."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path

_RECORD = ".generations.json"


def used(directory: Path) -> tuple[str, ...]:
    """Return the names of the environments that the last complete build used."""
    known = _read(directory)
    return tuple(known[0]) if known else ()


def keep(directory: Path, used: Collection[str], *, generations: int = 3) -> list[Path]:
    """Remove the environments that none of the last builds used, and return where they were.

    The last few are kept: a server that was started from one may still import from it.
    """
    known = _read(directory)
    current = sorted(used)
    if known[:1] == [current] or not directory.is_dir():
        return []
    known = [current, *(names for names in known if names != current)][:generations]
    record = directory / _RECORD
    temporary = record.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(known), "utf-8")
    os.replace(temporary, record)
    kept = {name for names in known for name in names}
    known_here = (path for path in sorted(directory.iterdir()) if path.name[0] != "." and path.is_dir())
    removed = [path for path in known_here if path.name not in kept]
    for path in removed:
        shutil.rmtree(path)
    return removed


def _read(directory: Path) -> list[list[str]]:
    try:
        known: list[list[str]] = json.loads((directory / _RECORD).read_text("utf-8"))
        return known
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return []
