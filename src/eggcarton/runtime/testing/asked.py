"""What the command line of a part that measures its tests says beside what it tells the runner."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import history, say

# What says how a run is told, and leaves none of its tests out.
_TELLING = re.compile(
    r"-(q+|v+|s|vvs|vs|-quiet|-verbose|-verbosity=\d|-color(=\w+)?|-no-color|-tb=\w+|-durations=\d+|-no-header"
    r"|n\d+|-numprocesses=\w+|j\d+|-parallel(=\w+)?"
    r"|-no-summary|-capture=\w+|r\w+|p|-progress|c|-show-capture=\w+|-full-trace|b|-buffer)"
)


@dataclass(frozen=True)
class Asked:
    """What a command line asks of coverage.

    Args:
        arguments: what is left for the runner.
        trend: whether the history is asked for, in the place of a run.
        diff: the revision since which changed lines count, where one is named.
        problem: what is wrong with it, as a sentence; empty when nothing is.
    """

    arguments: tuple[str, ...]
    trend: bool = False
    diff: str | None = None
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether no argument of the runner's can leave a test out."""
        return all(_TELLING.fullmatch(word) for word in self.arguments)


def read(arguments: Sequence[str]) -> Asked:
    """Return what a command line asks for: `--trend`, `--diff REV`; what follows a `--` is the runner's."""
    left: list[str] = []
    trend, diff, words = False, None, list(arguments)
    while words:
        word = words.pop(0)
        name, _, value = word.partition("=")
        if word == "--":
            left += [word, *words]
            break
        if word == "--trend":
            trend = True
        elif name == "--diff":
            if value or words:
                diff = value or words.pop(0)
            if not diff or diff.startswith("-"):
                return Asked((), problem="--diff needs a revision, such as --diff main")
        else:
            left.append(word)
    if trend and (left or diff):
        return Asked((), problem="--trend runs no tests: it stands alone on the command line")
    return Asked(tuple(left), trend, diff)


_USAGE = 2


def answered(arguments: Sequence[str], coverage: Mapping[str, Any]) -> tuple[Asked, int | None]:
    """Return what a command line asks for, and the exit status where no test is to run, or None.

    Args:
        coverage: the settings of `measuring.measure`.
    """
    found = read(arguments)
    if found.problem:
        return found, say(found.problem, _USAGE)
    return found, history.show(Path(coverage["directory"])) if found.trend else None
