"""Each route of each index, with what is known of it: pure, of the configuration and what earlier runs have kept."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from eggcarton.core.credentials import without_credentials
from eggcarton.indexes.health import KEPT
from eggcarton.indexes.journal import Tally
from eggcarton.indexes.routing import AFTER_ALL, CANONICAL, Index, origin_of
from eggcarton.indexes.served import Served, moment

ELSEWHERE = "elsewhere"
"""What is asked by its address, and find-links."""


@dataclass(frozen=True, slots=True)
class Row:
    """One route.

    Attributes:
        index: the name of its index.
        route: its address, without credentials.
        kind: ``canonical``, ``mirror`` or ``hashed``; ``files`` is where the files of one of these lie,
            ``find-links`` an address of those, and ``address`` that of one file.
        tier: routes of a lower tier are asked first; None comes after all of them.
        only: what alone it is asked for, ``files`` or ``pages``.
        health: ``well``, ``failing``, ``resting``, ``embargoed`` or ``out``; ``unknown`` where it was not asked in the
            last quarter of an hour.
        first_byte: the usual seconds until the first byte of an answer, where that is known.
        served: what it did in all runs.
        last: what it did in the last run that asked the network.
    """

    index: str
    route: str
    kind: str
    tier: int | None
    only: str | None
    health: str
    first_byte: float | None
    served: Tally
    last: Tally | None

    def fields(self) -> dict[str, Any]:
        """Return all of it as JSON can tell it."""
        told = {name: value for name, value in asdict(self).items() if name not in ("served", "last", "index")}
        told["first-byte"] = told.pop("first_byte")
        fault, at = self.served.last_fault, moment(self.served.last_fault_at)
        last = _counts(self.last) if self.last else None
        return {**told, "served": _counts(self.served), "last-run": last, "last-fault": fault, "last-fault-at": at}


_COUNTS = ("pages", "files", "metadata", "other", "bytes", "resumed", "hedged", "absent", "faults")


def _counts(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in _COUNTS}


def rows(
    indexes: Sequence[Index], served: Served, known: Mapping[str, Any], wall: float, links: Sequence[str] = ()
) -> list[Row]:
    """Return every route in the order in which indexes list them, then where else their files lay in the last run.

    Routes that are not configured any more are left out.

    Args:
        indexes: those that are configured.
        served: what the routes did.
        known: the health that is kept, by origin.
        wall: the time by the wall clock.
        links: find-links.
    """
    total = {(tally.index, _plain(tally.route)): tally for tally in served.total}
    last = {(tally.index, _plain(tally.route)): tally for tally in served.last}
    found = []
    for index in indexes:
        for route in index.all_routes():
            key = (index.name, _plain(route.url))
            tier = None if route.tier == AFTER_ALL else route.tier
            tally, then = total.pop(key, None), last.pop(key, None)
            only = index.only(route)
            found.append(_row(index.name, route.url, route.kind, tier, only, tally, then, known, wall))
    names = {index.name for index in indexes}
    configured = {_plain(link) for link in links}
    for (name, url), tally in sorted(total.items()):
        then = last.get((name, url))
        if kind := _kind_of(tally, then, names, configured):
            place = name if name in names else ELSEWHERE
            found.append(_row(place, tally.route, kind, None, None, tally, then, known, wall))
    order = [*(index.name for index in indexes), ELSEWHERE]
    return sorted(found, key=lambda row: order.index(row.index))


def _kind_of(tally: Tally, last: Tally | None, names: Container[str], links: Collection[str]) -> str | None:
    """Return what a route that no index lists is, None where it is of no use any more."""
    is_of_links = tally.index.startswith("find-links ")
    if is_of_links and _plain(tally.route) in links:
        return "find-links"
    if last is None:
        return None
    if "://" in tally.index:
        return "address"
    # Only the host of files is known, so that all else was a route of its own once.
    is_host = urlsplit(tally.route).path in ("", "/")
    return "files" if is_host and (tally.index in names or (is_of_links and links)) else None


def _row(
    index: str,
    url: str,
    kind: str,
    tier: int | None,
    only: str | None,
    tally: Tally | None,
    last: Tally | None,
    known: Mapping[str, Any],
    wall: float,
) -> Row:
    shown = without_credentials(url)
    health, first = _health(known.get(origin_of(url)), last, wall)
    return Row(index, shown, kind, tier, only, health, first, tally or Tally(index, shown), last)


def _health(told: Any, last: Tally | None, wall: float) -> tuple[str, float | None]:
    """Return how an origin fares by what is kept of it, and its usual time until a first byte."""
    try:
        if not 0 <= wall - float(told["at"]) <= KEPT:
            return "unknown", None
        firsts = [float(first) for first in told["firsts"]]
        first = round(median(firsts), 4) if firsts else None
        opened, rest = told["opened"], float(told["rest"])
        if opened is not None and wall < float(opened) + rest:
            return ("resting" if told["counted"] else "out"), first
        if float(told["embargo"]) > wall:
            return "embargoed", first
        if last is not None and last.state == "out":
            return "out", first
        return ("failing" if int(told["serious"]) else "well"), first
    except (KeyError, TypeError, ValueError, OverflowError):
        return "unknown", None


def fields(indexes: Sequence[Index], found: Sequence[Row], served: Served) -> dict[str, Any]:
    """Return the routes as JSON can tell them, by their indexes."""
    told = {index.name: {"projects": list(index.projects), "authority": index.authority} for index in indexes}
    names = dict.fromkeys([*told, *(row.index for row in found)])
    return {
        "indexes": [
            {"name": name, **told.get(name, {}), "routes": [row.fields() for row in found if row.index == name]}
            for name in names
        ],
        "since": moment(served.since),
        "runs": served.runs,
        "last-run": moment(served.ended),
    }


def lines(indexes: Sequence[Index], found: Sequence[Row], served: Served) -> Iterator[str]:
    """Give the routes for reading: a heading for each index, and an aligned line for each route."""
    about = {index.name: ", ".join(index.projects) or "all other names" for index in indexes}
    about[ELSEWHERE] = "by their own addresses"
    cells = [_cells(row) for row in found]
    widths = [max(map(len, column)) for column in zip(_HEADER, *cells, strict=True)]
    yield f"  {_aligned(_HEADER, widths)}"
    for name in dict.fromkeys(row.index for row in found):
        yield f"{name}: {about[name]}"
        yield from (f"  {_aligned(cell, widths)}" for row, cell in zip(found, cells, strict=True) if row.index == name)
    if served.runs:
        runs, ended = f"{served.runs} run{'s' * (served.runs != 1)}", _time(served.ended)
        yield f"Counted since {_time(served.since)}: {runs} that asked the network, the last one at {ended}."
    else:
        yield "No run has asked the network yet."


_HEADER = ("tier", "route", "kind", "health", "files", "pages", "bytes", "faults", "last fault (UTC)")


def _cells(row: Row) -> tuple[str, ...]:
    tally = row.served
    only = f", only {row.only}" if row.only and row.kind != "hashed" else ""
    fault = f"{_time(tally.last_fault_at).removesuffix(' UTC')}: {tally.last_fault}" if tally.last_fault else ""
    tier = "last" if row.tier is None and row.kind == CANONICAL else str(row.tier or "")
    numbers = (str(tally.files), str(tally.pages), f"{tally.bytes / 1e6:.1f} MB", str(tally.faults))
    return (tier, row.route, f"{row.kind}{only}", row.health, *numbers, fault)


def _aligned(cells: Iterable[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _time(seconds: float | None) -> str:
    return f"{(moment(seconds) or '')[:16].replace('T', ' ')} UTC"


def _plain(url: str) -> str:
    return without_credentials(url).rstrip("/")
