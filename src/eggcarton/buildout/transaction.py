"""Nothing that worked is taken away before the run that replaces it has succeeded.

zc.buildout deletes the files of a changed part before it builds the new ones. Under a transaction they stay where
they are until the end; of files of foreign recipes, which those recipes write anew in place, copies are kept, and
directories, which they expect to be gone, are moved aside. A run that fails or is killed is undone: at once, or by
the next command.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import stat
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TextIO
from urllib.parse import unquote

from eggcarton.buildout import develop, installed, moving
from eggcarton.core.errors import EggcartonError
from eggcarton.core.locks import hold
from eggcarton.core.records import Entry, Record, read_record, record_file, write_record
from eggcarton.core.standing import Standing, discard, look


class Transaction:
    """One run's promise.

    Args:
        records: the directory of ownership records, ``parts/.eggcarton``.
        installed: ``.installed.cfg``.
        root: the buildout directory, that relative paths start from.
        ours: directories whose entries are written by us alone, so that none has to make room.
    """

    def __init__(self, records: Path, installed: Path, root: Path, *, ours: Collection[Path] = ()) -> None:
        self._records, self._installed, self._root, self._ours = records, installed, root, ours
        self._state = records / "state"
        self._journal = self._state / "transaction.json"
        self._released: dict[str, Entry | None] = {}
        self._gave: set[str] = set()
        self._taken: set[str] = set()
        self._aside: list[tuple[str, str]] = []
        self._copies: list[tuple[str, str]] = []
        self._before = installed.read_text("utf-8") if installed.exists() else None
        self._open = False
        self._alone: TextIO | None = None

    @classmethod
    def begin(cls, records: Path, installed: Path, root: Path, *, ours: Collection[Path] = ()) -> Transaction:
        """Undo what a killed run left, then begin a new one.

        Raises:
            EggcartonError: another run is at work here, whose journal only looks like that of a killed one.
        """
        alone = _locked(records / "state", root)
        left = cls(records, installed, root)
        if left._journal.exists():
            left._recover()
        if alone is not None:
            for directory in ours:
                develop.sweep(directory)
            moving.settle(records / "state", installed, root)
        transaction = cls(records, installed, root, ours=ours)
        transaction._alone = alone
        return transaction

    def _recover(self) -> None:
        try:
            raw = json.loads(self._journal.read_text("utf-8"))
        except ValueError:
            # The journal is written whole; one that cannot be read was never in force.
            self._journal.unlink()
            return
        self._before = raw["installed"]
        self._aside = [(place, aside) for place, aside in raw["aside"]]
        self._copies = [(place, copy) for place, copy in raw["copies"]]
        self._open = True
        self.undo()

    def _write(self) -> None:
        self._open = True
        self._state.mkdir(parents=True, exist_ok=True)
        temporary = self._journal.with_suffix(f".{os.getpid()}")
        content = {"installed": self._before, "aside": self._aside, "copies": self._copies}
        temporary.write_text(json.dumps(content), "utf-8")
        os.replace(temporary, self._journal)

    def release(self, paths: Iterable[str]) -> None:
        """Take what zc.buildout would delete now; it goes when the run has succeeded and nobody took it up again."""
        owned = _recorded(self._records)
        for name in paths:
            path = self._root / name
            if not os.path.lexists(path):
                continue
            entry = _standing(path, owned.get(path, {}))
            self._gave.update(owned.get(path, {}))
            foreign = entry is None and path.parent not in self._ours
            if foreign and path.is_dir() and not path.is_symlink():
                self._move_aside(path)
                continue
            if foreign and path.is_file():
                copy = self._place_aside()
                shutil.copy2(path, copy, follow_symlinks=False)
                self._copies.append((str(path), str(copy)))
            self._released[str(path)] = entry
        for part in self._gave:
            self._release_editable(part)
        self._write()

    def _release_editable(self, part: str) -> None:
        """Take the files of a part that may be edited: zc.buildout is not told of them, since it would delete all."""
        for path, entry in read_record(self._records, part).paths.items():
            if entry.kind == "editable" and part not in self._taken and os.path.lexists(path):
                self._released.setdefault(str(path), entry)

    def _place_aside(self) -> Path:
        aside = self._state / "aside" / str(len(self._aside) + len(self._copies))
        aside.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(aside):
            shutil.rmtree(aside) if aside.is_dir() and not aside.is_symlink() else aside.unlink()
        return aside

    def _move_aside(self, path: Path) -> None:
        aside = self._place_aside()
        self._aside.append((str(path), str(aside)))
        self._write()
        os.rename(path, aside)

    def adopt(self, part: str, paths: Iterable[Path]) -> None:
        """Let a part write over what another part, or another recipe, has given up in this run.

        So can a part be renamed, be given another recipe, or leave a script to another part.
        """
        record = self._without_what_went(part)
        given = {path: self._released[str(path)] for path in paths if str(path) in self._released}
        taken = installed.read(self._installed, self._root).owned if given else set()
        entries = {
            path: entry or _as_it_stands(path)
            for path, entry in given.items()
            if path not in record.known and path not in taken and os.path.lexists(path)
        }
        entries |= {
            path: Entry("directory", "", stat.S_IMODE(path.stat().st_mode))
            for path in paths
            if path not in record.known and path not in entries and self._is_given_up(path)
        }
        if entries:
            write_record(self._records, part, replace(record, paths={**record.paths, **entries}))

    def _without_what_went(self, part: str) -> Record:
        """Return a part's record; what went with the part in a run without the extension is forgotten."""
        record = read_record(self._records, part)
        if part in installed.parsed(self._before or "", self._installed, self._root).parts:
            return record
        paths = record.paths
        left = {path: entry for path, entry in paths.items() if entry.kind == "editable" or os.path.lexists(path)}
        if len(left) < len(paths):
            record = replace(record, paths=left)
            write_record(self._records, part, record)
        return record

    def _is_given_up(self, path: Path) -> bool:
        """Tell whether a directory holds nothing but what was given up in this run."""
        if not path.is_dir() or path.is_symlink():
            return False
        files = [Path(at, name) for at, _, names in os.walk(path) for name in names]
        return bool(files) and all(str(file) in self._released for file in files)

    def take(self, part: str, paths: Iterable[str]) -> None:
        """Note what a part of ours has now: from here on it is not for others to write over."""
        self._taken.add(part)
        for path in paths:
            self._released.pop(path, None)

    def commit(self, owned: Iterable[Path], parts: Container[str]) -> None:
        """Remove what was released and belongs to nobody now, and the records of parts that are no more.

        Args:
            owned: every path that some part has now.
            parts: the parts that there are now.
        """
        kept = set(owned)
        # One that gave its files up and took none is built by another recipe now.
        gone = [part for part in _parts(self._records) if part not in parts or part in self._gave - self._taken]
        for part in gone:
            self._release_editable(part)
        ours = {path for path, known in _recorded(self._records).items() if not known.keys() <= set(gone)}
        for name in sorted(self._released, reverse=True):
            path = Path(name)
            # What is in another recipe's directory is that recipe's, whether it tells of it or not.
            if not (kept - ours).intersection(path.parents) and not _is_edited(path, self._released[name]):
                _clear(path, kept)
        for part in gone:
            record_file(self._records, part).unlink(missing_ok=True)
        self._forget()

    def undo(self) -> None:
        """Put back what was moved aside, and zc.buildout's own record as it was, but for new parts that are done.

        Raises:
            EggcartonError: something cannot be put back; the journal stays, for a run that can.
        """
        if not self._open:
            self._let_others()
            return
        try:
            self._put_back()
            self._forget()
        except OSError as error:
            self._let_others()
            raise EggcartonError(
                f"{error.filename}: {error.strerror or error}, so that not all is as it was before the run; "
                "run bin/buildout as a user who may write there, which puts it back"
            ) from error

    def abandon(self) -> None:
        """Undo a run that an error has ended, which is what is told as the error."""
        try:
            self.undo()
        except EggcartonError as error:
            logging.getLogger("eggcarton").warning("%s", error)

    def _put_back(self) -> None:
        for place, aside in reversed(self._aside):
            if os.path.isdir(aside):
                discard(Path(place))
                os.rename(aside, place)
        for place, copy in self._copies:
            if os.path.lexists(copy):
                beside = f"{place}.{os.getpid()}"
                shutil.copy2(copy, beside, follow_symlinks=False)
                os.replace(beside, place)
        if self._before is not None:
            text = installed.with_new_parts(self._before, self._installed, self._root)
            # A user who could not write it has not changed it either.
            if not self._installed.exists() or text != self._installed.read_text("utf-8"):
                temporary = self._installed.with_name(f"{self._installed.name}.{os.getpid()}")
                temporary.write_text(text, "utf-8")
                os.replace(temporary, self._installed)

    def _forget(self) -> None:
        shutil.rmtree(self._state / "aside", ignore_errors=True)
        self._journal.unlink(missing_ok=True)
        self._released, self._aside, self._copies, self._open = {}, [], [], False
        self._gave, self._taken = set(), set()
        self._let_others()

    def _let_others(self) -> None:
        if self._alone is not None:
            self._alone.close()


