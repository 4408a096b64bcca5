"""What has come of a file so far: kept by the sha256 of the whole, gone on with by any route and by the next run."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from types import TracebackType

from eggcarton.indexes.cache import Cache

if sys.platform != "win32":
    import fcntl

OLD = 86_400.0
"""Seconds after which a partial file that nobody goes on with is removed."""

PATIENCE = 15.0
"""Seconds for which a file that another run brings is waited for while nothing of it comes."""

_YOUNG = 60.0
_LOOK = 0.02
_BLOCK = 1 << 20
EARLIER = "an earlier run"


class Partial:
    """A partial file that this process, and no other one, writes.

    It is locked for as long as it is open. Where another run has the one of its name, that is waited for while
    something comes; after that, or for a second request of this run, this is one of its own, which is removed when it
    is closed.

    Args:
        cache: where it lies.
        sha256: its name; a file whose digest nobody knows yet has none.
        shared: whether it is the one that is gone on with.
        patience: seconds for which another run is waited for while nothing comes.
        given_up: tells that nothing is waited for any more.

    Attributes:
        size: bytes that are there.
        sources: the addresses of the routes that they came from; `EARLIER` where nobody knows any more.

    Raises:
        CacheProblem: it cannot be written.
    """

    def __init__(
        self,
        cache: Cache,
        sha256: str = "",
        *,
        shared: bool = True,
        patience: float = 0.0,
        given_up: Callable[[], bool] = lambda: False,
    ) -> None:
        self._cache, self._name = cache, sha256
        with cache.storing():
            cache.partial.mkdir(parents=True, exist_ok=True)
            held = _awaited(cache.partial / sha256, patience, given_up) if sha256 and shared else None
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


def _awaited(path: Path, patience: float, given_up: Callable[[], bool]) -> FileIO | None:
    """Return a file, locked, once who has it has finished or is no more; None where nothing of it comes for so long."""
    size, since = _size(path), time.monotonic()
    while (held := _locked(path)) is None:
        if (found := _size(path)) != size:
            size, since = found, time.monotonic()
        if time.monotonic() - since >= patience or given_up() or not _is_ours(path):
            return None
        time.sleep(_LOOK)
    return held


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _is_ours(path: Path) -> bool:
    """Tell whether this user may write what lies at a path, or put something there."""
    return sys.platform != "win32" and (os.access(path, os.W_OK) or not path.exists())


def _locked(path: Path) -> FileIO | None:
    """Return a file, open and locked and at its first byte, None where somebody else has it."""
    while sys.platform != "win32":
        try:
            # As far as the umask goes, another user of a cache that is shared goes on with it.
            stream = FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        except PermissionError:
            if not path.exists():
                raise
            return None
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
