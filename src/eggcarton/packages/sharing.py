"""Eggs of one file for several Pythons: the same files under the names that each Python's eggs have."""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from eggcarton.core.standing import below
from eggcarton.packages import eggs

_CACHE = "__pycache__"


def made(place: Path, tag: str, staging: Path, *, hardlink: Callable[[Path, Path], None] = os.link) -> Path | None:
    """Make the egg of a Python out of one for another, of the same file; None where there is none that is as it was.

    What was compiled is left out: it is for one Python. What another Python's egg holds is held against its RECORD.

    Args:
        place: the directory of the eggs of that file.
        tag: how the name of the egg ends.
        staging: the directory in which it is made.
    """
    for other in _others(place, tag):
        base, info = re.sub(r"-py3\.\d+(?=-|\.egg$).*", f"-{tag}", other.name), eggs.info_of(other)
        if info is None or not _is_whole(other, info):
            continue
        egg = staging / f"{base}.egg"
        for path in _files(other):
            name = path.relative_to(other)
            if name.parts[0] == info.name:
                name = Path(f"{base}.dist-info", *name.parts[1:])
            target = egg / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                hardlink(path, target)
            except OSError:
                shutil.copy2(path, target, follow_symlinks=False)
        return egg
    return None


def _others(place: Path, tag: str) -> list[Path]:
    """Return the eggs of one file that are for other Pythons on this platform."""
    platform = re.sub(r"^py3\.\d+", "", tag)
    pattern = re.compile(rf".*-py3\.\d+{re.escape(platform)}\.egg")
    try:
        return [place / name for name in sorted(os.listdir(place)) if pattern.fullmatch(name)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(egg: Path) -> Iterator[Path]:
    return (path for path in below(egg) if _CACHE not in path.relative_to(egg).parts)


def _is_whole(egg: Path, info: Path) -> bool:
    """Tell whether an egg holds what its RECORD says, and nothing else."""
    try:
        rows = eggs.recorded(egg)
    except (OSError, ValueError, csv.Error):
        return False
    record, there = f"{info.name}/RECORD", {path.relative_to(egg).as_posix(): path for path in _files(egg)}
    if there.keys() != rows.keys():
        return False
    return all(
        name == record or (not path.is_symlink() and rows[name].holds(path.read_bytes()))
        for name, path in there.items()
    )
