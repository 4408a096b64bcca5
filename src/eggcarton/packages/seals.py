"""What tells that an egg of the store is whole: a seal beside it, which is written when all of it stands there.

A kill, or a disk without room, leaves an egg without a seal, or none. What the machine loses when it stops, since
nothing is forced onto the disk, shows when it has started anew: what was sealed before that is read once, and held
against its RECORD by content. Whether each file is there, with its size, is looked at whenever something is provided.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from eggcarton.packages.eggs import Row, info_of

SUFFIX = ".seal"
"""What follows the name of an egg in that of its seal."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_LASTING = "lasting"
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class _Seal:
    """The sha256 of an egg's RECORD, and the start of the machine after which the egg was written."""

    record: str
    start: str


def machine_start() -> str:
    """Return what changes whenever the machine starts; always the same where the machine does not tell."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return _UNKNOWN


def is_sealed(egg: Path) -> bool:
    """Tell whether an egg has a seal, and look no further."""
    return os.path.exists(f"{egg}{SUFFIX}")


def seal(egg: Path, *, start: str | None = None) -> None:
    """Note that an egg is whole.

    Args:
        start: after which start of the machine it was written; None means this one.

    Raises:
        OSError: this cannot be noted.
    """
    record = _record(egg)
    if record is None:
        raise FileNotFoundError(2, "No RECORD", str(egg))
    kept = {"record": hashlib.sha256(record).hexdigest(), "start": machine_start() if start is None else start}
    temporary = f"{egg}{SUFFIX}.{os.getpid()}"
    try:
        with open(temporary, "w", encoding="ascii") as stream:
            json.dump(kept, stream)
        os.replace(temporary, f"{egg}{SUFFIX}")
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def unseal(egg: Path) -> None:
    """Take an egg for one that may be half there from now on."""
    with suppress(FileNotFoundError):
        os.unlink(f"{egg}{SUFFIX}")


def is_whole(egg: Path, *, start: str | None = None) -> bool:
    """Tell whether an egg is all there, and seal it where that had to be found out.

    One without a seal, as a kill leaves it, and one that was sealed before the machine started anew, is read and held
    against the digests of its RECORD; of any other each file has to be there, with its size.

    Args:
        start: the machine's latest start, where it is known already.
    """
    start = machine_start() if start is None else start
    kept, record = _read(egg), _record(egg)
    if record is None or (kept is not None and kept.record != hashlib.sha256(record).hexdigest()):
        return False
    is_known = kept is not None and kept.start in (_LASTING, start)
    if not _holds(egg, record, by_content=not is_known):
        return False
    if not is_known:
        # What was read after a later start than it was written comes from the disk, and lasts. Where nothing can be
        # written, the next run has to read it again.
        with suppress(OSError):
            seal(egg, start=start if kept is None else _LASTING)
    return True


def _read(egg: Path) -> _Seal | None:
    try:
        with open(f"{egg}{SUFFIX}", encoding="ascii") as stream:
            raw = json.load(stream)
        return _Seal(str(raw["record"]), str(raw["start"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _record(egg: Path) -> bytes | None:
    info = info_of(egg)
    try:
        return (info / "RECORD").read_bytes() if info is not None else None
    except OSError:
        return None


def _holds(egg: Path, record: bytes, *, by_content: bool) -> bool:
    """Tell whether an egg has every file of its RECORD; what Python compiled there since is no matter."""
    info = info_of(egg)
    try:
        rows = _rows(record.decode("utf-8"))
    except (UnicodeDecodeError, csv.Error):
        return False
    own = next((row[0] for row in rows if row[0].endswith(".dist-info/RECORD")), "").partition("/")[0]
    if info is None or not own:
        return False
    base, prefix, renamed = f"{egg}/", f"{own}/", f"{egg}/{info.name}/"
    stat = os.stat
    try:
        for name, digest, size in rows:
            path = renamed + name[len(prefix) :] if name.startswith(prefix) else base + name
            if (size or "-1") not in (str(stat(path).st_size), "-1"):
                return False
            if by_content and digest and not _is_of(path, Row.read(digest)):
                return False
    except OSError:
        return False
    return True


def _rows(record: str) -> list[list[str]]:
    """Return the path, the digest and the size of each file; most often nothing in them is quoted."""
    # Not splitlines: a name may hold what that takes for the end of a line.
    lines = record.split("\n")
    read = csv.reader(io.StringIO(record)) if '"' in record else (line.rsplit(",", 2) for line in lines)
    return [row if len(row) == 3 else [*row, "", ""][:3] for row in read if row and row[0]]


def _is_of(path: str, row: Row) -> bool:
    if not row.algorithm:
        return False
    with open(path, "rb") as stream:
        return row.holds(stream.read())
