"""Files that are put into somebody's checkout, and their record, by which it is known later what was changed by hand.

The record is what ``sha256sum --check`` reads.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eggcarton.core import writing
from eggcarton.core.errors import EggcartonError, UsageProblem

RECORD = "vendored.sha256"
_LINE = re.compile(r"([0-9a-f]{64})  ([^/\s]+)")


@dataclass(frozen=True, slots=True)
class Vendored:
    """What was done: the names of files that were written, removed, and kept as somebody has changed them."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]


def put(directory: Path, files: Mapping[str, bytes]) -> Vendored:
    """Make the files stand in a directory, those of an earlier time replaced or removed.

    Args:
        directory: the checkout.
        files: the content by name.

    Raises:
        EggcartonError: a file stands there that was not put there; nothing was written then.
        UsageProblem: the record there is none.
    """
    known = _read(directory / RECORD)
    standing = {name: _digest(directory / name) for name in {*files, *known}}
    wanted = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    strangers = [name for name in sorted(files) if name not in known and standing[name] not in (None, wanted[name])]
    if strangers:
        raise EggcartonError(
            f"{directory} has files of its own under the names {', '.join(strangers)}, so that nothing was written; "
            "move them away"
        )
    changed = {name for name in known if standing[name] not in (None, known[name], wanted.get(name))}
    written = [name for name in sorted(files) if name not in changed and standing[name] != wanted[name]]
    for name in written:
        writing.replace(directory / name, files[name])
    # A file that was changed by hand stays known as it was put there, so that it is told of again.
    record = {**wanted, **{name: known[name] for name in changed}}
    text = "".join(f"{digest}  {name}\n" for name, digest in sorted(record.items()))
    if not known or (directory / RECORD).read_text("utf-8") != text:
        writing.replace(directory / RECORD, text.encode())
        written.append(RECORD)
    gone = [name for name in sorted(known) if name not in files and standing[name] == known[name]]
    for name in gone:
        (directory / name).unlink()
    return Vendored(tuple(written), tuple(gone), tuple(sorted(changed)))


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    found = [_LINE.fullmatch(line) for line in path.read_text("utf-8", "replace").splitlines()]
    if not found or not all(found):
        raise UsageProblem(f"{path} is not what bin/eggcarton vendor has written; restore it, or remove it")
    return {match[2]: match[1] for match in found if match}


def _digest(path: Path) -> str | None:
    """Return the sha256 of a file, None where nothing stands; what is no file is like no other."""
    if not os.path.lexists(path):
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else "no file"
