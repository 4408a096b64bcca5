"""What enters a lock is vouched for: told by the canonical route, by a quorum, by any route where that is wanted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from packaging.pylock import Pylock

from eggcarton.core.errors import EggcartonError, IntegrityProblem, Unavailable
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.freshness import Seen
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index as Configured
from eggcarton.indexes.routing import Mirror, Routing
from eggcarton.packages.builds import Toolchain
from eggcarton.packages.lock import Lock, read, text_of, tomllib
from eggcarton.packages.needs import Need, Needs, Terms
from eggcarton.packages.resolve import Resolver
from eggcarton.packages.sdists import Builder
from support.closed import uv_program
from support.distributions import sdist, wheel
from support.index import Index

pytestmark = pytest.mark.usefixtures("no_proxies")


@dataclass
class Scene:
    """An index, mirrors of it, and runs that lock with them; each run has a cache of its own."""

    place: Path
    canonical: Index
    mirrors: tuple[Index, ...]
    warnings: list[str] = field(default_factory=list)
    runs: int = 0

    def index(self, **settings: Any) -> Configured:
        mirrors = tuple(Mirror(mirror.url) for mirror in self.mirrors)
        return Configured("main", self.canonical.url, **{"mirrors": mirrors, **settings})

    def lock(
        self,
        *lines: str,
        old: Lock | None = None,
        upgrade: list[str] | None = None,
        others: tuple[Configured, ...] = (),
        allow_sdist: tuple[str, ...] = (),
        **settings: Any,
    ) -> Lock:
        self.runs += 1
        cache = self.place / f"cache{self.runs}"
        network = Network(Client(), sleep=lambda seconds: None, warn=self.warnings.append)
        routing = Routing((self.index(**settings), *others))
        pages = Pages(routing, network, seen=Seen(self.place / "seen"))
        resolver = Resolver(
            program=uv_program(),
            routing=routing,
            pages=pages,
            fetcher=Fetcher(Cache(cache), pages, network),
            cache=cache,
            builder=Builder(Toolchain((), {}), cache),
            allow_sdist=allow_sdist,
        )
        needs = Needs(tuple(Need(line, "part app") for line in lines), {}, (), ">=3.10", Terms())
        return resolver.resolve(needs, old=old, upgrade=upgrade)

    def requests(self, pattern: str = "*") -> list[int]:
        """How many requests each has got, the canonical one first."""
        return [len(server.paths(pattern)) for server in (self.canonical, *self.mirrors)]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Index]]:
    """Serves a directory of its own, which has web, and six that it needs."""
    servers: list[Index] = []

    def start(*, comment: str = "", **settings: Any) -> Index:
        place = tmp_path / f"served{len(servers)}"
        for path in (
            wheel(place, "six", "1.17.0", {"six.py": comment}),
            wheel(place, "web", "2.0", requires=["six"]),
        ):
            os.utime(path, (1_700_000_000, 1_700_000_000))
        servers.append(Index(place, **settings).start())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def scene(serve: Callable[..., Index], tmp_path: Path) -> Scene:
    return Scene(tmp_path, serve(), (serve(),))


def versions(lock: Lock) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


def refused(call: Callable[[], Lock], kind: type[EggcartonError] = Unavailable) -> str:
    with pytest.raises(EggcartonError) as caught:
        call()
    assert kind is type(caught.value)
    return str(caught.value)


def test_the_word_of_a_mirror_alone(scene: Scene) -> None:
    """While the canonical route is down nothing that is new enters a lock, and all that would is told at once."""
    scene.canonical.stop()
    told = refused(lambda: scene.lock("web"))
    assert told.startswith(
        "index main: the sha256 of six-1.17.0-py3-none-any.whl and of web-2.0-py3-none-any.whl may enter the lock only "
        f"from the canonical route, and {scene.canonical.url} did not tell it: "
    )
    assert "let its address be the url of [main], or authority = any" in told
    assert 4 == Unavailable.exit_code


def test_what_the_lock_has_may_stay(scene: Scene) -> None:
    """While only a mirror answers, what the lock has stays, also when the lock must be made anew."""
    old = scene.lock("web")
    scene.canonical.stop()
    new = scene.lock("web", "six", old=old)
    assert text_of(old) == text_of(new)
    told = refused(lambda: scene.lock("web", old=Lock(None, old.named("web"))))
    assert told.startswith("index main: the sha256 of six-1.17.0-py3-none-any.whl may enter")


def test_an_index_that_lists_more_by_now(scene: Scene) -> None:
    """A file that a mirror lists beside those of a version that stays is none that enters the lock."""
    old = scene.lock("web")
    wheel(scene.mirrors[0].directory, "six", "1.17.0", tag="py3-none-win_amd64")
    scene.canonical.stop()
    assert text_of(old) == text_of(scene.lock("web", "six", old=old))


def test_a_canonical_route_that_comes_back(scene: Scene) -> None:
    """A canonical route that was down for a moment is asked again before a lock is refused."""
    scene.canonical.fault("/simple/six/", "status:500", "status:500")
    assert {"web": "2.0", "six": "1.17.0"} == versions(scene.lock("web"))
    assert ([3, 1], [1, 0]) == (scene.requests("/simple/six/"), scene.requests("/simple/web/"))


def test_two_hashes_of_one_file(serve: Callable[..., Index], tmp_path: Path) -> None:
    """Two routes that tell two hashes of one file are shown while locking, and nothing is locked."""
    scene = Scene(tmp_path, serve(), (serve(comment="spoilt"),))
    told = refused(lambda: scene.lock("web", authority="quorum:2"), IntegrityProblem)
    for server in (scene.canonical, scene.mirrors[0]):
        (six,) = (one for one in server.distributions() if one.project == "six")
        assert f"{server.url} the sha256 {six.sha256}" in told
    scene.canonical.fault("/simple/six/", "status:500", "status:500")
    assert "two of its routes tell different bytes" in refused(lambda: scene.lock("web"), IntegrityProblem)
    assert 5 == IntegrityProblem.exit_code


def test_a_quorum(serve: Callable[..., Index], tmp_path: Path) -> None:
    """What enough routes agree on enters a lock without the canonical one, and fewer are not enough."""
    scene = Scene(tmp_path, serve(), (serve(), serve()))
    whole = scene.lock("web")
    scene.canonical.stop()
    assert text_of(whole) == text_of(scene.lock("web", authority="quorum:2"))
    told = refused(lambda: scene.lock("web", authority="quorum:3"))
    assert "may enter the lock only where 3 routes agree on it, and only " in told


def test_a_foreign_version(scene: Scene) -> None:
    """A higher version that only a mirror lists is never locked, whether the canonical route answers or not."""
    wheel(scene.mirrors[0].directory, "six", "9.0")
    old = scene.lock("web")
    assert "1.17.0" == versions(old)["six"]
    assert [0] == scene.requests("/simple/*")[1:]
    scene.canonical.stop()
    assert "1.17.0" == versions(scene.lock("web", "six", old=old))["six"]
    assert "the sha256 of six-9.0-py3-none-any.whl may enter" in refused(
        lambda: scene.lock("web", old=old, upgrade=["six"])
    )


def test_a_foreign_version_that_is_gone_when_asked_for(scene: Scene) -> None:
    """What was resolved by the word of a mirror, and the canonical route does not have by then, is refused."""
    wheel(scene.mirrors[0].directory, "six", "9.0")
    scene.canonical.fault("/simple/six/", "status:500", "status:500")
    told = refused(lambda: scene.lock("web"), IntegrityProblem)
    assert told.startswith("index main: six-9.0-py3-none-any.whl was listed by a mirror, and ")


def test_any_route(scene: Scene, tmp_path: Path) -> None:
    """With any authority a mirror is enough, the lock says so for each package, is valid, and is read as written."""
    one = scene.lock("web", authority="any")
    scene.canonical.stop()
    two = scene.lock("web", authority="any")
    assert text_of(one) == text_of(two)
    assert ["any", "any"] == [package.authority for package in two.packages]
    (tmp_path / "pylock.toml").write_text(text_of(two), "utf-8")
    assert two == read(tmp_path / "pylock.toml")
    raw = tomllib.loads(text_of(two))
    Pylock.from_dict(raw)
    assert "any" == raw["packages"][0]["tool"]["eggcarton"]["authority"]


def test_what_was_vouched_for_stays_so(scene: Scene) -> None:
    """How a hash came into a lock is not changed by a later run with another authority."""
    canonical, by_any = scene.lock("web"), scene.lock("web", authority="any")
    assert text_of(canonical) == text_of(scene.lock("web", old=canonical, authority="any"))
    assert text_of(by_any) == text_of(scene.lock("web", old=by_any))


def test_a_private_name(scene: Scene) -> None:
    """While the index of a private name is down the lock fails, and the public one, which has it, is not asked."""
    private = Configured("corp", scene.mirrors[0].url, projects=("six",))
    scene.mirrors[0].stop()
    told = refused(lambda: scene.lock("web", mirrors=(), others=(private,)))
    assert told.startswith(f"index corp ({scene.mirrors[0].url}) does not answer for 'six': ")
    assert ([0, 0], [1, 0]) == (scene.requests("*six*"), scene.requests("/simple/web/"))


def test_a_private_index_without_the_name(scene: Scene) -> None:
    """A private name that its index does not have is not looked for at the public one."""
    (scene.mirrors[0].directory / "six-1.17.0-py3-none-any.whl").unlink()
    private = Configured("corp", scene.mirrors[0].url, projects=("six",))
    refused(lambda: scene.lock("web", mirrors=(), others=(private,)), EggcartonError)
    assert 0 == scene.requests("*six*")[0]


def test_pages_without_hashes(scene: Scene) -> None:
    """Where the canonical route tells no sha256, and no JSON, the lock has that of the bytes that came from there."""
    for server in (scene.canonical, *scene.mirrors):
        server.json = server.hashes = False
    lock = scene.lock("web")
    assert {path.name: file_digest(path) for path in scene.canonical.directory.iterdir()} == {
        file.name: file.sha256 for package in lock.packages for file in package.wheels
    }
    assert [0] == scene.requests()[1:]
    assert "may enter the lock only where 2 routes agree" in refused(lambda: scene.lock("web", authority="quorum:2"))
    scene.canonical.stop()
    assert "may enter the lock only from the canonical route" in refused(lambda: scene.lock("web"))


def test_stale_pages(scene: Scene) -> None:
    """An index that goes back is stale in the next run, too; who allows that gets a lock, and a warning."""
    scene.canonical.serial = 9
    old = scene.lock("web")
    scene.canonical.serial = scene.mirrors[0].serial = 8
    told = refused(lambda: scene.lock("web"))
    assert "is stale, older than what was seen before" in told
    assert "allow-stale = true in [main]" in told
    assert text_of(old) == text_of(scene.lock("web", allow_stale=True))
    assert 2 == sum("which is taken, since allow-stale = true" in line for line in scene.warnings)


def test_building_what_nobody_vouches_for(scene: Scene) -> None:
    """A source distribution that only a mirror lists is not even built."""
    sdist(scene.mirrors[0].directory, "old", "1.0")
    scene.canonical.stop()
    told = refused(lambda: scene.lock("old", allow_sdist=("old",)))
    assert "the sha256 of old-1.0.tar.gz may enter the lock only from the canonical route" in told
    assert [0, 0] == scene.requests("*.tar.gz")


def test_metadata_that_is_missing_or_wrong(scene: Scene) -> None:
    """Where metadata beside a wheel is missing or wrong the wheel is read, and the lock is the same."""
    whole = scene.lock("web")
    for fault in ("status:404", "flip"):
        scene.canonical.fault("*.metadata", fault, forever=True)
        assert text_of(whole) == text_of(scene.lock("web"))
