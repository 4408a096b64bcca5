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


def hold(path: Path, *, wait: bool = False, shared: bool = False, make: bool = True) -> TextIO | None:
    """Return what holds a file until it is closed or this process ends; None where a place has no locks.

    A file of another user's that can only be read is held as well as one of our own.

    Args:
        wait: whether to wait until nobody else holds it.
        shared: whether others may hold it with us, as long as they share it too.
        make: whether the file is made where it is not there.

    Raises:
        BlockingIOError: somebody holds it already, and it is not to be waited for.
        FileNotFoundError: it is not there, and is not to be made.
    """
    if fcntl is None:
        return None
    try:
        stream = _opened(path, make=make)
    except FileNotFoundError:
        if not make:
            raise
        return None
    except OSError:
        return None
    try:
        fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        stream.close()
        if isinstance(error, BlockingIOError):
            raise
        return None
    return stream


def _opened(path: Path, *, make: bool) -> TextIO:
    try:
        return path.open("a" if make else "r", encoding="utf-8")
    except PermissionError:
        return path.open("r", encoding="utf-8")


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
