"""Locked files come from wherever they may come, each asked for once, and only with the right bytes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError, IntegrityProblem, Unavailable
from eggcarton.indexes.attempts import Budget
from eggcarton.indexes.cache import Cache, CacheProblem
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.health import CAP, TOLD_BY
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index as Route
from eggcarton.indexes.routing import Routing
from eggcarton.indexes.wanted import Wanted, hint_of
from support.distributions import wheel
from support.faults import Response
from support.index import Index

NAMES = tuple(f"project{number:02}" for number in range(20))


pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    for name in NAMES:
        wheel(tmp_path / "served", name, "1.0", {f"{name}.py": f"name = {name!r}\n" * 99})
    with Index(tmp_path / "served") as serving:
        yield serving


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that were asked for; none is made."""
    return []


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def fetcher(index: Index, cache: Cache, pauses: list[float]) -> Fetcher:
    return made(index.url, cache, pauses)


def made(url: str, cache: Cache, pauses: list[float], *directories: Path) -> Fetcher:
    # No time passes but that of the pauses.
    network = Network(Client(), now=lambda: sum(pauses), sleep=pauses.append)
    pages = Pages(Routing((Route("main", url),)), network)
    return Fetcher(cache, pages, network, directories=directories)


def wanted(index: Index, *, hints: bool = True) -> list[Wanted]:
    return [
        Wanted(d.project, d.path.name, d.sha256, d.size, None, f"files/{d.place}" if hints else None)
        for d in index.distributions()
    ]


def stored(cache: Cache) -> list[str]:
    """The names of all files of the cache, hidden and half-made ones too."""
    return sorted(path.name for path in cache.directory.rglob("*") if path.is_file())


def refusal(fetcher: Fetcher, files: list[Wanted], kind: type[EggcartonError] = Unavailable) -> str:
    with pytest.raises(EggcartonError) as caught:
        fetcher.fetch(files)
    assert kind is type(caught.value)
    return str(caught.value)


def test_files_arrive(index: Index, fetcher: Fetcher, cache: Cache) -> None:
    """Every file lies in the cache under its digest, and what came is counted."""
    files = wanted(index)
    found = fetcher.fetch(files)
    assert {file.sha256: cache.place(file.sha256) for file in files} == found
    assert sorted(file.sha256 for file in files) == stored(cache)
    assert {file.sha256: file.size for file in files} == fetcher.brought


def test_one_page_tells_where_all_files_are(index: Index, fetcher: Fetcher) -> None:
    """With the hints of a lock one page is asked, and each file once."""
    files = wanted(index)
    fetcher.fetch(files)
    assert 1 == len(index.paths("/simple/*"))
    assert sorted(f"/{file.hint}" for file in files) == sorted(index.paths("/files/*"))


def test_without_hints_each_page_is_asked_once(index: Index, fetcher: Fetcher) -> None:
    """Without hints each project's page and each file are asked once."""
    files = wanted(index, hints=False)
    fetcher.fetch(files)
    assert sorted(f"/simple/{name}/" for name in NAMES) == sorted(index.paths("/simple/*"))
    assert len(files) == len(index.paths("/files/*"))


def test_the_same_file_wanted_twice(index: Index, fetcher: Fetcher) -> None:
    """A file that is wanted twice is asked for once."""
    fetcher.fetch(wanted(index)[:1] * 2)
    assert 1 == len(index.paths("/files/*"))


def test_files_of_one_project_share_its_page(index: Index, fetcher: Fetcher) -> None:
    """Two versions of one project cost one page."""
    wheel(index.directory, NAMES[0], "2.0")
    fetcher.fetch([file for file in wanted(index, hints=False) if file.project == NAMES[0]])
    assert (1, 2) == (len(index.paths("/simple/*")), len(index.paths("/files/*")))


def test_files_come_side_by_side(index: Index, fetcher: Fetcher) -> None:
    """As many files are on their way at once as one origin may be asked for: each waits here until all have begun."""
    files = wanted(index)[: CAP + 1]
    fetcher.fetch(files[:1])
    meeting = threading.Barrier(CAP, timeout=300)

    def meet(response: Response) -> None:
        # Faults are applied before a response is sent, and outside of every lock.
        meeting.wait()

    index.fault("/files/*", *[meet] * CAP)
    fetcher.fetch(files[1:])
    assert not meeting.broken


