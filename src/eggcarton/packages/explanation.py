"""A conflict in the user's terms: which requirements and pins cannot agree, where they stand, and what would do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import urlsplit

from packaging.requirements import Requirement

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import EggcartonError
from eggcarton.indexes.routing import Routing
from eggcarton.packages import clash, yanked
from eggcarton.packages.chains import Places, asking
from eggcarton.packages.clash import Clash
from eggcarton.packages.conflict import GaveUp, Input, Kind, Search, of_machine
from eggcarton.packages.lock import Lock
from eggcarton.packages.needs import Needs, requirement_of
from eggcarton.packages.remedies import Remedies, nearest

SHOWN = 12
"""How many chains of requirements are shown."""

WORDS = 900
"""How many characters of uv's own words follow."""


def unsolved(
    search: Search,
    index: clash.Index,
    routing: Routing,
    *,
    newest: str | None = None,
    places: Places | None = None,
    known: Collection[str] = (),
) -> EggcartonError:
    """Return the error that tells why there is no solution.

    Args:
        search: what was asked, and what uv said.
        index: what there is.
        routing: which index a name is asked at, and where that is.
        newest: the moment after which nothing counts.
        places: where the configuration says what.
        known: names that may have been meant by one that is not there.
    """
    words = search.words.strip()
    if "No solution found" not in words:
        return EggcartonError(f"uv could not resolve what is asked for:\n{words}")
    places = places or Places()
    core, complete = search.least()
    about = None
    # Whatever cannot be looked at now, uv's own words are at hand.
    with suppress(EggcartonError, GaveUp):
        about = _about(search, core, newest, index)
    text = Text(search.needs, core, about, places, routing)
    lines = [text.headline(), *(f"  {line}" for line in text.told())]
    lines += [f"  the machine has {given.name} {given.version}" for given in of_machine(search.needs, words)]
    if not complete:
        lines.append("  (these are not all needed for it: the search for fewer was given up, since it took too long)")
    remedies = [*Remedies(search, core, about, places).lines(), *text.guesses(known)]
    lines += ["what would do:", *(f"  {line}" for line in remedies)] if remedies else []
    return EggcartonError("\n".join([*lines, "in uv's words:", *(f"  {line}" for line in shortened(words))]))


def _about(search: Search, core: Sequence[Input], newest: str | None, index: clash.Index) -> Clash | None:
    """Return what the inputs cannot agree on, by the solutions that there are without one of them."""
    solutions = []
    for item in core if len(core) > 1 else ():
        rest = [other for other in core if other != item]
        lock = search.of(rest).lock
        if lock is not None:
            packages = tuple(index.with_edges(lock.packages))
            solutions.append((Lock(lock.requires_python, packages), search.with_only(rest)))
    return clash.find(core, solutions, search.with_only(core), newest, index, search.words)


