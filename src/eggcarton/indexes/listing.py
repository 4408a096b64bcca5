"""What indexes and find-links list, asked by all their routes, each page at most once in a run."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from eggcarton.indexes import authority, remote_wheel
from eggcarton.indexes.cache import file_digest
from eggcarton.indexes.calls import Call
from eggcarton.indexes.client import RequestFailed
from eggcarton.indexes.freshness import Seen
from eggcarton.indexes.journal import METADATA
from eggcarton.indexes.network import Failed, Network, NoRoute
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.pages import Listed, Page, is_of
from eggcarton.indexes.question import Question, page_of
from eggcarton.indexes.routing import MIRROR, Index, Route, Routing
from eggcarton.indexes.wanted import Wanted


class Pages:
    """The pages of all indexes, each asked at most once in a run; ``find_links`` are those of find-links.

    Args:
        routing: which index a name is asked at.
        network: the way out.
        find_links: the addresses of pages of find-links.
        seen: how new pages were at best; without it that is known for this run alone.
    """

    def __init__(
        self,
        routing: Routing,
        network: Network,
        *,
        find_links: Sequence[str] = (),
        seen: Seen | None = None,
    ) -> None:
        self._routing, self._network, self._seen = routing, network, seen or Seen()
        self.find_links = tuple(Index(f"find-links {number}", url) for number, url in enumerate(find_links, 1))
        self._pages: dict[tuple[str, str], Page | None] = {}
        self._by_route: dict[tuple[str, str], tuple[Listed, ...]] = {}
        self._guards: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def index_of(self, wanted: Wanted) -> Index:
        """Return the index that the lock names for a file, else the one its project is routed to."""
        return self._routing.locked(wanted.project, wanted.index)

    def page(self, index: Index, project: str) -> tuple[Listed, ...]:
        """Return what an index lists for a project; nothing when it does not know the name.

        Raises:
            Unavailable: no attempt brought a page.
        """
        whole = self.whole(index, project)
        return whole.listed if whole is not None else ()

    def whole(self, index: Index, project: str) -> Page | None:
        """Return all that an index tells of a project, None when it does not know the name.

        Where only a mirror has answered, its ``doubt`` tells why.

        Raises:
            Unavailable: no attempt brought a page.
            IntegrityProblem: routes of which several must agree tell different bytes of one file.
        """
        with self._guard(f"{index.name} {project}"):
            key = (index.name, project)
            if key not in self._pages:
                self._pages[key] = Question(self._network, self._seen, index, project).answer()
            return self._pages[key]

    def vouched(self, index: Index, project: str) -> Page | None:
        """Return all that an index tells of a project, asked once more of whoever may speak for it.

        Whether the hashes of what is returned may enter a lock, its ``doubt`` tells.

        Raises:
            Unavailable: no attempt brought a page.
            IntegrityProblem: two routes tell different bytes of one file.
        """
        page = self.whole(index, project)
        if page is None or page.doubt is None or authority.quorum(index) is not None:
            return page
        with self._guard(f"{index.name} {project}"):
            key = (index.name, project)
            page = self._pages[key]
            if page is not None and page.doubt is not None:
                page = self._pages[key] = Question(self._network, self._seen, index, project).insisted(page)
            return page

    def told(self, route: Route, project: str, call: Call | None = None) -> tuple[Listed, ...]:
        """Return what one route lists for a project, nothing where it does not have the name; asked once in a run.

        Raises:
            Failed: what it answers is no such page.
            RequestFailed: it does not answer.
        """
        with self._guard(f"{route.url} {project}"):
            known = self._pages.get((route.index, project))
            if known is not None and known.route is not None and known.route.url == route.url:
                return known.listed
            key = (route.url, project)
            if key not in self._by_route:
                try:
                    self._by_route[key] = page_of(self._network, route, project, call).listed
                except RequestFailed as failed:
                    if failed.outcome.kind is not Kind.ABSENT:
                        raise
                    self._by_route[key] = ()
            return self._by_route[key]

    def listed(self, index: Index, project: str, directories: Sequence[str] = ()) -> tuple[Listed, ...]:
        """Return what an index and find-links list for a project.

        Args:
            index: the one that the project is asked at.
            project: its canonical name.
            directories: those of find-links that are on this machine.

        Raises:
            Unavailable: no attempt brought a page.
        """
        found = list(self.page(index, project))
        for links in self.find_links:
            found += (file for file in self.page(links, "") if is_of(file.name, project))
        for directory in map(Path, directories):
            paths = (path for path in sorted(directory.glob("*")) if is_of(path.name, project))
            found += (Listed(path.name, path.as_uri(), file_digest(path), path.stat().st_size) for path in paths)
        return tuple(found)

    def holding(self, index: Index, project: str, hashes: Collection[str]) -> tuple[Listed, ...]:
        """Return the files of a project with these sha256, as a mirror lists them, or else the index.

        Raises:
            Unavailable: no mirror lists any of them, and no attempt at the index brought a page.
        """
        page = None
        if index.mirrors:
            with suppress(NoRoute), self._guard(f"{index.name} {project}"):
                page = Question(self._network, self._seen, index, project).of_bytes()
                if page.route is not None:
                    self._by_route[(page.route.url, project)] = page.listed
        found = tuple(file for file in page.listed if file.sha256 in hashes) if page is not None else ()
        return found or tuple(file for file in self.page(index, project) if file.sha256 in hashes)

    def metadata(self, index: Index, listed: Listed, project: str = "") -> bytes | None:
        """Return the metadata of a wheel with the sha256 that its page tells, None where nobody has it apart.

        Whoever has it may be asked, as its sha256 is known: the place beside the wheel, then mirrors, then the wheel
        itself, of which only that part is read.

        Args:
            index: the one whose page lists the wheel.
            listed: the wheel.
            project: whose wheel it is; empty where only its own address is to be asked.
        """
        if listed.metadata_sha256 is None:
            return None
        # Files may lie on another host than the page: it is that host's health that counts.
        own = replace(index.canonical, url=urljoin(listed.url, "/"), tier=-1)

        def apart(route: Route) -> bytes:
            url = urlsplit(listed.url if route is own else self._address(route, listed, project))
            beside = url._replace(path=f"{url.path}.metadata", fragment="").geturl()
            with self._network.request(route, beside, METADATA, listed.name) as answer:
                return _checked(answer.read(), listed)

        def inside(route: Route) -> bytes:
            return _checked(remote_wheel.metadata(self._network, route, listed), listed)

        for routes, way in (([own, *self._mirrors(index, listed, project)], apart), ([own], inside)):
            with suppress(NoRoute):
                return self._network.ask(routes, way)
        return None

    @staticmethod
    def _mirrors(index: Index, listed: Listed, project: str) -> list[Route]:
        known = project and listed.sha256 is not None
        return [route for route in index.file_routes() if route.kind == MIRROR] if known else []

    def _address(self, route: Route, listed: Listed, project: str) -> str:
        """Return where a route has the same file by its own page."""
        for file in self.told(route, project):
            if file.name == listed.name and file.sha256 == listed.sha256:
                return file.url
        raise Failed(Outcome(Kind.ABSENT, fault=f"its page does not list {listed.name} with the same sha256"))

    def _guard(self, name: str) -> threading.Lock:
        with self._lock:
            return self._guards.setdefault(name, threading.Lock())


def _checked(body: bytes, listed: Listed) -> bytes:
    if sha256(body).hexdigest() != listed.metadata_sha256:
        # The wheel itself is another file, and has a sha256 of its own.
        fault = f"the metadata of {listed.name} has another sha256 than its page tells"
        raise Failed(Outcome(Kind.ABSENT, fault=fault))
    return body