def test_what_is_there_is_told_at_once(index: Index, fetcher: Fetcher, cache: Cache) -> None:
    """Each file is told when it is there, while others are still awaited: the last one comes after the others are."""
    first, *others = wanted(index)
    told, all_others = dict[str, Path](), threading.Event()

    def arrived(sha256: str, path: Path) -> None:
        assert path.is_file()
        told[sha256] = path
        if {file.sha256 for file in others} <= set(told):
            all_others.set()

    def wait(response: Response) -> None:
        assert all_others.wait(300)

    index.fault(f"/{first.hint}", wait)
    assert fetcher.fetch([first, *others], arrived) == told
    assert first.sha256 == list(told)[-1]


def test_one_origin_has_few_requests_at_once(index: Index, fetcher: Fetcher) -> None:
    """However many files are wanted, one origin is never asked for more at once than it may be."""
    fetcher.fetch(wanted(index))
    assert CAP >= index.peak


def test_what_is_here_is_not_asked_for(index: Index, cache: Cache, fetcher: Fetcher, pauses: list[float]) -> None:
    """What the cache has already costs no request, in the same run and in the next."""
    files = wanted(index)
    fetcher.fetch(files)
    index.requests.clear()
    fetcher.fetch(files)
    again = made(index.url, cache, pauses)
    again.fetch(files)
    assert ([], {}) == (index.requests, again.brought)


def test_a_spoilt_file_is_fetched_anew(index: Index, cache: Cache, fetcher: Fetcher) -> None:
    """A file that was spoilt in the cache is asked for again, and it alone."""
    files = wanted(index)
    found = fetcher.fetch(files)
    found[files[3].sha256].write_bytes(b"spoilt")
    index.requests.clear()
    fetcher.fetch(files)
    assert [f"/{files[3].hint}"] == index.paths()
    assert cache.find(files[3].sha256)


def test_a_spoilt_file_of_a_directory_is_told(index: Index, cache: Cache, pauses: list[float], tmp_path: Path) -> None:
    """Where no route serves a file of which a directory has other bytes, that is named, as a matter of integrity."""
    longer, changed, missing = wanted(index)[:3]
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / longer.name).write_bytes(b"PK" * 5000)
    (copies / changed.name).write_bytes(b"x" * (changed.size or 0))
    index.stop()
    told = refusal(made(index.url, cache, pauses, copies), [longer, changed, missing], IntegrityProblem)
    assert f"  {copies / longer.name}: it has 10000 bytes, and the lock names {longer.size}; copy it anew" in told
    digest = hashlib.sha256(b"x" * (changed.size or 0)).hexdigest()
    why = f"its bytes hash to {digest}, and the lock names {changed.sha256}"
    assert f"  {copies / changed.name}: {why}; copy it anew" in told
    assert f"{missing.name}: no route of index main serves it:" in told
    index.start()
    assert 2 == len(made(index.url, cache, pauses, copies).fetch([longer, changed]))


def test_directories_come_before_the_index(index: Index, cache: Cache, pauses: list[float], tmp_path: Path) -> None:
    """A file that lies in a given directory with the right bytes is taken from there; one with others is not."""
    good, bad = wanted(index)[:2]
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / good.name).write_bytes((index.directory / good.name).read_bytes())
    (folder / bad.name).write_bytes(b"other bytes")
    found = made(index.url, cache, pauses, tmp_path / "missing", folder).fetch([good, bad])
    assert {good.sha256: folder / good.name, bad.sha256: cache.place(bad.sha256)} == found
    assert [f"/{bad.hint}"] == index.paths("/files/*")


@pytest.mark.parametrize(
    "fault",
    ["status:503", "status:429", "status:500", "reset", "reset:0.5", "truncate:0.5", "length:none truncate:0.5"],
)
def test_passing_faults_of_files(index: Index, fetcher: Fetcher, cache: Cache, pauses: list[float], fault: str) -> None:
    """A passing fault costs one more request and one pause; the file is right, and nothing else stays."""
    file = wanted(index)[0]
    index.fault("/files/*", fault)
    fetcher.fetch([file])
    assert (1, 2, 1) == (len(index.paths("/simple/*")), len(index.paths("/files/*")), len(pauses))
    assert [file.sha256] == stored(cache)


