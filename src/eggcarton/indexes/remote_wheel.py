"""What a wheel says of itself, read by ranges from where it lies, so that the rest of it need not be fetched."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from eggcarton.indexes.journal import METADATA
from eggcarton.indexes.network import Failed, Network
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.pages import Listed
from eggcarton.indexes.routing import Route

TAIL = (1 << 16) + 22
"""Bytes from the end of a wheel that are read first: its directory, which zipfile looks for in so many, and mostly the
metadata, which comes last."""

_LARGEST = 1 << 23
_HEADER = 30 + (1 << 10)
"""Bytes before a member's content that are read with it: the fixed part of its header, and room for its fields."""

SPOILT = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, NotImplementedError),
    *(OverflowError, RuntimeError, StopIteration, ValueError),
)
"""What `metadata_in` fails with where bytes are none of a wheel."""


def metadata(network: Network, route: Route, listed: Listed) -> bytes:
    """Return METADATA of a wheel, in mostly one request, and none of its other files.

    Args:
        network: the way out.
        route: whose health and credentials count where the wheel lies.
        listed: the wheel, with its size.

    Raises:
        Failed: its size is not known or so small that it may as well be fetched, ranges are not served there, or it is
            no wheel.
        RequestFailed: it cannot be asked for.
    """
    size = listed.size

    def part(start: int, end: int) -> bytes:
        with network.request(route, listed.url, METADATA, listed.name, start=start, end=end - 1) as answer:
            expected = f"bytes {start}-{end - 1}/{size}"
            if answer.status != 206 or _blanks(answer.headers.get("Content-Range", "")) != expected:
                raise _useless(f"{listed.name} is not served in parts")
            body = answer.read()
        if len(body) != end - start:
            raise _useless(f"a part of {listed.name} came with another length")
        return body

    if size is None or size <= TAIL:
        raise _useless(f"{listed.name} may as well be fetched whole")
    try:
        return metadata_in(size, part)
    except SPOILT as error:
        raise _useless(f"{listed.name} is no wheel ({error!r})") from error


def metadata_in(size: int, part: Callable[[int, int], bytes]) -> bytes:
    """Return METADATA of a wheel of which only parts are read.

    Args:
        size: of the whole, in bytes.
        part: gives the bytes from a first one up to an end.

    Raises:
        zipfile.BadZipFile: it is no wheel, or other of the faults that zipfile has for what is none.
    """
    parts = _Parts(size, part)
    with zipfile.ZipFile(io.BufferedReader(parts, 1)) as archive:
        inside = archive.infolist()
        member = next(m for m in inside if m.filename.endswith(".dist-info/METADATA") and m.filename.count("/") == 1)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile("its metadata is compressed as in no wheel")
        if max(member.file_size, member.compress_size) > _LARGEST:
            raise zipfile.BadZipFile(f"its metadata has {member.file_size} bytes")
        parts.have(member.header_offset, member.header_offset + _HEADER + member.compress_size)
        return archive.read(member)


class _Parts(io.RawIOBase):
    """A file that is read here and there: what was read once is kept."""

    def __init__(self, size: int, part: Callable[[int, int], bytes]) -> None:
        self._size, self._part, self._position = size, part, 0
        self._kept: list[tuple[int, bytes]] = []
        self.have(size - TAIL, size)

    def have(self, start: int, end: int) -> bytes:
        """Return what stands between two places, read together with what was read after it."""
        start, end = max(start, 0), min(end, self._size)
        for first, body in self._kept:
            if first <= start and end <= first + len(body):
                return body[start - first : end - first]
        body = self._part(start, end)
        self._kept.append((start, body))
        return body

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"there is nothing before the first byte of {self._size}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + len(buffer), self._size)
        if end - self._position > _LARGEST:
            raise zipfile.BadZipFile("its directory is too large")
        found = self.have(self._position, end) if self._position < end else b""
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)


def _useless(fault: str) -> Failed:
    return Failed(Outcome(Kind.ABSENT, fault=fault))


def _blanks(text: str) -> str:
    return re.sub(r"\s+", " ", text.strip())
