"""The lasting path of a part's environment: a link by the part's name to the one that the part has now."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote, unquote

from eggcarton.core.plan import Link

_DIRECTORY = "by-part"


def path(records: Path, part: str) -> Path:
    """Return where the link of a part stands; a part may be named with characters that no file may."""
    return records / _DIRECTORY / quote(part, safe=" ")


def link(records: Path, part: str, prefix: Path) -> Link:
    """Return the link to an environment, which works wherever both are moved to."""
    return Link(Path(os.path.normpath(path(records, part))), target(records, prefix))


def target(records: Path, prefix: Path) -> str:
    """Return what a link to an environment holds."""
    return os.path.relpath(prefix, records / _DIRECTORY)


def find(records: Path, part: str) -> Path | None:
    """Return the environment that a part has, None where it has none; whether that still stands is not asked."""
    place = path(records, part)
    try:
        return Path(os.path.normpath(place.parent / os.readlink(place)))
    except OSError:
        return _made_of(place) if place.is_dir() else None


def _made_of(place: Path) -> Path:
    """Return the environment of which a tree of hard links or copies was made, where there are no symbolic links."""
    try:
        digest = str(json.loads((place / "eggcarton.json").read_text("utf-8"))["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return place
    prefix = place.parent.parent / "environments" / digest[:16]
    return prefix if prefix.is_dir() else place


def parts(records: Path) -> list[str]:
    """Return the parts that have an environment, by their names."""
    try:
        return sorted(unquote(name) for name in os.listdir(records / _DIRECTORY) if name[0] != ".")
    except (FileNotFoundError, NotADirectoryError):
        return []


def find_all(records: Path) -> set[Path]:
    """Return the environments that parts have, also in a tree that may be moved, whose scripts name none."""
    return {prefix for part in parts(records) if (prefix := find(records, part)) is not None}
