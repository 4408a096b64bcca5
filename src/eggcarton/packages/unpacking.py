"""A wheel, unpacked as uv unpacks it into a target directory, for where uv cannot: its cache needs symbolic links."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from eggcarton.core.errors import EggcartonError, IntegrityProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.packages.eggs import Row, installed_name

_RECORD = re.compile(r"[^/]+\.dist-info/RECORD")
_EXECUTABLE = 0o111


def unpack(wheel: Path, name: str, sha256: str, target: Path) -> None:
    """Unpack a wheel into a directory that other wheels may have been unpacked into.

    Args:
        name: what errors call it.

    Raises:
        IntegrityProblem: it has another sha256, or a file in it another digest than its RECORD tells.
        EggcartonError: it is no valid wheel.
    """
    if file_digest(wheel) != sha256:
        raise IntegrityProblem(f"{name} has another sha256 than is locked; remove it from the cache, and run again")
    try:
        with zipfile.ZipFile(wheel) as archive:
            _unpack(archive, name, target)
    except (zipfile.BadZipFile, UnicodeDecodeError, csv.Error) as error:
        raise EggcartonError(f"{name} is not a valid wheel: {error}") from error


def _unpack(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    record = next((entry for entry in archive.namelist() if _RECORD.fullmatch(entry)), None)
    if record is None:
        raise EggcartonError(f"{name} is not a valid wheel: it has no RECORD")
    project = re.sub(r"[-_.]+", "-", record.partition("-")[0]).lower()
    rows = [[*row, "", ""] for row in csv.reader(io.StringIO(archive.read(record).decode("utf-8"))) if row]
    told = {row[0]: Row.read(row[1]) for row in rows}
    for item in archive.infolist():
        if item.is_dir() or item.filename == record:
            continue
        place = _place(target, installed_name(item.filename, project), name)
        place.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(item) as source, open(place, "xb") as stream:
            shutil.copyfileobj(source, stream)
        if item.external_attr >> 16 & _EXECUTABLE or ".data/scripts/" in item.filename:
            place.chmod(place.stat().st_mode | _EXECUTABLE)
        row = told.get(item.filename, Row())
        if row.algorithm and not row.holds(place.read_bytes()):
            raise IntegrityProblem(f"{name}: {item.filename} in it has another digest than its RECORD tells")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([installed_name(row[0], project), *row[1:3]] for row in rows)
    _place(target, record, name).write_text(text.getvalue(), "utf-8")


def _place(target: Path, entry: str, name: str) -> Path:
    """Return where an entry belongs, which no wheel may have outside of the directory."""
    if os.path.isabs(entry) or ".." in entry.split("/") or "\\" in entry:
        raise IntegrityProblem(f"{name} holds {entry!r}, which would be written elsewhere; nothing was unpacked")
    return target / entry


def unpack_all(wheels: Mapping[str, tuple[Path, str]], target: Path) -> None:
    """Unpack wheels, given by their sha256 as a path and what errors call each, that own no path in common."""
    target.mkdir(parents=True, exist_ok=True)
    for sha256, (wheel, name) in wheels.items():
        unpack(wheel, name, sha256, target)
