"""How one planned item gets beside its place, from there into it, and back out when something fails."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from eggcarton.core.errors import StagingProblem
from eggcarton.core.linking import link
from eggcarton.core.plan import Item, KeptDirectory, Link, OwnedDirectory, Produced
from eggcarton.core.records import Entry
from eggcarton.core.standing import CACHE, Standing, digest_of_tree, discard, exchange, look


class Run(Protocol):
    """What carries out the command of a produced directory: process.run, or what behaves like it."""

    def __call__(self, command: tuple[str, ...], *, timeout: float) -> object: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One item of a plan, what it is to become, and what stands at its path before.

    Args:
        data: the bytes of a file, rendered or not.
    """

    item: Item
    entry: Entry
    before: Standing
    data: bytes = b""

    @property
    def path(self) -> Path:
        """Where the item belongs."""
        return self.item.path

    @property
    def is_directory(self) -> bool:
        """Whether the item is a plain directory."""
        return isinstance(self.item, OwnedDirectory | KeptDirectory)

    @property
    def is_done(self) -> bool:
        """Whether the item is true already."""
        if isinstance(self.item, KeptDirectory):
            return self.before.kind != "nothing"
        return stands(self.entry, self.before)


def stands(entry: Entry, standing: Standing) -> bool:
    """Say whether what an entry names is what stands; a produced tree is not read through for that."""
    if entry.kind == "produced":
        return standing.kind == "directory" and bool(entry.digest)
    if entry.kind == "editable":
        return (standing.kind, standing.digest) == ("file", entry.digest)
    return (standing.kind, standing.digest, standing.mode) == (entry.kind, entry.digest, entry.mode)


@contextmanager
def reasons(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a sentence about a path."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename and str(error.filename) != str(path) else ""
        raise StagingProblem(path, f"{error.strerror or error}{where}") from error


def staged_path(path: Path) -> Path:
    """Return where an item is prepared: beside its place, under a name that no long name can make too long."""
    return path.with_name(f".eggcarton-{_short_digest(path)}.new")


def aside_path(path: Path) -> Path:
    """Return where what stood at a path waits until all is done."""
    return path.with_name(f".eggcarton-{_short_digest(path)}.old")


def sweep(paths: Iterable[Path]) -> None:
    """Remove what a killed run left beside these paths, and put back what it had moved aside."""
    for path in paths:
        with reasons(path), suppress(NotADirectoryError):
            discard(staged_path(path))
            aside = aside_path(path)
            if os.path.lexists(aside):
                if os.path.lexists(path):
                    discard(aside)
                else:
                    os.replace(aside, path)


def make_directory(step: Step, undo: ExitStack, created: Callable[[Path], object]) -> None:
    """Make a planned directory, or give the one that stands the planned mode."""
    path, before = step.path, step.before
    with reasons(path):
        _make_parents(path, undo)
        if before.kind == "directory":
            undo.callback(os.chmod, path, before.mode)
            os.chmod(path, step.entry.mode)
            return
        if before.kind != "nothing":
            _move_aside(path, undo)
        if before.kind == "nothing" and isinstance(step.item, OwnedDirectory):
            created(path)
        _make(path, step.entry.mode, undo)


def stage(step: Step, undo: ExitStack, run: Run) -> Entry:
    """Prepare a file, link or produced directory beside its place, and return what it became."""
    staged = staged_path(step.path)
    with reasons(step.path):
        _make_parents(step.path, undo)
        undo.callback(discard, staged)
        if isinstance(step.item, Link):
            if link(step.item.target, staged, is_wanted=lambda path: path.name != CACHE) != "symbolic":
                return replace(entry_of_copy(staged), source=step.entry.digest)
        elif isinstance(step.item, Produced):
            os.mkdir(staged)
            os.chmod(staged, step.entry.mode)
            words = tuple(word.replace("{staging}", str(staged)) for word in step.item.command)
            run(words, timeout=step.item.timeout)
            if not staged.is_dir():
                raise StagingProblem(step.path, f"{words[0]} left no directory")
            return replace(step.entry, digest=digest_of_tree(staged))
        else:
            descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(step.data)
            os.chmod(staged, step.entry.mode)
    return step.entry


def entry_of_copy(path: Path) -> Entry:
    """Return what stands in the place of a link as the record names it."""
    standing = look(path)
    if standing.kind == "directory":
        return Entry("produced", digest_of_tree(path), standing.mode)
    return Entry("file", standing.digest, standing.mode)


def put_in_place(step: Step, undo: ExitStack, created: Callable[[Path], object]) -> None:
    """Let the staged item take its place in one step."""
    path, staged = step.path, staged_path(step.path)
    with reasons(path):
        if step.before.kind == "nothing":
            created(path)
            undo.callback(discard, path)
            os.replace(staged, path)
        elif step.before.kind == "directory":
            if isinstance(step.item, Produced) and exchange(staged, path):
                undo.callback(exchange, staged, path)
            else:
                _move_aside(path, undo)
                undo.callback(discard, path)
                os.replace(staged, path)
        elif isinstance(step.item, Produced) or look(staged).kind == "directory":
            _move_aside(path, undo)
            undo.callback(discard, path)
            os.replace(staged, path)
        else:
            # Renaming one name of a file to another name of the same file does nothing, hence the removal.
            undo.callback(discard, aside_path(path))
            _keep_a_copy(path)
            undo.callback(os.replace, aside_path(path), path)
            os.replace(staged, path)


def take_away(path: Path, undo: ExitStack) -> None:
    """Move aside what is no longer planned."""
    with reasons(path):
        _move_aside(path, undo)


def tidy(paths: Iterable[Path]) -> set[Path]:
    """Throw away what waits beside these paths, and return those where that was not possible now."""
    left: set[Path] = set()
    for path in paths:
        for leftover in (staged_path(path), aside_path(path)):
            try:
                discard(leftover)
            except OSError:
                left.add(path)
    return left


def _short_digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]


def _make_parents(path: Path, undo: ExitStack) -> None:
    missing = [parent for parent in path.parents if not parent.exists()]
    for parent in reversed(missing):
        _make(parent, 0o755, undo)


def _make(directory: Path, mode: int, undo: ExitStack) -> None:
    os.mkdir(directory)
    undo.callback(os.rmdir, directory)
    # The umask has no say in what a plan says.
    os.chmod(directory, mode)


def _move_aside(path: Path, undo: ExitStack) -> None:
    aside = aside_path(path)
    os.rename(path, aside)
    undo.callback(os.rename, aside, path)


def _keep_a_copy(path: Path) -> None:
    """Keep what stands under a second name, while it goes on standing."""
    aside = aside_path(path)
    try:
        os.link(path, aside, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(path, aside, follow_symlinks=False)
