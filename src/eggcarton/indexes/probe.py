"""What one look at a route says of it: well, stale, equivocating, misconfigured, or out of reach; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.pages import Listed
from eggcarton.indexes.routing import CANONICAL, HASHED, Index, Route

WELL, LACKING, STALE, EQUIVOCATING, MISCONFIGURED, UNREACHABLE = (
    *("well", "lacking", "stale", "equivocating", "misconfigured", "unreachable"),
)
_WORST_FIRST = (EQUIVOCATING, MISCONFIGURED, UNREACHABLE, STALE, LACKING, WELL)
_AGAIN = frozenset({Kind.UNREACHABLE, Kind.INTERRUPTED, Kind.PASSING, Kind.LATER})


@dataclass(frozen=True, slots=True)
class Sample:
    """What is asked of the routes of an index: a project of the lock, its locked files, and the one to look at.

    ``hashes`` holds the sha256 of every locked file by name; ``name`` is one of them, its ``size`` in bytes.
    """

    project: str
    name: str
    hashes: Mapping[str, str]
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What one route has answered.

    Attributes:
        route: the one that was asked.
        page: what it lists for the project, None where there was no page.
        serial: the number of the change that the page shows, where the route tells.
        fault: how the request for the page ended, where it did not serve.
        is_index: whether its own address is that of an index; looked at only where it does not have the project.
        file: how the request for the file ended, where it did not serve, or was spoilt.
        ahead: seconds by which this machine's clock is ahead of the route's, where that tells the time.
    """

    route: Route
    page: tuple[Listed, ...] | None = None
    serial: int | None = None
    fault: Outcome | None = None
    is_index: bool = True
    file: Outcome | None = None
    ahead: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be thought of a route, and why, a sentence each."""

    route: Route
    findings: tuple[tuple[str, str], ...] = field(default=())

    @property
    def word(self) -> str:
        """The worst that was found."""
        found = {word for word, _ in self.findings}
        return next((word for word in _WORST_FIRST if word in found), WELL)

    @property
    def needs_care(self) -> bool:
        """Whether somebody has to do something about it; a mirror need not have everything."""
        return self.word not in (WELL, LACKING)


def judged(index: Index, seen: Sequence[Seen], sample: Sample | None) -> list[Verdict]:
    """Return what is to be thought of each route of an index.

    Args:
        index: the one that they lead to.
        seen: what they have answered, that of the canonical one among them.
        sample: what was asked; None where nothing of the index is locked.
    """
    canonical = next((one for one in seen if one.route.kind == CANONICAL), None)
    return [Verdict(one.route, tuple(_findings(one, canonical, sample, index.only(one.route)))) for one in seen]


def _findings(seen: Seen, canonical: Seen | None, sample: Sample | None, only: str | None) -> Iterator[tuple[str, str]]:
    if seen.fault is not None:
        yield _of_fault(seen, sample)
        return
    if sample is None:
        return
    if seen.page is not None:
        yield from _contradictions(seen.page, sample.hashes, "the lock has")
        if canonical is not None and canonical.page is not None and canonical is not seen:
            theirs = {
                file.name: file.sha256 for file in canonical.page if file.sha256 and file.name not in sample.hashes
            }
            yield from _contradictions(seen.page, theirs, "the index itself has")
            if only != "files":
                yield from _staleness(seen, canonical, sample)
        if not any(file.name == sample.name for file in seen.page):
            yield (LACKING, f"it does not list {sample.name}, which is locked")
    if seen.file is not None:
        yield _of_file(seen, sample)


def _of_fault(seen: Seen, sample: Sample | None) -> tuple[str, str]:
    outcome = seen.fault
    assert outcome is not None
    if outcome.kind in _AGAIN:
        return UNREACHABLE, f"it cannot be had: {outcome}"
    if outcome.kind is Kind.REFUSED:
        return MISCONFIGURED, f"it refuses us: {outcome}"
    if outcome.kind is Kind.UNTRUSTED:
        return MISCONFIGURED, f"{outcome}"
    if outcome.kind is Kind.ABSENT and (not seen.is_index or sample is None):
        return MISCONFIGURED, (
            f"there is no index at this address ({outcome}): the names of projects must follow it, as in .../simple/"
        )
    if outcome.kind is Kind.ABSENT:
        what = f"{sample.project}, which is locked" if sample else "anything"
        return (MISCONFIGURED if seen.route.kind == CANONICAL else LACKING), f"it does not have {what}"
    return MISCONFIGURED, f"what answers there is no index: {outcome}"


def _contradictions(page: Sequence[Listed], hashes: Mapping[str, str], whose: str) -> Iterator[tuple[str, str]]:
    for file in page:
        known = hashes.get(file.name)
        if known is not None and file.sha256 is not None and file.sha256 != known:
            yield EQUIVOCATING, f"it lists {file.name} with the sha256 {file.sha256}, {whose} {known}"


def _staleness(seen: Seen, canonical: Seen, sample: Sample) -> Iterator[tuple[str, str]]:
    """Give whether a page is older than that of the index, or has a part of it, as a mirror may."""
    assert seen.page is not None
    assert canonical.page is not None
    project = sample.project
    if seen.serial is not None and canonical.serial is not None and seen.serial < canonical.serial:
        yield STALE, f"its page of {project} shows change {seen.serial}, that of the index {canonical.serial}"
        return
    names = {file.name for file in seen.page}
    missing = [file for file in canonical.page if file.name not in names]
    mine, theirs = _newest(seen.page), _newest(canonical.page)
    # What is as the index was at some time is old; what lacks files of before its newest one is a part.
    is_part = any(file.uploaded is None or (mine is not None and file.uploaded <= mine) for file in missing)
    if mine and theirs and mine < theirs and not is_part:
        yield STALE, f"the newest file of {project} there is of {mine}, on the index of {theirs}"
    elif missing:
        there = sum(name in names for name in sample.hashes)
        yield (
            LACKING,
            (
                f"it has {there} of {len(sample.hashes)} files asked for of {project}, and "
                f"{len(canonical.page) - len(missing)} of {len(canonical.page)} that the index lists"
            ),
        )


def _newest(page: Sequence[Listed]) -> str | None:
    return max((file.uploaded for file in page if file.uploaded), default=None)


def _of_file(seen: Seen, sample: Sample) -> tuple[str, str]:
    outcome = seen.file
    assert outcome is not None
    if outcome.kind in _AGAIN:
        return UNREACHABLE, f"{sample.name} cannot be had from it: {outcome}"
    if outcome.kind is Kind.SPOILT:
        return EQUIVOCATING, f"it serves other bytes for {sample.name} than those locked: {outcome}"
    if outcome.kind is Kind.ABSENT and seen.route.kind == HASHED:
        return LACKING, f"it does not have {sample.name} by its sha256"
    if outcome.kind is Kind.ABSENT:
        return MISCONFIGURED, f"it lists {sample.name}, and does not have it: {outcome}"
    return MISCONFIGURED, f"{sample.name} cannot be had from it: {outcome}"


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Return 0 where all routes are well, 3 where one needs care, and 4 where none can be reached."""
    if verdicts and all(verdict.word == UNREACHABLE for verdict in verdicts):
        return 4
    return 3 if any(verdict.needs_care for verdict in verdicts) else 0
