"""What a conflict is about: the distribution no version of which suits, and the chains that lead to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from eggcarton.indexes.pages import Listed
from eggcarton.packages import chains, cutoff
from eggcarton.packages.chains import Chain, Graph
from eggcarton.packages.conflict import Input, Kind, mentions
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage, extras_in
from eggcarton.packages.needs import Needs, pin_of

WALKED = 60
"""How many distributions are looked at where no solution tells what leads to what."""

ABSENT = "0.dev0"
"""The version that stands where no version suits."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A chain of requirements to a name, and what the last of them admits."""

    chain: Chain
    admits: SpecifierSet


@dataclass(frozen=True, slots=True)
class Clash:
    """A name, what is asked of it, and what there is of it.

    ``listed`` are the files that the index has; ``pinned`` is what pins and constraints admit, by their inputs.
    """

    name: str
    bounds: tuple[Bound, ...]
    pinned: Mapping[Input, SpecifierSet]
    listed: tuple[Listed, ...]

    @property
    def asked(self) -> SpecifierSet:
        """What the requirements admit, all of them together."""
        return _joined(bound.admits for bound in self.bounds)

    @property
    def admits(self) -> list[SpecifierSet]:
        """What each that asks admits alone."""
        return [*(bound.admits for bound in self.bounds), *self.pinned.values()]

    @property
    def versions(self) -> list[Version]:
        """All versions on the index, in their order."""
        return sorted({version for file in self.listed if (version := version_of(file.name)) is not None})


@dataclass(frozen=True, slots=True)
class Index:
    """What is to be had of a name: the files that are listed, and the metadata of a version."""

    listed: Callable[[str], Sequence[Listed]]
    with_edges: Callable[[Sequence[LockedPackage]], Sequence[LockedPackage]]

    def usable(self, name: str, needs: Needs, newest: str | None, admits: SpecifierSet) -> list[Version]:
        """Return the versions that suit, in their order, prereleases among them."""
        found = set()
        for file in self.listed(name):
            version = version_of(file.name)
            if version is None or (file.yanked is not None and "==" not in str(admits)):
                continue
            if newest is not None and cutoff.is_after(file.uploaded, newest):
                continue
            if _suits(file.requires_python, needs.requires_python):
                found.add(version)
        return sorted(version for version in found if admits.contains(version, prereleases=True))


def version_of(file: str) -> Version | None:
    """Return the version of a wheel or a source distribution, None of anything else."""
    try:
        return parse_wheel_filename(file)[1] if file.endswith(".whl") else parse_sdist_filename(file)[1]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def _suits(file: str | None, asked: str) -> bool:
    """Tell whether a file is for the lowest Python of a range."""
    lowest = next((s.version.rstrip(".*") for s in SpecifierSet(asked) if s.operator in (">=", "~=", "==")), None)
    try:
        bounds = [bound for bound in SpecifierSet(file or "") if bound.operator in (">=", ">")]
        return lowest is None or all(bound.contains(Version(lowest), prereleases=True) for bound in bounds)
    except InvalidSpecifier:
        return True


def _joined(specifiers: Iterable[SpecifierSet]) -> SpecifierSet:
    whole = SpecifierSet()
    for specifier in specifiers:
        whole &= specifier
    return whole


def find(
    core: Sequence[Input],
    solutions: Sequence[tuple[Lock, Needs]],
    needs: Needs,
    newest: str | None,
    index: Index,
    words: str,
) -> Clash | None:
    """Return what a conflict is about, None where the metadata does not tell.

    Args:
        core: inputs that cannot agree.
        solutions: what would be locked without one of them each, with what leads to what.
        needs: what consists of the core alone.
        newest: the moment after which nothing counts.
        index: what there is.
        words: what uv said, by which the names are put in order.
    """
    pinned: dict[str, dict[Input, SpecifierSet]] = {}
    for item in core:
        if item.kind is Kind.PIN:
            pinned.setdefault(item.name, {})[item] = pin_of(item.text, item.value)
        elif item.kind is Kind.CONSTRAINT:
            pinned.setdefault(item.name, {})[item] = Requirement(item.text).specifier
    if solutions:
        graphs = [Graph(lock, asked, None) for lock, asked in solutions]
        found = _among(_without_own(graphs), graphs, pinned, needs, newest, index, words)
        if found is not None:
            return found
    walked = Graph(Lock(None, tuple(_walked(needs, newest, index, pinned))), needs, None)
    return _among(_bounds(walked), [walked], pinned, needs, newest, index, words)