@pytest.mark.parametrize("fault", ["status:503", "reset", "reset:0.5", "truncate:0.5"])
def test_passing_faults_of_pages(index: Index, fetcher: Fetcher, pauses: list[float], fault: str) -> None:
    """A page is asked again after a passing fault."""
    index.fault("/simple/*", fault)
    fetcher.fetch(wanted(index)[:1])
    assert (2, 1, 1) == (len(index.paths("/simple/*")), len(index.paths("/files/*")), len(pauses))


def test_lasting_faults_end(index: Index, fetcher: Fetcher, cache: Cache, pauses: list[float]) -> None:
    """A fault that does not pass ends after a few attempts, each but the last with a pause behind it."""
    file = wanted(index)[0]
    index.fault("/files/*", "status:503", forever=True)
    told = f"{file.name}: no route of index main serves it:\n  {index.url}: HTTP 503 (3 times)"
    assert told == refusal(fetcher, [file])
    assert (Budget().rounds, Budget().rounds - 1) == (len(index.paths("/files/*")), len(pauses))
    assert [] == stored(cache)


@pytest.mark.parametrize("status", [401, 403, 451, 501])
def test_lasting_statuses_are_not_repeated(index: Index, fetcher: Fetcher, pauses: list[float], status: int) -> None:
    """A status that another attempt would not change is asked for once."""
    index.fault("/files/*", f"status:{status}", forever=True)
    assert f"serves it:\n  {index.url}: HTTP {status}" in refusal(fetcher, wanted(index)[:1])
    assert (1, []) == (len(index.paths("/files/*")), pauses)


@pytest.mark.parametrize("fault", ["length:5", "length:none", "length:5 truncate"])
def test_lengths_that_are_wrong(index: Index, fetcher: Fetcher, cache: Cache, fault: str) -> None:
    """A wrong Content-Length, or none, is no fault where the bytes are those of the lock; one more request mends it
    where they end early.
    """
    file = wanted(index)[0]
    index.fault("/files/*", fault)
    fetcher.fetch([file])
    assert [file.sha256] == stored(cache)
    assert (2 if "truncate" in fault else 1) == len(index.paths("/files/*"))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("flip", "HTTP 200, 891 bytes, the bytes hash to"),
        ("flip:0", "HTTP 200, 891 bytes, the first bytes are not those of a .whl file"),
        ("long:1", "HTTP 200, 892 bytes, more than the 891 bytes that the lock names arrived"),
        ("long:9999999", "more than the 891 bytes that the lock names arrived"),
        ("cut", "HTTP 200, 445 bytes, 445 bytes arrived, the lock names 891"),
        ("length:-5", "HTTP 200, 886 bytes, 886 bytes arrived, the lock names 891"),
    ],
)
def test_wrong_bytes(
    index: Index, fetcher: Fetcher, cache: Cache, pauses: list[float], fault: str, reason: str
) -> None:
    """Other bytes than the lock names are refused at once, are not asked for again, and are not kept."""
    index.fault("/files/*", fault, forever=True)
    told = refusal(fetcher, wanted(index)[:1], IntegrityProblem)
    assert told.startswith(f"{NAMES[0]}-1.0-py3-none-any.whl: index main serves other bytes than were locked, and ")
    assert f"\n  {index.url}: " in told
    assert reason in told
    assert (1, []) == (len(index.paths("/files/*")), pauses)
    assert [] == stored(cache)


def test_a_captive_portal(index: Index, fetcher: Fetcher, cache: Cache) -> None:
    """A web page in place of a file is no wrong file, but none: the network, not the file, is what is told."""
    index.fault("/files/*", "portal", forever=True)
    told = refusal(fetcher, wanted(index)[:1])
    assert "HTTP 200, 88 bytes, a web page came in place of the file, as from a network that wants a login" in told
    assert (1, []) == (len(index.paths("/files/*")), stored(cache))


