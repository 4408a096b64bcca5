"""A directory that is filled with files by their sha256: what is right stays, what is wrong is replaced.

What else stands there is let be, and nothing is read or written outside: neither ``..`` nor a link leads out.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from eggcarton.core.errors import IntegrityProblem, StagingProblem, UsageProblem

_BLOCK = 1 << 20


@dataclass(slots=True)
class Directory:
    """One directory, and the places in it whose wrong bytes were replaced so far."""

    path: Path
    replaced: list[str] = field(default_factory=list)

    @classmethod
    def made(cls, path: Path) -> Directory:
        """Return a directory, made where nothing stands yet.

        Raises:
            UsageProblem: something else stands there.
            StagingProblem: it cannot be made.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise UsageProblem(f"{path} is not a directory; name one, or a place where nothing stands") from None
        except OSError as error:
            raise StagingProblem(path, error.strerror or str(error)) from error
        return cls(path)

    def right(self, digests: Mapping[str, str]) -> set[str]:
        """Return the places at which the right file stands already.

        Args:
            digests: the sha256 of each file by its place.
        """
        return {place for place, sha256 in digests.items() if self.digest(place) == sha256}

    def digest(self, place: str) -> str | None:
        """Return the sha256 of what stands at a place, None where it is no file of this directory's own."""
        path = self._at(place)
        if path.is_symlink() or not path.is_file():
            return None
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def put(self, place: str, source: Path, sha256: str) -> None:
        """Copy a file to a place, checked on the way.

        Raises:
            IntegrityProblem: it has other bytes by now; nothing was put there.
        """
        with source.open("rb") as stream:
            self._write(place, iter(lambda: stream.read(_BLOCK), b""), sha256)

    def write(self, place: str, data: bytes) -> str:
        """Write a file where it is not so already, and return its sha256."""
        sha256 = hashlib.sha256(data).hexdigest()
        if self.digest(place) != sha256:
            self._write(place, [data], sha256, told=False)
        return sha256

    def _write(self, place: str, blocks: Iterable[bytes], sha256: str, *, told: bool = True) -> None:
        path = self._at(place)
        if path.is_dir() and not path.is_symlink():
            raise UsageProblem(f"{path} is a directory, where a file of that name belongs; move it away")
        was_there = os.path.lexists(path)
        with _staged(path) as stream:
            digest = hashlib.sha256()
            for block in blocks:
                digest.update(block)
                stream.write(block)
            if digest.hexdigest() != sha256:
                raise IntegrityProblem(
                    f"{path.name}: what was to be copied hashes to {digest.hexdigest()}, not {sha256}"
                )
        if was_there and told:
            self.replaced.append(place)

    def _at(self, place: str) -> Path:
        """Return the path of a place, with all directories above it inside.

        Raises:
            UsageProblem: it leads out.
        """
        parts = PurePosixPath(place).parts
        if not parts or place.startswith("/") or ".." in parts:
            raise UsageProblem(f"{place} would leave {self.path}; nothing was written there")
        above = self.path
        for part in parts[:-1]:
            above = above / part
            if not above.resolve().is_relative_to(self.path.resolve()):
                raise UsageProblem(f"{above} is a link that leaves {self.path}; remove it, or name another directory")
        return above / parts[-1]


@contextmanager
def _staged(path: Path) -> Iterator[IO[bytes]]:
    """Give a stream whose content stands at a path when the block has ended, and never half."""
    name = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:64]}.", suffix=".new", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            yield stream
        os.chmod(name, 0o644)
        os.replace(name, path)
        name = None
    except OSError as error:
        raise StagingProblem(path, error.strerror or str(error)) from error
    finally:
        if name is not None:
            os.unlink(name)
