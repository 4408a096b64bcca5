"""What an index lists for one project is asked along its routes, until those have answered that may speak for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import Unavailable
from eggcarton.indexes import authority, credentials
from eggcarton.indexes.attempts import Budget
from eggcarton.indexes.calls import Call
from eggcarton.indexes.client import Answer, RequestFailed
from eggcarton.indexes.freshness import Age, Seen, freshest
from eggcarton.indexes.journal import PAGE
from eggcarton.indexes.network import Failed, Network, NoRoute
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.pages import ACCEPT, Page, PageProblem, read
from eggcarton.indexes.routing import HASHED, Index, Route

BRIEF = Budget(rounds=2, waiting=0.0)
"""What is spent on a canonical route before its mirrors are asked."""


PACE, GRACE = 10_000, 10.0
"""Bytes a second that a page must come with where another route may have it, and the seconds before that counts."""


def page_of(
    network: Network, route: Route, project: str, call: Call | None = None, *, is_hurried: bool = False
) -> Page:
    """Ask one route for the page of a project.

    Args:
        network: the way out.
        route: the one to ask.
        project: the canonical name; empty where the route is a page of find-links, which is one for all projects.
        call: by which another thread may end it.
        is_hurried: whether a page that comes too slowly is given up.

    Raises:
        Failed: what came is no such page, or it came too slowly.
        RequestFailed: nothing came.
    """
    url = f"{route.url.rstrip('/')}/{project}/" if project else route.url
    kept = network.kept.of(url)
    with network.request(route, url, PAGE, project, accept=ACCEPT, call=call, kept=kept) as answer:
        kind, serial = answer.headers.get("Content-Type", ""), answer.headers.get("X-PyPI-Last-Serial")
        blocks = _paced(answer, network) if is_hurried else answer.blocks()
        body = b"".join(blocks)
        try:
            page = read(body, kind, answer.url, project=project, serial=serial)
        except PageProblem as error:
            raise Failed(Outcome(Kind.USELESS, fault=f"the page of {project!r} {error}")) from error
    if answer.status == 304:
        network.kept.used(url)
    else:
        network.kept.keep(url, answer.headers, body)
    return replace(page, route=route)


def _paced(answer: Answer, network: Network) -> Iterator[bytes]:
    began = network.now()
    for number, block in enumerate(answer.blocks()):
        seconds = network.now() - began
        # What came at once is taken, however long it was waited for.
        if number and seconds > GRACE and answer.received < PACE * seconds:
            fault = f"{answer.received} bytes of its page came in {seconds:.0f} seconds"
            raise Failed(Outcome(Kind.INTERRUPTED, fault=fault), answer.received)
        yield block


@dataclass(slots=True)
class Question:
    """What an index lists for one project.

    Attributes:
        network: the way out.
        seen: how new the pages of each index were at best.
        index: the one index that is asked.
        project: the canonical name.
        faults: how each route failed at last, of those that did.
        stale: pages that are older than one seen before.
        is_hurried: whether another route may have what comes too slowly.
    """

    network: Network
    seen: Seen
    index: Index
    project: str
    faults: dict[Route, Outcome] = field(default_factory=dict)
    stale: list[Page] = field(default_factory=list)
    is_hurried: bool = False

    def answer(self) -> Page | None:
        """Return what the index tells, None where it does not know the name.

        Raises:
            Unavailable: nobody that could be asked knows.
            IntegrityProblem: routes of which several must agree tell different bytes of one file.
        """
        number = authority.quorum(self.index)
        self.is_hurried = len(self.index.page_routes()) > 1
        if number is not None:
            page = self._agreed(number)
        elif self.index.authority == authority.ANY:
            page = self._any()
        else:
            page = self._canonical()
        return self._noted(page)

    def of_bytes(self) -> Page:
        """Return what any route tells, mirrors first, which is enough where the hashes of files are trusted already.

        Raises:
            NoRoute: none has such a page, or none sends it soon.
        """
        routes = [route for route in self.index.file_routes() if route.kind != HASHED]
        return self.network.ask(routes, self._soon, BRIEF)

    def _soon(self, route: Route) -> Page:
        """Ask one route, and leave it where nothing comes in the time that is usual for it."""
        call, patience = Call(), self.network.patience(route)

        def give_up() -> None:
            if not call.received:
                late = Outcome(Kind.INTERRUPTED, fault=f"nothing came within {patience:.0f} s")
                self.network.blame(route, late)
                call.end(late)

        timer = threading.Timer(patience, give_up)
        timer.start()
        try:
            return page_of(self.network, route, self.project, call)
        finally:
            timer.cancel()

    def insisted(self, page: Page) -> Page | None:
        """Return what the canonical route tells where it can be had by now, else the page that a mirror told.

        Raises:
            IntegrityProblem: both tell different bytes of one file.
        """
        try:
            found = self._ask([self.index.canonical])
        except NoRoute:
            old = self._taken([stale for stale in self.stale if _is_canonical(stale, self.index)])
            if old is None:
                return replace(page, doubt=self._silence())
            found = old
        if found is not None:
            authority.check_same(self.index, [found, page])
        return self._noted(found)

    def _canonical(self) -> Page | None:
        canonical, *mirrors = self.index.page_routes()
        try:
            return self._ask([canonical], BRIEF if mirrors else None)
        except NoRoute:
            if not mirrors:
                return self._last_resort([canonical])
        doubt = self._silence()
        try:
            page = self._ask(mirrors)
        except NoRoute:
            if self._is_absent(mirrors):
                return None
            try:
                # It may have asked to be left alone for a moment, or be slow, and nobody else can tell.
                self.is_hurried = False
                return self._ask([canonical])
            except NoRoute:
                return self._last_resort([canonical, *mirrors])
        return page and replace(page, doubt=doubt)

    def _any(self) -> Page | None:
        canonical, *mirrors = self.index.page_routes()
        # It has no tier of its own: it stands among the first, and there health decides.
        routes = [replace(canonical, tier=min((route.tier for route in mirrors), default=0)), *mirrors]
        try:
            return self._ask(routes)
        except NoRoute:
            return None if mirrors and self._is_absent(mirrors) else self._last_resort(routes)

    def _agreed(self, number: int) -> Page | None:
        routes = self.index.page_routes()
        answers: list[Page] = []
        left = list(routes)
        while left and len(answers) < number:
            try:
                page = self._ask(left)
            except NoRoute:
                break
            if page is None:
                return None
            answers.append(page)
            left = [route for route in left if route != page.route and self._is_worth_asking(route)]
        if self.index.allow_stale and len(answers) < number:
            answers += (page for page in [self._taken([page]) for page in self.stale] if page is not None)
        if not answers:
            return None if len(routes) > 1 and self._is_absent(routes[1:]) else self._last_resort(routes)
        if len(answers) >= number:
            return authority.agreed(self.index, answers)
        authority.check_same(self.index, answers)
        told = {page.route for page in answers}
        faults = [f"{without_credentials(route.url)}: {self._fault(route)}" for route in routes if route not in told]
        return replace(answers[0], doubt=authority.too_few(answers, faults))

    def _ask(self, routes: Sequence[Route], budget: Budget | None = None) -> Page | None:
        return self.network.ask(routes, self._one, budget)

    def _one(self, route: Route) -> Page | None:
        try:
            page = page_of(self.network, route, self.project, is_hurried=self.is_hurried)
        except (Failed, RequestFailed) as failed:
            if failed.outcome.kind is Kind.ABSENT and route.url == self.index.url:
                # Whether there is such a project is for this route alone to say.
                return None
            self.faults[route] = failed.outcome
            raise
        age = Age.of(page)
        if self.project and age.is_older(best := self.seen.of(self.index.url, self.project)):
            self.stale.append(page)
            fault = f"its page of {self.project!r} is older than one seen before: {age.behind(best)}"
            self.faults[route] = Outcome(Kind.STALE, fault=fault)
            raise Failed(self.faults[route])
        return page

    def _is_absent(self, routes: Sequence[Route]) -> bool:
        return all(route in self.faults and self.faults[route].kind is Kind.ABSENT for route in routes)

    def _is_worth_asking(self, route: Route) -> bool:
        return route not in self.faults or self.faults[route].rule.again

    def _fault(self, route: Route) -> str:
        """Return how a route failed, in an earlier question where it was not asked in this one."""
        found = self.faults.get(route)
        return str(found) if found else self.network.health.of(route.origin).fault or "it was not asked"

    def _silence(self) -> str:
        """Return the doubt that is left where the canonical route has not told anything of use."""
        route = self.index.canonical
        is_stale = any(_is_canonical(page, self.index) for page in self.stale)
        remedy = f", which allow-stale = true in [{self.index.name}] takes all the same" if is_stale else ""
        return f"{authority.silence(route, self._fault(route))}{remedy}"

    def _noted(self, page: Page | None) -> Page | None:
        if page is not None and page.doubt is None and self.project:
            self.seen.saw(self.index.url, self.project, Age.of(page))
        return page

    def _taken(self, pages: Sequence[Page]) -> Page | None:
        """Return the newest of some pages that are too old, where such are allowed."""
        if not pages or not self.index.allow_stale:
            return None
        page = freshest(pages)
        behind = Age.of(page).behind(self.seen.of(self.index.url, self.project))
        route = without_credentials(page.route.url) if page.route else self.index.name
        self.network.warn(
            f"index {self.index.name}: {route} has an older page of {self.project!r} than was seen before ({behind}), "
            "which is taken, since allow-stale = true"
        )
        return page

    def _last_resort(self, routes: Sequence[Route]) -> Page:
        """Return a page that is too old, where that is allowed and no other one can be had.

        Raises:
            Unavailable: it is not.
        """
        own = [page for page in self.stale if _is_canonical(page, self.index)]
        if page := self._taken(own or self.stale):
            speaks = bool(own) or self.index.authority == authority.ANY
            return page if speaks else replace(page, doubt=self._silence())
        where = f"index {self.index.name}"
        if self.stale:
            raise Unavailable(
                f"{where}: what can be had of {self.project!r} is stale, older than what was seen before; run again "
                f"later, or set allow-stale = true in [{self.index.name}] if the index was set back:",
                tried=[f"{without_credentials(route.url)}: {self._fault(route)}" for route in routes],
            )
        does, nor = f"does not answer for {self.project!r}", "nor does any mirror of it"
        remedy = "check the address, the proxy and the network, then run again"
        fault = self.faults.get(self.index.canonical)
        if fault is not None and fault.status in (401, 403):
            does, nor, remedy = (
                f"refuses {self.project!r}",
                "and no mirror of it has it",
                credentials.remedy(self.index),
            )
        told = f"{where} ({without_credentials(self.index.url)}) {does}"
        if len(routes) == 1:
            raise Unavailable(f"{told}: {self._fault(routes[0])}; {remedy}")
        raise Unavailable(
            f"{told}, {nor}; {remedy}:",
            tried=[f"{without_credentials(route.url)}: {self._fault(route)}" for route in routes],
        )


def _is_canonical(page: Page, index: Index) -> bool:
    return page.route is not None and page.route.url == index.url
