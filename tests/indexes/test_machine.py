"""Whatever the schedule of faults, the four properties of indexes and mirrors hold.

What is promised when at least one route at last serves the right bytes: a fetch succeeds if some route of the file's
index is ready, its breaker is closed, and what is left of its schedule before it serves rightly is within the budget:

- faults that another request can mend (refused, reset, cut, 500), so few that neither the rounds are spent
  (`Budget.rounds`) nor its breaker opens (`SERIOUS`), those in a row from before counted in;
- it has not said in this run that it does not have the project: that it is not asked again;
- wishes to be asked later, no more than `Budget.laters`, that together last no longer than `Budget.waiting`.

What other routes do, and what came before, does not matter: they may serve other bytes, or cut them short, or refuse.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from eggcarton.core.errors import EggcartonError, IntegrityProblem, Unavailable
from eggcarton.indexes.attempts import Budget
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.health import SERIOUS, State
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index, Mirror, Route, Routing
from eggcarton.indexes.wanted import Wanted
from support.memory import FAULTS, REPEATABLE, Held, Host, MemoryClient

PUBLIC = Index(
    "public",
    "https://public.example/simple/",
    mirrors=(Mirror("https://near.example/simple/"), Mirror("https://far.example/simple/", tier=2)),
)
CORP = Index(
    "corp",
    "https://corp.example/simple/",
    projects=("corp-*",),
    mirrors=(Mirror("https://beside.example/simple/"),),
)
HOSTS = {
    "public": ("near.example", "far.example", "public.example"),
    "corp": ("beside.example", "corp.example"),
}
ALL_HOSTS = tuple(host for hosts in HOSTS.values() for host in hosts)
FILES = {
    "public": (Held.of("web", 90_000, 0), Held.of("six", 3_000, 0), Held.of("colour", 200_000, 0)),
    "corp": (Held.of("corp-web", 80_000, 0), Held.of("corp-core", 2_000, 0)),
}
FOREIGN = Held.of("corp-web", 80_000, 666)
"""What somebody else has put on the public index under a private name."""

EVERY = tuple((index, held) for index, files in FILES.items() for held in files)
LATER = ("later:5", "later:20", "later:9999")
SCRIPTS = st.one_of(
    st.lists(st.sampled_from(REPEATABLE), max_size=2),
    st.lists(st.sampled_from((*REPEATABLE, *LATER[:2])), max_size=4),
    st.lists(st.sampled_from((*FAULTS, *LATER)), max_size=5),
    st.just(["refused"] * 20),
)
SLACK = 8.0
"""Seconds by which the steps of waiting may be longer than what was asked for."""


class Fetching(RuleBasedStateMachine):
    """Two indexes with mirrors, one cache, a clock, and whatever goes wrong."""

    @initialize()
    def begin(self) -> None:
        self.place = tempfile.TemporaryDirectory(prefix="machine-")
        self.cache = Cache(Path(self.place.name))
        self.hosts: dict[str, Host] = {}
        for index, names in HOSTS.items():
            own = {held.hint: held for held in FILES[index]}
            if index == "public":
                own[FOREIGN.hint] = FOREIGN
            self.hosts |= {name: Host(dict(own)) for name in names}
        self.now = 1000.0
        self.known: dict[str, Any] = {}
        self.start()

    def start(self) -> None:
        """Begin a run, which knows what the one before has kept."""
        for host in self.hosts.values():
            host.denied.clear()
        self.network = Network(
            MemoryClient(self.hosts),  # type: ignore[arg-type]
            now=lambda: self.now,
            sleep=self.sleep,
            chance=lambda: 1.0,
        )
        self.network.health.remember(self.known, self.now, self.now)
        self.fetcher = Fetcher(self.cache, Pages(Routing((PUBLIC, CORP)), self.network), self.network)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def teardown(self) -> None:
        if hasattr(self, "place"):
            self.heal()
            self.place.cleanup()

    @rule(seconds=st.sampled_from((0.5, 10.0, 31.0, 700.0)))
    def later(self, seconds: float) -> None:
        """Time goes by."""
        self.now += seconds

    @rule()
    def run_again(self) -> None:
        """The run ends, and another one begins."""
        self.known = self.network.health.kept(self.now, self.now)
        self.start()

    @rule(number=st.integers(0, len(EVERY) - 1), place=st.integers(0, 1999))
    def spoil(self, number: int, place: int) -> None:
        """Something writes into a file of the cache."""
        path = self.cache.place(EVERY[number][1].sha256)
        if path.exists():
            body = bytearray(path.read_bytes())
            body[place] ^= 1
            path.write_bytes(body)
            # Until somebody asks for it: then it is found to be spoilt.
            assert None is self.cache.find(path.name)

    @rule(
        number=st.integers(0, len(EVERY) - 1),
        scripts=st.fixed_dictionaries({}, optional=dict.fromkeys(ALL_HOSTS, SCRIPTS)),
        told=st.tuples(st.booleans(), st.booleans(), st.booleans()),
        is_kept=st.booleans(),
    )
    def fetch(self, number: int, scripts: dict[str, list[str]], told: tuple[bool, bool, bool], is_kept: bool) -> None:
        """Fetch one file while hosts begin to do as their scripts say; it succeeds wherever that is promised."""
        index, held = EVERY[number]
        for name, script in scripts.items():
            self.hosts[name].script = [*script]
        if not is_kept:
            self.cache.place(held.sha256).unlink(missing_ok=True)
        # What a lock may tell beside the sha256, or not: the size, the place, the index.
        size, hint, named = len(held.body), held.hint, index
        known = [fact if is_told else None for fact, is_told in zip((size, named, hint), told, strict=True)]
        wanted = Wanted(held.project, held.name, held.sha256, *known)  # type: ignore[arg-type]
        routes = (PUBLIC if index == "public" else CORP).file_routes()
        promised = [route.url for route in routes if self.is_good(route, held.project)]
        begun_with = {name: [*self.hosts[name].script] for name in HOSTS[index]}
        before, begun = sum(len(host.asked) for host in self.hosts.values()), self.now
        error: EggcartonError | None = None
        try:
            found = self.fetcher.fetch([wanted])
        except (Unavailable, IntegrityProblem) as failed:
            error = failed
        assert not promised or error is None, f"{promised} would have served {held.name} ({begun_with}): {error}"
        if error is None:
            assert held.body == found[held.sha256].read_bytes()
        budget = Budget()
        requests = sum(len(host.asked) for host in self.hosts.values()) - before
        # Each time that a route is asked, that is its page and two places, and once more for what was mixed.
        assert requests <= 4 * (2 * len(routes) * budget.rounds + budget.laters + budget.resumptions)
        assert self.now - begun <= budget.waiting + 2 * budget.rounds * 4.0 + SLACK

    def is_good(self, route: Route, project: str) -> bool:
        """Tell whether a route is one for which success is promised."""
        health = self.network.health
        origin = health.of(route.origin)
        if health.standing(route, self.now).state not in (State.READY, State.UNSTEADY) or origin.opened is not None:
            return False
        host = self.hosts[route.url.split("/")[2]]
        if f"/simple/{project}/" in host.denied:
            return False
        script = host.script
        mended = [fault for fault in script if fault in REPEATABLE]
        waits = [float(fault.partition(":")[2]) for fault in script if fault.startswith("later:")]
        return (
            len(mended) + len(waits) == len(script)
            and len(mended) < Budget().rounds
            and origin.serious + len(mended) < SERIOUS
            and len(waits) <= Budget().laters
            and sum(waits) <= Budget().waiting - SLACK
        )

    @invariant()
    def no_wrong_byte(self) -> None:
        """The cache never holds a wrong byte under the name of its sha256."""
        if hasattr(self, "cache"):
            for path in self.cache.directory.glob("sha256/*/*"):
                assert path.name == file_digest(path)

    @invariant()
    def no_name_leaves_its_index(self) -> None:
        """No host of an index is ever asked for a project or a file of another one."""
        if not hasattr(self, "hosts"):
            return
        for index, names in HOSTS.items():
            strange = {word for other, held in EVERY if other != index for word in (held.project, held.name)}
            for name in names:
                for path in self.hosts[name].asked:
                    assert strange.isdisjoint(path.split("/")), f"{name} was asked for {path}"

    def heal(self) -> None:
        """When all is well again, the cache holds what the locks name, whatever has happened, and nothing else."""
        for host in self.hosts.values():
            host.script.clear()
        self.known = {}
        self.start()
        for index, held in EVERY:
            wanted = Wanted(held.project, held.name, held.sha256, len(held.body), index, held.hint)
            assert held.body == self.fetcher.fetch([wanted])[held.sha256].read_bytes()
        kept = {path.name: path.read_bytes() for path in self.cache.directory.glob("sha256/*/*")}
        assert {held.sha256: held.body for _, held in EVERY} == kept
        assert [] == list(self.cache.partial.iterdir())
        self.no_name_leaves_its_index()


TestFetching = Fetching.TestCase
TestFetching.settings = settings(
    max_examples=100, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
