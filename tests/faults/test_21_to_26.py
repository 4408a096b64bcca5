"""Faults 21 to 26: servers that have too much to do, redirects, certificates, and proxies."""

from __future__ import annotations

import base64
import itertools
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path

import pytest

from eggcarton.core.errors import Unavailable, UsageProblem
from support.certificates import Authority
from support.faults import Response
from support.proxy import Proxy
from support.scene import Make, Scene, plain

MIRROR, CANONICAL = "mirror", "canonical"


@pytest.fixture
def alone(make: Make) -> Scene:
    """One file, and the canonical route only."""
    made = make()
    made.route(CANONICAL)
    return made


def later(value: str | None) -> str:
    return "status:429" + (f" header:Retry-After={value.replace(' ', '_')}" if value else "")


WALL = 1_800_000_000.0
"""What the wall clock says here, so that no time decides a test."""

# What Retry-After says, and how long the only route is waited for at least and at most, None where it is given up.
WISHES = {
    "seconds": ("7", (7.0, 9.0)),
    "a date": (formatdate(WALL + 30, usegmt=True), (30.0, 32.0)),
    "a date that is past": (formatdate(0, usegmt=True), (1.0, 2.5)),
    "nothing": (None, (1.0, 2.5)),
    "no time": ("soon", (1.0, 2.5)),
    "an absurd time": ("99999999999", None),
    "an absurd date": ("Fri, 31 Dec 9999 23:59:59 GMT", None),
}


@pytest.mark.parametrize("name", WISHES)
def test_fault_21_the_only_route_wants_to_wait(alone: Scene, name: str) -> None:
    """The only route is waited for as long as it asks, and given up at once where that is absurd."""
    wish, bounds = WISHES[name]
    alone.wall = lambda: WALL
    alone.servers[CANONICAL].fault("/files/*", later(wish), "ok" if bounds else later(wish), forever=bounds is None)
    assert ["HTTP 429"] == alone.control()
    done = alone.fetch()
    if bounds is None:
        assert (Unavailable, 1, 0.0) == (type(done.error), alone.counts()[CANONICAL], done.waited)
        return
    assert (None, 2) == (done.error, alone.counts()[CANONICAL])
    assert bounds[0] <= done.waited <= bounds[1]


@pytest.mark.parametrize("name", WISHES)
def test_fault_21_another_route_serves(scene: Scene, name: str) -> None:
    """Where another route serves nothing is waited for, and the one that wants to wait is left alone."""
    scene.wall = lambda: WALL
    scene.servers[MIRROR].fault("/files/*", later(WISHES[name][0]), forever=True)
    assert ["HTTP 429", "right"] == scene.control()
    done = scene.fetch()
    assert (None, {CANONICAL: 1}, 0.0) == (done.error, done.served(), done.waited)
    assert {MIRROR: 1, CANONICAL: 1} == scene.counts()


def flapping(every: int) -> Callable[[Response], None]:
    """Answer 503 to the first request and to each so many after it."""
    count = itertools.count()

    def fault(response: Response) -> None:
        if next(count) % every == 0:
            response.status, response.body, response.headers = 503, b"busy", {}

    return fault


def with_flapping_mirrors(make: Make, every: int) -> Scene:
    """Return 200 files, and two mirrors of them that answer 503 now and then."""
    scene = make(*[f"web{number}" for number in range(200)], size=100)
    for name in ("one", "two", CANONICAL):
        scene.route(name)
    for name in ("one", "two"):
        scene.servers[name].fault("/files/*", flapping(every), forever=True)
    assert "HTTP 503" == scene.control()[0]
    return scene


@pytest.mark.parametrize("every", [2, 3, 5])
def test_fault_22_flapping_mirrors(make: Make, every: int) -> None:
    """Two mirrors that answer 503 now and then cost 200 files at most a tenth more requests.

    Which of the eight that ask at once meets a 503 is a race: a bound here, exact numbers in the test below.
    """
    scene = with_flapping_mirrors(make, every)
    done = scene.fetch()
    assert (None, 200) == (done.error, sum(done.served().values()))
    assert sum(scene.counts().values()) <= 220


@pytest.mark.parametrize("every", [2, 3, 5])
def test_fault_22_flapping_mirrors_one_by_one(make: Make, every: int) -> None:
    """Of 200 files that are fetched in turn, each of two flapping mirrors costs three requests more, then it rests."""
    scene = with_flapping_mirrors(make, every)
    done = scene.fetch(at_once=False)
    assert (None, 200) == (done.error, sum(done.served().values()))
    assert {"one": 3 * every, "two": 3 * every, CANONICAL: 206 - 6 * every} == scene.counts()
    assert ["HTTP 503"] * 6 == [fault for _, fault in done.faults()]


