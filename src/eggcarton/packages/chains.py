"""Why a distribution is locked: every chain of requirements that leads to it, the shortest first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import count

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from eggcarton.indexes.client import redacted
from eggcarton.packages.lock import Lock, LockedPackage, extras_in
from eggcarton.packages.needs import Need, Needs, activated, pin_of, requirement_of

SHOWN, COUNTED, LOOKED_AT = 10, 10_000, 100_000
"""How many chains are shown unless all are asked for, how many are told apart at all, and how far they are sought."""


@dataclass(frozen=True, slots=True)
class Step:
    """One requirement: who asks, in words; what for; and the locked name and extras that it leads to."""

    asker: str
    requirement: Requirement
    text: str
    name: str
    extras: frozenset[str]

    @property
    def node(self) -> tuple[str, frozenset[str]]:
        """Where it leads: a name with its extras, since other extras lead elsewhere."""
        return self.name, self.extras


Chain = tuple[Step, ...]


class Graph:
    """What leads to what in a lock.

    Args:
        lock: the lock.
        needs: what it has to answer; its develop packages stand beside what is locked.
        environment: the variables of markers; None for every Python and platform, so that all markers hold.
    """

    def __init__(self, lock: Lock, needs: Needs, environment: Mapping[str, str] | None) -> None:
        self._needs, self._environment = needs, environment
        self.packages: dict[str, tuple[LockedPackage, ...]] = {}
        if environment is not None:
            active = activated(lock, needs.develop, environment)
            self.packages = {name: (package,) for name, package in active.items()}
        else:
            for package in (*(p for p in lock.packages if p.name not in needs.developed), *needs.develop):
                self.packages[package.name] = (*self.packages.get(package.name, ()), package)
        self._known: dict[tuple[str, frozenset[str]], tuple[tuple[str, Step], ...]] = {}

    def roots(self) -> list[Step]:
        """Return what the configuration asks for itself."""
        found = []
        for need in self._needs.needs:
            requirement = requirement_of(need)
            if self._via(requirement.marker, frozenset()) is not None and self._there(requirement):
                found.append(_step(need.asked_by, requirement, asking(need, requirement)))
        return found

    def onward(self, node: tuple[str, frozenset[str]]) -> tuple[tuple[str, Step], ...]:
        """Return the steps from a name with its extras, each with the extra that it is for, empty for none."""
        if node not in self._known:
            self._known[node] = tuple(dict.fromkeys(self._onward(*node)))
        return self._known[node]

    def _onward(self, name: str, extras: frozenset[str]) -> Iterator[tuple[str, Step]]:
        for package in self.packages[name]:
            for line in package.requires:
                requirement = Requirement(line)
                via = self._via(requirement.marker, extras)
                if via is not None and self._there(requirement):
                    asker = f"{name}[{via}]" if via else name
                    yield via, _step(asker, requirement, f"{asker} needs {_shown(requirement, via)}")

    def _via(self, marker: Marker | None, extras: frozenset[str]) -> str | None:
        """Return the extra by which a requirement counts, empty where it needs none, None where it does not count."""
        if marker is None:
            return ""
        if self._environment is None:
            named = extras_in(str(marker))
            return min(named & extras, default=None) if named else ""
        for extra in ("", *sorted(extras)):
            if marker.evaluate({**self._environment, "extra": extra}):
                return extra
        return None

    def _there(self, requirement: Requirement) -> bool:
        return str(canonicalize_name(requirement.name)) in self.packages

    def reached(self) -> list[Step]:
        """Return every requirement that anything leads to, each once."""
        steps = list(self.roots())
        seen = set()
        for step in steps:
            if step.node not in seen:
                seen.add(step.node)
                steps += (further for _, further in self.onward(step.node))
        return list(dict.fromkeys(steps))

    def distances(self, name: str) -> dict[tuple[str, frozenset[str]], int]:
        """Return how many requirements lie between whatever leads to a name, with its extras, and that name."""
        backwards: dict[tuple[str, frozenset[str]], set[tuple[str, frozenset[str]]]] = {}
        for node in {step.node for step in self.reached()}:
            for _, step in self.onward(node):
                backwards.setdefault(step.node, set()).add(node)
        found = {step.node: 0 for step in self.reached() if step.name == name}
        queue = list(found)
        for node in queue:
            for before in backwards.get(node, ()):
                if before not in found:
                    found[before] = found[node] + 1
                    queue.append(before)
        return found


@dataclass(frozen=True, slots=True)
class Chains:
    """Chains to one name, the shortest first, and whether these are all."""

    chains: tuple[Chain, ...]
    complete: bool


def to(graph: Graph, name: str) -> Chains:
    """Return the chains from what is asked for to a name; none goes in circles, and none passes it on the way."""
    left, number = graph.distances(name), count()
    # Of chains that will be equally long the one that has come farthest goes on, so that whole ones come early.
    waiting: list[tuple[int, int, int, Chain]] = [
        (1 + left[step.node], -1, next(number), (step,)) for step in graph.roots() if step.node in left
    ]
    heapq.heapify(waiting)
    found: list[Chain] = []
    for _ in range(LOOKED_AT):
        if not waiting or len(found) == COUNTED:
            break
        *_, chain = heapq.heappop(waiting)
        if chain[-1].name == name:
            found.append(chain)
            continue
        for step in _further(graph, chain):
            if step.node in left:
                length = len(chain) + 1
                heapq.heappush(waiting, (length + left[step.node], -length, next(number), (*chain, step)))
    return Chains(tuple(found), not waiting)


def _further(graph: Graph, chain: Chain) -> Iterator[Step]:
    """Give the steps that a chain can go on with.

    A name that was there before counts only for the extras that it is asked for now, and was not then.
    """
    last = chain[-1]
    before: dict[str, frozenset[str]] = {}
    for step in chain[:-1]:
        before[step.name] = before.get(step.name, frozenset()) | step.extras
    passed = {**before, last.name: before.get(last.name, frozenset()) | last.extras}
    for via, step in graph.onward(last.node):
        if last.name in before and (not via or via in before[last.name]):
            continue
        if step.name not in passed or not step.extras <= passed[step.name]:
            yield step


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one name is in a lock: a line a chain, and what else is to be known."""

    chains: tuple[str, ...]
    complete: bool = True
    remarks: tuple[str, ...] = ()

    def lines(self, *, everything: bool) -> list[str]:
        """Return it as it is told, with a few chains or with everything."""
        return [*self.shown(everything=everything), *self.remarks]

    def shown(self, *, everything: bool) -> list[str]:
        """Return the chains, a few or everything, and how many more there are."""
        shown = self.chains if everything else self.chains[:SHOWN]
        rest, lines = len(self.chains) - len(shown), list(shown)
        if rest and self.complete:
            lines.append(
                f"and {rest:,} longer chain{'' if rest == 1 else 's'}; --all shows {'it' if rest == 1 else 'them'}"
            )
        elif rest:
            lines.append(f"and more than {rest:,} longer chains; --all shows the {len(self.chains):,} shortest")
        elif not self.complete:
            lines.append("and more longer chains than anybody counts")
        return lines


