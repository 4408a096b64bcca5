"""What lies in a store and in a cache: how much it is, what no known build uses, and its removal."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from eggcarton.core.errors import EggcartonError
from eggcarton.core.locks import scratch, sweep
from eggcarton.core.standing import discard
from eggcarton.packages import registers, seals
from eggcarton.packages.entries import storing
from eggcarton.packages.registers import Build
from eggcarton.packages.store_names import HIDDEN, leads_to

CLOSED = "closed-set-"
_PLACE = re.compile(r"[0-9a-f]{64}(-compiled)?")
_REMOVING = ".unpack-removed-"


@dataclass(slots=True)
class Sizes:
    """Adds up sizes of files in bytes; what several names lead to counts once."""

    _seen: set[tuple[int, int]] = field(default_factory=set)

    def of(self, place: Path) -> int:
        """Return what a file, or all that lies in a directory, adds to what was counted before."""
        return self.counted(place)[1]

    def counted(self, place: Path) -> tuple[int, int]:
        """Return the number of files, too, of those that were not counted before."""
        number = total = 0
        for path in _files(place):
            with suppress(FileNotFoundError):
                found = os.lstat(path)
                if (found.st_dev, found.st_ino) not in self._seen:
                    self._seen.add((found.st_dev, found.st_ino))
                    number, total = number + 1, total + found.st_size
        return number, total


def entries(store: Path) -> list[str]:
    """Return the eggs of a store by their files, as ``SHA256/NAME.egg``, and the closed sets by their names."""
    hidden, found = store / HIDDEN, []
    for place in _listed(hidden):
        # What leads elsewhere is another's.
        if (hidden / place).is_symlink():
            continue
        if _PLACE.fullmatch(place):
            found += [f"{place}/{name}" for name in _listed(hidden / place) if name.endswith(".egg")]
        elif place.startswith(CLOSED):
            found.append(place)
    return found


def strangers(store: Path) -> list[str]:
    """Return the names of what zc.buildout has put into its eggs directory itself; that is never removed."""
    hidden = store / HIDDEN
    ours = {entry.partition("/")[2]: hidden / entry for entry in entries(store)}

    def is_ours(name: str) -> bool:
        return (store / name).is_symlink() or (name in ours and leads_to(store / name, ours[name]))

    return [name for name in _listed(store) if name[0] != "." and not is_ours(name)]


def unused(found: Iterable[str], builds: Collection[Build]) -> list[str]:
    """Return the entries that no build uses whose directory is there."""
    known = [build for build in builds if build.is_there]
    return [entry for entry in found if not any(build.uses(entry) for build in known)]


def remove(store: Path, chosen: Collection[str]) -> list[str]:
    """Remove entries that still nobody uses, forget builds that are gone, and return what was removed.

    Each entry goes in one step, so that a kill leaves none half there. No build begins meanwhile.

    Raises:
        EggcartonError: a build is at work in the store.
        StoreProblem: it cannot be written.
    """
    try:
        held = registers.begin_cleaning(store)
    except BlockingIOError:
        raise EggcartonError(
            f"a build is at work that uses {store}, so that nothing was removed; run it again when that has ended"
        ) from None
    hidden = store / HIDDEN
    with storing(store), held or nullcontext():
        sweep(hidden, _REMOVING)
        with scratch(hidden, _REMOVING) as aside:
            builds = registers.all_of(store)
            gone = [entry for entry in unused(entries(store), builds) if entry in chosen]
            for number, entry in enumerate(gone):
                _take_away(store, entry, aside / str(number))
            registers.forget(store, [build for build in builds if not build.is_there])
            _clear(hidden)
            if held is not None:
                # Builds may begin while what was put aside goes.
                held.close()
    return gone


def _take_away(store: Path, entry: str, to: Path) -> None:
    egg = store / HIDDEN / entry
    if not entry.startswith(CLOSED):
        name = store / egg.name
        if leads_to(name, egg):
            discard(name)
        seals.unseal(egg)
    egg.rename(to)


def _clear(hidden: Path) -> None:
    """Remove the directories of files of which no egg is left."""
    for name in _listed(hidden):
        if _PLACE.fullmatch(name):
            place = hidden / name
            for left in _listed(place):
                if seals.SUFFIX in left and not (place / left.partition(seals.SUFFIX)[0]).exists():
                    (place / left).unlink()
            with suppress(OSError):
                place.rmdir()


def _listed(directory: Path) -> Sequence[str]:
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return ()


def _files(place: Path) -> Iterator[str]:
    if not place.is_dir() or place.is_symlink():
        yield str(place)
    for directory, _, names in os.walk(place):
        yield from (os.path.join(directory, name) for name in names)
