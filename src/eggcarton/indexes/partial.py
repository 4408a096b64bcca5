"""What has come of a file so far: kept by the sha256 of the whole, gone on with by any route and by the next run."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from io import FileIO
from pathlib import Path
from types import TracebackType

from eggcarton.indexes.cache import Cache

if sys.platform != "win32":
    import fcntl

OLD = 86_400.0
"""Seconds after which a partial file that nobody goes on with is removed."""

_YOUNG = 60.0
_BLOCK = 1 << 20
EARLIER = "an earlier run"


class Partial:
    """A partial file that this process, and no other one, writes.

    It is locked for as long as it is open. Where another run or request has the one of its name, this is one of its
    own, which is removed when it is closed.

    Attributes:
        size: bytes that are there.
        sources: the addresses of the routes that they came from; `EARLIER` where nobody knows any more.

    Raises:
        CacheProblem: it cannot be written.
    """

    def __init__(self, cache: Cache, sha256: str = "", *, shared: bool = True) -> None:
        self._cache, self._name = cache, sha256
        with cache.storing():
            cache.partial.mkdir(parents=True, exist_ok=True)
            held = _locked(cache.partial / sha256) if sha256 and shared else None
            self._is_shared = held is not None
            if held is None:
                handle, name = tempfile.mkstemp(prefix=f"{sha256}.", dir=cache.partial)
                self._path, self._stream = Path(name), FileIO(handle, "r+b")
                _lock(self._stream)
            else:
                self._path, self._stream = cache.partial / sha256, held
            self.size, self._digest = 0, hashlib.sha256()
            while block := self._stream.read(_BLOCK):
                self.size += len(block)
                self._digest.update(block)
        self.sources = {EARLIER} if self.size else set[str]()

    def __enter__(self) -> Partial:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream.closed:
            return
        if not self._is_shared or self.size == 0:
            self._path.unlink(missing_ok=True)
        self._stream.close()

    @property
    def sha256(self) -> str:
        """The digest of what is there."""
        return self._digest.hexdigest()

    @property
    def is_mixed(self) -> bool:
        """Whether it is put together from several sources, so that wrong bytes may be of any."""
        return len(self.sources) > 1 or EARLIER in self.sources

    def write(self, block: bytes, source: str) -> None:
        """Append bytes that came from a route's address.

        Raises:
            CacheProblem: the disk is full, or it cannot be written for another reason.
        """
        with self._cache.storing():
            left = memoryview(block)
            while left:
                # Unbuffered, so that what is counted here is what a run that is killed leaves behind.
                left = left[self._stream.write(left) or 0 :]
        self._digest.update(block)
        self.size += len(block)
        self.sources.add(source)

    def restart(self) -> None:
        """Forget all that came."""
        with self._cache.storing():
            self._stream.seek(0)
            self._stream.truncate()
        self.size, self._digest = 0, hashlib.sha256()
        self.sources.clear()

    def keep(self) -> Path:
        """Give the file the name of its digest in the cache, where it is one of the files that have come whole."""
        with self._cache.storing():
            if sys.platform == "win32":
                self._stream.close()
            # Renamed while it is locked: who waits for the lock finds another file by the name, or none.
            path = self._cache.keep(self.sha256, self._path)
            self._stream.close()
        return path


def sweep(cache: Cache, wall: float | None = None) -> None:
    """Remove what killed runs have left behind: old partial files, and those that nobody can go on with.

    Args:
        cache: where they lie.
        wall: the time of the wall clock; one that has jumped makes files old.
    """
    now = time.time() if wall is None else wall
    try:
        paths = list(cache.partial.iterdir())
    except OSError:
        return
    for path in paths:
        try:
            if abs(now - path.stat().st_mtime) > (_YOUNG if "." in path.name else OLD):
                held = _locked(path)
                if held is not None:
                    path.unlink(missing_ok=True)
                    held.close()
        except OSError:
            # Somebody else removes it, or has to.
            continue


def _locked(path: Path) -> FileIO | None:
    """Return a file, open and locked and at its first byte, None where somebody else has it."""
    while sys.platform != "win32":
        stream = FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        if not _lock(stream):
            stream.close()
            return None
        try:
            if os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                return stream
        except FileNotFoundError:
            pass
        # Who had it has finished it meanwhile, and it has another name now.
        stream.close()
    return None


def _lock(stream: FileIO) -> bool:
    """Lock a file without waiting, until it is closed; False where that cannot be."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
