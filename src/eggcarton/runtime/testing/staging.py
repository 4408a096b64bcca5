"""Puts reports in place whole: each is written beside its place, and none is moved there before all are written."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path


class Staging:
    """Reports that are being written.

    The last step is one rename a file, and two for a directory, which cannot be replaced in one.
    """

    def __init__(self) -> None:
        self._files: list[tuple[Path, Path]] = []
        self._directories: list[Path] = []

    def file(self, path: Path) -> str:
        """Return where to write what is to be a file."""
        path = Path(os.path.realpath(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        staging = path.with_name(f".{path.name}.new")
        self._files.append((staging, path))
        return str(staging)

    def directory(self, path: Path) -> str:
        """Return where to write what is to be a directory."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._directories.append(path)
        return str(_beside(path)[0])

    def leave_out(self, path: Path) -> None:
        """Remove what was written for a place, which keeps what it has."""
        if path in self._directories:
            shutil.rmtree(_beside(path)[0], ignore_errors=True)
            self._directories.remove(path)
        for staging, place in [pair for pair in self._files if pair[1] == Path(os.path.realpath(path))]:
            with suppress(OSError):
                staging.unlink()
            self._files.remove((staging, place))

    def put(self) -> None:
        """Move everything to its place."""
        for path in self._directories:
            staging, aside = _beside(path)
            if not path.exists():
                os.rename(staging, path)
                continue
            # Whoever may read the old one may read the new one.
            shutil.copymode(path, staging)
            try:
                os.rename(path, aside)
                os.rename(staging, path)
            except BaseException:
                # It may be interrupted after either.
                if aside.exists() and not path.exists():
                    os.rename(aside, path)
                raise
        for staging, path in self._files:
            os.replace(staging, path)
        for path in self._directories:
            shutil.rmtree(_beside(path)[1], ignore_errors=True)
        self._files, self._directories = [], []

    def drop(self) -> None:
        """Remove what was written and is not in its place."""
        for path in [*self._directories, *(path for _, path in self._files)]:
            self.leave_out(path)


def recover(directory: Path) -> None:
    """Clear up what a run that was killed has left of a directory."""
    staging, aside = _beside(directory)
    shutil.rmtree(staging, ignore_errors=True)
    if aside.exists() and not directory.exists():
        os.rename(aside, directory)
    shutil.rmtree(aside, ignore_errors=True)


def _beside(directory: Path) -> tuple[Path, Path]:
    return directory.with_name(f".{directory.name}.new"), directory.with_name(f".{directory.name}.old")
