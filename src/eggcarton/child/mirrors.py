"""Look at every route of every index now: a page of a locked project, and a file of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from eggcarton.child.door import Door, Sources
from eggcarton.child.turns import Turn, side_by_side
from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import Unavailable
from eggcarton.indexes import first_bytes, probe
from eggcarton.indexes.client import Answer, RequestFailed
from eggcarton.indexes.journal import FILE, OTHER, PAGE
from eggcarton.indexes.network import Failed
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.pages import ACCEPT, Listed, PageProblem, read
from eggcarton.indexes.probe import Sample, Seen, Verdict
from eggcarton.indexes.routing import HASHED, Index, Route
from eggcarton.packages import lock as locks
from eggcarton.packages.lock import LockedPackage

WITHIN = 10.0
"""Seconds that each route has for all its answers."""

_WHOLE = 1 << 20
"""Bytes up to which a file is read to its end; of a larger one the first are looked at."""


class _EnoughError(Exception):
    """Leaves an answer whose rest nobody needs: its connection is closed, and it counts for nothing."""


def check(*, paths: Sequence[str], sources: Mapping[str, Any], within: float = WITHIN) -> dict[str, Any]:
    """Ask all routes, and return what is to be thought of each.

    Args:
        paths: of the locks; those that are not there yet are passed over.
        sources: the fields of `Sources`.
        within: seconds that each route has, all of them side by side.

    Returns:
        ``routes`` in order, each with its ``verdict`` and ``findings``; ``status``, the exit code.

    Raises:
        Unavailable: offline.
    """
    door = Sources.of(sources).open()
    if door.sources.offline:
        raise Unavailable("offline, and how routes fare only they can tell; leave -o out")
    packages = locked(paths)
    answers = looked(door, packages, within)
    verdicts = [verdict for index, sample, seen in answers for verdict in probe.judged(index, seen, sample)]
    return {"routes": [_told(verdict) for verdict in verdicts], "status": probe.exit_code(verdicts)}


def locked(paths: Sequence[str]) -> list[LockedPackage]:
    """Return what is in these locks; those that are not there yet are passed over."""
    return [package for path in map(Path, paths) if path.exists() for package in locks.read(path).packages]


def looked(
    door: Door, packages: Sequence[LockedPackage], within: float = WITHIN
) -> list[tuple[Index, Sample | None, list[Seen]]]:
    """Ask all routes, and return of each index what was asked and what each route answered, in order.

    Raises:
        UsageProblem: something is locked from an index that is none any more; nobody was asked.
    """
    asked = [(index, _sample(door, index, packages)) for index in door.routing.indexes]
    looks = [
        (partial(_look, door, route, sample), partial(_late, route))
        for index, sample in asked
        for route in index.all_routes()
    ]
    found = iter(side_by_side(looks, within))
    return [(index, sample, [next(found) for _ in index.all_routes()]) for index, sample in asked]


def _late(route: Route, outcome: Outcome) -> Seen:
    return Seen(route, fault=outcome)


def _sample(door: Door, index: Index, packages: Sequence[LockedPackage]) -> Sample | None:
    """Return the project of an index with the smallest locked file."""
    candidates = []
    for package in packages:
        if package.origin is None and door.routing.locked(package.name, package.index) == index:
            files = [*package.wheels, *([package.sdist] if package.sdist else [])]
            hashes = {file.name: file.sha256 for file in files}
            candidates += [Sample(package.name, file.name, hashes, file.size) for file in files]
    return min(candidates, key=lambda one: (one.size is None, one.size or 0, one.name), default=None)


def _look(door: Door, route: Route, sample: Sample | None, turn: Turn) -> Seen:
    # A keyring may wait for its user, for which no route is to blame.
    door.network.client.look_up(route.url, route.credentials)
    turn.begin()
    if route.kind == HASHED:
        if sample is None:
            return Seen(route)
        address = f"{route.url.rstrip('/')}/sha256/{sample.hashes[sample.name]}"
        return Seen(route, file=_of_file(door, route, address, sample, turn))
    if sample is None:
        return Seen(route, fault=_of_root(door, route, turn))
    found = _tried(lambda: _page(door, route, sample.project, turn))
    if isinstance(found, Outcome):
        is_index = found.kind is not Kind.ABSENT or _of_root(door, route, turn) is None
        return Seen(route, fault=found, is_index=is_index)
    page, serial, ahead = found
    seen = Seen(route, page, serial, ahead=ahead)
    listed = next((file for file in page if file.name == sample.name), None)
    return seen if listed is None else replace(seen, file=_of_file(door, route, listed.url, sample, turn))


def _tried(one: Any) -> Any:
    """Return what a request gives, or its outcome where it does not serve twice."""
    for last in (False, True):
        try:
            return one()
        except (Failed, RequestFailed) as failed:
            if last or not failed.outcome.rule.again:
                return failed.outcome
    raise AssertionError


def _page(door: Door, route: Route, project: str, turn: Turn) -> tuple[tuple[Listed, ...], int | None, float | None]:
    url = f"{route.url.rstrip('/')}/{project}/"
    with turn.call() as call, door.network.request(route, url, PAGE, project, accept=ACCEPT, call=call) as answer:
        kind, serial = answer.headers.get("Content-Type", ""), answer.headers.get("X-PyPI-Last-Serial")
        try:
            page = read(answer.read(), kind, answer.url, project=project, serial=serial)
        except PageProblem as error:
            raise Failed(Outcome(Kind.USELESS, fault=f"the page of {project!r} {error}")) from error
        return page.listed, page.serial, _ahead(answer)


def _ahead(answer: Answer) -> float | None:
    """Return by how many seconds this machine's clock is ahead of the one that an answer was dated by."""
    try:
        return time.time() - parsedate_to_datetime(str(answer.headers.get("Date"))).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _of_root(door: Door, route: Route, turn: Turn) -> Outcome | None:
    """Return why a route's own address is not that of an index, None where it seems to be one."""

    def one() -> None:
        url = f"{route.url.rstrip('/')}/"
        try:
            with turn.call() as call, door.network.request(route, url, OTHER, "", accept=ACCEPT, call=call) as answer:
                if not _may_list_projects(answer):
                    raise Failed(Outcome(Kind.USELESS, fault="its page lists no projects"))
                raise _EnoughError
        except _EnoughError:
            return

    found = _tried(one)
    return found if isinstance(found, Outcome) else None


