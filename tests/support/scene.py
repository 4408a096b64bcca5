"""One fault between an index and its client: servers with scripts, our client, and plain urllib as the control.

    scene = Scene(place)
    mirror, canonical = scene.route("mirror"), scene.route("canonical")
    mirror.fault("/files/*", "reset:0.9", forever=True)
    assert ["reset", "right"] == scene.control()      # what each route makes of a client that does not know better
    done = scene.fetch()
    assert ("canonical", None) == (done.served, done.error)

The route that was made last is the canonical one; those before it are its mirrors, in that order. Servers are real;
the client's pauses are not made but counted.
"""

from __future__ import annotations

import http.client
import random
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eggcarton.core.errors import EggcartonError
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.journal import FILE, Event
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index as Configured
from eggcarton.indexes.routing import Mirror, Routing
from eggcarton.indexes.wanted import Wanted
from support.distributions import wheel
from support.index import Index

CONTROL_TIMEOUT = 5.0
"""Seconds that plain urllib waits for the next byte; by default it waits for ever."""

CONTROL_PATIENCE = 10.0
"""Seconds in which plain urllib must have a file that healthy servers give within milliseconds."""

GUARD = 300.0
"""Seconds of real time that no fault may cost: they decide nothing, they only end what hangs."""


class Clock:
    """Time that goes at once where somebody sleeps, and by itself `speed` times as fast as ours.

    By default it does not go by itself: on a machine that is busy, what was asked would be late by its clock.
    """

    def __init__(self, speed: float = 0.0) -> None:
        self.slept, self._speed = 0.0, speed
        self._guard = threading.Lock()

    def __call__(self) -> float:
        return self._speed * time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        with self._guard:
            self.slept += seconds


@dataclass
class Done:
    """What became of one run.

    Attributes:
        error: how it ended, None where all files came.
        events: one a request.
        warnings: the sentences for the user.
        waited: seconds that the run would have waited.
        took: seconds of real time.
    """

    names: dict[str, str]
    error: EggcartonError | None = None
    events: list[Event] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    waited: float = 0.0
    took: float = 0.0

    def served(self, what: str = FILE) -> dict[str, int]:
        """Return how many files (or pages) each route served."""
        return dict(Counter(self.names[e.route] for e in self.events if e.fault is None and e.what == what))

    def faults(self, what: str = FILE) -> list[tuple[str, str]]:
        """Return the route and the fault of each request that failed, in order."""
        return [(self.names[e.route], e.fault) for e in self.events if e.fault is not None and e.what == what]


