"""Files that one process at a time may hold, and directories that go when the process that made them is no more."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

try:
    import fcntl
except ImportError:
    # Windows has none: there, nobody is kept out, and what was left behind goes by its age.
    fcntl = None  # type: ignore[assignment]

_ABANDONED = 24 * 3600.0
_LOCK = ".lock"


def hold(path: Path) -> TextIO | None:
    """Return what holds a file until it is closed or this process ends; None where a place has no locks.

    Raises:
        BlockingIOError: somebody holds it already.
    """
    if fcntl is None:
        return None
    try:
        stream = path.open("a", encoding="utf-8")
    except OSError:
        return None
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        stream.close()
        if isinstance(error, BlockingIOError):
            raise
        return None
    return stream


@contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """Give a new directory whose name begins so, removed in the end, or by the next `sweep` if this process is killed.

    What holds it is a file beside it, which is there before the directory is.
    """
    held, place = None, parent
    while place == parent:
        name = f"{prefix}{os.getpid()}-{secrets.token_hex(4)}"
        lock = parent / f"{name}{_LOCK}"
        with suppress(BlockingIOError):
            held = hold(lock)
            if held is None or _still_at(lock, held):
                place = parent / name
    try:
        place.mkdir()
        yield place
    finally:
        _remove(place)
        if not place.exists():
            lock.unlink(missing_ok=True)
        if held is not None:
            held.close()


def sweep(parent: Path, prefix: str, *, unheld: float = _ABANDONED) -> None:
    """Remove the directories whose names begin so and whose processes are no more; what cannot be removed stays.

    Args:
        unheld: seconds after which a directory that nothing holds is one that was left, for places without locks.
    """
    locks = {lock.with_name(lock.name.removesuffix(_LOCK)): lock for lock in parent.glob(f"{prefix}*{_LOCK}")}
    for place, lock in locks.items():
        with suppress(OSError):
            held = hold(lock)
            if held is not None:
                with held:
                    _remove(place)
                    if not place.exists():
                        lock.unlink()
    for place in set(parent.glob(f"{prefix}*")) - set(locks) - set(locks.values()):
        with suppress(OSError):
            if place.lstat().st_mtime <= time.time() - unheld:
                _remove(place)


def _still_at(lock: Path, held: TextIO) -> bool:
    """Tell whether a file that is held is the one that has its name: a sweep may have taken that away meanwhile."""
    try:
        return os.path.samestat(os.fstat(held.fileno()), lock.stat())
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
