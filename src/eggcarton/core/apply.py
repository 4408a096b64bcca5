"""The one door through which a part's files are written: old or new stands at every moment, never a mix."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from dataclasses import replace as changed
from pathlib import Path

from eggcarton.core import process
from eggcarton.core.difference import difference, is_copy
from eggcarton.core.editable import Settled, entry_of, settle
from eggcarton.core.errors import ForeignFile, StagingProblem, UnmarkedFile
from eggcarton.core.plan import (
    EditableFile,
    ExpectedFile,
    File,
    Item,
    KeptDirectory,
    KeptFile,
    Link,
    OwnedDirectory,
    Plan,
    Produced,
    Rendered,
    digest_of,
)
from eggcarton.core.records import Entry, Record, owner_of, read_record, record_file, write_record
from eggcarton.core.staging import (
    Run,
    Step,
    make_directory,
    put_in_place,
    reasons,
    stage,
    stands,
    sweep,
    take_away,
    tidy,
)
from eggcarton.core.standing import Standing, digest_of_bytes, digest_of_tree, is_empty, is_tree_of, look

__all__ = ["Render", "Run", "apply", "difference"]

Render = Callable[[Rendered], str]


def apply(
    plan: Plan,
    part: str,
    records: Path,
    *,
    replace: bool,
    clear: bool = True,
    created: Callable[[Path], object] = lambda path: None,
    restored: Callable[[Path], object] = lambda path: None,
    renewed: Callable[[Path], object] = lambda path: None,
    laid_beside: Callable[[Path, Path], object] = lambda path, beside: None,
    render: Render | None = None,
    run: Run = process.run,
) -> tuple[str, ...]:
    """Make a plan true, wholly or not at all.

    Everything is checked, then staged beside its place, then put in place; an error at any point leaves what stood
    before. What is right already is not touched, what is no longer planned is removed.

    Args:
        part: its name, under which the record of what it owns is kept.
        records: the directory of these records.
        replace: whether whatever stands at a path that the record names is replaced (an update), or only
            what still is as the part wrote it (an installation).
        clear: whether what an earlier plan left is removed now; a caller that may have to go back does it later.
        created: told each path that did not exist, before it does.
        restored: told each path that was changed, or removed, since the part wrote it, and is as planned again.
        renewed: told each kept file that was made or replaced.
        laid_beside: told each edited file that was kept, and where its new content was laid.
        render: fills in the template of one Rendered.
        run: runs the command of a Produced.

    Returns:
        The paths that the part owns, without files that may be edited: who removes these has to look into them.

    Raises:
        ForeignFile: when something stands in the way that the part did not put there.
        UnmarkedFile: when a file that is to be kept up to date does not say that it may be replaced.
        StagingProblem: when something cannot be written.
        RecordProblem: when the part's record cannot be read.
    """
    record = read_record(records, part)
    settled, steps = _checked(plan, record, part, records, render, replace=replace)
    gone = settled.given_up if not clear else record.known - {*settled.kept, *(item.path for item in settled.items)}
    owned = {step.path: step.entry for step in steps if not isinstance(step.item, KeptDirectory | KeptFile)}
    change = _Change(
        part=part,
        records=records,
        before=record,
        digest=plan.digest,
        steps=[step for step in steps if not step.is_done],
        owned={**owned, **settled.kept},
        mine=[step for step in steps if step.path in record.known and step.before.kind != "nothing"],
        settled=settled,
        stale=_stale(gone, record, part, records),
    )
    if change.steps or change.stale or record != change.after:
        change.carry_out(created, run)
        change.tell(restored, renewed, laid_beside)
    return tuple(str(path) for path, entry in change.owned.items() if entry.kind != "editable")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    """The way from what stands to what is planned.

    Args:
        before: the record as it was found.
        digest: of the plan.
        steps: what is not true yet.
        owned: what the part owns in the end.
        mine: the steps at whose paths something of the part's stands now.
        settled: which edited files are kept.
        stale: what the part owns now, and no longer in the end.
    """

    part: str
    records: Path
    before: Record
    digest: str
    steps: Sequence[Step]
    owned: Mapping[Path, Entry]
    mine: Sequence[Step]
    settled: Settled
    stale: Mapping[Path, Entry]

    @property
    def after(self) -> Record:
        return Record(self.digest, self.owned)

    def carry_out(self, created: Callable[[Path], object], run: Run) -> None:
        with ExitStack() as undo:
            after = self._put_all_in_place(undo, created, run)
            # From here on the new state counts: what waits aside is only to be thrown away.
            undo.pop_all()
        left = tidy([*(step.path for step in self.steps), *self.stale])
        for path in sorted(self.stale, reverse=True):
            if self.stale[path].kind == "directory":
                with suppress(OSError):
                    path.rmdir()
        if self.stale:
            # What is left goes the next time, so that it must not be forgotten.
            kept = {path: entry for path, entry in self.stale.items() if path in left}
            with suppress(OSError):
                write_record(self.records, self.part, changed(after, paths={**kept, **after.paths}))

    def tell(
        self,
        restored: Callable[[Path], object],
        renewed: Callable[[Path], object],
        laid_beside: Callable[[Path, Path], object],
    ) -> None:
        """Tell what was put back as it had been, which kept files were made or replaced, and which edited were not."""
        edited = {beside: path for path, beside in self.settled.beside.items()}
        for step in self.steps:
            known = self.before.paths.get(step.path)
            if step.path in edited:
                laid_beside(edited[step.path], step.path)
            elif known is not None and not stands(known, step.before):
                restored(step.path)
            if isinstance(step.item, KeptFile):
                renewed(step.path)

    def _put_all_in_place(self, undo: ExitStack, created: Callable[[Path], object], run: Run) -> Record:
        undo.callback(_restore, self.records, self.part, self.before)
        kept = {path: self.before.paths[path] for path in self.settled.kept if path in self.before.paths}
        standing = {**self.stale, **{step.path: _entry_of(step) for step in self.mine}, **kept}
        if self.steps or self.stale:
            self._write(Record(self.before.digest, standing, self.owned))
        in_the_way = [path for path in self.stale if any(path in step.path.parents for step in self.steps)]
        for path in in_the_way:
            if self.stale[path].kind != "directory":
                take_away(path, undo)
        directories = [step for step in self.steps if step.is_directory]
        for step in sorted(directories, key=lambda step: step.path):
            make_directory(step, undo, created)
        others = [step for step in self.steps if not step.is_directory]
        staged = {step.path: stage(step, undo, run) for step in others}
        owned = {path: staged.get(path, entry) for path, entry in self.owned.items()}
        if owned != self.owned:
            self._write(Record(self.before.digest, standing, owned))
        for step in others:
            put_in_place(step, undo, created)
        for path, entry in self.stale.items():
            if entry.kind != "directory" and path not in in_the_way:
                take_away(path, undo)
        self._write(Record(self.digest, {**self.stale, **owned}))
        return Record(self.digest, owned)

    def _write(self, record: Record) -> None:
        with reasons(record_file(self.records, self.part)):
            write_record(self.records, self.part, record)


def _restore(records: Path, part: str, record: Record) -> None:
    # A record that still tells of the attempt is no harm; another error here would hide the first.
    with suppress(OSError):
        if record == Record():
            record_file(records, part).unlink(missing_ok=True)
        else:
            write_record(records, part, record)


def _entry_of(step: Step) -> Entry:
    """Return what stands at a step's path as the record names it."""
    before = step.before
    if isinstance(step.item, Produced | Link) and before.kind == "directory":
        return Entry("produced", digest_of_tree(step.path), before.mode)
    kind = before.kind if before.kind in ("link", "directory") else "file"
    if isinstance(step.item, EditableFile) and kind == "file":
        return Entry("editable", before.digest, before.mode)
    return Entry(kind, before.digest, before.mode)


