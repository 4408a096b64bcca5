"""The relay passes on what the right index has, to those alone that were told its address, while a run goes on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from eggcarton.core.errors import IntegrityProblem, Unavailable, UsageProblem
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listed_files import ListedFiles
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.pages import JSON
from eggcarton.indexes.relay import FAILED, Relay
from eggcarton.indexes.routing import Index as Route
from eggcarton.indexes.routing import Mirror, Routing
from support.closed import uv_program
from support.distributions import wheel
from support.index import Index
from support.pages import Distribution

pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    wheel(tmp_path / "public", "six", "1.17.0", {"six.py": "number = 6\n" * 999})
    wheel(tmp_path / "public", "web", "2.0", requires=["six>=1"], requires_python=">=3.9")
    with Index(tmp_path / "public", serial=7) as serving:
        yield serving


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Index]:
    wheel(tmp_path / "private", "corp-web", "1.0", requires=["six"])
    with Index(tmp_path / "private") as serving:
        yield serving


@pytest.fixture
def relay(index: Index, tmp_path: Path) -> Iterator[Relay]:
    with made(tmp_path, Route("public", index.url)) as relay:
        yield relay


def made(
    place: Path,
    *routes: Route,
    allow_hosts: Sequence[str] = ("*",),
    find_links: Sequence[str] = (),
) -> Relay:
    network = Network(Client(allow_hosts=allow_hosts), sleep=lambda seconds: None)
    routing = Routing(routes)
    pages = Pages(routing, network, find_links=find_links)
    cache = Cache(place / "cache")
    fetcher = Fetcher(cache, pages, network)
    return Relay(routing, pages, ListedFiles(cache, pages, fetcher))


def ask(
    url: str, *, accept: str = JSON, method: str = "GET", part: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Send one request and return status, headers and body, whatever they are."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc)
    headers = {"Accept": accept, **({"Range": part} if part else {})}
    connection.request(method, parts.path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def files_of(relay: Relay, project: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(ask(f"{relay.url}{project}/")[2])["files"]
    return found


def address_in(relay: Relay, project: str) -> str:
    return str(files_of(relay, project)[0]["url"])


def distribution(index: Index, project: str) -> Distribution:
    return next(found for found in index.distributions() if found.project == project)


def test_every_field_but_the_addresses(index: Index, relay: Relay) -> None:
    """A page tells all that the index tells, each file at an address of the relay."""
    index.yanked = {"web-2.0-py3-none-any.whl": "broken"}
    theirs, ours = (json.loads(ask(f"{url}web/")[2]) for url in (index.url, relay.url))
    (address,) = [file.pop("url") for file in ours["files"]]
    assert [f"../../files/{distribution(index, 'web').place}"] == [file.pop("url") for file in theirs["files"]]
    assert (theirs, True) == (ours, address.startswith(relay.url.removesuffix("simple/")))
    assert {"core-metadata", "hashes", "requires-python", "size", "upload-time", "yanked"} <= theirs["files"][0].keys()


def test_links_for_those_that_read_no_json(index: Index, relay: Relay) -> None:
    """Who does not ask for JSON gets links, which tell the same."""
    index.yanked = {"web-2.0-py3-none-any.whl": "bro<ken"}
    found = distribution(index, "web")
    status, headers, body = ask(f"{relay.url}web/", accept="*/*")
    (link,) = re.findall(rb"<a [^>]*>", body)
    assert (200, "text/html; charset=utf-8") == (status, headers["Content-Type"])
    assert f'/web-2.0-py3-none-any.whl#sha256={found.sha256}"' in link.decode()
    assert b'data-requires-python="&gt;=3.9"' in link
    assert b'data-yanked="bro&lt;ken"' in link
    assert b'data-core-metadata="sha256=' in link


def test_an_index_that_has_only_links(index: Index, relay: Relay) -> None:
    """Pages of an index that knows no JSON are passed on in the form that is asked for, too."""
    index.json = False
    found = distribution(index, "web")
    (file,) = files_of(relay, "Web")
    assert ("web-2.0-py3-none-any.whl", {"sha256": found.sha256}) == (file["filename"], file["hashes"])
    assert ">=3.9" == file["requires-python"]
    assert b"<a href" in ask(f"{relay.url}web/", accept="text/html")[2]


def test_each_name_at_its_own_index(index: Index, private: Index, tmp_path: Path) -> None:
    """A name is asked at the index that it is routed to, and at no other, whatever becomes of it there."""
    wheel(index.directory, "corp-web", "9.0")
    routes = (Route("public", index.url), Route("corp", private.url, projects=("corp-*",)))
    with made(tmp_path, *routes) as relay:
        assert ["corp_web-1.0-py3-none-any.whl"] == [file["filename"] for file in files_of(relay, "corp_web")]
        assert 200 == ask(address_in(relay, "corp-web"))[0]
        assert 404 == ask(f"{relay.url}corp-gone/")[0]
        assert 404 == ask(address_in(relay, "corp-web").replace("/files/corp/", "/files/public/"))[0]
        private.stop()
        assert FAILED == ask(f"{relay.url}corp-down/")[0]
        assert 200 == ask(f"{relay.url}six/")[0]
    assert ["/simple/six/"] == index.paths()


def test_another_route_of_the_same_index(index: Index, tmp_path: Path) -> None:
    """Where the index itself cannot be reached a mirror answers, and the client never hears of it."""
    with Index(index.directory) as mirror:
        index.stop()
        with made(tmp_path, Route("public", index.url, mirrors=(Mirror(mirror.url),))) as relay:
            assert ["six-1.17.0-py3-none-any.whl"] == [file["filename"] for file in files_of(relay, "six")]
            assert ["/simple/six/"] == mirror.paths()


def test_files_in_parts(index: Index, relay: Relay) -> None:
    """A file is served whole or in part, and HEAD tells its length."""
    url, data = address_in(relay, "six"), distribution(index, "six").path.read_bytes()
    size = len(data)
    assert (200, data) == ask(url)[::2]
    status, headers, body = ask(url, method="HEAD")
    assert (200, str(size), "bytes", b"") == (status, headers["Content-Length"], headers["Accept-Ranges"], body)
    for part, begin, end in (("bytes=10-19", 10, 20), ("bytes=10-", 10, size), ("bytes=-9", size - 9, size)):
        status, headers, body = ask(url, part=part)
        assert (206, f"bytes {begin}-{end - 1}/{size}") == (status, headers["Content-Range"])
        assert data[begin:end] == body
    status, headers, _ = ask(url, part=f"bytes={size}-")
    assert (416, f"bytes */{size}") == (status, headers["Content-Range"])
    assert 1 == len(index.paths("*.whl"))


def test_metadata(index: Index, relay: Relay, tmp_path: Path) -> None:
    """Metadata comes from beside the wheel once, and later from the cache."""
    known = distribution(index, "web").metadata
    assert (200, known) == ask(f"{address_in(relay, 'web')}.metadata")[::2]
    index.fault("*.metadata", "status:500", forever=True)
    with made(tmp_path, Route("public", index.url)) as another:
        assert (200, known) == ask(f"{address_in(another, 'web')}.metadata")[::2]
    assert (1, 0) == (len(index.paths("*.metadata")), len(index.paths("*.whl")))


@pytest.mark.parametrize("fault", ["flip", "status:404"])
def test_metadata_that_is_wrong(index: Index, relay: Relay, fault: str) -> None:
    """Metadata that is not what the page promises, or not there, comes out of the wheel."""
    index.fault("*.metadata", fault, forever=True)
    assert (200, distribution(index, "web").metadata) == ask(f"{address_in(relay, 'web')}.metadata")[::2]
    assert 1 == len(index.paths("*.whl"))


def test_the_secret(index: Index, relay: Relay, tmp_path: Path) -> None:
    """Without the secret part of its address there is nothing, whatever is asked for."""
    parts = urlsplit(relay.url)
    secret = parts.path.split("/")[1]
    assert ("127.0.0.1", 43) == (parts.hostname, len(secret))
    base = relay.url.removesuffix(f"{secret}/simple/")
    for path in (
        "",
        "simple/",
        "simple/six/",
        f"{secret[:-1]}/simple/six/",
        f"{secret}x/simple/six/",
        f"x/{secret}/simple/six/",
    ):
        assert (404, b"") == ask(base + path)[::2], path
    assert [] == index.requests
    with made(tmp_path, Route("public", index.url)) as another:
        assert secret not in another.url
    assert 404 == ask(f"{base}{secret}/files/public/six/six-0-py3-none-any.whl")[0]
    assert 404 == ask(f"{base}{secret}/../etc/passwd")[0]


def test_only_while_the_run_goes_on(index: Index, tmp_path: Path) -> None:
    """After the run nobody listens any more, and a connection that was kept is closed."""
    with made(tmp_path, Route("public", index.url)) as relay:
        url = relay.url
        kept = HTTPConnection(urlsplit(url).netloc, timeout=300)
        kept.request("GET", f"{urlsplit(url).path}six/")
        assert 200 == kept.getresponse().status
        assert kept.sock is not None
        open_until_now = kept.sock
    while open_until_now.recv(1 << 16):
        pass
    with pytest.raises(ConnectionRefusedError):
        ask(f"{url}six/")


def test_what_cannot_be_had(index: Index, tmp_path: Path) -> None:
    """What no route serves is answered with a status that is not asked for again, and kept for whoever began it."""
    index.fault("/simple/six/", "status:503", forever=True)
    with made(tmp_path, Route("public", index.url.replace("://", "://me:hunter2@"))) as relay:
        status, _, body = ask(f"{relay.url}six/")
        failure = relay.failure()
        assert (FAILED, f"{failure}\n") == (status, body.decode())
        assert isinstance(failure, Unavailable)
        assert str(failure).startswith(f"index public ({index.url}) does not answer for 'six'")
        assert None is relay.failure()


def test_wrong_bytes(index: Index, private: Index, tmp_path: Path) -> None:
    """A file with other bytes than its page tells is never passed on, and matters more than what is missing."""
    index.fault("*.whl", "flip", forever=True)
    private.fault("/simple/*", "status:500", forever=True)
    with made(tmp_path, Route("public", index.url), Route("corp", private.url, projects=("corp-*",))) as relay:
        assert (FAILED, FAILED) == (ask(f"{relay.url}corp-web/")[0], ask(address_in(relay, "six"))[0])
        assert isinstance(relay.failure(), IntegrityProblem)


def test_hosts_that_may_not_be_asked(index: Index, tmp_path: Path) -> None:
    """What allow-hosts keeps from being asked is not asked for anybody."""
    with made(tmp_path, Route("public", index.url), allow_hosts=("index.example",)) as relay:
        assert FAILED == ask(f"{relay.url}six/")[0]
        assert isinstance(relay.failure(), UsageProblem)
    assert [] == index.requests


def test_pages_of_find_links(index: Index, private: Index, tmp_path: Path) -> None:
    """A page of find-links is passed on, too, as links, and its files come through the relay."""
    with made(tmp_path, Route("public", index.url), find_links=[f"{private.url}corp-web/"]) as relay:
        (url,) = relay.links
        status, headers, body = ask(url)
        (address,) = re.findall(r'href="([^"#]*)', body.decode())
        assert (200, "text/html; charset=utf-8") == (status, headers["Content-Type"])
        assert (200, distribution(private, "corp-web").path.read_bytes()) == ask(address)[::2]
        assert f"{private.address}/files/{distribution(private, 'corp-web').place}" == relay.original(address)
    assert [] == index.requests


def test_its_addresses_in_what_others_say(index: Index, private: Index, tmp_path: Path) -> None:
    """What a program says of the relay's addresses is told of those that they stand for, without credentials."""
    routes = (
        Route("public", index.url.replace("://", "://me:hunter2@")),
        Route("corp", private.url, projects=("corp-*",)),
    )
    with made(tmp_path, *routes) as relay:
        file = address_in(relay, "six")
        said = f"failed: `{relay.url}six/` ({relay.url}corp-web/) {relay.url} {file} {file}.metadata"
        place = f"{index.address}/files/{distribution(index, 'six').place}"
        expected = f"failed: `{index.url}six/` ({private.url}corp-web/) {index.url} {place} {place}.metadata"
        assert expected == relay.told(said)
        assert "https://index.example/six" == relay.original("https://index.example/six")