@dataclass
class Scene:
    """The files of one index, the routes to them, and a cache."""

    place: Path
    projects: Sequence[str] = ("web",)
    size: int = 40_000
    connect: float = 60.0
    read: float = 60.0
    allow_hosts: Sequence[str] = ("*",)
    speed: float = 0.0
    wall: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self.directory = self.place / "served"
        self.cache = Cache(self.place / "cache")
        self.servers: dict[str, Index] = {}
        self.addresses: dict[str, str] = {}
        self._mirrors: dict[str, dict[str, Any]] = {}
        self._stack = ExitStack()
        for number, project in enumerate(self.projects):
            noise = random.Random(number).randbytes(self.size // 2).hex()
            wheel(self.directory, project, "1.0", {f"{project.replace('-', '_')}.py": f"# {noise}\n"})

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *ended: object) -> None:
        self._stack.close()

    def route(self, name: str, directory: Path | None = None, **options: Any) -> Index:
        """Serve the files by one more route, or those of another directory.

        Args:
            name: what tests call the route.
            directory: what it serves.
            options: `tier`, `only` and `hashed` are the mirror's; `url` replaces its address; the rest is the server's.
        """
        own: dict[str, Any] = {key: options.pop(key) for key in ("tier", "only", "hashed") if key in options}
        url = options.pop("url", None)
        server = self._stack.enter_context(Index(directory or self.directory, **options))
        self.servers[name], self._mirrors[name] = server, own
        self.addresses[name] = url or server.url
        return server

    @property
    def index(self) -> Configured:
        """The index as it is configured."""
        *mirrors, canonical = self.addresses
        made = tuple(Mirror(self.addresses[name], **self._mirrors[name]) for name in mirrors)
        return Configured("main", self.addresses[canonical], mirrors=made)

    @property
    def wanted(self) -> list[Wanted]:
        """The files as a lock names them."""
        found = Index(self.directory).distributions()
        return [Wanted(d.project, d.path.name, d.sha256, d.size, None, f"files/{d.place}") for d in found]

    def address(self, route: str, file: Wanted | None = None) -> str:
        """Return where a route has a file, the first one if not told which."""
        return f"{self.addresses[route].removesuffix('simple/')}{(file or self.wanted[0]).hint}"

    def counts(self, pattern: str = "/files/*") -> dict[str, int]:
        """Return how many requests for such paths came to each route."""
        return {name: len(server.paths(pattern)) for name, server in self.servers.items()}

    def control(self, *, context: ssl.SSLContext | None = None) -> list[str]:
        """Return what plain urllib makes of the first file at each route: ``right``, ``wrong``, or how it failed.

        It knows where each server has its files, so that nothing but the fault is in its way. All scripts begin anew
        afterwards.
        """
        wanted = self.wanted[0]
        right = (self.directory / wanted.name).read_bytes()
        found = []
        for name in self.addresses:
            found.append(plain(self.address(name), right, context=context))
            self.servers[name].rewind()
        return found

    @contextmanager
    def network(self, done: Done) -> Iterator[Network]:
        """Give a network whose pauses are counted, and note in `done` what it tells."""
        clock, began = Clock(self.speed), time.monotonic()
        client = Client(connect=self.connect, read=self.read, allow_hosts=self.allow_hosts, wall=self.wall)
        yield Network(
            client,
            now=clock,
            sleep=clock.sleep,
            chance=lambda: 0.5,
            note=done.events.append,
            warn=done.warnings.append,
        )
        done.waited, done.took = clock.slept, time.monotonic() - began

    def done(self) -> Done:
        """Return what a run is noted in."""
        return Done({address: name for name, address in self.addresses.items()})

    def fetch(self, files: Sequence[Wanted] | None = None, *, at_once: bool = True) -> Done:
        """Fetch files in one run, all if not told which, and make sure that the cache holds no wrong byte.

        Args:
            files: those to fetch.
            at_once: whether many may come at once; otherwise the next begins when one has ended, well or not, so that
                the number of requests is always the same.
        """
        done = self.done()
        with self.network(done) as network:
            fetcher = Fetcher(self.cache, Pages(Routing((self.index,)), network), network)
            wanted = self.wanted if files is None else files
            for group in [wanted] if at_once else [[file] for file in wanted]:
                try:
                    found = fetcher.fetch(group)
                except EggcartonError as error:
                    done.error = error
                else:
                    assert {file.sha256: file.sha256 for file in group} == {k: file_digest(p) for k, p in found.items()}
        self.check_cache()
        assert done.took < GUARD
        return done

    def check_cache(self) -> None:
        """Make sure that each file of the cache has the sha256 of its name, and that the rest can be gone on with."""
        check_names(self.cache)
        right = {file.sha256: (self.directory / file.name).read_bytes() for file in self.wanted}
        for path in self.cache.directory.rglob("*"):
            if path.is_file() and path.parent.parent.name != "sha256":
                assert path.parent == self.cache.partial, f"{path} is neither a file nor a partial one"
                known = right[path.name]
                assert known[: path.stat().st_size] == path.read_bytes(), f"{path} is no beginning of its file"

    @property
    def partial(self) -> dict[str, int]:
        """The partial files that the next run can go on with, and their sizes."""
        names = {file.sha256: file.name for file in self.wanted}
        if not self.cache.partial.is_dir():
            return {}
        return {names[path.name]: path.stat().st_size for path in self.cache.partial.iterdir()}


def check_names(cache: Cache) -> None:
    """Make sure that each file that a cache has under a digest has that digest."""
    for path in cache.directory.glob("sha256/*/*"):
        assert path.name == file_digest(path), f"{path} holds other bytes than its name says"


def plain(
    url: str,
    right: bytes,
    *,
    context: ssl.SSLContext | None = None,
    headers: dict[str, str] | None = None,
    proxies: dict[str, str] | None = None,
) -> str:
    """Return what plain urllib makes of an address: ``right``, ``wrong``, or the kind of fault that it raises."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies or {}),
        urllib.request.HTTPSHandler(context=context or ssl.create_default_context()),
    )
    until = time.monotonic() + CONTROL_PATIENCE
    body = b""
    try:
        with opener.open(urllib.request.Request(url, headers=headers or {}), timeout=CONTROL_TIMEOUT) as response:
            while block := response.read1(65_536):
                body += block
                if time.monotonic() > until:
                    return "late"
            # What urlopen(...).read() would raise.
            if getattr(response, "length", None):
                raise http.client.IncompleteRead(body, response.length)
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"
    except urllib.error.URLError as error:
        return type(error.reason).__name__ if isinstance(error.reason, Exception) else str(error.reason)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    return "right" if body == right else "wrong"


Make = Callable[..., Scene]
"""How tests get scenes that are cleared away after them."""
