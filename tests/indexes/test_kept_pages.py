"""A page is asked for in every run, and comes again only where it has changed."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from eggcarton.core.errors import Unavailable
from eggcarton.indexes.client import Client
from eggcarton.indexes.kept_pages import KeptPages
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.pages import Listed
from eggcarton.indexes.routing import Index as Route
from eggcarton.indexes.routing import Routing
from support.distributions import wheel
from support.faults import Response
from support.index import Index

HEADERS = {"ETag": '"1"', "Content-Type": "text/html"}


pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    wheel(tmp_path / "served", "six", "1.16.0")
    with Index(tmp_path / "served", serial=7) as serving:
        yield serving


def page(place: Path, url: str) -> tuple[Listed, ...]:
    """Ask as a run of its own."""
    network = Network(Client(), sleep=lambda seconds: None, kept=KeptPages(place))
    route = Route("public", url)
    return Pages(Routing((route,)), network).page(route, "six")


def statuses(index: Index) -> list[int]:
    return [request.status for request in index.requests]


def test_what_has_not_changed(index: Index, tmp_path: Path) -> None:
    """A page that has not changed is not sent again, and says the same; a changed one is."""
    first = page(tmp_path / "kept", index.url)
    assert first == page(tmp_path / "kept", index.url)
    wheel(index.directory, "six", "1.17.0")
    assert 2 == len(page(tmp_path / "kept", index.url))
    assert 2 == len(page(tmp_path / "kept", index.url))
    assert [200, 304, 200, 304] == statuses(index)


def test_an_index_that_is_down(index: Index, tmp_path: Path) -> None:
    """What is kept is never an answer of its own: without its index it says nothing."""
    page(tmp_path / "kept", index.url)
    index.stop()
    with pytest.raises(Unavailable):
        page(tmp_path / "kept", index.url)


def test_what_somebody_has_changed(index: Index, tmp_path: Path) -> None:
    """A file that is not as it was written, cut or of another address is not believed; the whole page comes then."""
    first = page(tmp_path / "kept", index.url)
    (file,) = (tmp_path / "kept").iterdir()
    whole = file.read_bytes()
    head, _, packed = whole.partition(b"\n")
    other = head.replace(b"/six/", b"/xis/")
    spoilt = (b"", whole[:-9], head, head + b"\nno", b"[]\n" + packed, other + b"\n" + packed)
    for bytes_ in spoilt:
        file.write_bytes(bytes_)
        assert first == page(tmp_path / "kept", index.url)
    assert [200] * (1 + len(spoilt)) == statuses(index)


def test_no_credentials_are_kept(index: Index, tmp_path: Path) -> None:
    """Neither the name nor the content of what is kept tells the credentials that it was asked for with."""
    index.credentials = "me:hunter2"
    page(tmp_path / "kept", index.url.replace("://", "://me:hunter2@"))
    (file,) = (tmp_path / "kept").iterdir()
    assert b"hunter2" not in file.read_bytes()
    with pytest.raises(Unavailable):
        page(tmp_path / "kept", index.url)


def test_what_is_no_page(index: Index, tmp_path: Path) -> None:
    """What is no index page is not kept."""
    index.fault("*", "portal header:ETag=x", forever=True)
    with pytest.raises(Unavailable):
        page(tmp_path / "kept", index.url)
    assert not (tmp_path / "kept").exists()


def test_what_may_not_be_kept(tmp_path: Path) -> None:
    """A page that nothing tells apart from its next state, or that its server wants kept nowhere, is not kept."""
    kept = KeptPages(tmp_path)
    kept.keep("http://index.example/a/", {"Content-Type": "text/html"}, b"a")
    kept.keep("http://index.example/b/", {**HEADERS, "Cache-Control": "no-store"}, b"b")
    assert [] == list(tmp_path.iterdir())


def test_no_more_than_the_limit(tmp_path: Path) -> None:
    """What was used least lately goes first, at the first page that a run keeps."""
    for number in range(4):
        KeptPages(tmp_path).keep(f"http://index.example/{number}/", HEADERS, os.urandom(1000))
    for number, path in enumerate(sorted(tmp_path.iterdir())):
        os.utime(path, (number, number))
    KeptPages(tmp_path).used("http://index.example/0/")
    KeptPages(tmp_path, limit=3000).keep("http://index.example/new/", HEADERS, b"new")
    left = [len(KeptPages(tmp_path).of(f"http://index.example/{name}/").body) for name in ("0", "new")]
    assert ([1000, 3], 3) == (left, len(list(tmp_path.iterdir())))


def test_a_directory_that_cannot_be(index: Index, tmp_path: Path) -> None:
    """Where nothing can be written, pages come all the same."""
    (tmp_path / "file").write_text("")
    assert 1 == len(page(tmp_path / "file" / "kept", index.url))


def test_pages_come_compressed(index: Index, tmp_path: Path) -> None:
    """A page may come compressed, and is what it was before."""

    def pack(response: Response) -> None:
        response.body = gzip.compress(response.body)
        response.headers["Content-Encoding"] = "gzip"

    plain = page(tmp_path / "one", index.url)
    index.fault("*", pack)
    assert plain == page(tmp_path / "two", index.url)
    assert ["gzip", "gzip"] == [request.headers["Accept-Encoding"] for request in index.requests]
