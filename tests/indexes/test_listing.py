"""What an index lists is asked along its routes: by whose word, how often, and what is made of contradictions."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from eggcarton.core.errors import IntegrityProblem, Unavailable
from eggcarton.indexes.client import Client
from eggcarton.indexes.freshness import Seen
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.pages import Page
from eggcarton.indexes.routing import Index as Configured
from eggcarton.indexes.routing import Mirror, Routing
from support.distributions import wheel
from support.faults import Response
from support.index import Index

SIX = "six-1.17.0-py3-none-any.whl"
PAGE = "/simple/six/"


pytestmark = pytest.mark.usefixtures("no_proxies")


@dataclass
class Scene:
    """An index and mirrors of it, and what asks them; pauses are noted and not made."""

    canonical: Index
    mirrors: tuple[Index, ...]
    seen: Seen = field(default_factory=Seen)
    pauses: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def index(self, **settings: Any) -> Configured:
        mirrors = tuple(Mirror(mirror.url) for mirror in self.mirrors)
        return Configured("main", self.canonical.url, **{"mirrors": mirrors, **settings})

    def pages(self, *indexes: Configured) -> Pages:
        """What a run asks with; each call is another run, which knows no faults."""
        network = Network(Client(), sleep=self.pauses.append, warn=self.warnings.append)
        return Pages(Routing(indexes or (self.index(),)), network, seen=self.seen)

    def ask(self, project: str = "six", **settings: Any) -> Page | None:
        return self.pages().whole(self.index(**settings), project)

    def vouched(self, project: str = "six", **settings: Any) -> Page | None:
        return self.pages().vouched(self.index(**settings), project)

    @property
    def counts(self) -> list[int]:
        """How many requests each has got, the canonical one first."""
        return [len(server.requests) for server in (self.canonical, *self.mirrors)]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Index]]:
    """Serves a directory of its own, which has six 1.17.0."""
    servers: list[Index] = []

    def start(*, comment: str = "", **settings: Any) -> Index:
        place = tmp_path / f"served{len(servers)}"
        path = wheel(place, "six", "1.17.0", {"six.py": comment})
        assert path.name == SIX
        servers.append(Index(place, **settings).start())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def scene(serve: Callable[..., Index]) -> Scene:
    return Scene(serve(), (serve(), serve()))


def route_of(page: Page | None) -> str:
    assert page is not None
    assert page.route is not None
    return page.route.url


def name_of(response: Response, name: str) -> None:
    response.body = response.body.replace(b'"name": "six"', f'"name": "{name}"'.encode())


def test_the_whole_page(scene: Scene) -> None:
    """A whole page has what it lists, all that it tells beside, its serial and its route, and is asked for once."""
    scene.canonical.serial = 17
    main, pages = scene.index(), scene.pages()
    page = pages.whole(main, "six")
    assert page is not None
    assert ((SIX,), 17, main.canonical) == (tuple(file.name for file in page.listed), page.serial, page.route)
    assert ("six", ["1.17.0"], None) == (page.document["name"], page.document["versions"], page.doubt)
    assert (page.listed, None) == (pages.page(main, "six"), pages.whole(main, "seven"))
    assert [2, 0, 0] == scene.counts


def test_the_canonical_route_comes_first(scene: Scene) -> None:
    """The canonical route is asked first whatever the tiers of mirrors, which are asked nothing while it answers."""
    mirrors = tuple(Mirror(mirror.url, tier=-5) for mirror in scene.mirrors)
    assert scene.canonical.url == route_of(scene.ask(mirrors=mirrors))
    assert [1, 0, 0] == scene.counts


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        ("status:500", 2),
        ("status:503", 2),
        ("reset", 2),
        ("reset:0.5", 2),
        ("truncate:0.5", 2),
        ("status:503 header:Retry-After=60", 1),
        ("status:429 header:Retry-After=60", 1),
        ("status:501", 1),
        ("status:511", 1),
        ("portal", 1),
        ("portal:511", 1),
        ("cut:0.5", 1),
        ("header:Content-Type=text/plain", 1),
        ("status:401", 1),
        ("status:403", 1),
        ("status:407", 1),
        ("status:451", 1),
    ],
)
def test_mirrors_answer_where_the_canonical_route_does_not(scene: Scene, fault: str, asked: int) -> None:
    """After a fault the next route answers: a passing one is tried once more before, others are not; and it is told
    that the answer is the word of a mirror alone.
    """
    scene.canonical.fault("*", fault, forever=True)
    page = scene.ask()
    assert page is not None
    assert (scene.mirrors[0].url, [asked, 1, 0]) == (route_of(page), scene.counts)
    assert (SIX,) == tuple(file.name for file in page.listed)
    assert f"{scene.canonical.url} did not tell it: " in (page.doubt or "")


@pytest.mark.parametrize(
    "spoil",
    [lambda response: name_of(response, "seven"), lambda response: setattr(response, "body", b'{"name": "six"}')],
    ids=["another project", "no files"],
)
def test_pages_that_are_none(scene: Scene, spoil: Callable[[Response], None]) -> None:
    """A page of another project and one without files are no answer, from whatever route, and are told of once."""
    scene.canonical.fault("*", spoil, forever=True)
    scene.mirrors[0].fault("*", spoil, forever=True)
    assert (scene.mirrors[1].url, [1, 1, 1]) == (route_of(scene.ask()), scene.counts)
    assert [scene.canonical.url, scene.mirrors[0].url] == [line.split()[4] for line in scene.warnings]


@pytest.mark.parametrize("fault", ["status:401", "status:403", "portal"])
def test_a_misconfigured_route_is_told_once(scene: Scene, fault: str) -> None:
    """A route that needs care is skipped, and warned of once, whatever number of projects is asked."""
    for name in ("seven", "eight"):
        for server in (scene.canonical, *scene.mirrors):
            wheel(server.directory, name, "1.0")
    scene.canonical.fault("*", fault, forever=True)
    pages = scene.pages()
    for project in ("six", "seven", "eight"):
        assert scene.mirrors[0].url == route_of(pages.whole(scene.index(), project))
    (told,) = scene.warnings
    assert told.startswith(f"index main: the route {scene.canonical.url} needs care: ")
    assert (3 if fault == "status:403" else 1) == scene.counts[0]


def test_a_route_that_is_down(scene: Scene) -> None:
    """A route that nothing listens at is asked until that is certain, and then by no other project any more."""
    scene.canonical.stop()
    names = [f"project{number}" for number in range(6)]
    for name in names:
        wheel(scene.mirrors[0].directory, name, "1.0")
    pages = scene.pages()
    for name in names:
        assert scene.mirrors[0].url == route_of(pages.whole(scene.index(), name))
    # Its breaker opens after three faults: one try more of the first project, one of the second.
    assert ([0, 6, 0], 1) == (scene.counts, len(scene.pauses))


def test_a_route_that_never_answers(scene: Scene) -> None:
    """A route that takes a connection and says nothing is left when its time is over, and asked once more."""
    scene.canonical.fault("*", "stall", forever=True)
    # Time enough for those that do answer.
    network = Network(Client(read=2.0), sleep=scene.pauses.append)
    page = Pages(Routing((scene.index(),)), network).whole(scene.index(), "six")
    assert (scene.mirrors[0].url, [2, 1, 0]) == (route_of(page), scene.counts)


def test_a_route_that_is_slow(scene: Scene) -> None:
    """A page that comes in drops is left for that of another route, and waited for where there is none."""
    clock = [0.0]

    # So slow that it comes in several reads, whatever else the machine does meanwhile.
    scene.canonical.fault("*", "slow:150", forever=True)

    def now() -> float:
        # Time goes by whenever it is asked for.
        clock[0] += 20.0
        return clock[0]

    network = Network(Client(), now=now, sleep=scene.pauses.append)
    page = Pages(Routing((scene.index(),)), network).whole(scene.index(), "six")
    assert (scene.mirrors[0].url, [2, 1, 0]) == (route_of(page), scene.counts)
    alone = scene.index(mirrors=())
    assert scene.canonical.url == route_of(Pages(Routing((alone,)), network).whole(alone, "six"))


def test_a_mirror_that_does_not_have_a_name(scene: Scene) -> None:
    """A mirror's 404 means that it is not there; the next one is asked."""
    scene.canonical.stop()
    scene.mirrors[0].fault("*", "status:404")
    assert (scene.mirrors[1].url, [0, 1, 1]) == (route_of(scene.ask()), scene.counts)