@dataclass(frozen=True, slots=True)
class Places:
    """Where the configuration says what.

    Args:
        needs: a file and an option, by a need's ``asker: requirement``.
        pins: a file, by the name in ``[versions]``.
        own: the section whose pins hold in this lock alone, empty where there is none but ``[versions]``.
        in_own: the names that are pinned there.
    """

    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pins: Mapping[str, Sequence[str]] = field(default_factory=dict)
    own: str = ""
    in_own: Sequence[str] = ()

    def section_of(self, pin: str) -> str:
        """Return the section that a pin stands in, by its name as it is spelt there."""
        return self.own if pin in self.in_own else "versions"

    def asked(self, needs: Needs, found: Chains) -> list[str]:
        """Return in which file by which options the chains begin, a line a file."""
        begun, by_file = {chain[0].text for chain in found.chains}, dict[str, dict[str, None]]()
        for need in needs.needs:
            place = self.needs.get(f"{need.asked_by}: {need.requirement}")
            if place is not None and asking(need, requirement_of(need)) in begun:
                file, option = place
                by_file.setdefault(file, {})[option] = None
        return [f"asked in {file} by {', '.join(options)}" for file, options in by_file.items()]

    def pinned(self, needs: Needs, name: str) -> list[str]:
        """Return the lines of ``[versions]`` that hold a name, and where they stand."""
        lines = []
        for key, value in needs.pins.items():
            if canonicalize_name(key) == name and str(pin_of(key, value)):
                where = f", in {', '.join(self.pins[key])}" if key in self.pins else ""
                lines.append(f"[versions] {key} = {value} holds it{where}")
        return lines