def test_wrong_bytes_close_the_route(index: Index, cache: Cache, pauses: list[float]) -> None:
    """After wrong bytes a route is not asked for any other file in this run, and that is told."""
    fetcher, files = made(index.url, cache, pauses), wanted(index)
    index.fault(f"/{files[0].hint}", "flip")
    refusal(fetcher, files[:1], IntegrityProblem)
    index.requests.clear()
    told = refusal(fetcher, files[1:2], IntegrityProblem)
    assert f"{index.url}: not asked, since it failed before: the bytes hash to" in told
    assert [] == index.paths()


def test_a_size_is_no_must(index: Index, fetcher: Fetcher, cache: Cache) -> None:
    """Without a known size the digest alone decides."""
    good, bad = (replace(file, size=None) for file in wanted(index)[:2])
    index.fault(f"/{bad.hint}", "flip")
    fetcher.fetch([good])
    assert "the bytes hash to" in refusal(fetcher, [bad], IntegrityProblem)
    assert [good.sha256] == stored(cache)


def test_a_stale_hint_costs_one_request(index: Index, fetcher: Fetcher) -> None:
    """A hint that leads nowhere any more is tried once; the page then tells where the file is now."""
    first, second = wanted(index)[:2]
    fetcher.fetch([first])
    index.requests.clear()
    fetcher.fetch([replace(second, hint="files/old/place.whl")])
    assert ["/files/old/place.whl", f"/simple/{second.project}/", f"/{second.hint}"] == index.paths()


def test_a_hint_to_other_bytes_is_only_a_hint(index: Index, fetcher: Fetcher, cache: Cache) -> None:
    """Where a hint leads to other bytes, the page is asked and the right file is kept."""
    first, second = wanted(index)[:2]
    fetcher.fetch([first])
    fetcher.fetch([replace(second, hint=first.hint)])
    assert sorted([first.sha256, second.sha256]) == stored(cache)


def test_only_stale_hints(index: Index, fetcher: Fetcher) -> None:
    """Where no hint fits the index, as on a mirror, each page and each file is asked once."""
    fetcher.fetch([replace(file, hint=f"elsewhere/{file.name}") for file in wanted(index)])
    assert (len(NAMES), len(NAMES)) == (len(index.paths("/simple/*")), len(index.paths("/files/*")))


def test_stale_hints_do_not_queue(index: Index, fetcher: Fetcher) -> None:
    """Once the first hint has proved stale, pages are asked side by side: each waits here until others have begun."""
    meeting = threading.Barrier(CAP, timeout=300)

    def meet(response: Response) -> None:
        meeting.wait()

    index.fault("/simple/*", "ok", *[meet] * CAP)
    fetcher.fetch([replace(file, hint=f"elsewhere/{file.name}") for file in wanted(index)[: CAP + 1]])
    assert not meeting.broken


def test_a_later_page_tells_where_files_are(index: Index, fetcher: Fetcher) -> None:
    """After a stale hint the next page that fits its hint tells where all other files are."""
    files = wanted(index)
    fetcher.fetch([replace(files[0], hint="elsewhere/six.whl")])
    fetcher.fetch(files[1:2])
    fetcher.fetch(files[2:])
    assert [f"/simple/{name}/" for name in NAMES[:2]] == index.paths("/simple/*")


def test_a_hint_to_other_bytes_and_no_page(index: Index, fetcher: Fetcher) -> None:
    """Where a hint leads to other bytes and the page to nothing, the file is missing, and no route is to blame."""
    first, second, third = wanted(index)[:3]
    fetcher.fetch([first])
    index.fault(f"/{second.hint}", "status:404", forever=True)
    assert "does not list it" in refusal(fetcher, [replace(second, hint=first.hint)])
    fetcher.fetch([third])


def test_the_page_confirms_wrong_bytes(index: Index, fetcher: Fetcher) -> None:
    """Where the page names the very address that the hint did, its wrong bytes are the route's fault, and are not
    asked for again.
    """
    first, second = wanted(index)[:2]
    fetcher.fetch([first])
    index.requests.clear()
    index.fault(f"/{second.hint}", "flip", forever=True)
    refusal(fetcher, [second], IntegrityProblem)
    assert [f"/{second.hint}", f"/simple/{second.project}/"] == index.paths()