@pytest.mark.parametrize("status", [404, 410])
def test_absent_by_the_word_of_the_canonical_route(scene: Scene, status: int) -> None:
    """A name is absent where the canonical route says so, and no mirror is asked then."""
    scene.canonical.fault("*", f"status:{status}")
    assert (None, [1, 0, 0]) == (scene.ask(), scene.counts)


def test_absent_by_the_word_of_all_others(scene: Scene) -> None:
    """Where the canonical route cannot be reached, a name is absent only if every mirror says so."""
    scene.canonical.stop()
    assert (None, [0, 1, 1]) == (scene.ask("seven"), scene.counts)
    scene.mirrors[1].fault("*", "status:501", forever=True)
    with pytest.raises(Unavailable) as caught:
        scene.ask("seven")
    assert [scene.canonical.url, *(mirror.url for mirror in scene.mirrors)] == [
        line.partition(": ")[0] for line in caught.value.tried
    ]
    assert ["HTTP 404", "HTTP 501"] == [line.partition(": ")[2] for line in caught.value.tried[1:]]


def test_a_route_for_files_alone(scene: Scene) -> None:
    """A mirror of files alone, and one of hashes, are never asked what an index lists."""
    scene.canonical.stop()
    mirrors = (Mirror(scene.mirrors[0].url, only="files"), Mirror(scene.mirrors[1].url, hashed=True))
    with pytest.raises(Unavailable, match="does not answer for 'six': "):
        scene.ask(mirrors=mirrors)
    assert [0, 0, 0] == scene.counts