def _locked(state: Path, root: Path) -> TextIO | None:
    """Return what keeps other runs out until it is closed or this process ends, None where a place has no locks."""
    # A place that cannot be written is told of by whatever has to write there.
    with suppress(OSError):
        state.mkdir(parents=True, exist_ok=True)
    try:
        return hold(state / "lock")
    except BlockingIOError:
        raise EggcartonError(f"another run is at work in {root}: wait until it has ended, then run again") from None


def _is_edited(path: Path, entry: Entry | None) -> bool:
    from eggcarton.core.staging import stands

    return entry is not None and entry.kind == "editable" and not stands(entry, look(path))


def _clear(path: Path, kept: Collection[Path]) -> None:
    """Remove what stands at a path, but nothing that some part has now."""
    if path in kept:
        return
    if path.is_dir() and not path.is_symlink() and any(path in place.parents for place in kept):
        for child in path.iterdir():
            _clear(child, kept)
    else:
        discard(path)


def _recorded(records: Path) -> dict[Path, dict[str, tuple[Entry, ...]]]:
    """Return every path that parts of ours own, and by which part it is known as what."""
    found: dict[Path, dict[str, tuple[Entry, ...]]] = {}
    for part in _parts(records):
        record = read_record(records, part)
        for path in record.known:
            found.setdefault(path, {})[part] = record.entries(path)
    return found


def _standing(path: Path, known: Mapping[str, Sequence[Entry]]) -> Entry | None:
    """Return as what a path is known, None where what stands there is not what any of our parts has put there."""
    from eggcarton.core.staging import stands

    standing = look(path) if known else Standing("nothing")
    for entry in (entry for entries in known.values() for entry in entries):
        if stands(entry, standing) or (standing.kind == "directory" and entry.kind in ("directory", "produced")):
            return entry
    return None


def _as_it_stands(path: Path) -> Entry:
    """Return what another recipe has left as an entry of ours, so that it may be replaced."""
    standing = look(path)
    return Entry("link" if standing.kind == "link" else "file", standing.digest, standing.mode)


def _parts(records: Path) -> list[str]:
    return [unquote(file.stem) for file in records.glob("*.json")]