def test_files_on_another_host(index: Index, fetcher: Fetcher, tmp_path: Path) -> None:
    """Files may lie on another host than the pages; hints work there too."""
    with Index(tmp_path / "served") as files:
        index.files_at = files.address
        fetcher.fetch(wanted(index))
        assert ([], len(NAMES)) == (index.paths("/files/*"), len(files.paths()))
    assert 1 == len(index.paths())


def test_redirected_pages_and_files(index: Index, fetcher: Fetcher, tmp_path: Path) -> None:
    """A redirect to another host is followed; links of the page are relative to where it came from."""
    with Index(tmp_path / "served") as other:
        file = wanted(index)[0]
        index.fault("/simple/*", f"redirect:{other.address}/moved/{file.project}/")
        other.fault("/moved/*", f"redirect:/simple/{file.project}/")
        other.fault("/files/*", f"redirect:{index.address}/{file.hint}")
        fetcher.fetch([file])
        assert [f"/simple/{file.project}/", f"/{file.hint}"] == index.paths()
        assert [f"/moved/{file.project}/", f"/simple/{file.project}/", f"/{file.hint}"] == other.paths()


def test_html_only(index: Index, fetcher: Fetcher) -> None:
    """An index that knows no JSON does as well."""
    index.json = False
    fetcher.fetch(wanted(index))
    assert (1, len(NAMES)) == (len(index.paths("/simple/*")), len(index.paths("/files/*")))


def test_unknown_project(index: Index, fetcher: Fetcher) -> None:
    """A file that the index does not list is told by its name, with what to do."""
    gone = Wanted("gone", "gone-1.0-py3-none-any.whl", 64 * "a")
    assert f"{gone.name}: index main does not list it; if it was removed there, lock again" == refusal(fetcher, [gone])
    assert ["/simple/gone/"] == index.paths()


def test_all_failures_are_told_at_once(index: Index, fetcher: Fetcher, cache: Cache) -> None:
    """Every file that failed is named in one message; those that came are kept for the next run."""
    files = wanted(index)
    index.fault(f"/{files[2].hint}", "status:404", forever=True)
    index.fault(f"/{files[5].hint}", "status:403", forever=True)
    told = refusal(fetcher, files)
    named = [line.partition(":")[0] for line in told.splitlines() if not line.startswith(" ")]
    assert [files[2].name, files[5].name] == named
    assert len(files) - 2 == len(stored(cache))


def test_files_that_failed_alike_are_told_together(index: Index, fetcher: Fetcher) -> None:
    """Files that failed for the same reason share its sentence."""
    files = wanted(index)[:3]
    index.fault("/files/*", "status:403", forever=True)
    told = refusal(fetcher, files)
    assert told.startswith(", ".join(file.name for file in files) + ": no route of index main serves it:")


def test_wrong_bytes_are_the_graver_failure(index: Index, fetcher: Fetcher) -> None:
    """Where one file is missing and another has other bytes, the error is about integrity and names both."""
    files = wanted(index)
    index.fault(f"/{files[2].hint}", "status:404", forever=True)
    index.fault(f"/{files[5].hint}", "flip", forever=True)
    told = refusal(fetcher, files, IntegrityProblem)
    assert [True, True] == [file.name in told for file in (files[2], files[5])]


def test_a_dead_index_is_told_once(index: Index, cache: Cache, pauses: list[float]) -> None:
    """Where nobody answers, files that begin when that is certain do not wait for it again."""
    files = wanted(index)
    index.stop()
    fetcher = made(index.url, cache, pauses)
    told = refusal(fetcher, files[:1])
    assert told.startswith(f"{files[0].name}: no route of index main serves it:\n  {index.url}: ")
    assert Budget().rounds - 1 == len(pauses)
    pauses.append(TOLD_BY)
    told = refusal(fetcher, files)
    assert f"{index.url}: not asked, since it failed before: " in told
    assert [True] * len(files) == [file.name in told for file in files]
    assert Budget().rounds == len(pauses)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("portal", ": the page of 'project00' lists no files and is no package index page"),
        ("cut:0.5", ": the page of 'project00' is not a valid JSON index page"),
        ("header:Content-Type=text/plain", ": the page of 'project00' is of the type 'text/plain'"),
        ("status:511", "/simple/: HTTP 511"),
        ("status:401", "/simple/: HTTP 401"),
    ],
)
def test_pages_that_are_none(index: Index, fetcher: Fetcher, fault: str, told: str) -> None:
    """A page that is none stops the run with what it is; it is not taken for an empty one, nor asked again."""
    index.fault("/simple/*", fault, forever=True)
    assert told in refusal(fetcher, wanted(index)[:1])
    assert ["/simple/project00/"] == index.paths()


