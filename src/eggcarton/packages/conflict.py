"""Which few of all inputs of a resolution cannot agree: found by asking again with others left out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Need, Needs, requirement_of

ATTEMPTS, SECONDS = 120, 60.0
"""After how many resolutions, and how many seconds, what is known by then has to do."""

_MINOR = re.compile(r"[Pp]ython(?:_full_version|_version)? ?(?:>=|<|==) ?'?3\.(\d+)")


class Kind(Enum):
    """What an input is."""

    NEED = "need"
    DEVELOP = "develop"
    PIN = "pin"
    CONSTRAINT = "constraint"
    CUTOFF = "exclude-newer"
    PYTHON = "requires-python"


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that a resolution is asked for, and that could be left out.

    ``text`` is the requirement, the line or the setting, of a pin the name as it is spelt; ``value`` is that of a pin,
    of a range of Pythons the one that it is widened to, and what a develop package or one of the machine's is called;
    ``askers`` are who asks, or whose requirement it is.
    """

    kind: Kind
    text: str
    value: str = ""
    askers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The canonical name of what it is about, empty for a setting."""
        if self.kind is Kind.PIN:
            return str(canonicalize_name(self.text))
        if self.kind in (Kind.NEED, Kind.DEVELOP, Kind.CONSTRAINT):
            return str(canonicalize_name(Requirement(self.text).name))
        return ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one resolution: what it would lock, without the requirements in there, or else what uv said."""

    lock: Lock | None
    words: str = ""

    @property
    def is_conflict(self) -> bool:
        """Whether there is no solution; nothing is known where uv failed for another reason."""
        return self.lock is None and "No solution found" in self.words


def minors(words: str, requires_python: str) -> list[int]:
    """Return the minor versions of Python 3 that uv speaks of, above the lowest of a range, in their order."""
    lowest = min(map(int, re.findall(r"3\.(\d+)", requires_python)), default=0)
    later = {minor for found in _MINOR.findall(words) if (minor := int(found)) > lowest}
    return sorted(minor for minor in later if SpecifierSet(requires_python).contains(f"3.{minor}"))


