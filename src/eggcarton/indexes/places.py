"""Where a route has a file: by the place that the lock remembers, by the file's hash, or by the route's own page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from eggcarton.indexes.calls import Call
from eggcarton.indexes.client import RequestFailed, redacted
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Failed, Network
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.pages import Listed
from eggcarton.indexes.routing import AFTER_ALL, HASHED, MIRROR, Route, origin_of
from eggcarton.indexes.wanted import Wanted

Asking = Callable[[Route], AbstractContextManager[Call]]
"""Gives the call by which a route is asked, so that it can be watched and ended."""

_VAIN = 3
"""Places tried in vain below a mirror that has no pages, before its pages alone are asked."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address to ask for a file.

    ``route`` has the health and the credentials of the host that it leads to. ``is_hint`` is set where the address is
    guessed: it is never believed, only tried, so that what comes from there is nobody's fault.
    """

    url: str
    route: Route
    is_hint: bool = False


class _Flight:
    """A page on its way, for which others wait; ``failure`` is what they share if it does not come."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.waiting = 0
        self.failure: Outcome | None = None


class Places:
    """Where the routes of all indexes keep their files, as far as this run has found out.

    One page tells where a route keeps its files; the hints in the lock then give the place of every other file, so
    that hundreds of pages need not be asked.
    """

    def __init__(self, pages: Pages, network: Network) -> None:
        self._pages, self._network = pages, network
        self._bases: dict[str, str | None] = {}
        self._vain: dict[str, int] = {}
        self._flights: dict[str, _Flight] = {}
        self._lock = threading.Lock()

    def index_of(self, wanted: Wanted) -> str:
        """Return how the index of a file is told of, or where it was asked for by its address."""
        return redacted(wanted.url) if wanted.url else f"index {self._pages.index_of(wanted).name}"

    def routes(self, wanted: Wanted) -> dict[Route, Route]:
        """Return all routes to a file: each as its health is to be judged, with the route as it is configured.

        Files may lie on another host than the pages: once that is known, that host's health decides.
        """
        if wanted.url:
            route = Route(redacted(wanted.url), wanted.url)
            return {route: route}
        found = list(self._pages.index_of(wanted).file_routes())
        found += [
            replace(links.canonical, tier=AFTER_ALL + 1, position=number)
            for number, links in enumerate(self._pages.find_links)
        ]
        return {_at(route, wanted.hint and self._bases.get(route.url)): route for route in found}

    def addresses(self, route: Route, wanted: Wanted, asking: Asking) -> Iterator[Address]:
        """Give the addresses of a file on a route, the one without a page first; what comes next is asked for only
        when the one before failed, and may be the same address, then as the route's own word.

        Args:
            route: as it is configured.
            wanted: the file.
            asking: what each page is asked by.

        Raises:
            Failed: its page is none.
            RequestFailed: it does not answer.
        """
        if wanted.url:
            yield Address(wanted.url, route)
        elif route.kind == HASHED:
            yield Address(f"{route.url.rstrip('/')}/sha256/{wanted.sha256}", route)
        elif any(route.url == links.url for links in self._pages.find_links):
            yield from self._listed(route, self._told(route, "", asking), wanted)
        else:
            tried = None
            if wanted.hint and (base := self._base(route, wanted, asking)):
                tried = base + wanted.hint
                yield Address(tried, _at(route, base), is_hint=True)
                self._in_vain(route, base)
            page = self._told(route, wanted.project, asking)
            if base := _base_in(page, wanted):
                self._bases[route.url] = base
            yield from self._listed(route, page, wanted)
            if not page and wanted.hint and route.kind == MIRROR:
                yield from self._without_page(route, wanted.hint, tried)

    def _listed(self, route: Route, page: Sequence[Listed], wanted: Wanted) -> Iterator[Address]:
        for listed in page:
            if listed.name == wanted.name:
                self._check(route, listed, wanted)
                yield Address(listed.url, _at(route, listed.url))

    def _check(self, route: Route, listed: Listed, wanted: Wanted) -> None:
        """Make sure that a page does not tell other bytes of a file than the lock.

        Raises:
            Failed: it does; a mirror is closed for it, as if those bytes had come.
        """
        if listed.sha256 in (None, wanted.sha256):
            return
        fault = f"its page tells the sha256 {listed.sha256} of {wanted.name}, the lock {wanted.sha256}"
        spoilt = Outcome(Kind.SPOILT, fault=fault)
        if route.kind == MIRROR:
            self._network.blame(route, spoilt)
        raise Failed(spoilt)

    def _without_page(self, route: Route, hint: str, tried: str | None) -> Iterator[Address]:
        """Give the place below the address of a mirror that has files and no pages, as long as that leads anywhere."""
        base = _below(route)
        with self._lock:
            is_known = self._bases.get(route.url) not in (None, base)
            if is_known or base + hint == tried or self._vain.get(route.url, 0) >= _VAIN:
                return
            # Files after this one are looked for there at once.
            self._bases[route.url] = base
        yield Address(base + hint, route, is_hint=True)
        self._in_vain(route, base)

    def _in_vain(self, route: Route, base: str) -> None:
        if base == _below(route):
            with self._lock:
                self._vain[route.url] = self._vain.get(route.url, 0) + 1
                if self._vain[route.url] >= _VAIN:
                    self._bases[route.url] = None

    def served(self, route: Route) -> None:
        """Take note that a route has served a file from where it was thought to be."""
        with self._lock:
            self._vain.pop(route.url, None)

    def _base(self, route: Route, wanted: Wanted, asking: Asking) -> str | None:
        """Return what stands before the hints of a route's files, which the first page that is read tells.

        One page is asked for it, and all wait for that: what it failed by is the failure of all of them.
        """
        while True:
            with self._lock:
                if route.url in self._bases:
                    return self._bases[route.url]
                flight = self._flights.get(route.url)
                if flight is None:
                    mine = self._flights[route.url] = _Flight()
                else:
                    flight.waiting += 1
            if flight is None:
                return self._learned(route, wanted, asking, mine)
            flight.landed.wait()
            if flight.failure is not None:
                raise Failed(flight.failure)

    def _learned(self, route: Route, wanted: Wanted, asking: Asking, flight: _Flight) -> str | None:
        try:
            base = _base_in(self._told(route, wanted.project, asking), wanted)
            with self._lock:
                return self._bases.setdefault(route.url, base)
        except (Failed, RequestFailed) as failed:
            if failed.outcome.kind not in (Kind.PASSING, Kind.LATER):
                flight.failure = failed.outcome
            raise
        finally:
            with self._lock:
                del self._flights[route.url]
            if flight.failure is not None and flight.failure.kind is Kind.INTERRUPTED:
                # Whoever was kept waiting was not served: the breaker counts each of them.
                for _ in range(flight.waiting):
                    self._network.blame(route, flight.failure)
            flight.landed.set()

    def _told(self, route: Route, project: str, asking: Asking) -> Sequence[Listed]:
        with asking(route) as call:
            return self._pages.told(route, project, call)


def _below(route: Route) -> str:
    return route.url.rstrip("/") + "/"


def _at(route: Route, url: str | None) -> Route:
    """Return a route to where its files lie: itself where that is its own host."""
    if not url or origin_of(url) == route.origin or url.startswith("file:"):
        return route
    return replace(route, url=f"{origin_of(url)}/")


def _base_in(page: Sequence[Listed], wanted: Wanted) -> str | None:
    """Return what stands before a file's hint on its page, None where the file lies elsewhere by now."""
    for listed in page:
        if listed.name == wanted.name and wanted.hint and listed.url.endswith("/" + wanted.hint):
            return listed.url[: -len(wanted.hint)]
    return None