def test_no_message_tells_credentials(index: Index, cache: Cache, pauses: list[float]) -> None:
    """With credentials in the index's address files come, and no failure tells them."""
    index.credentials = "me:secret"
    url = index.url.replace("://", "://me:secret@")
    made(url, cache, pauses).fetch(wanted(index))
    missing = Wanted("gone", "gone-1.0-py3-none-any.whl", 64 * "a")
    messages = [refusal(made(url, cache, pauses), [missing])]
    index.credentials = "another:one"
    messages.append(refusal(made(url, cache, pauses), [missing]))
    index.stop()
    messages.append(refusal(made(url, cache, pauses), [missing]))
    assert [False] * 3 == ["secret" in message for message in messages]
    assert [True, True] == [index.url in message for message in messages[1:]]


def test_the_index_that_the_lock_names(index: Index, cache: Cache, tmp_path: Path) -> None:
    """A file whose lock names an index is asked there, all others where their names lead, and nowhere else."""
    with Index(tmp_path / "served") as corp, Index(tmp_path / "served") as other:
        routing = Routing(
            (Route("main", index.url), Route("corp", corp.url, ("project01",)), Route("third", other.url))
        )
        network = Network(Client())
        fetcher = Fetcher(cache, Pages(routing, network), network)
        first, second, third = wanted(index, hints=False)[:3]
        fetcher.fetch([first, second, replace(third, index="third")])
        assert [["project00"], ["project01"], ["project02"]] == [
            [path.split("/")[2] for path in asked.paths("/simple/*")] for asked in (index, corp, other)
        ]


def test_a_private_name_is_not_asked_elsewhere(index: Index, cache: Cache, tmp_path: Path) -> None:
    """When the one index of a name is down or does not have it, no other is asked."""
    (tmp_path / "empty").mkdir()
    with Index(tmp_path / "empty") as corp:
        routing = Routing((Route("main", index.url), Route("corp", corp.url, ("project01",))))
        network = Network(Client())
        fetcher = Fetcher(cache, Pages(routing, network), network)
        assert "index corp does not list it" in refusal(fetcher, wanted(index)[1:2])
    assert [] == index.paths()


def test_a_cache_that_cannot_be_written_ends_all(index: Index, tmp_path: Path) -> None:
    """A cache that cannot be written is told in one sentence, and no route is asked or blamed."""
    (tmp_path / "file").write_bytes(b"")
    cache = Cache(tmp_path / "file" / "cache")
    told = refusal(made(index.url, cache, []), wanted(index), CacheProblem)
    assert f"the cache {cache.directory} cannot be written: not a directory; make room or give the right" in told
    assert [] == index.paths()


def test_hints_hold_no_host() -> None:
    """A hint is the path of an address, without host, credentials, query or fragment."""
    assert "files/ab/six-1%2B2.whl" == hint_of("https://me:secret@index.example:8/files/ab/six-1%2B2.whl?a=b#sha256=c")
    assert hashlib.sha256(b"").hexdigest() not in hint_of(f"https://x/y#sha256={hashlib.sha256(b'').hexdigest()}")


def test_pages_of_find_links(index: Index, cache: Cache, pauses: list[float], tmp_path: Path) -> None:
    """What its index does not list is looked for on the pages of find-links, and is held to the same sha256."""
    with Index(tmp_path / "other") as other:
        wheel(other.directory, "further", "1.0")
        further = wanted(other, hints=False)[0]
        links = f"{other.url}further/"
        network = Network(Client(), sleep=pauses.append)
        pages = Pages(Routing((Route("main", index.url),)), network, find_links=[links])
        fetcher = Fetcher(cache, pages, network)
        assert [further.sha256] == list(fetcher.fetch([further, *wanted(index)[:1]]))[:1]
        assert "does not list it" in refusal(
            fetcher, [replace(further, sha256="0" * 64, name="none-1.0-py3-none-any.whl")]
        )
