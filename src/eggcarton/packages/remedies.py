"""What would end a conflict: every change that is told was tried, by resolving with it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from eggcarton.packages.chains import Places
from eggcarton.packages.clash import Clash, version_of
from eggcarton.packages.conflict import Attempt, GaveUp, Input, Kind, Search, asking_for, minors, of_machine, without
from eggcarton.packages.lock import Lock
from eggcarton.packages.needs import Need, Needs, pin_of

_PART = "part "


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would be locked after a change, and whether that ends everything or only this conflict."""

    lock: Lock
    ends_all: bool

    def of(self, name: str) -> str:
        """Return the versions of a name, and the name before them; empty where it would not be locked."""
        found = sorted({package.version for package in self.lock.named(name)}, key=Version)
        return f"{name} {' or '.join(found)}" if found else ""

    def told(self, change: str) -> str:
        """Return a change as it is told."""
        return change if self.ends_all else f"{change}; another conflict is left then, which the next run tells"


class Remedies:
    """Tries what could end a conflict.

    Args:
        search: resolves, as often as it still may.
        core: inputs that cannot agree.
        clash: what they cannot agree on, as far as that is known.
        places: where the configuration says what.
    """

    def __init__(self, search: Search, core: Sequence[Input], clash: Clash | None, places: Places) -> None:
        self._search, self._core, self._clash, self._places = search, core, clash, places

    def lines(self) -> list[str]:
        """Return the changes that would do, a line each; those found before it was given up, where it was."""
        found: list[str] = []
        try:
            for line in self._changes():
                found.append(line)
        except GaveUp:
            found.append("and maybe more: the search was given up, since it took too long")
        return found

    def _changes(self) -> Iterator[str]:
        for package in of_machine(self._search.needs, self._search.words):
            yield from self._given(package.name)
        for item in self._core:
            if item.kind is Kind.PIN:
                yield from self._pin(item)
        for item in self._core:
            if item.kind in (Kind.NEED, Kind.DEVELOP, Kind.CONSTRAINT):
                yield from self._requirement(item)
        for item in self._core:
            if item.kind is Kind.CUTOFF:
                yield from self._cutoff(item)
            elif item.kind is Kind.PYTHON:
                yield from self._python()
        yield from self._groups()

    def _left_out(self, *items: Input) -> Outcome | None:
        kept = [item for item in self._core if item not in items]
        return self._tried(without(self._search.needs, items), self._search.of(kept) if kept else None)

    def _tried(self, whole: Needs, otherwise: Attempt | None = None) -> Outcome | None:
        tried = self._search.attempt(whole)
        if tried.lock is not None:
            return Outcome(tried.lock, ends_all=True)
        if otherwise is not None and otherwise.lock is not None:
            return Outcome(otherwise.lock, ends_all=False)
        return None

    def _given(self, name: str) -> Iterator[str]:
        """Give what would be locked of a name if nothing of it came from the machine."""
        needs = self._search.needs
        outcome = self._tried(replace(needs, develop=tuple(p for p in needs.develop if p.name != name)))
        if outcome is not None:
            yield outcome.told(
                f"{name} left out of allowed-eggs-from-site-packages: {outcome.of(name)} would be locked"
            )

    def _pin(self, item: Input) -> Iterator[str]:
        outcome = self._left_out(item)
        if outcome is None:
            return
        where = f" ({', '.join(self._places.pins[item.text])})" if item.text in self._places.pins else ""
        line, others = f"{item.text} = {item.value}", self._values(item, outcome)
        if self._places.own:
            # Changed in [versions] it would change in all other locks, and taken out here [versions] would count again.
            lines = [*(f"{item.text} = {other}" for other in others), f"'{item.text} =' without a value"]
            yield outcome.told(f"in [{self._places.own}], which pins for this lock alone, say {', or '.join(lines)}")
        elif not outcome.of(item.name):
            yield outcome.told(f"take {line} out of [versions]{where}: nothing leads to {item.name} then")
        elif others:
            change = f"change {line} in [versions]{where} to {item.text} = {', or to '.join(others)}"
            yield outcome.told(f"{change}, or take the line out")
        else:
            yield outcome.told(f"take {line} out of [versions]{where}: {outcome.of(item.name)} would be locked then")

    def _values(self, item: Input, outcome: Outcome) -> list[str]:
        """Return what a pin could be instead of what it is: a version, and a range that all others admit."""
        values = [item.value, *self._versions(item, outcome)]
        if self._clash and self._clash.name == item.name and self._clash.asked:
            values.append(_spelt(self._clash.asked))
        others: dict[SpecifierSet, str] = {}
        for value in values:
            others.setdefault(pin_of(item.text, value), value)
        return list(others.values())[1:]

    def _versions(self, item: Input, outcome: Outcome) -> Iterator[str]:
        """Give the version that a pin could have instead, if one serves all Pythons and platforms."""
        versions = sorted({Version(package.version) for package in outcome.lock.named(item.name)}, reverse=True)
        for version in versions:
            if len(versions) == 1 or self._pinned(item, str(version)) is not None:
                yield str(version)
                return

    def _pinned(self, item: Input, value: str) -> Outcome | None:
        """Return what would be locked with another value of a pin."""
        whole, core = self._search.needs, self._search.with_only(self._core)
        changed = [replace(needs, pins={**needs.pins, item.text: value}) for needs in (whole, core)]
        return self._tried(changed[0], self._search.attempt(changed[1]))

    def _requirement(self, item: Input) -> Iterator[str]:
        requirement = Requirement(item.text)
        if not requirement.specifier:
            return
        requirement.specifier = SpecifierSet()
        outcome = self._tried(
            asking_for(self._search.needs, item, str(requirement)),
            self._search.attempt(asking_for(self._search.with_only(self._core), item, str(requirement))),
        )
        if outcome is None:
            return
        who = f"{' and '.join(item.askers)} ask{'s' if len(item.askers) == 1 else ''} for"
        if item.kind is Kind.DEVELOP:
            who = f"{item.value} {item.askers[0]} needs"
        elif item.kind is Kind.CONSTRAINT:
            who = f"{' and '.join(item.askers)} hold{'s' * (len(item.askers) == 1)}"
        without_it = outcome.of(item.name) or f"nothing of {item.name}"
        yield outcome.told(f"another range where {who} {item.text}: without one, {without_it} would be locked")

    def _cutoff(self, item: Input) -> Iterator[str]:
        outcome = self._left_out(item)
        if outcome is None or self._clash is None:
            if outcome is not None:
                yield outcome.told("a later exclude-newer in [eggcarton]")
            return
        name = self._clash.name
        versions = {package.version for package in outcome.lock.named(name)}
        days = [f.uploaded[:10] for f in self._clash.listed if f.uploaded and str(version_of(f.name)) in versions]
        came = f": {outcome.of(name)} came to the index on {min(days)}" if days else ""
        yield outcome.told(f"a later exclude-newer in [eggcarton]{came}")

    def _python(self) -> Iterator[str]:
        for minor in minors(self._search.words, self._search.needs.requires_python):
            asked = without(self._search.needs, [Input(Kind.PYTHON, "", f">=3.{minor}")])
            tried = self._search.attempt(asked)
            if tried.lock is not None:
                running = sys.version_info[1] < minor
                other = ", and such a Python to run bin/buildout" if running else ""
                yield f"requires-python = >=3.{minor} in [eggcarton]{other}"
                return

    def _groups(self) -> Iterator[str]:
        """Give a part that could have a lock of its own, where parts or their requirements contradict each other."""
        asked = [item for item in self._core if item.kind is Kind.NEED]
        if len(asked) < 2:
            return
        needs = self._search.needs.needs
        alone = [item.askers[0] for item in asked if len(item.askers) == 1 and item.askers[0].startswith(_PART)]
        for who in dict.fromkeys(alone):
            others = any(who not in item.askers for item in asked)
            if others and self._can_be_apart([need for need in needs if need.asked_by == who]):
                part, of, config = who.removeprefix(_PART).partition(" of ")
                yield f"lock-group = {_group(part)} in [{part}]{of}{config}, which gives this part a lock of its own"
                return
        for item in asked:
            own = [need for need in needs if need.requirement == item.text]
            if item.askers[0].startswith(_PART) and self._can_be_apart(own):
                group = f"lock-group = {_group(item.name)}"
                yield f"ask for {item.text} in a part of its own, with {group} in it, which gives it a lock of its own"
                return

    def _can_be_apart(self, apart: Sequence[Need]) -> bool:
        """Tell whether some needs have a solution of their own, and all others too."""
        needs = self._search.needs
        sides = (tuple(apart), tuple(need for need in needs.needs if need not in apart))
        return all(self._search.attempt(replace(needs, needs=side)).lock is not None for side in sides)


def _group(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "other"


def _spelt(admits: SpecifierSet) -> str:
    """Return a range as [versions] may hold it."""
    return ",".join(sorted(map(str, admits), reverse=True))


def nearest(clash: Clash) -> list[str]:
    """Return the versions that come nearest to what is asked for and not there: below and above it, or the newest."""
    wanted = [bound for admits in clash.admits for bound in admits if bound.operator in ("==", "===")]
    versions = clash.versions
    final = [version for version in versions if not version.is_prerelease] or versions
    if wanted:
        version = Version(wanted[0].version.removesuffix(".*"))
        below, above = [v for v in final if v < version], [v for v in final if v > version]
        return [str(v) for v in (*below[-2:], *above[:2])]
    return [str(version) for version in final[-3:]]
