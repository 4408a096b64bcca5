"""Write a lock whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from eggcarton.core.errors import StagingProblem


def replace(path: Path, text: str) -> None:
    """Write a lock so that the old or the new one stands at every moment, whatever ends the process.

    Runs are kept apart, so that one name is enough for what is written; what a killed one left is overwritten.

    Raises:
        StagingProblem: it cannot be written; the old one stands.
    """
    staged = path.with_name(f".{path.name}.new")
    try:
        with suppress(FileNotFoundError):
            staged.unlink()
        with open(staged, "x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        staged.chmod(0o644)
        os.replace(staged, path)
    except OSError as error:
        with suppress(OSError):
            staged.unlink()
        raise StagingProblem(path, error.strerror or str(error)) from error