def test_the_only_route_is_waited_for(scene: Scene) -> None:
    """Where no mirror has an answer, a canonical route that asks for a moment is asked after it."""
    scene.canonical.fault("*", "status:503 header:Retry-After=1")
    for mirror in scene.mirrors:
        mirror.fault("*", "status:403", forever=True)
    clock = [100.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    network = Network(Client(), now=lambda: clock[0], sleep=sleep)
    page = Pages(Routing((scene.index(),)), network).whole(scene.index(), "six")
    assert (scene.canonical.url, [2, 1, 1]) == (route_of(page), scene.counts)
    assert clock[0] >= 101.0


def test_one_question_for_many(scene: Scene) -> None:
    """Threads that want the same page at once send one request."""
    main, pages = scene.index(), scene.pages()
    begin = threading.Barrier(8)

    def ask() -> Page | None:
        begin.wait()
        return pages.whole(main, "six")

    with ThreadPoolExecutor(8) as pool:
        found = [job.result() for job in [pool.submit(ask) for _ in range(8)]]
    assert (8, [1, 0, 0]) == (sum(page is found[0] for page in found), scene.counts)


def test_a_private_name_leaks_nowhere(scene: Scene) -> None:
    """While the index of a private name is down, no other index is asked for it, though it has the name."""
    corp = Configured("corp", scene.mirrors[0].url, projects=("six",), mirrors=(Mirror(scene.mirrors[1].url),))
    public = Configured("public", scene.canonical.url)
    scene.mirrors[0].stop()
    scene.mirrors[1].stop()
    pages = scene.pages(public, corp)
    index = Routing((public, corp)).index_of("six")
    with pytest.raises(Unavailable, match=r"^index corp "):
        pages.page(index, "six")
    assert [0, 0, 0] == scene.counts


@pytest.mark.parametrize("status", [401, 403, 407])
def test_a_private_index_that_refuses(scene: Scene, status: int) -> None:
    """A private index that wants other credentials is told of, and no other index is asked for its names."""
    corp = Configured("corp", scene.mirrors[0].url, projects=("six",))
    public = Configured("public", scene.canonical.url)
    scene.mirrors[0].fault("*", f"status:{status}", forever=True)
    with pytest.raises(Unavailable, match=rf"^index corp .*\(HTTP {status}\)"):
        scene.pages(public, corp).page(corp, "six")
    assert [0, 1, 0] == scene.counts
    assert 1 == len(scene.warnings)


@pytest.mark.parametrize(("told", "status"), [(True, 401), (True, 403), (False, 407)])
def test_the_remedy_of_a_refusal(scene: Scene, told: bool, status: int) -> None:
    """Where an index wants credentials that is told; where the proxy does, its own sentence says what to do."""
    main = Configured("main", scene.canonical.url)
    scene.canonical.fault("*", f"status:{status}", forever=True)
    with pytest.raises(Unavailable, match=rf"\(HTTP {status}\)") as raised:
        scene.pages(main).page(main, "six")
    assert told is ("give it credentials" in str(raised.value))


@pytest.mark.parametrize(
    ("name", "credentials", "told"),
    [
        ("acme", "env:ACME", "in the variable ACME, which 'credentials' of [acme] names"),
        ("acme", "keyring", "by 'keyring set URL USER', since [acme] has 'credentials = keyring'"),
        ("acme", "none", "none are sent, since [acme] has 'credentials = none': name netrc, keyring or env:NAME there"),
        ("acme", "netrc", "in ~/.netrc, or the file that NETRC names, as those of the machine 127.0.0.1"),
        ("default", "netrc", "in pip's configuration, in PIP_INDEX_URL or in ~/.netrc"),
    ],
)
@pytest.mark.parametrize("status", [401, 403])
def test_where_credentials_are_read(scene: Scene, name: str, credentials: str, told: str, status: int) -> None:
    """An index that refuses is told of with the place where its own credentials are read, and with no other one."""
    index = Configured(name, scene.canonical.url, credentials=credentials)
    scene.canonical.fault("*", f"status:{status}", forever=True)
    with pytest.raises(Unavailable) as raised:
        scene.pages(index).page(index, "six")
    assert f"index {name} ({index.url}) refuses 'six': " in str(raised.value)
    assert str(raised.value).endswith(told.replace("URL", index.url) if credentials == "keyring" else told)


def test_insisting(scene: Scene) -> None:
    """What a mirror told while the canonical route was down is asked there again before it may enter a lock."""
    scene.canonical.fault("*", "status:500", "status:500")
    page = scene.vouched()
    assert page is not None
    assert (scene.canonical.url, None, [3, 1, 0]) == (route_of(page), page.doubt, scene.counts)


def test_insisting_in_vain(scene: Scene) -> None:
    """A canonical route that stays down leaves the mirror's page in doubt, and is not asked for ever."""
    scene.canonical.fault("*", "status:500", forever=True)
    pages, main = scene.pages(), scene.index()
    page = pages.vouched(main, "six")
    assert page is not None
    assert (scene.mirrors[0].url, f"{scene.canonical.url} did not tell it: HTTP 500") == (route_of(page), page.doubt)
    before = scene.counts
    assert page == pages.vouched(main, "six")
    assert (before, 5) == (scene.counts, before[0])


def test_a_mirror_that_contradicts_the_canonical_route(serve: Callable[..., Index]) -> None:
    """Where a mirror has told other bytes of a file than the canonical route tells then, both are shown."""
    scene = Scene(serve(), (serve(comment="spoilt"),))
    scene.canonical.fault("*", "status:500", "status:500")
    with pytest.raises(IntegrityProblem) as caught:
        scene.vouched()
    told = str(caught.value)
    for server in (scene.canonical, scene.mirrors[0]):
        (one,) = server.distributions()
        assert f"{server.url} the sha256 {one.sha256}" in told
    assert [3, 1] == scene.counts


def test_a_foreign_version_of_a_mirror(scene: Scene) -> None:
    """A version that only a mirror lists is not listed while the canonical route answers."""
    wheel(scene.mirrors[0].directory, "six", "9.0")
    scene.canonical.fault("*", "status:500", "status:500")
    pages, main = scene.pages(), scene.index()
    assert 2 == len(pages.page(main, "six"))
    page = pages.vouched(main, "six")
    assert page is not None
    assert [SIX] == [file.name for file in page.listed] == [file.name for file in pages.page(main, "six")]
    assert [SIX] == [file.name for file in scene.pages().page(main, "six")]


def test_a_quorum(scene: Scene) -> None:
    """With a quorum so many routes are asked, one request each, and what they agree on may enter a lock."""
    wheel(scene.canonical.directory, "six", "9.0")
    page = scene.ask(authority="quorum:2")
    assert page is not None
    assert ([SIX], None, [1, 1, 0]) == ([file.name for file in page.listed], page.doubt, scene.counts)


def test_a_quorum_that_contradicts(serve: Callable[..., Index]) -> None:
    """Two routes with two hashes of one file are told, with both hashes, while locking by a quorum."""
    scene = Scene(serve(), (serve(comment="spoilt"), serve()))
    with pytest.raises(IntegrityProblem) as caught:
        scene.ask(authority="quorum:2")
    for server in (scene.canonical, scene.mirrors[0]):
        assert f"{server.url} the sha256 {server.distributions()[0].sha256}" in str(caught.value)
    assert [1, 1, 0] == scene.counts


def test_a_quorum_without_the_canonical_route(scene: Scene) -> None:
    """Routes that agree are a quorum without the canonical one; who does not answer is not asked for it again."""
    scene.canonical.fault("*", "status:403", forever=True)
    page = scene.ask(authority="quorum:2")
    assert page is not None
    assert (scene.mirrors[0].url, None, [1, 1, 1]) == (route_of(page), page.doubt, scene.counts)


def test_too_few_for_a_quorum(scene: Scene) -> None:
    """What fewer routes tell than a quorum stays in doubt, which tells who did and how the others failed."""
    scene.canonical.fault("*", "status:501", forever=True)
    scene.mirrors[1].fault("*", "status:404", forever=True)
    page = scene.vouched(authority="quorum:2")
    assert page is not None
    assert page.doubt == (
        f"only {scene.mirrors[0].url} told of it ({scene.canonical.url}: HTTP 501; {scene.mirrors[1].url}: HTTP 404)"
    )
    assert [1, 1, 1] == scene.counts


def test_absent_by_a_quorum(scene: Scene) -> None:
    """With a quorum, too, a name is absent by the word of the canonical route, or of all others."""
    assert (None, [1, 0, 0]) == (scene.ask("seven", authority="quorum:2"), scene.counts)
    scene.canonical.stop()
    assert (None, [1, 1, 1]) == (scene.ask("seven", authority="quorum:2"), scene.counts)


def test_any_authority(scene: Scene) -> None:
    """With any authority the word of a mirror is as good as that of the canonical route, and is not doubted."""
    scene.canonical.fault("*", "status:500", forever=True)
    page = scene.vouched(authority="any")
    assert page is not None
    assert (scene.mirrors[0].url, None, [1, 1, 0]) == (route_of(page), page.doubt, scene.counts)


def test_any_authority_goes_by_tier(scene: Scene) -> None:
    """With any authority mirrors of a later tier are asked when those of the first, and the canonical one, fail."""
    scene.canonical.fault("*", "status:403", forever=True)
    mirrors = (Mirror(scene.mirrors[0].url, tier=2), Mirror(scene.mirrors[1].url, tier=1))
    assert scene.mirrors[1].url == route_of(scene.ask(authority="any", mirrors=mirrors))
    assert [1, 0, 1] == scene.counts


def test_any_authority_goes_by_health(scene: Scene) -> None:
    """With any authority a canonical route that has failed comes after sound mirrors, as any route of their tier."""
    for server in (scene.canonical, *scene.mirrors):
        wheel(server.directory, "seven", "1.0")
    scene.canonical.fault("*", "status:500")
    pages, main = scene.pages(), scene.index(authority="any")
    assert [scene.mirrors[0].url] * 2 == [route_of(pages.whole(main, project)) for project in ("six", "seven")]
    assert [1, 2, 0] == scene.counts


def test_a_stale_mirror(scene: Scene) -> None:
    """A page older than one seen before, by its serial, is passed over with a warning; the next route answers."""
    scene.canonical.serial, scene.mirrors[0].serial, scene.mirrors[1].serial = 9, 8, 9
    scene.ask()
    scene.canonical.stop()
    assert scene.mirrors[1].url == route_of(scene.ask())
    assert [1, 1, 1] == scene.counts
    (told,) = scene.warnings
    assert told.endswith(
        f"{scene.mirrors[0].url} needs care: its page of 'six' is older than one seen before: serial 8 after 9"
    )


def test_a_stale_canonical_route(scene: Scene) -> None:
    """A canonical route that goes back is stale as well, and the word of mirrors stays that of mirrors."""
    for server, serial in zip((scene.canonical, *scene.mirrors), (9, 9, 9), strict=True):
        server.serial = serial
    scene.ask()
    scene.canonical.serial = 3
    page = scene.vouched()
    assert page is not None
    assert scene.mirrors[0].url == route_of(page)
    assert (page.doubt or "").endswith(
        "is older than one seen before: serial 3 after 9, which allow-stale = true in [main] takes all the same"
    )
    assert [3, 1, 0] == scene.counts


def test_nothing_but_stale_pages(scene: Scene) -> None:
    """Where every route is stale that is told, and the setting by which such a page is taken, with a warning."""
    scene.canonical.serial = 9
    scene.ask()
    for server in (scene.canonical, *scene.mirrors):
        server.serial = 3
    with pytest.raises(Unavailable) as caught:
        scene.ask()
    assert str(caught.value).startswith("index main: what can be had of 'six' is stale, ")
    assert "allow-stale = true in [main]" in str(caught.value)
    assert 3 == sum("serial 3 after 9" in line for line in caught.value.tried)
    scene.warnings.clear()
    page = scene.vouched(allow_stale=True)
    assert page is not None
    assert (scene.canonical.url, None) == (route_of(page), page.doubt)
    assert "which is taken, since allow-stale = true" in scene.warnings[-1]


def test_no_serial_is_unknown(scene: Scene) -> None:
    """A route that sends no serial is not stale; upload times decide where they are known."""
    scene.canonical.serial = 9
    scene.ask()
    scene.canonical.stop()
    assert scene.mirrors[0].url == route_of(scene.ask())
    for mirror in scene.mirrors:
        mirror.json = False
    assert scene.mirrors[0].url == route_of(scene.ask())
    assert [] == scene.warnings


def test_upload_times_without_serials(scene: Scene) -> None:
    """Without serials the newest upload tells a page that went back."""
    newer = wheel(scene.canonical.directory, "six", "1.18.0")
    os.utime(newer, (4_000_000_000, 4_000_000_000))
    scene.ask()
    scene.canonical.stop()
    with pytest.raises(Unavailable, match=r"newest file of 20.* after 2096-10-02 07:06:40"):
        scene.ask()


def test_a_mirror_does_not_make_others_stale(scene: Scene) -> None:
    """What a mirror says of how new it is binds nobody, or one lie would make the index stale for ever."""
    scene.canonical.fault("*", "status:500", "status:500")
    scene.mirrors[0].serial = 10**12
    scene.canonical.serial = 9
    scene.ask()
    assert scene.canonical.url == route_of(scene.ask())


def test_what_one_route_lists(scene: Scene) -> None:
    """What a single route lists is asked once, and not again where the page of its index came by it."""
    main, pages = scene.index(), scene.pages()
    pages.whole(main, "six")
    canonical, first, second = main.page_routes()
    assert [SIX] == [file.name for route in (canonical,) for file in pages.told(route, "six")]
    assert [SIX, SIX] == [file.name for _ in range(2) for file in pages.told(first, "six")]
    assert () == pages.told(second, "seven") == pages.told(second, "seven")
    assert [1, 1, 1] == scene.counts


def known(server: Index) -> set[str]:
    return {distribution.sha256 for distribution in server.distributions()}


def test_files_of_known_hashes_are_listed_by_a_mirror(serve: Callable[..., Index]) -> None:
    """Where hashes are trusted already a mirror's word is enough, and the canonical route is not asked."""
    scene = Scene(serve(), (serve(),))
    found = scene.pages().holding(scene.index(), "six", known(scene.canonical))
    assert [SIX] == [file.name for file in found]
    assert [0, 1] == scene.counts


def test_a_mirror_that_lists_other_bytes_has_none_of_known_hashes(serve: Callable[..., Index]) -> None:
    """What a mirror lists with another sha256 is not taken; the index itself is asked."""
    scene = Scene(serve(), (serve(comment="# other bytes"),))
    found = scene.pages().holding(scene.index(), "six", known(scene.canonical))
    assert [f"{scene.canonical.address}/files"] == [file.url.rpartition("/files")[0] + "/files" for file in found]
    assert [1, 1] == scene.counts


def test_a_silent_mirror_is_left_for_the_index(serve: Callable[..., Index]) -> None:
    """A mirror that sends nothing is given up, and the canonical route lists the files."""
    scene = Scene(serve(), (serve(),))
    scene.mirrors[0].fault("/simple/*", "stall", forever=True)
    found = scene.pages().holding(scene.index(), "six", known(scene.canonical))
    assert [SIX] == [file.name for file in found]
    assert [1, 1] == scene.counts
