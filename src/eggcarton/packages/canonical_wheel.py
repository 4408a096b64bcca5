"""A wheel in the one form that depends on its content alone: order, times, modes and no compression."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

from eggcarton.core.errors import EggcartonError

_DAY = (1980, 1, 1, 0, 0, 0)
_RECORD = re.compile(r"[^/]+\.dist-info/RECORD")
_SIGNED = re.compile(r"[^/]+\.dist-info/RECORD\.(jws|p7s)")


def rewrite(wheel: Path, place: Path) -> None:
    """Write a wheel's content once more, in that form.

    Nothing is compressed, since versions of zlib differ in what they make of the same bytes.

    Raises:
        EggcartonError: it is no wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = {info.filename: (info, archive.read(info)) for info in archive.infolist() if not info.is_dir()}
            if len(found) != sum(not info.is_dir() for info in archive.infolist()):
                raise EggcartonError(f"{wheel.name} holds two files of one name, so it cannot be kept; mend its build")
    except zipfile.BadZipFile as error:
        raise EggcartonError(f"the build made {wheel.name}, which is no wheel: {error}") from error
    is_signed = any(_SIGNED.fullmatch(name) for name in found)
    with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(found, key=_place_of):
            info, content = found[name]
            entry = zipfile.ZipInfo(name, _DAY)
            # As on POSIX, on whatever system it is written; what a wheel says of a file is whether it can be executed.
            entry.create_system = 3
            entry.external_attr = (0o100755 if (info.external_attr >> 16) & 0o100 else 0o100644) << 16
            archive.writestr(entry, _in_order(content) if _RECORD.fullmatch(name) and not is_signed else content)


def _place_of(name: str) -> tuple[bool, bool, str]:
    """Put metadata last, and RECORD behind all others, as PEP 427 recommends."""
    return ".dist-info/" in name, bool(_RECORD.fullmatch(name)), name


def _in_order(record: bytes) -> bytes:
    rows = sorted(row for row in csv.reader(io.StringIO(record.decode("utf-8"))) if row)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
