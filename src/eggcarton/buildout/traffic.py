"""What a run has asked of the network: warnings are told once, the rest at its end, and kept for the commands."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eggcarton.core.errors import StagingProblem

if TYPE_CHECKING:
    from eggcarton.indexes.journal import Tally

logger = logging.getLogger("eggcarton")


class Traffic:
    """What the child process has told of its requests so far.

    Args:
        state: the directory in which it is kept; None where nothing may be written.
    """

    def __init__(self, state: Path | None = None) -> None:
        self._state = state
        self._tallies: list[Tally] = []
        self._instead: Counter[tuple[str, str]] = Counter()
        self._warned: set[str] = set()

    def heed(self, told: Mapping[str, Any]) -> None:
        """Take note of what an answer of the child process tells beside its result."""
        from eggcarton.indexes.journal import Instead, Tally, summed

        self._tallies = summed([*self._tallies, *map(Tally.of, told.get("routes", ()))])
        for fields in told.get("instead", ()):
            found = Instead(**fields)
            self._instead[found.by, found.after] += found.files
        for warning in told.get("warnings", ()):
            if warning not in self._warned:
                self._warned.add(warning)
                logger.warning("%s", warning)

    def origins(self) -> str:
        """Return whose routes served files, the index that most came from first: `` from pypi and corp``."""
        sizes: Counter[str] = Counter()
        routes = [tally.route for tally in self._tallies]
        for tally in self._tallies:
            if tally.files:
                sizes[_shown(tally, routes)] += tally.bytes
        names = [name for name, _ in sizes.most_common()]
        told = f" from {_listed(names)}" if names else ""
        resumed = sum(tally.resumed for tally in self._tallies)
        return f"{told}, {resumed} resumed" if resumed else told

    def remarks(self) -> list[str]:
        """Return by which routes files came since others had failed, a remark each."""
        return [
            f"{number} file{'s' * (number != 1)} from {by} after {after} failed"
            for (by, after), number in self._instead.items()
        ]

    def keep(self) -> None:
        """Add it to what is kept of all runs, where anything was asked; what cannot be written is lost."""
        if self._tallies and self._state is not None:
            from eggcarton.indexes import served

            path = self._state / served.NAME
            with suppress(StagingProblem):
                served.write(path, served.read(path).after(self._tallies, time.time()))
            self._tallies = []


def _shown(tally: Tally, routes: Sequence[str]) -> str:
    from eggcarton.indexes.journal import name_of
    from eggcarton.indexes.routing import CANONICAL

    return name_of(tally.index, tally.route, CANONICAL, routes)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
