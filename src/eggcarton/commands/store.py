"""Tell what lies in the store and the cache, and remove what no known build uses."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eggcarton.commands.call import Call
from eggcarton.core.errors import Drift, UsageProblem
from eggcarton.packages import closed, holdings, registers
from eggcarton.packages.entries import storing
from eggcarton.packages.holdings import CLOSED, Sizes
from eggcarton.packages.registers import Build
from eggcarton.packages.store_names import HIDDEN

HELP = "tell what the store and the cache hold; --clean removes what no known build uses"

_ALL_USED = "Known builds use all that the store holds."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument(
        "--clean", action="store_true", help="list what no known build uses, and remove it after a question"
    )
    parser.add_argument("--yes", action="store_true", help="remove without a question")
    parser.add_argument(
        "--forget", metavar="DIR", help="take the build in this directory for one that uses the store no more"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs; sizes are in bytes")


def run(call: Call) -> int:
    """Print sizes; with --clean, end with 3 where something could be removed and nobody could be asked."""
    options = call.options
    if options.yes and not options.clean:
        raise UsageProblem("--yes answers the question of --clean; give that, too")
    with call.session() as session:
        store, cache = session.store, session.settings.cache_directory()[0]
    if options.forget is not None:
        _forget(store, Path(options.forget))
    if options.clean and (unreadable := registers.unreadable(store)):
        raise UsageProblem(
            f"--clean: {unreadable[0]} tells of a build that uses the store, in a way that cannot be read here; clean "
            "with the newer eggcarton that wrote it, or remove that file"
        )
    held = Held.of(store, cache)
    removed: Sequence[str] = ()
    is_open = options.clean and bool(held.unused)
    if options.json:
        removed = holdings.remove(store, held.unused) if is_open and options.yes else ()
        print(json.dumps({**held.told(), "removed": [*removed]}, indent=2))
    elif not options.clean:
        print("\n".join(held.lines()))
    else:
        print("\n".join(held.lines_of_unused()))
        if is_open and (options.yes or _agrees(len(held.unused))):
            removed = holdings.remove(store, held.unused)
            print(_removed(len(removed), len(held.unused)))
    return Drift.exit_code if is_open and not removed and (options.json or not sys.stdin.isatty()) else 0


@dataclass(frozen=True, slots=True)
class Held:
    """What a store and a cache hold: sizes in bytes, of each entry what it adds to those before it.

    ``running`` is what no known build uses, and this command itself runs from: it is not removed.
    """

    store: Path
    cache: Path
    builds: Sequence[Build]
    sizes: dict[str, int]
    unused: Sequence[str]
    running: Sequence[str]
    toolchain: Collection[str]
    strangers: tuple[int, int]
    files: tuple[int, int]

    @classmethod
    def of(cls, store: Path, cache: Path) -> Held:
        """Look at both."""
        found, builds, sizes = holdings.entries(store), registers.all_of(store), Sizes()
        hidden = os.path.realpath(store / HIDDEN)
        here = {os.path.relpath(os.path.realpath(path), hidden).replace(os.sep, "/") for path in sys.path if path}
        without = holdings.unused(found, builds)
        running = [entry for entry in without if entry in here or entry == closed.directory_name()]
        unused = [entry for entry in without if entry not in running]
        # What is used comes first: what it shares with the rest does not get free.
        ordered = [entry for entry in found if entry not in set(unused)] + unused
        counted = {entry: sizes.of(store / HIDDEN / entry) for entry in ordered}
        strangers = [sizes.of(store / name) for name in holdings.strangers(store)]
        toolchain = [entry for entry in ordered if entry in here]
        stray = len(strangers), sum(strangers)
        return cls(store, cache, builds, counted, unused, running, toolchain, stray, Sizes().counted(cache))

    def total(self, entries: Collection[str]) -> int:
        """Return the size of some entries together."""
        return sum(self.sizes[entry] for entry in entries)

    def eggs(self) -> list[str]:
        """Return the entries that are eggs, and not the libraries that eggcarton works with."""
        return [entry for entry in self.sizes if not entry.startswith(CLOSED)]

    def sets(self) -> list[str]:
        """Return those libraries, one set for each Python and each version of eggcarton."""
        return [entry for entry in self.sizes if entry.startswith(CLOSED)]

    def lines(self) -> Iterator[str]:
        """Give what is told."""
        eggs, sets = self.eggs(), self.sets()
        yield f"Store {self.store}: {_number(len(eggs), 'egg')}, {_size(self.total(eggs))}"
        yield f"  of these the toolchain of this build: {len(self.toolchain)}, {_size(self.total(self.toolchain))}"
        if self.unused:
            yield f"  used by no known build: {len(self.unused)}, {_size(self.total(self.unused))}; --clean removes it"
        if self.strangers[0]:
            yield f"  put there by zc.buildout itself, and left alone: {self.strangers[0]}, {_size(self.strangers[1])}"
        yield f"Libraries that eggcarton works with: {_number(len(sets), 'set')}, {_size(self.total(sets))}"
        yield f"Cache {self.cache}: {_number(self.files[0], 'file')}, {_size(self.files[1])}"
        yield f"Builds that use the store: {len([build for build in self.builds if build.is_there])}"
        for build in self.builds:
            used = [entry for entry in self.eggs() if build.uses(entry)]
            told = _number(len(used), "egg") if build.is_there else "gone, and no longer known"
            yield f"  {build.root}: {told}"

    def lines_of_unused(self) -> Iterator[str]:
        """Give what could be removed."""
        if self.running:
            number, size = _number(len(self.running), "entry"), _size(self.total(self.running))
            yield f"{number}, {size}, used by this command alone, and left: clean from another build"
        if not self.unused:
            yield "Known builds use all else that the store holds." if self.running else _ALL_USED
            return
        for entry in sorted(self.unused, key=lambda entry: entry.rpartition("/")[2].lower()):
            yield f"  {entry.rpartition('/')[2]}  {_size(self.sizes[entry])}"
        known = [str(build.root) for build in self.builds if build.is_there]
        total = f"{_number(len(self.unused), 'entry')}, {_size(self.total(self.unused))}"
        yield f"{total}, used by none of the known builds:"
        yield from (f"  {root}" for root in known or ["(there is none)"])

    def told(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "store": str(self.store),
            "eggs": {"count": len(self.eggs()), "bytes": self.total(self.eggs())},
            "toolchain": {"count": len(self.toolchain), "bytes": self.total(self.toolchain)},
            "closed_sets": {"count": len(self.sets()), "bytes": self.total(self.sets())},
            "strangers": {"count": self.strangers[0], "bytes": self.strangers[1]},
            "cache": {"directory": str(self.cache), "count": self.files[0], "bytes": self.files[1]},
            "builds": [
                {
                    "directory": str(build.root),
                    "known": build.is_there,
                    "entries": sorted(entry for entry in self.sizes if build.uses(entry)),
                }
                for build in self.builds
            ],
            "unused": [{"entry": entry, "bytes": self.sizes[entry]} for entry in self.unused],
            "running": [{"entry": entry, "bytes": self.sizes[entry]} for entry in self.running],
        }


def _forget(store: Path, directory: Path) -> None:
    wanted = os.path.realpath(directory)
    found = [build for build in registers.all_of(store) if os.path.realpath(build.root) == wanted]
    if not found:
        known = ", ".join(str(build.root) for build in registers.all_of(store)) or "none"
        raise UsageProblem(f"--forget {directory}: no build in that directory uses {store}; those that do: {known}")
    with storing(store):
        registers.forget(store, found)


def _agrees(number: int) -> bool:
    """Ask whether so many entries are to be removed; without a terminal nobody can be asked."""
    if not sys.stdin.isatty():
        print("Nothing was removed: there is no terminal to ask at; --yes removes them.")
        return False
    answer = input(f"Remove {'it' if number == 1 else 'them'}? [y/N] ").strip().lower()
    return answer in ("y", "yes")


def _removed(number: int, listed: int) -> str:
    left = listed - number
    told = f"{_number(number, 'entry')} removed."
    return f"{told} {_number(left, 'entry')} left, which a build has begun to use." if left else told


def _number(number: int, noun: str) -> str:
    several = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else several}"


def _size(number: int) -> str:
    return f"{number / 1e6:,.1f} MB"