def _may_list_projects(answer: Answer) -> bool:
    kind = answer.headers.get("Content-Type", "").lower()
    start = next(_blocks(answer), b"").lower()
    return ("json" in kind and b'"projects"' in start) or (
        "html" in kind and (b"pypi:repository-version" in start or b"simple index" in start or b"<a " in start)
    )


def _blocks(answer: Answer) -> Iterator[bytes]:
    return answer.blocks(1 << 16)


def _of_file(door: Door, route: Route, address: str, sample: Sample, turn: Turn) -> Outcome | None:
    """Return how a file fails to be what is locked, None where it does not."""

    def one() -> None:
        try:
            with turn.call() as call, door.network.request(route, address, FILE, sample.name, call=call) as answer:
                _check(answer, sample)
        except _EnoughError:
            return

    found = _tried(one)
    return found if isinstance(found, Outcome) else None


def _check(answer: Answer, sample: Sample) -> None:
    digest, count = sha256(), 0
    for block in _blocks(answer):
        if not count and (outcome := first_bytes.problem(sample.name, block, answer.status)):
            raise Failed(outcome)
        digest.update(block)
        count += len(block)
        if count > _WHOLE:
            # Its first bytes are right; the rest is checked when it is fetched.
            raise _EnoughError
    if digest.hexdigest() != sample.hashes[sample.name]:
        raise Failed(Outcome(Kind.SPOILT, fault=f"{count} bytes with the sha256 {digest.hexdigest()}"))


def _told(verdict: Verdict) -> dict[str, Any]:
    return {
        "index": verdict.route.index,
        "route": without_credentials(verdict.route.url),
        "kind": verdict.route.kind,
        "verdict": verdict.word,
        "findings": [sentence for _, sentence in verdict.findings],
    }