def test_fault_22_the_only_route_flaps(make: Make) -> None:
    """One route that answers 503 to the first request for every fifth file serves all, one request more for each."""
    scene = make(*[f"web{number}" for number in range(200)], size=100)
    scene.route(CANONICAL)
    for file in scene.wanted[::5]:
        scene.servers[CANONICAL].fault(f"/{file.hint}", "status:503")
    assert ["HTTP 503"] == scene.control()
    done = scene.fetch()
    assert (None, {CANONICAL: 200}, 240) == (done.error, done.served(), scene.counts()[CANONICAL])


def test_fault_23_two_connections_allowed(make: Make) -> None:
    """A server that allows two requests at once serves 16 files: a client that asks for all at once loses most.

    Requests that meet are the fault itself, and how many meet is a race: the number has a bound.
    """
    scene = make(*[f"web{number:02}" for number in range(16)], size=1000)
    server = scene.route(CANONICAL, most=2)
    server.fault("/files/*", "wait:0.1", forever=True)
    meeting = threading.Barrier(16)

    def at_once(number: int) -> str:
        file = scene.wanted[number]
        meeting.wait()
        return plain(scene.address(CANONICAL, file), (scene.directory / file.name).read_bytes())

    with ThreadPoolExecutor(16) as pool:
        assert "HTTP 503" in [*pool.map(at_once, range(16))]
    server.rewind()
    done = scene.fetch()
    assert (None, {CANONICAL: 16}) == (done.error, done.served())
    # Four were asked for at once; from then on as many as it can take, and now and then one more.
    assert 16 <= scene.counts()[CANONICAL] <= 16 + 8


def test_fault_24_redirect_loop(scene: Scene) -> None:
    """A redirect that leads to itself is left after a few steps, and the next route serves."""
    mirror = scene.servers[MIRROR]
    mirror.fault("/files/*", f"redirect:{scene.address(MIRROR)}", forever=True)
    assert ["HTTP 302", "right"] == scene.control()
    done = scene.fetch()
    assert (None, {CANONICAL: 1}) == (done.error, done.served())
    assert {MIRROR: 6, CANONICAL: 1} == scene.counts()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """A private authority that the environment names."""
    made = Authority()
    monkeypatch.setenv("SSL_CERT_FILE", str(made.write(tmp_path / "authority.pem")))
    return made


def trusting() -> ssl.SSLContext:
    """The context of a client that takes the environment's authority."""
    return ssl.create_default_context()


def test_fault_24_https_to_http(make: Make, authority: Authority) -> None:
    """A redirect from https to http is not followed, though the right bytes lie there; plain urllib follows it."""
    scene, elsewhere = make(), make()
    scene.route(MIRROR, tls=authority.server())
    scene.route(CANONICAL, tls=authority.server())
    elsewhere.route("open")
    scene.servers[MIRROR].fault("/files/*", f"redirect:{elsewhere.address('open')}", forever=True)
    scene.control(context=trusting())
    assert 1 == elsewhere.counts()["open"]
    elsewhere.servers["open"].rewind()
    done = scene.fetch()
    assert (None, {CANONICAL: 1}, 1) == (done.error, done.served(), len(done.warnings))
    assert ({MIRROR: 1, CANONICAL: 1}, {"open": 0}) == (scene.counts(), elsewhere.counts("*"))


def test_fault_24_credentials_across_origins(make: Make) -> None:
    """Credentials do not go where a redirect leads; plain urllib takes them along."""
    scene, elsewhere = make(), make()
    server = scene.route(CANONICAL, credentials="ada:secret")
    other = elsewhere.route("other")
    scene.addresses[CANONICAL] = server.url.replace("://", "://ada:secret@")
    server.fault("/files/*", f"redirect:{elsewhere.address('other')}", forever=True)
    right = (scene.directory / scene.wanted[0].name).read_bytes()
    known = {"Authorization": "Basic " + base64.b64encode(b"ada:secret").decode()}
    assert "right" == plain(f"{server.address}/{scene.wanted[0].hint}", right, headers=known)
    assert known.items() <= dict(other.requests[0].headers).items()
    server.rewind()
    other.rewind()
    done = scene.fetch()
    assert (None, [1, 1]) == (done.error, [len(one.paths("/files/*")) for one in (server, other)])
    assert "Authorization" in server.requests[-1].headers
    assert ["Authorization" in request.headers for request in other.requests] == [False]
    told = repr((done.events, done.warnings))
    assert "secret" not in told


