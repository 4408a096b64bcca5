"""A file that is written whole or not at all, such as a lock."""

from __future__ import annotations

import glob
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from eggcarton.core.errors import StagingProblem


def replace(path: Path, content: str | bytes, *, alone: bool = False) -> None:
    """Write a file so that the old or the new one stands at every moment, whatever ends the process.

    Its directory is made where it is not there.

    Args:
        alone: whether no other process writes it now, so that what a killed one has left beside it can go.

    Raises:
        StagingProblem: it cannot be written; the old one stands.
    """
    staged = None
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
        for left in path.parent.glob(f".{glob.escape(path.name)}.*.new") if alone else ():
            left.unlink()
        handle, staged = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
        with open(handle, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(staged, 0o644)
        os.replace(staged, path)
    except BaseException as error:
        with suppress(OSError):
            if staged is not None:
                os.unlink(staged)
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            if isinstance(error, PermissionError) and path.parent.is_dir():
                reason = f"this user may not write to {path.parent}; run it as one who may, or change that"
            raise StagingProblem(path, reason) from error
        raise
