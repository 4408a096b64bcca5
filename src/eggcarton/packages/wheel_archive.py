"""A wheel as an archive: its files by their paths, of which none is given out that is not safe to unpack."""

from __future__ import annotations

import hashlib
import io
import lzma
import mmap
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipInfo

from eggcarton.core.errors import EggcartonError, IntegrityProblem

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    UnicodeDecodeError,
)
"""What comes of an archive that is cut off, or was never one."""

_IN_MEMORY = 64 << 20
_AT_ONCE = 16 << 20
_BLOCK = 1 << 20
_MOST = 256 << 20
_MOST_RATIO = 200
_ENCRYPTED, _UTF_8 = 0x1, 0x800
_LOCAL = struct.Struct("<4s5H3I2H")
_UNIX = 3


class WheelArchive:
    """The files of one wheel.

    Args:
        name: what errors call it.
        archive: its index has been read.
        data: all bytes of it, whose sha256 was checked.

    Raises:
        IntegrityProblem: it holds what would be written elsewhere, or far more than its size allows for.
        EggcartonError: it holds what no wheel may, such as links.
    """

    def __init__(self, name: str, archive: zipfile.ZipFile, data: bytes | mmap.mmap) -> None:
        self.name, self._archive, self._data = name, archive, memoryview(data)
        self.members: dict[str, ZipInfo] = {}
        entries = archive.infolist()
        for entry in entries:
            if not entry.filename.endswith("/"):
                self._check(entry)
                self.members[entry.filename] = entry
        total = sum(entry.file_size for entry in entries)
        if total > _MOST and total > _MOST_RATIO * len(data):
            raise IntegrityProblem(
                f"{name} would fill {total >> 20} MiB, {total // len(data)} times its size, as no wheel does that is "
                "meant to be installed; nothing was unpacked"
            )

    def _check(self, entry: ZipInfo) -> None:
        path = entry.filename
        if path in self.members:
            raise IntegrityProblem(f"{self.name} holds {path} twice; nothing was unpacked, as one would hide the other")
        if entry.orig_filename != path or "\\" in path or ":" in path.partition("/")[0]:
            raise IntegrityProblem(f"{self.name} holds {entry.orig_filename!r}, which is no path of a wheel's file")
        if path.startswith("/") or not {"", ".", ".."}.isdisjoint(path.split("/")):
            raise IntegrityProblem(
                f"{self.name} holds {path!r}, which would be written elsewhere; nothing was unpacked"
            )
        if entry.flag_bits & _ENCRYPTED:
            raise EggcartonError(f"{self.name} holds {path} encrypted, which no wheel may; ask its author for another")
        if entry.create_system == _UNIX and stat.S_ISLNK(entry.external_attr >> 16):
            raise EggcartonError(f"{self.name} holds {path} as a link, which no wheel may; ask its author for another")

    def read(self, entry: ZipInfo) -> bytes:
        """Return what a file holds.

        Raises:
            BadZipFile, zlib.error and others of `BROKEN`: its bytes are not those that the index tells.
        """
        if entry.file_size > _AT_ONCE or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return b"".join(self.blocks(entry))
        # As zipfile does it, at a third of the cost for small files, of which wheels are made.
        begin = entry.header_offset
        signature, _, flags, *_, long, extra = _LOCAL.unpack_from(self._data, begin)
        begin += _LOCAL.size
        name = bytes(self._data[begin : begin + long]).decode("utf-8" if flags & _UTF_8 else "cp437")
        if signature != b"PK\3\4" or name != entry.orig_filename:
            raise zipfile.BadZipFile(f"{entry.filename} is not where its index tells")
        begin += long + extra
        packed = self._data[begin : begin + entry.compress_size]
        if entry.compress_type == zipfile.ZIP_STORED:
            content, is_whole = bytes(packed), True
        else:
            inflating = zlib.decompressobj(-zlib.MAX_WBITS)
            content = inflating.decompress(packed, entry.file_size + 1)
            is_whole = inflating.eof
        if not is_whole or len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
            raise zipfile.BadZipFile(f"bad CRC-32 for file {entry.filename!r}, or another length than its index tells")
        return content

    def blocks(self, entry: ZipInfo) -> Iterator[bytes]:
        """Give what a file holds, a large one in pieces."""
        if entry.file_size <= _AT_ONCE and entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield self.read(entry)
            return
        length = 0
        with self._archive.open(entry) as stream:
            while block := stream.read(_BLOCK):
                length += len(block)
                yield block
        if length != entry.file_size:
            raise zipfile.BadZipFile(f"{entry.filename} has another length than its index tells")


@contextmanager
def opened(path: Path, name: str, sha256: str) -> Iterator[WheelArchive]:
    """Open a wheel; the bytes that are given out are those whose sha256 was taken.

    Args:
        name: what errors call it.
        sha256: what it must have.

    Raises:
        IntegrityProblem: it has another one, or holds what would be written elsewhere.
        EggcartonError: it is no valid wheel.
    """
    with path.open("rb") as stream:
        is_small = os.fstat(stream.fileno()).st_size <= _IN_MEMORY
        data = stream.read() if is_small else mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise IntegrityProblem(
                f"{name} has another sha256 than is locked; remove it from the cache, and run again",
                expected=sha256,
                found=found,
            )
        try:
            with zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else stream) as archive:
                yield WheelArchive(name, archive, data)
        except BROKEN as error:
            raise EggcartonError(f"{name} is not a valid wheel: {str(error) or type(error).__name__}") from error