def _stale(paths: Iterable[Path], record: Record, part: str, records: Path) -> dict[Path, Entry]:
    """Return what an earlier plan left, still stands as it left it, and is no other part's by now."""
    stale: dict[Path, Entry] = {}
    for path in sorted(paths):
        with reasons(path):
            standing = look(path)
            for entry in record.entries(path):
                if entry.kind == "produced" and standing.kind == "directory":
                    untouched = is_tree_of(path, entry.digest)
                else:
                    untouched = stands(entry, standing)
                if untouched and owner_of(records, path, besides=part) is None:
                    stale[path] = entry
    return stale


def _step(item: Item, record: Record, render: Render | None) -> Step:
    """Look at an item's path and decide what is to stand there."""
    with reasons(item.path):
        before = look(item.path)
        known = record.entries(item.path)
        if isinstance(item, File):
            return Step(item, Entry("file", digest_of_bytes(item.data), item.mode), before, item.data)
        if isinstance(item, KeptFile | ExpectedFile):
            mode = before.mode if before.kind == "file" else 0o644
            return Step(item, Entry("file", digest_of_bytes(item.data), mode), before, item.data)
        if isinstance(item, EditableFile):
            entry = entry_of(item)
            mode = before.mode if before.kind == "file" else item.mode
            return Step(item, changed(entry, mode=mode), before, item.data)
        if isinstance(item, Link):
            return Step(item, _entry_of_link(item, before, known), before)
        if isinstance(item, Produced):
            source = _source_of(item)
            for entry in known:
                if entry.source == source and stands(entry, before) and _is_whole(item.path, entry, record):
                    return Step(item, entry, before)
            return Step(item, Entry("produced", "", 0o755, source), before)
        if isinstance(item, OwnedDirectory | KeptDirectory):
            return Step(item, Entry("directory", "", item.mode), before)
        source = digest_of([item.template, item.name, item.variables])
        for entry in known:
            if entry.source == source and entry.mode == item.mode and stands(entry, before):
                return Step(item, entry, before)
        if render is None:
            raise StagingProblem(item.path, "nothing here can fill in its template")
        data = render(item).encode()
        return Step(item, Entry("file", digest_of_bytes(data), item.mode, source), before, data)