def mentions(words: str, name: str) -> bool:
    """Tell whether uv speaks of a canonical name."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", words.lower()) is not None


def of_machine(needs: Needs, words: str) -> list[LockedPackage]:
    """Return what the machine has of the names that uv speaks of."""
    return [package for package in needs.machine if package.name in needs.given and mentions(words, package.name)]


def inputs_of(needs: Needs, words: str) -> tuple[Input, ...]:
    """Return what could be left out, what is blamed first coming first.

    Needs of develop packages are not among it, but what these require is; Pythons are where uv speaks of them.
    Prereleases are not: uv takes them where nothing else suits.
    """
    found = list(_grouped(Kind.NEED, needs.needs, needs.developed))
    for package in needs.develop:
        who = "the machine's" if package.name in needs.given else "develop package"
        found += [Input(Kind.DEVELOP, line, who, (package.name,)) for line in package.requires]
    pins = [(name, value) for name, value in sorted(needs.pins.items())]
    found += [Input(Kind.PIN, name, value) for name, value in pins if canonicalize_name(name) not in needs.developed]
    found += _grouped(Kind.CONSTRAINT, needs.constraints, needs.developed)
    if needs.terms.exclude_newer:
        found.append(Input(Kind.CUTOFF, needs.terms.exclude_newer))
    if higher := minors(words, needs.requires_python):
        found.append(Input(Kind.PYTHON, needs.requires_python, f">=3.{higher[-1]}"))
    return tuple(found)


def _grouped(kind: Kind, lines: Sequence[Need], developed: Collection[str]) -> Iterator[Input]:
    """Give one input for each requirement, with everybody who asks for it."""
    asked: dict[str, dict[str, None]] = {}
    for line in lines:
        if canonicalize_name(requirement_of(line).name) not in developed:
            asked.setdefault(line.requirement, {})[line.asked_by] = None
    return (Input(kind, text, askers=tuple(sorted(askers))) for text, askers in sorted(asked.items()))


def without(needs: Needs, left_out: Collection[Input]) -> Needs:
    """Return needs less some of their inputs."""
    gone = {(i.kind, i.text) for i in left_out if i.kind is not Kind.DEVELOP}
    own = {(i.askers[0], i.text) for i in left_out if i.kind is Kind.DEVELOP}
    terms, python = needs.terms, needs.requires_python
    for item in left_out:
        if item.kind is Kind.CUTOFF:
            terms = replace(terms, exclude_newer=None)
        elif item.kind is Kind.PYTHON:
            python = item.value
    return replace(
        needs,
        needs=tuple(need for need in needs.needs if (Kind.NEED, need.requirement) not in gone),
        pins={name: value for name, value in needs.pins.items() if (Kind.PIN, name) not in gone},
        develop=tuple(
            replace(package, requires=tuple(line for line in package.requires if (package.name, line) not in own))
            for package in needs.develop
        ),
        constraints=tuple(line for line in needs.constraints if (Kind.CONSTRAINT, line.requirement) not in gone),
        terms=terms,
        requires_python=python,
    )


def asking_for(needs: Needs, item: Input, text: str) -> Needs:
    """Return needs in which one requirement is replaced by another."""
    if item.kind is Kind.DEVELOP:
        changed = tuple(
            replace(p, requires=tuple(text if line == item.text else line for line in p.requires))
            if p.name in item.askers
            else p
            for p in needs.develop
        )
        return replace(needs, develop=changed)
    if item.kind is Kind.CONSTRAINT:
        held = (Need(text, n.asked_by) if n.requirement == item.text else n for n in needs.constraints)
        return replace(needs, constraints=tuple(held))
    lines = (Need(text, n.asked_by) if n.requirement == item.text else n for n in needs.needs)
    return replace(needs, needs=tuple(lines))


class GaveUp(Exception):
    """As many resolutions as may be were made, or they took as long as they may."""


class Search:
    """Looks for a least set of inputs that cannot agree.

    Args:
        needs: what has no solution.
        words: what uv said about that.
        attempt: resolves.
        attempts: how often it may, at most.
        seconds: how long all of that may take; none is begun later.
        clock: gives the time in seconds.
    """

    def __init__(
        self,
        needs: Needs,
        words: str,
        attempt: Callable[[Needs], Attempt],
        *,
        attempts: int = ATTEMPTS,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.needs, self.words = needs, words
        self.inputs = inputs_of(needs, words)
        self._attempt, self._left, self._clock = attempt, attempts, clock
        self._until = clock() + seconds
        self._smallest = self.inputs
        self._known: dict[frozenset[Input], Attempt] = {}

    def attempt(self, needs: Needs) -> Attempt:
        """Resolve.

        Raises:
            GaveUp: enough was tried.
        """
        if not self._left or self._clock() > self._until:
            raise GaveUp
        self._left -= 1
        return self._attempt(needs)

    def with_only(self, kept: Collection[Input]) -> Needs:
        """Return the needs that consist of some inputs alone."""
        return without(self.needs, [item for item in self.inputs if item not in kept])

    def of(self, kept: Collection[Input]) -> Attempt:
        """Resolve with some inputs alone; each set of them is asked once."""
        key = frozenset(kept)
        if key not in self._known:
            self._known[key] = self.attempt(self.with_only(kept))
            if self._known[key].is_conflict and len(key) < len(self._smallest):
                self._smallest = tuple(item for item in self.inputs if item in key)
        return self._known[key]

    def least(self) -> tuple[tuple[Input, ...], bool]:
        """Return inputs that cannot agree, and whether any of them can do without each other.

        Where it is given up, they are the fewest that are known not to agree.

        Source: Junker, QuickXplain (2004).
        """
        likely = [item for item in self.inputs if not item.name or mentions(self.words, item.name)]
        try:
            start = likely if self.of(likely).is_conflict else self.inputs
            found = self._least((), (), tuple(start))
        except GaveUp:
            return self._smallest, False
        return tuple(item for item in self.inputs if item in found), True

    def _least(
        self, given: tuple[Input, ...], new: Sequence[Input], candidates: tuple[Input, ...]
    ) -> tuple[Input, ...]:
        """Return which of the candidates are needed for a conflict with what is given, the last of which is new."""
        if new and self.of(given).is_conflict:
            return ()
        if len(candidates) <= 1:
            return candidates
        half = len(candidates) // 2
        first, second = candidates[:half], candidates[half:]
        below = self._least((*given, *first), first, second)
        above = self._least((*given, *below), below, first)
        return (*above, *below)