@dataclass(frozen=True, slots=True)
class Text:
    """The words for inputs that cannot agree, and for what they cannot agree on where that is known."""

    needs: Needs
    core: Sequence[Input]
    clash: Clash | None
    places: Places
    routing: Routing

    def headline(self) -> str:
        """Return the sentence that begins it."""
        if self.clash is None:
            return "no set of versions answers all that is asked for; these cannot agree:"
        if not self.clash.listed:
            # It may be the address that is wrong, such as one without /simple/.
            told = f"{self._index()} ({without_credentials(self._index_url())})"
            return f"{told} has nothing of the name {self.clash.name}, which is asked for:"
        if missing := self._missing():
            there = " and ".join(nearest(self.clash)) or "none that can be read"
            return f"{self._index()} has no {self.clash.name} {missing}; the nearest that it has are {there}:"
        return f"no version of {self.clash.name} answers all that is asked for:"

    def _index(self) -> str:
        assert self.clash is not None
        name = self.routing.at(self.clash.name)
        return f"the index {name}" if name else "the index"

    def _index_url(self) -> str:
        assert self.clash is not None
        return self.routing.index_of(self.clash.name).url

    def told(self) -> Iterator[str]:
        """Give who asks for what, and each other input that has to do with it."""
        told: set[tuple[str, str]] = set()
        # Who asks alike is one input, and a chain each.
        chains: dict[str, None] = {}
        by_text = {asking(need, requirement_of(need)): need.requirement for need in self.needs.needs}
        for bound in self.clash.bounds[:SHOWN] if self.clash else ():
            first, *rest = bound.chain
            text = by_text.get(first.text)
            root = next((item for item in self.core if item.kind is Kind.NEED and item.text == text), None)
            told |= {("", root.text)} if root else set()
            told |= {(step.asker.partition("[")[0], str(step.requirement)) for step in rest}
            words = [_need(root) if root else first.text, *(step.text for step in rest)]
            chains[" > ".join(words) + self._where(root)] = None
        yield from chains
        for item in self.core:
            if item.kind is Kind.NEED and ("", item.text) not in told:
                yield f"{_need(item)}{self._where(item)}"
            elif item.kind is Kind.DEVELOP and (item.askers[0], str(Requirement(item.text))) not in told:
                yield f"{item.value} {item.askers[0]} needs {item.text}"
            elif item.kind is Kind.PIN:
                where = f" ({', '.join(self.places.pins[item.text])})" if item.text in self.places.pins else ""
                yield f"[{self.places.section_of(item.text)}] has {item.text} = {item.value}{where}"
            elif item.kind is Kind.CONSTRAINT:
                yield f"{' and '.join(item.askers)} {'hold' if len(item.askers) > 1 else 'holds'} {item.text}"
            elif item.kind is Kind.CUTOFF:
                yield f"exclude-newer in [eggcarton] leaves out what came to the index later: {item.text}"
            elif item.kind is Kind.PYTHON:
                yield f"the lock is for Python {item.text}"
        yield from self._yanked()

    def _yanked(self) -> Iterator[str]:
        """Give the versions that would suit, had they not been withdrawn."""
        found = {}
        for file in self.clash.listed if self.clash else ():
            version = clash.version_of(file.name)
            if self.clash is None or file.yanked is None or version is None:
                continue
            if all(admits.contains(version, prereleases=True) for admits in self.clash.admits):
                found[version] = yanked.said(self.clash.name, str(version), file.yanked)
        yield from found.values()

    def _where(self, item: Input | None) -> str:
        """Return the files and options by which an input is asked for."""
        found: dict[str, dict[str, None]] = {}
        if item is None:
            return ""
        for who in item.askers:
            if place := self.places.needs.get(f"{who}: {item.text}"):
                found.setdefault(place[0], {})[place[1]] = None
        told = [f"{file}, {', '.join(options)}" for file, options in found.items()]
        return f" ({'; '.join(told)})" if told else ""

    def guesses(self, known: Collection[str]) -> list[str]:
        """Return what may have been meant by a name that is not there, and who may have what is not."""
        if self.clash is None or self._missing() is None:
            return []
        name, place = self.clash.name, "have index or find-links in [buildout] name a place that has it"
        if self.needs.terms.indexes:
            place = "have 'projects' of another index in [eggcarton] name it, which has it"
        if self.clash.listed:
            return [place]
        near = get_close_matches(name, sorted(set(known) - {name}), n=3, cutoff=0.7)
        guess = f"did you mean {' or '.join(near)}? else " if near else ""
        lines = [f"{guess}correct the name, or {place}"]
        if not urlsplit(self._index_url()).path.rstrip("/").endswith("simple"):
            lines.append("correct the address of the index: the names of projects must follow it, as in .../simple/")
        return lines

    def _missing(self) -> str | None:
        """Return what is asked for that the index does not have in any version."""
        if self.clash is None:
            return None
        if not self.clash.listed:
            return ""
        versions = self.clash.versions
        for admits in self.clash.admits:
            if not any(admits.contains(version, prereleases=True) for version in versions):
                return str(admits)
        return None


def _need(item: Input) -> str:
    """Return who asks for what, in the words of `asking`, the requirement as it is written."""
    several = len(item.askers) > 1
    verb = "ask for" if several else "asks for"
    if item.askers[0].startswith("the recipe of part "):
        verb = "are" if several else "is"
    elif item.askers[0] == "extensions":
        verb = "name"
    return f"{' and '.join(item.askers)} {verb} {item.text}"


def shortened(words: str) -> list[str]:
    """Return what uv said of the cause, without its own advice on settings, which are not those of a buildout."""
    cause = words.partition("cause:")[2] or words
    text = " ".join(cause.partition("\n\nhint:")[0].split())
    if len(text) > WORDS:
        text = f"{text[:WORDS].rpartition(' ')[0]} ..."
    return [text.replace(" And because", "\n  And because")]