@pytest.mark.parametrize("kind", ["expired", "self-signed", "wrong-host"])
def test_fault_25_certificates(make: Make, authority: Authority, kind: str) -> None:
    """A certificate that does not hold is never overlooked: the route is told once, and the next one serves."""
    scene = make("web", "six")
    scene.route(MIRROR, tls=authority.server(kind))
    scene.route(CANONICAL, tls=authority.server())
    assert ["SSLCertVerificationError", "right"] == scene.control(context=trusting())
    done = scene.fetch()
    assert (None, {CANONICAL: 2}) == (done.error, done.served())
    assert {MIRROR: 0, CANONICAL: 2} == scene.counts()
    (warning,) = done.warnings
    assert "certificate" in warning


def test_fault_25_private_authority(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private authority is trusted where the environment names it, and only there."""
    private = Authority()
    scene = make()
    scene.route(CANONICAL, tls=private.server())
    assert ["SSLCertVerificationError"] == scene.control()
    assert Unavailable is type(scene.fetch().error)
    assert {CANONICAL: 0} == scene.counts("*")
    monkeypatch.setenv("SSL_CERT_FILE", str(private.write(tmp_path / "private.pem")))
    done = scene.fetch()
    assert (None, {CANONICAL: 1}, {CANONICAL: 1}) == (done.error, done.served(), scene.counts())
    assert ["right"] == scene.control()


def test_fault_26_proxy_with_credentials(make: Make, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that wants credentials is given those of the environment, and nothing tells them."""
    scene = make()
    scene.route(CANONICAL, tls=authority.server())
    with Proxy(credentials="ada:secret") as proxy:
        assert "OSError" == plain(scene.address(CANONICAL), b"", context=trusting(), proxies={"https": proxy.address})
        connect = proxy.asked.pop()
        monkeypatch.setenv("https_proxy", proxy.address)
        refused = scene.fetch()
        assert (Unavailable, 0, [connect]) == (type(refused.error), scene.counts("*")[CANONICAL], proxy.asked)
        monkeypatch.setenv("https_proxy", proxy.address.replace("://", "://ada:secret@"))
        done = scene.fetch()
        # A page and a file, by one connection.
        assert (None, {CANONICAL: 1}, {CANONICAL: 2}) == (done.error, done.served(), scene.counts("*"))
        assert ([connect] * 2, True) == (proxy.asked, connect.startswith("CONNECT "))
    assert "secret" not in repr((done.events, done.warnings, refused.events, refused.warnings, str(refused.error)))


def test_fault_26_dropped_connect(make: Make, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that drops a CONNECT is asked again."""
    scene = make()
    scene.route(CANONICAL, tls=authority.server())
    with Proxy(script=["drop", "drop"]) as proxy:
        told = plain(scene.address(CANONICAL), b"", context=trusting(), proxies={"https": proxy.address})
        assert told in ("RemoteDisconnected", "ConnectionResetError")
        proxy.asked.clear()
        monkeypatch.setenv("https_proxy", proxy.address)
        done = scene.fetch()
        assert (None, {CANONICAL: 1}) == (done.error, done.served())
        assert (2, 1) == (len(proxy.asked), len({*proxy.asked}))
    assert {CANONICAL: 1} == scene.counts()


def test_fault_26_no_proxy(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What NO_PROXY names is asked directly."""
    with Proxy(script=["drop"] * 99) as proxy:
        told = plain(scene.address(MIRROR), b"", proxies={"http": proxy.address})
        assert told in ("RemoteDisconnected", "ConnectionResetError")
        monkeypatch.setenv("http_proxy", proxy.address)
        proxy.asked.clear()
        failed = scene.fetch()
        # Both routes, in three rounds.
        rounds = [f"GET {scene.addresses[name]}web/ HTTP/1.1" for name in (MIRROR, CANONICAL)] * 3
        assert (Unavailable, rounds) == (type(failed.error), proxy.asked)
        proxy.asked.clear()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        done = scene.fetch()
        assert (None, {MIRROR: 1}, []) == (done.error, done.served(), proxy.asked)


def test_fault_26_no_proxy_at_all(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of a proxy that is none is an error of usage, and nothing is asked past it; plain urllib tries it."""
    told = plain(scene.address(MIRROR), b"", proxies={"http": "ftp://127.0.0.1:1/"})
    assert ("ConnectionRefusedError", {MIRROR: 0, CANONICAL: 0}) == (told, scene.counts("*"))
    monkeypatch.setenv("http_proxy", "ftp://127.0.0.1:1/")
    done = scene.fetch()
    assert (UsageProblem, {MIRROR: 0, CANONICAL: 0}) == (type(done.error), scene.counts("*"))
