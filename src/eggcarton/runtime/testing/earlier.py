"""Sees to it that the report of an earlier run is not read as that of this one, however early this one breaks."""

from __future__ import annotations

import atexit
import os
from contextlib import suppress


def put_aside(path: str) -> None:
    """Put the report aside until it is known whether tests run; when the process ends before, it goes."""
    drop(path)
    if os.path.isfile(path):
        # Where it cannot be moved, no other can be put in its place either, which is told then.
        with suppress(OSError):
            os.replace(path, _aside(path))
            atexit.register(drop, path)


def put_back(path: str) -> None:
    """Put the report back, where no other stands there."""
    if not os.path.lexists(path):
        with suppress(OSError):
            os.replace(_aside(path), path)


def drop(path: str) -> None:
    """Remove what was put aside."""
    with suppress(OSError):
        os.unlink(_aside(path))


def _aside(path: str) -> str:
    directory, name = os.path.split(path)
    return os.path.join(directory, f".{name}.earlier")
