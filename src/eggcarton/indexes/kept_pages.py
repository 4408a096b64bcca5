"""Pages of indexes kept between runs: each is asked for anew, and comes again only where it has changed.

What lies here may be deleted at any time. A page is never taken without asking, so that none is older than its index.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from eggcarton.core.credentials import without_credentials

LIMIT = 128 << 20
"""Bytes that all kept pages have at most, compressed."""

_KEPT = ("Content-Type", "ETag", "Last-Modified", "X-PyPI-Last-Serial")


@dataclass(frozen=True, slots=True)
class Kept:
    """A page as it came once: the headers that matter, and its body; nothing where it never did."""

    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def conditions(self) -> dict[str, str]:
        """The headers of a request that is answered by 304 where the page has not changed."""
        known = {"If-None-Match": self.headers.get("ETag"), "If-Modified-Since": self.headers.get("Last-Modified")}
        return {name: value for name, value in known.items() if value}


class KeptPages:
    """A directory of pages, one file each, which is replaced whole; any number of processes may use it at once.

    Args:
        directory: where they are; None keeps nothing.
        limit: bytes that they may have, from one run to the next; the ones not used for longest go first.
    """

    def __init__(self, directory: Path | None = None, *, limit: int = LIMIT) -> None:
        self._directory, self._limit = directory, limit
        self._is_pruned = False
        self._guard = threading.Lock()

    def of(self, url: str) -> Kept:
        """Return the page that an address had at last; an empty one where nothing whole is kept of it."""
        if self._directory is None:
            return Kept()
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, zlib.error):
            head, _, packed = self._place(self._directory, url).read_bytes().partition(b"\n")
            told, body = json.loads(head), zlib.decompress(packed)
            if told["url"] == without_credentials(url) and told["sha256"] == sha256(body).hexdigest():
                return Kept({str(name): str(value) for name, value in told["headers"].items()}, body)
        return Kept()

    def keep(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Keep a page that can be asked for by what has changed; where it cannot be written a run goes on without."""
        told = {name: headers[name] for name in _KEPT if headers.get(name)}
        if self._directory is None or not ("ETag" in told or "Last-Modified" in told):
            return
        place = self._place(self._directory, url)
        with suppress(OSError):
            if "no-store" in headers.get("Cache-Control", ""):
                place.unlink(missing_ok=True)
                return
            place.parent.mkdir(parents=True, exist_ok=True)
            head = {"url": without_credentials(url), "sha256": sha256(body).hexdigest(), "headers": told}
            handle, name = tempfile.mkstemp(prefix=".", dir=place.parent)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(json.dumps(head).encode() + b"\n" + zlib.compress(body, 1))
                os.replace(name, place)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name)
                raise
            self._prune(self._directory)

    def used(self, url: str) -> None:
        """Take note that a page still holds."""
        if self._directory is not None:
            with suppress(OSError):
                os.utime(self._place(self._directory, url))

    @staticmethod
    def _place(directory: Path, url: str) -> Path:
        return directory / sha256(without_credentials(url).encode()).hexdigest()

    def _prune(self, directory: Path) -> None:
        """Remove the pages that were used least lately, once a run, as far as they are too many."""
        with self._guard:
            if self._is_pruned:
                return
            self._is_pruned = True
        found = sorted(((entry.stat(), entry.path) for entry in os.scandir(directory)), key=lambda it: it[0].st_mtime)
        surplus = sum(stat.st_size for stat, _ in found) - self._limit
        for stat, path in found:
            if surplus <= 0:
                return
            os.unlink(path)
            surplus -= stat.st_size