def _entry_of_link(item: Link, before: Standing, known: Sequence[Entry]) -> Entry:
    """Return a link as the record names it, or what stands in its place as long as that is what it would lead to."""
    written = digest_of_bytes(os.fsencode(item.target))
    for entry in known:
        if entry.source == written and stands(entry, before) and is_copy(item, before):
            return entry
    return Entry("link", written)


def _source_of(item: Produced) -> str:
    inputs = [[str(path), digest_of_tree(path)] for path in item.inputs]
    return digest_of([item.command, inputs])


def _is_whole(path: Path, entry: Entry, record: Record) -> bool:
    """Say whether the tree that stands is the one that an entry names; only after a kill can that be in doubt."""
    return not record.pending or digest_of_tree(path) == entry.digest


def _checked(
    plan: Plan, record: Record, part: str, records: Path, render: Render | None, *, replace: bool
) -> tuple[Settled, list[Step]]:
    """Return what becomes of a plan's items, and refuse what must not be touched."""
    sweep(sorted(record.known | {item.path for item in plan.items}))
    with reasons(records):
        settled = settle(plan.items, record)
    for path in settled.kept:
        owner = owner_of(records, path, besides=part)
        if owner is not None and path not in record.known:
            raise ForeignFile(path, part, owner)
    steps = [_step(item, record, render) for item in settled.items if not isinstance(item, ExpectedFile)]
    for step in steps:
        _check(step, record, part, records, replace=replace)
    return settled, steps


def _check(step: Step, record: Record, part: str, records: Path, *, replace: bool) -> None:
    """Refuse to touch what this part did not put there."""
    standing, path = step.before, step.path
    if standing.kind == "nothing":
        return
    owner = owner_of(records, path, besides=part)
    with reasons(path):
        known = record.entries(path)
        if isinstance(step.item, KeptDirectory):
            fine = path.is_dir()
        elif isinstance(step.item, KeptFile) and owner is None and not known and standing.kind == "file":
            if not step.is_done and not path.read_bytes().startswith(step.item.mark.encode()):
                raise UnmarkedFile(path, part, step.item.mark)
            fine = True
        elif isinstance(step.item, EditableFile) and known and standing.kind in ("file", "link"):
            # Whether it was edited is settled by now; what lies beside an edited one is only ours.
            fine = True
        elif owner is not None and not known:
            # The same content is no reason: whichever part goes first would take it from the other.
            fine = False
        elif standing.kind == "directory":
            fine = _may_take_directory(step, known, replace=replace)
        else:
            fine = step.is_done or any(replace or stands(entry, standing) for entry in known)
    if not fine:
        raise ForeignFile(path, part, owner, is_script=isinstance(step.item, File) and bool(step.item.mode & 0o100))


def _may_take_directory(step: Step, known: Sequence[Entry], *, replace: bool) -> bool:
    """Say whether an item may take the place of a directory, or be it."""
    if isinstance(step.item, OwnedDirectory):
        return bool(known) or is_empty(step.path)
    if is_empty(step.path):
        return bool(known) or isinstance(step.item, Produced)
    produced = [entry for entry in known if entry.kind == "produced"]
    return bool(produced) and (replace or any(is_tree_of(step.path, entry.digest) for entry in produced))
