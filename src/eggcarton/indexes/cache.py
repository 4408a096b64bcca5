"""Files kept by their sha256: what lies here under a digest has that digest."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eggcarton.core.errors import EggcartonError, IntegrityProblem

_BLOCK = 1 << 20


class CacheProblem(EggcartonError):
    """The cache cannot be written or read, which no index is to blame for: the disk is full, or it is not ours."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(
            f"the cache {directory} cannot be written: {reason.lower()}; make room or give the right to write there, "
            "or name another directory with 'cache' in [eggcarton]"
        )
        self.directory = directory


def file_digest(path: Path) -> str:
    """Return the sha256 of a file as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


class Cache:
    """A directory of files, each named by its sha256, shared by any number of builds at once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def partial(self) -> Path:
        """The directory of what has not come whole yet."""
        return self.directory / "partial"

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Tell what the operating system refuses in the block as a fault of the cache.

        Raises:
            CacheProblem: it refused something.
        """
        try:
            yield
        except OSError as error:
            raise CacheProblem(self.directory, error.strerror or str(error)) from error

    def place(self, sha256: str) -> Path:
        """Return where the file with this digest lies, or would lie."""
        return self.directory / "sha256" / sha256[:2] / sha256

    def find(self, sha256: str) -> Path | None:
        """Return the file with this digest when its bytes still have it; a spoilt file is removed.

        The whole file is read: a cache is a place where other programs write, so its names are not believed.
        """
        path = self.place(sha256)
        try:
            if file_digest(path) == sha256:
                return path
        except (FileNotFoundError, NotADirectoryError):
            return None
        path.unlink(missing_ok=True)
        return None

    def keep(self, sha256: str, path: Path) -> Path:
        """Give a checked file, which lies in this directory under another name, the name of its digest."""
        final = self.place(sha256)
        final.parent.mkdir(parents=True, exist_ok=True)
        with suppress(PermissionError):
            # What another user of a cache that is shared has begun lies there for all who may read it.
            path.chmod(0o644)
        os.replace(path, final)
        return final

    def add(self, sha256: str, blocks: Iterable[bytes], *, size: int | None = None) -> Path:
        """Write a stream beside its final place, check it, then give it its name.

        Args:
            sha256: what the bytes must hash to.
            blocks: the bytes, in any division.
            size: bytes to expect; reading stops one byte past it.

        Raises:
            IntegrityProblem: the bytes have another digest or another length. Nothing is kept.
        """
        final = self.place(sha256)
        final.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{sha256[:16]}.", dir=final.parent)
        partial = Path(name)
        try:
            digest, count = hashlib.sha256(), 0
            with os.fdopen(handle, "wb") as stream:
                for block in blocks:
                    count += len(block)
                    if size is not None and count > size:
                        raise IntegrityProblem(f"more than the {size} bytes that the lock names arrived")
                    digest.update(block)
                    stream.write(block)
            if size is not None and count != size:
                raise IntegrityProblem(f"{count} bytes arrived, the lock names {size}")
            if digest.hexdigest() != sha256:
                raise IntegrityProblem(f"the bytes hash to {digest.hexdigest()}, not to {sha256}")
            return self.keep(sha256, partial)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
