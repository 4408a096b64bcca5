"""The record of what each part owns, so that a part touches only what it has put there itself."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote, unquote

from eggcarton.core.errors import RecordProblem

OwnedKind = Literal["file", "editable", "link", "directory", "produced"]
_KINDS: Mapping[str, OwnedKind] = {kind: kind for kind in get_args(OwnedKind)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One owned path.

    Args:
        digest: of the bytes, the link's target or the produced tree, as standing.look gives it; of a file that may be
            edited, of what was last written, or laid beside it.
        mode: permission bits; 0 for a link.
        source: digest of what a rendered file or produced directory was made from.
    """

    kind: OwnedKind
    digest: str = ""
    mode: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What one part owns.

    Args:
        digest: of the plan that was carried out last.
        paths: what that left.
        pending: what a plan that is being carried out, or that was killed meanwhile, puts there.
    """

    digest: str = ""
    paths: Mapping[Path, Entry] = field(default_factory=dict)
    pending: Mapping[Path, Entry] = field(default_factory=dict)

    def entries(self, path: Path) -> tuple[Entry, ...]:
        """Return what this part may have put at a path."""
        return tuple(entries[path] for entries in (self.paths, self.pending) if path in entries)

    @property
    def known(self) -> set[Path]:
        """Every path that this part may have put something at."""
        return {*self.paths, *self.pending}


def record_file(records: Path, part: str) -> Path:
    """Return where a part's record is kept; a part may be named with characters that no file may."""
    return records / f"{quote(part, safe=' ')}.json"


def read_record(records: Path, part: str) -> Record:
    """Return what a part owns; nothing, where it has no record.

    Raises:
        RecordProblem: when the file is there but is no record.
    """
    path = record_file(records, part)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Record(
            digest=str(found["digest"]),
            paths=_entries(found["paths"], records),
            pending=_entries(found.get("pending", {}), records),
        )
    except FileNotFoundError:
        return Record()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordProblem(path, str(error) or type(error).__name__) from error


def write_record(records: Path, part: str, record: Record) -> None:
    """Put a part's record in place in one step.

    Raises:
        OSError: when that is not possible; the old record then stands.
    """
    path = record_file(records, part)
    form: dict[str, Any] = {"digest": record.digest, "paths": _form(record.paths, records)}
    if record.pending:
        form["pending"] = _form(record.pending, records)
    records.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.new")
    staged.write_text(json.dumps(form, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(staged, path)


def owner_of(records: Path, path: Path, *, besides: str) -> str | None:
    """Return another part whose record names a path."""
    for file in sorted(records.glob("*.json")):
        part = unquote(file.stem)
        if part != besides and path in _known(records, part, _mark(file)):
            return part
    return None


def _mark(file: Path) -> tuple[int, ...]:
    """Return what is another one whenever a record is: each is a new file."""
    try:
        state = file.stat()
    except FileNotFoundError:
        return ()
    return state.st_ino, state.st_mtime_ns, state.st_size


@functools.lru_cache(maxsize=512)
def _known(records: Path, part: str, mark: tuple[int, ...]) -> frozenset[Path]:
    """Return what a record names: with many parts each is asked for once an item."""
    return frozenset(read_record(records, part).known)


def _form(entries: Mapping[Path, Entry], records: Path) -> dict[str, dict[str, object]]:
    return {_spelling(path, records): _entry_form(entry) for path, entry in entries.items()}


def _entry_form(entry: Entry) -> dict[str, object]:
    form: dict[str, object] = {"kind": entry.kind, "digest": entry.digest, "mode": f"{entry.mode:04o}"}
    return {**form, "source": entry.source} if entry.source else form


def _entries(form: Mapping[str, Mapping[str, str]], records: Path) -> dict[Path, Entry]:
    return {
        Path(os.path.normpath(records / spelling)): Entry(
            kind=_KINDS[entry["kind"]],
            digest=entry["digest"],
            mode=int(entry["mode"], 8),
            source=entry.get("source", ""),
        )
        for spelling, entry in form.items()
    }


def _spelling(path: Path, records: Path) -> str:
    """Return the path as the record holds it.

    What lies in the buildout is written from the records' own place, so that a buildout that was
    moved as a whole still knows its files.
    """
    buildout = records.parent.parent
    return os.path.relpath(path, records) if path.is_relative_to(buildout) else str(path)