def _bounds(graph: Graph) -> dict[str, SpecifierSet]:
    found: dict[str, SpecifierSet] = {}
    for step in graph.reached():
        found[step.name] = found.get(step.name, SpecifierSet()) & step.requirement.specifier
    return found


def _without_own(graphs: Sequence[Graph]) -> dict[str, SpecifierSet]:
    """Return what is asked of each name in all solutions, but for names that are asked for otherwise by platform."""
    whole: dict[str, SpecifierSet] = {}
    apart = set()
    for graph in graphs:
        for name, admits in _bounds(graph).items():
            whole[name] = whole.get(name, SpecifierSet()) & admits
            if not any(admits.contains(p.version, prereleases=True) for p in graph.packages[name]):
                apart.add(name)
    return {name: admits for name, admits in whole.items() if name not in apart}


def _among(
    bounds: Mapping[str, SpecifierSet],
    graphs: Sequence[Graph],
    pinned: Mapping[str, Mapping[Input, SpecifierSet]],
    needs: Needs,
    newest: str | None,
    index: Index,
    words: str,
) -> Clash | None:
    def place(name: str) -> tuple[bool, int, str]:
        return (not mentions(words, name), words.lower().find(name), name)

    for name in sorted(bounds, key=place):
        admits = bounds[name] & _joined(pinned.get(name, {}).values())
        there = {p.version for graph in graphs for p in graph.packages.get(name, ()) if p.version != ABSENT}
        if name in needs.developed or (
            not any(graph.packages[name][0].version == ABSENT for graph in graphs if name in graph.packages)
            and all(admits.contains(version, prereleases=True) for version in there)
        ):
            continue
        if not index.usable(name, needs, newest, admits):
            return Clash(name, _chains(graphs, name), pinned.get(name, {}), tuple(index.listed(name)))
    return None


def _chains(graphs: Sequence[Graph], name: str) -> tuple[Bound, ...]:
    """Return the shortest chain by each requirement of a name; those that admit everything, if there is no other."""
    found: dict[tuple[str, str], Bound] = {}
    for graph in graphs:
        for chain in chains.to(graph, name).chains:
            last = chain[-1]
            # Of what is asked by one distribution one chain is enough, of what the configuration asks each counts.
            key = (last.text if len(chain) == 1 else last.asker, str(last.requirement.specifier))
            if key not in found or len(chain) < len(found[key].chain):
                found[key] = Bound(chain, last.requirement.specifier)
    telling = [bound for bound in found.values() if bound.admits]
    return tuple(sorted(telling or found.values(), key=lambda bound: [step.text for step in bound.chain]))


def _walked(
    needs: Needs, newest: str | None, index: Index, pinned: Mapping[str, Mapping[Input, SpecifierSet]]
) -> Iterator[LockedPackage]:
    """Give what leads to what where the newest version of everything is taken that suits who asked first.

    Where none suits, an entry without requirements stands for it.
    """
    queue = [need.requirement for need in needs.needs]
    queue += [line for package in needs.develop for line in package.requires]
    bounds: dict[str, SpecifierSet] = {}
    for line in queue:
        requirement = Requirement(line)
        bounds.setdefault(str(canonicalize_name(requirement.name)), requirement.specifier)
    seen: set[str] = set(needs.developed)
    while queue and len(seen) < WALKED:
        requirement = Requirement(queue.pop(0))
        name = str(canonicalize_name(requirement.name))
        bounds[name] = bounds.get(name, SpecifierSet()) & requirement.specifier
        if name in seen:
            continue
        seen.add(name)
        admits = bounds[name] & _joined(pinned.get(name, {}).values())
        versions = index.usable(name, needs, newest, admits)
        package = LockedPackage(name, ABSENT)
        best = max((v for v in versions if not v.is_prerelease), default=max(versions, default=None))
        if best is not None and (files := _wheels(index.listed(name), best)):
            [package] = index.with_edges([LockedPackage(name, str(best), wheels=files)])
        extras = {str(canonicalize_name(extra)) for extra in requirement.extras}
        queue += [line for line in package.requires if not (named := extras_in(line)) or named & extras]
        yield package


def _wheels(listed: Iterable[Listed], version: Version) -> tuple[LockedFile, ...]:
    files = [f for f in listed if f.name.endswith(".whl") and f.sha256 and version_of(f.name) == version]
    return tuple(LockedFile(file.name, file.sha256 or "", file.size) for file in files)
