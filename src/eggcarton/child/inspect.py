"""Look at locks: why something is in them, what changed, what is outdated, and whether they answer; all by reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from eggcarton.child.asked import asked_together
from eggcarton.child.door import Door, Sources
from eggcarton.child.provide import check_picked
from eggcarton.core.errors import IntegrityProblem, Unavailable, UsageProblem
from eggcarton.indexes.pages import Listed
from eggcarton.packages import chains, compare, cutoff, given, markers
from eggcarton.packages import lock as locks
from eggcarton.packages import origin as origins
from eggcarton.packages import outdated as standings
from eggcarton.packages.addresses import given_up
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Needs, Terms, activated, check, closure, drift, pruned
from eggcarton.packages.sdists import is_allowed

Question = Mapping[str, Any]
"""A lock's path, what is asked of it, and what its develop packages are called."""


def why(*, name: str, questions: Sequence[Question], everything: bool) -> list[str]:
    """Return the chains that lead to a name, and what else is to be known of it, a line each.

    Raises:
        UsageProblem: the name is neither locked nor developed.
    """
    wanted, explained, known = str(canonicalize_name(name)), [], set()
    for question in questions:
        lock = _lock(question)
        needs = given.settled(lock, _needs(question))
        known |= {package.name for package in lock.packages} | needs.developed
        places = chains.Places(**question["places"])
        found = chains.explain(lock, needs, wanted, markers.here(), here=question["stubs"], places=places)
        if found is not None:
            explained.append(found)
    if not explained:
        raise UsageProblem(f"nothing is locked of {name}{chains.nearest(wanted, sorted(known))}")
    # What the toolchain holds as well is told where something leads to it.
    told = [found for found in explained if found.chains] or explained
    shown = [line for found in told for line in found.shown(everything=everything)]
    return shown + list(dict.fromkeys(remark for found in told for remark in found.remarks))


def diff(*, pairs: Sequence[Mapping[str, str | None]], since: str) -> dict[str, Any]:
    """Return the differences between pairs of lock files, ``old`` and ``new``, either of which may be None.

    Args:
        pairs: paths; the name of a file is that of its lock.
        since: where the old ones are from, in words such as `since HEAD`.

    Returns:
        ``lines`` to print, and whether there is any difference.
    """
    lines, different = [], False
    for pair in pairs:
        old, new = (Path(path) if (path := pair[side]) else None for side in ("old", "new"))
        name = (new or old or Path()).name
        try:
            before = locks.read(old) if old else None
        except IntegrityProblem as error:
            raise IntegrityProblem(f"the differences {since} are not known: {error}") from error
        after = locks.read(new) if new else None
        if before is None or after is None:
            number = len((before or after or Lock(None, ())).packages)
            found = [f"{'removed' if after is None else 'added'}, with {number} distribution{'s' * (number != 1)}"]
        else:
            found = [str(difference) for difference in compare.compare(before, after)]
        different |= bool(found)
        lines += (
            [f"{name}, {since}:", *(f"  {line}" for line in found)] if found else [f"{name}: no difference {since}."]
        )
    return {"lines": lines, "different": different}


def unanswered(*, questions: Sequence[Question]) -> list[str]:
    """Return what the locks do not answer, and what they hold that nothing leads to, a sentence each.

    Raises:
        UsageProblem: something is asked for that no lock could answer.
    """
    found = []
    for question in questions:
        path, needs = Path(question["lock"]), _needs(question)
        if not path.exists():
            found += [f"there is no {path.name}"] if needs.needs else []
            continue
        lock = locks.read(path)
        needs = given.settled(lock, needs)
        problems = drift(lock, needs) + given_up(lock, needs)
        if not problems:
            check(lock, needs)
            given.check(lock, needs)
            active = activated(lock, needs.develop, environment := markers.here())
            used = closure(active, [need.requirement for need in needs.needs], environment)
            check_picked([active[name] for name in sorted(used) if name not in needs.developed], needs)
        gone = dict(lock.while_running).keys() - dict(needs.while_running).keys()
        problems += [
            f"the lock has what part {part} asked for while it ran, and it is no part" for part in sorted(gone)
        ]
        kept = set(pruned(lock, needs).packages)
        surplus = [package for package in lock.packages if package not in kept]
        problems += [f"the lock has {p.name} {p.version}, which nothing leads to" for p in surplus]
        found += [f"{path.name}: {problem}" for problem in problems]
    return found


