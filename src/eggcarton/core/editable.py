"""Files that may be edited where they stand: an edited one is kept, and the new one is laid beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eggcarton.core.plan import EditableFile, Item
from eggcarton.core.records import Entry, Record
from eggcarton.core.staging import stands
from eggcarton.core.standing import digest_of_bytes, look


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of the items of a plan, edited files considered.

    Args:
        items: all items; an edited file is not among them, what is laid beside it is.
        kept: each edited file, and what its record is from now on: the content that was last written or offered.
        beside: what is laid beside an edited file, by the path of that.
        given_up: what was laid beside files that are no longer edited, and goes.
    """

    items: tuple[Item, ...]
    kept: Mapping[Path, Entry]
    beside: Mapping[Path, Path]
    given_up: frozenset[Path]


def settle(items: Sequence[Item], record: Record) -> Settled:
    """Decide which files are written, which are kept as they were edited, and what is laid beside those.

    A file is edited that stands, is not what is planned and is not what its part wrote, or was about to write. What is
    planned is laid beside it once, unless that was offered before: removing it says that it was seen.

    Raises:
        OSError: when it cannot be found out what stands.
    """
    settled: list[Item] = []
    kept: dict[Path, Entry] = {}
    beside: dict[Path, Path] = {}
    given_up: set[Path] = set()
    for item in items:
        if not isinstance(item, EditableFile):
            settled.append(item)
            continue
        entry = entry_of(item)
        offered = record.paths.get(item.path)
        if not is_edited(item, record):
            settled.append(item)
            given_up |= {item.beside} & record.known
            continue
        kept[item.path] = entry
        laid = replace(item, path=item.beside)
        lies_there = laid.path in record.known and look(laid.path).kind != "nothing"
        if offered is None or offered.digest != entry.digest or lies_there:
            settled.append(laid)
            beside[item.path] = laid.path
    return Settled(tuple(settled), kept, beside, frozenset(given_up))


def entry_of(item: EditableFile) -> Entry:
    """Return how a record names a file that may be edited; its mode is whoever's it is."""
    return Entry("editable", digest_of_bytes(item.data), item.mode)


def is_edited(item: EditableFile, record: Record) -> bool:
    """Say whether somebody else has written what stands; a directory or a pipe is no file that anybody edited."""
    standing = look(item.path)
    if standing.kind not in ("file", "link"):
        return False
    ours = {entry.digest for entry in (entry_of(item), *record.entries(item.path))}
    return standing.kind == "link" or standing.digest not in ours


def edited(record: Record) -> list[Path]:
    """Return the files of a record that somebody has edited since they were written."""
    return [
        path
        for path, entry in record.paths.items()
        if entry.kind == "editable"
        and look(path).kind in ("file", "link")
        and not stands(entry, look(path))
        and not is_beside(path, record)
    ]


def is_beside(path: Path, record: Record) -> bool:
    """Say whether a path is that of what was laid beside an edited file."""
    entry = record.paths.get(path.with_name(path.name.removesuffix(".new")))
    return path.suffix == ".new" and entry is not None and entry.kind == "editable"