def held(needs: Needs, environment: Mapping[str, str] | None) -> Iterator[tuple[str, Need, Requirement]]:
    """Give the lines of constraints that hold a version in an environment, each with the name that it holds.

    Without an environment, they are those that hold one anywhere.
    """
    for line in needs.constraints:
        requirement = requirement_of(line)
        holds = environment is None or requirement.marker is None or requirement.marker.evaluate(dict(environment))
        if requirement.specifier and holds:
            yield str(canonicalize_name(requirement.name)), line, requirement


def explain(
    lock: Lock,
    needs: Needs,
    name: str,
    environment: Mapping[str, str],
    *,
    here: str = "developed here",
    places: Places | None = None,
) -> Explanation | None:
    """Tell why a name is in a lock, or among what is there without one.

    Args:
        lock: the lock.
        needs: what it has to answer.
        name: the canonical name.
        environment: the variables of markers where it is asked.
        here: what is said of the develop packages' versions.
        places: where the configuration says what.

    Returns:
        the explanation, None where the name is neither locked nor developed.
    """
    here = "taken from the machine" if name in needs.given else here
    everywhere = Graph(lock, needs, None)
    if name not in everywhere.packages:
        return None
    graph = Graph(lock, needs, environment)
    found = to(graph, name)
    if found.chains:
        [package] = graph.packages[name]
        what = f"{name} {package.version}" + (f", {here}" if name in needs.developed else "")
        others = [p for p in everywhere.packages[name] if p != package]
        places = places or Places()
        remarks = places.asked(needs, found)
        if name not in needs.developed:
            remarks += places.pinned(needs, name)
            remarks += [
                f"{line.requirement} holds it, in {line.asked_by}"
                for constrained, line, _ in held(needs, environment)
                if constrained == name
            ]
        remarks += [f"elsewhere it is {_told(other)}" for other in others]
        return Explanation(_lines(found, what), found.complete, tuple(remarks))
    if name in needs.developed:
        return Explanation(
            (), remarks=(f"{name} {everywhere.packages[name][0].version} is {here}; nothing leads to it",)
        )
    what = " and ".join(_told(package) for package in everywhere.packages[name])
    elsewhere = to(everywhere, name)
    if elsewhere.chains:
        remark = f"{what} is locked for another Python or platform; nothing leads to it on this one"
        version = " or ".join(sorted({p.version for p in everywhere.packages[name]}, key=Version))
        return Explanation(_lines(elsewhere, f"{name} {version}"), elsewhere.complete, (remark,))
    return Explanation((), remarks=(f"{what} is surplus: nothing leads to it, and bin/eggcarton lock takes it out",))


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the end of a sentence about a name that is not there: the nearest one, or what to do."""
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else "; add it to the eggs of a part to have it locked"


def _lines(found: Chains, what: str) -> tuple[str, ...]:
    lines = (f"{' > '.join(step.text for step in chain if step.text)} : {what}" for chain in found.chains)
    return tuple(dict.fromkeys(lines))


def _told(package: LockedPackage) -> str:
    return f"{package.name} {package.version}" + (f" ({package.marker})" if package.marker else "")


def _step(asker: str, requirement: Requirement, text: str) -> Step:
    extras = frozenset(str(canonicalize_name(extra)) for extra in requirement.extras)
    return Step(asker, requirement, text, str(canonicalize_name(requirement.name)), extras)


def asking(need: Need, requirement: Requirement) -> str:
    """Return how a need of the configuration reads."""
    if need.asked_by.startswith("develop package "):
        return need.asked_by
    if need.asked_by.startswith("the recipe of part "):
        return f"{need.asked_by} is {_shown(requirement)}"
    return f"{need.asked_by} {'name' if need.asked_by == 'extensions' else 'asks for'} {_shown(requirement)}"


def _shown(requirement: Requirement, via: str = "") -> str:
    """Return a requirement as it reads after the name that has it, so without the extra that is said there."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    address = f" @ {redacted(requirement.url)}" if requirement.url else ""
    marker = str(requirement.marker or "")
    if via:
        for end in (f'extra == "{via}"', f"extra == '{via}'"):
            marker = marker.removesuffix(end).removesuffix(" and ")
    return f"{requirement.name}{extras}{requirement.specifier}{address}" + (f" ; {marker}" if marker else "")
