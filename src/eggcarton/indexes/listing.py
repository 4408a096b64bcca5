"""What indexes and find-links list, asked by all their routes, each page at most once in a run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin

from eggcarton.core.errors import Unavailable
from eggcarton.indexes.cache import file_digest
from eggcarton.indexes.client import redacted
from eggcarton.indexes.journal import METADATA, PAGE
from eggcarton.indexes.network import Failed, Network, NoRoute
from eggcarton.indexes.pages import ACCEPT, Listed, Page, PageProblem, is_of, read
from eggcarton.indexes.routes import Kind, Outcome
from eggcarton.indexes.routing import Index, Route, Routing
from eggcarton.indexes.wanted import Wanted


class Pages:
    """The pages of all indexes, each asked at most once in a run; ``find_links`` are those of find-links."""

    def __init__(
        self,
        routing: Routing,
        network: Network,
        *,
        find_links: Sequence[str] = (),
    ) -> None:
        self._routing, self._network = routing, network
        self.find_links = tuple(Index(f"find-links {number}", url) for number, url in enumerate(find_links, 1))
        self._pages: dict[tuple[str, str], Page | None] = {}
        self._bases: dict[str, str | None] = {}
        self._guards: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def index_of(self, wanted: Wanted) -> Index:
        """Return the index that the lock names for a file, else the one its project is routed to."""
        return (wanted.index and self._routing.named(wanted.index)) or self._routing.index_of(wanted.project)

    def page(self, index: Index, project: str) -> tuple[Listed, ...]:
        """Return what an index lists for a project; nothing when it does not know the name.

        Raises:
            Unavailable: no attempt brought a page.
        """
        whole = self.whole(index, project)
        return whole.listed if whole is not None else ()

    def whole(self, index: Index, project: str) -> Page | None:
        """Return all that an index tells of a project, None when it does not know the name.

        Raises:
            Unavailable: no attempt brought a page.
        """
        with self._guard(f"{index.name} {project}"):
            key = (index.name, project)
            if key not in self._pages:
                self._pages[key] = self._ask(index, project)
            return self._pages[key]

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

    def _ask(self, index: Index, project: str) -> Page | None:
        def one(route: Route) -> Page:
            # A page of find-links is one for all projects.
            url = f"{route.url.rstrip('/')}/{project}/" if project else route.url
            with self._network.request(route, url, PAGE, project, accept=ACCEPT) as answer:
                kind, serial = answer.headers.get("Content-Type", ""), answer.headers.get("X-PyPI-Last-Serial")
                try:
                    page = read(answer.read(), kind, answer.url, project=project, serial=serial)
                except PageProblem as error:
                    raise Failed(Outcome(Kind.USELESS, fault=f"the page of {project!r} {error}")) from error
            return replace(page, route=route)

        try:
            return self._network.ask(index.page_routes(), one)
        except NoRoute as none:
            if none.is_absent:
                return None
            reason = none.trials[-1].outcome if none.trials else "all its routes have failed before"
            raise Unavailable(
                f"index {index.name} ({redacted(index.url)}) does not answer for {project!r}: {reason}; check the "
                "address, the proxy and the network, then run again"
            ) from none

    def metadata(self, index: Index, listed: Listed) -> bytes | None:
        """Return the metadata that an index offers beside a wheel, None where it has none with the right sha256."""
        if listed.metadata_sha256 is None:
            return None

        def one(route: Route) -> bytes:
            with self._network.request(route, f"{listed.url}.metadata", METADATA, listed.name) as answer:
                return answer.read()

        try:
            body = self._network.ask([index.canonical], one)
        except NoRoute:
            return None
        return body if sha256(body).hexdigest() == listed.metadata_sha256 else None

    def addresses(self, wanted: Wanted) -> Iterator[str]:
        """Give the addresses worth asking for a file, the one without a page first.

        One page tells where an index keeps its files; the hints in the lock then give the place of every other
        file, so that hundreds of pages need not be asked. A hint is never believed, only tried.
        """
        if wanted.url:
            yield wanted.url
            return
        index = self.index_of(wanted)
        tried = None
        if wanted.hint:
            with self._guard(index.name):
                if index.name not in self._bases:
                    self._bases[index.name] = _base_in(self.page(index, wanted.project), wanted)
            base = self._bases[index.name]
            if base:
                tried = urljoin(base, wanted.hint)
                yield tried
        page = self.page(index, wanted.project)
        if base := _base_in(page, wanted):
            self._bases[index.name] = base
        for listed in page:
            if listed.name == wanted.name and listed.url != tried:
                yield listed.url
        for links in self.find_links:
            yield from (listed.url for listed in self.page(links, "") if listed.name == wanted.name)

    def _guard(self, name: str) -> threading.Lock:
        with self._lock:
            return self._guards.setdefault(name, threading.Lock())


def _base_in(page: Sequence[Listed], wanted: Wanted) -> str | None:
    """Return what stands before a file's hint on its page, None where the file lies elsewhere by now."""
    for listed in page:
        if listed.name == wanted.name and wanted.hint and listed.url.endswith("/" + wanted.hint):
            return listed.url[: -len(wanted.hint)]
    return None
