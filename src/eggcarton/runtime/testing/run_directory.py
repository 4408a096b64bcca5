"""The directory of one run that is measured, in which its processes leave what they have measured."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:
    # On Windows nothing keeps two runs apart but the names of their directories.
    fcntl = None  # type: ignore[assignment]

_PREFIX = "run-"


class Busy(Exception):
    """Another run of the same part is going on."""


@contextmanager
def held(directory: Path) -> Iterator[Path]:
    """Give a new directory below the one of a part, which goes with the run; what killed runs have left goes first.

    Raises:
        Busy: another run is going on.
        OSError: nothing can be written there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "run.lock", "a+") as lock:
        _lock(lock.fileno(), directory / "run.lock")
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        for left in directory.glob(f"{_PREFIX}*/"):
            shutil.rmtree(left, ignore_errors=True)
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=directory))
        owner = os.getpid()
        try:
            yield path
        finally:
            # A process that forked off has no say here.
            if os.getpid() == owner:
                _remove(path)


def _lock(file: int, path: Path) -> None:
    if fcntl is None:
        return
    try:
        # Processes that fork off do not have it, and so cannot keep it.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        owner = path.read_text("utf-8").strip()
        raise Busy(f"another run is being measured here, by process {owner or '?'}") from None


def _remove(path: Path) -> None:
    """Remove a directory that processes which the tests have left behind may still write to, by its name."""
    gone = path.with_name(f"{path.name}-over")
    # Where that cannot be, the next run clears it.
    with suppress(OSError):
        os.rename(path, gone)
    shutil.rmtree(gone, ignore_errors=True)
