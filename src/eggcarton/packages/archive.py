"""Source trees packed into tar archives whose bytes depend on names and content alone."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from eggcarton.core.errors import EggcartonError

_BLOCK = 512
# 1980-01-01, the first day that a zip file can hold: a wheel made of it can have the times of its files.
_TIME = 315532800
_FILE, _LINK, _LONG_NAME, _LONG_TARGET = b"0", b"2", b"L", b"K"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, or one symbolic link, whose content then is where it leads."""

    path: str
    content: bytes
    is_executable: bool = False
    is_link: bool = False


def write(stream: BinaryIO, top: str, entries: Iterable[Entry]) -> None:
    """Write entries below one top directory, sorted, with fixed times, owners and modes, and not compressed.

    Compressed bytes depend on the version of the library that makes them, and headers that `tarfile` writes on that of
    Python; an archive that is made anew on another machine must have the same sha256. So both are avoided here.
    """
    for entry in sorted(entries, key=lambda entry: _bytes(entry.path)):
        mode = 0o755 if entry.is_executable else 0o644
        name = _bytes(f"{top}/{entry.path}")
        if entry.is_link:
            for block in _member(name, 0o777, _LINK, target=entry.content):
                stream.write(block)
            continue
        for block in _member(name, mode, _FILE, size=len(entry.content)):
            stream.write(block)
        stream.write(_padded(entry.content))
    stream.write(b"\0" * (2 * _BLOCK))


def read(path: Path, name: str) -> list[Entry]:
    """Return what an archive of a source that somebody else has made holds, without the one directory around it.

    Args:
        name: what it is called in an error.

    Raises:
        EggcartonError: it cannot be read.
    """
    try:
        found = list(_of_zip(path) if zipfile.is_zipfile(path) else _of_tar(path))
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, KeyError) as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise EggcartonError(f"{name} cannot be unpacked: {reason}; ask for another file") from error
    tops = {entry.path.partition("/")[0] for entry in found}
    if len(tops) == 1 and all("/" in entry.path for entry in found):
        return [replace(entry, path=entry.path.partition("/")[2]) for entry in found]
    return found


def _of_zip(path: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield Entry(_inside(info.filename), archive.read(info), bool(info.external_attr >> 16 & stat.S_IXUSR))


def _of_tar(path: Path) -> Iterator[Entry]:
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            if member.issym():
                yield Entry(_inside(member.name), os.fsencode(member.linkname), is_link=True)
            elif (stream := archive.extractfile(member)) is not None:
                yield Entry(_inside(member.name), stream.read(), bool(member.mode & stat.S_IXUSR))


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise tarfile.TarError(f"{name} lies outside of it")
    return str(path)


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % _BLOCK)


def _member(name: bytes, mode: int, kind: bytes, *, size: int = 0, target: bytes = b"") -> Iterator[bytes]:
    """Give the headers of one member; what is longer than its field is told by a member before it, as GNU tar does."""
    for mark, text in ((_LONG_NAME, name), (_LONG_TARGET, target)):
        if len(text) > 100:
            yield _header(b"././@LongLink", 0o644, mark, len(text) + 1, b"")
            yield _padded(text + b"\0")
    yield _header(name[:100], mode, kind, size, target[:100])


def _header(name: bytes, mode: int, kind: bytes, size: int, target: bytes) -> bytes:
    fields = [
        name.ljust(100, b"\0"),
        b"%07o\0" % mode,
        b"%07o\0" % 0,
        b"%07o\0" % 0,
        b"%011o\0" % size,
        b"%011o\0" % _TIME,
        b" " * 8,
        kind,
        target.ljust(100, b"\0"),
        b"ustar  \0",
        b"\0" * 80,
    ]
    header = b"".join(fields).ljust(_BLOCK, b"\0")
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]