def test_pip_and_uv_install_from_it(index: Index, private: Index, tmp_path: Path) -> None:
    """pip and uv install from the relay alone, each name from its own index."""
    routes = (Route("public", index.url), Route("corp", private.url, projects=("corp-*",)))
    names = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    with made(tmp_path, *routes) as relay:
        names |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": relay.url, "PIP_NO_CACHE_DIR": "1"}
        names |= {"UV_NO_CONFIG": "1", "UV_DEFAULT_INDEX": relay.url, "UV_CACHE_DIR": str(tmp_path / "uv")}
        names |= {"NO_PROXY": "127.0.0.1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        for program, target in (
            ([sys.executable, "-m", "pip", "install", "--quiet"], "by-pip"),
            ([str(uv_program()), "pip", "install", "--python", sys.executable], "by-uv"),
        ):
            command = [*program, "--target", str(tmp_path / target), "corp-web"]
            subprocess.run(command, env=names, check=True, timeout=300, cwd=tmp_path)
            assert {"corp_web.py", "six.py"} == {path.name for path in (tmp_path / target).glob("*.py")}
            assert 2 == len(list((tmp_path / target).glob("*.dist-info")))
    assert ["/simple/six/"] == index.paths("/simple/*")
    assert ["/simple/corp-web/"] == private.paths("/simple/*")