def outdated(
    *, questions: Sequence[Question], sources: Mapping[str, Any], allow_sdist: Sequence[str]
) -> dict[str, Any]:
    """Return what is outdated or was yanked, a line each, and whether anything of it is to be done.

    Raises:
        Unavailable: offline, or the index does not answer.
    """
    opened = Sources.of(sources)
    if opened.offline:
        raise Unavailable("offline, and what is newer only the index knows; run it again with a network")
    door, found, absent, number = opened.open(), list[standings.Standing](), [], 0
    door.given = origins.given(line for question in questions for line, _ in question["needs"])
    for question in questions:
        lock, environment = _lock(question), markers.here()
        needs = given.settled(lock, _needs(question))
        graph = chains.Graph(lock, needs, environment)
        bounds = standings.bounds_of(graph, needs, environment)
        chosen = _chosen(lock, graph)
        packages = [package for package in chosen if package.origin is None]
        found += [door.direct.standing(package) for package in chosen if package.origin is not None]
        number += len(chosen)
        for package, listed in zip(packages, _pages(door, packages), strict=True):
            use = standings.Use(
                python=environment["python_full_version"],
                prereleases=needs.terms.prereleases,
                sdists=package.sdist is not None and is_allowed(package.name, allow_sdist),
                here=package in graph.packages.get(package.name, ()),
            )
            counted = _uploaded_in_time(listed, needs.terms)
            found.append(standings.look(package, counted, bounds.get(package.name, ()), use))
            absent += [] if listed else [package.name]
    lines = [line for standing in found for line in standing.lines()]
    if absent:
        lines.append(f"not on the index: {', '.join(sorted(set(absent)))}")
    newer, held = sum(s.newest is not None for s in found), sum(bool(s.newest and not s.taken) for s in found)
    yanked = sum(standing.yanked is not None for standing in found)
    lines.append(f"{number} locked: {newer} outdated, {held} of them held back; {yanked} yanked.")
    return {"lines": lines, "finding": any(standing.is_finding for standing in found)}


def _chosen(lock: Lock, graph: chains.Graph) -> list[LockedPackage]:
    """Return one entry of each name: that of this Python and platform, else the newest."""
    chosen: dict[str, LockedPackage] = {}
    for package in lock.packages:
        here = graph.packages.get(package.name, ())
        chosen[package.name] = next((p for p in here if p in lock.packages), package)
    return [chosen[name] for name in sorted(chosen)]


def _pages(door: Door, packages: Sequence[LockedPackage]) -> list[Sequence[Listed]]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(door.listed, packages))


def _uploaded_in_time(listed: Sequence[Listed], terms: Terms) -> list[Listed]:
    """Leave out what ``exclude-newer`` keeps from being locked; that it was yanked still counts."""
    if terms.exclude_newer is None:
        return list(listed)
    moment = cutoff.moment(terms.exclude_newer, datetime.now(timezone.utc))
    return [replace(file, sha256=None) if cutoff.is_after(file.uploaded, moment) else file for file in listed]


def _lock(question: Question) -> Lock:
    path = Path(question["lock"])
    if not path.exists():
        raise UsageProblem(f"there is no {path.name} yet; run bin/eggcarton lock, which makes it")
    return locks.read(path)


def _needs(question: Question) -> Needs:
    return asked_together(question, question["others"])
