"""mirrors --check asks every route of every index once, over real sockets, and each only for its own names."""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from eggcarton.child.mirrors import check
from eggcarton.core.errors import Unavailable, UsageProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.indexes.client import READ_TIMEOUT
from eggcarton.indexes.routing import Index as Namespace
from eggcarton.indexes.routing import Mirror
from support.distributions import wheel
from support.index import Index

Serve = Callable[..., Index]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Make indexes, each of a directory with six and web in it."""
    with ExitStack() as stack:

        def make(name: str, **settings: Any) -> Index:
            directory = tmp_path / name
            wheel(directory, "six", "1.0", {"six.py": "a = 1\n" * 40})
            os.utime(directory / "six-1.0-py3-none-any.whl", (1e9, 1e9))
            return stack.enter_context(Index(directory, **settings))

        yield make


def locked(tmp_path: Path, *served: Index) -> str:
    """Return the path of a lock of what indexes serve."""
    entries = "".join(
        f'[[packages]]\nname = "{file.project}"\nversion = "{file.version}"\n'
        f'wheels = [{{name = "{file.path.name}", path = "wheels/{file.path.name}", size = {file.size}, '
        f'hashes = {{sha256 = "{file.sha256}"}}}}]\n'
        for one in served
        for file in one.distributions()
    )
    path = tmp_path / "pylock.toml"
    path.write_text(f'lock-version = "1.0"\ncreated-by = "eggcarton"\n\n{entries}', "utf-8")
    return str(path)


def checked(
    tmp_path: Path, lock: str | None, *indexes: Namespace, within: float = 30.0
) -> tuple[int, list[tuple[str, list[str]]]]:
    """Return the exit code, and the verdict on each route with its reasons."""
    sources: dict[str, Any] = {"find_links": [], "cache": str(tmp_path / "cache"), "offline": False, "directories": []}
    sources["keeps"] = False
    sources["indexes"] = [one.fields() for one in indexes]
    answer = check(paths=[lock] if lock else [], sources=sources, within=within)
    json.dumps(answer)
    return answer["status"], [(route["verdict"], route["findings"]) for route in answer["routes"]]


def test_all_is_well(tmp_path: Path, serve: Serve) -> None:
    """A page and the smallest file are asked of each route, and nothing else."""
    index, mirror = serve("index"), serve("mirror")
    for one in (index, mirror):
        wheel(one.directory, "much", "1.0", {"much.py": "x = 1\n" * 40_000})
    pypi = Namespace("pypi", index.url, mirrors=(Mirror(mirror.url),))
    assert (0, [("well", [])] * 2) == checked(tmp_path, locked(tmp_path, index), pypi)
    for one in (index, mirror):
        assert ["/simple/six/", one.distributions()[1].place] == [
            one.paths()[0],
            one.paths()[1].removeprefix("/files/"),
        ]
        assert 2 == len(one.requests)


def test_each_name_is_asked_at_its_own_index(tmp_path: Path, serve: Serve) -> None:
    """No route of one index hears of what another one is asked for."""
    index, private = serve("index"), serve("private")
    wheel(private.directory, "corp-web", "1.0")
    (private.directory / "six-1.0-py3-none-any.whl").unlink()
    pypi, corp = Namespace("pypi", index.url), Namespace("corp", private.url, ("corp-*",))
    assert (0, [("well", [])] * 2) == checked(tmp_path, locked(tmp_path, index, private), pypi, corp)
    assert (2, 2) == (len(index.requests), len(private.requests))
    assert [] == index.paths("*corp*")
    assert [] == private.paths("*six*")


def test_an_index_that_is_gone(tmp_path: Path, serve: Serve) -> None:
    """What was locked from an index that is configured no more is asked nowhere."""
    index = serve("index")
    lock = Path(locked(tmp_path, index))
    lock.write_text(f'{lock.read_text("utf-8")}[packages.tool.eggcarton]\nindex = "corp"\n', "utf-8")
    with pytest.raises(UsageProblem, match="no such index is configured"):
        checked(tmp_path, str(lock), Namespace("pypi", index.url))
    assert [] == index.requests


def test_stale(tmp_path: Path, serve: Serve) -> None:
    """A mirror with an older serial, and one whose newest file is older, are stale."""
    index, by_serial, by_time = serve("index", serial=7), serve("one", serial=6), serve("two")
    wheel(index.directory, "six", "2.0")
    pypi = Namespace("pypi", index.url, mirrors=(Mirror(by_serial.url), Mirror(by_time.url)))
    status, found = checked(tmp_path, locked(tmp_path, by_serial), pypi)
    assert (3, ["stale", "stale", "well"]) == (status, [word for word, _ in found])
    assert "its page of six shows change 6, that of the index 7" == found[0][1][0]
    assert found[1][1][0].startswith("the newest file of six there is of 2001-09-09T01:46:40Z, on the index of ")


def test_a_part_of_the_index(tmp_path: Path, serve: Serve) -> None:
    """A mirror whose pages tell no times, as those of fetch --simple, and that has what was asked for alone, is told to
    have so much, and needs no care.
    """
    index, part = serve("index"), serve("part", json=False)
    lock = locked(tmp_path, part)
    wheel(index.directory, "six", "2.0")
    wheel(index.directory, "six", "3.0")
    pypi = Namespace("pypi", index.url, mirrors=(Mirror(part.url),))
    told = "it has 1 of 1 files asked for of six, and 1 of 3 that the index lists"
    assert (0, [("lacking", [told]), ("well", [])]) == checked(tmp_path, lock, pypi)


def test_equivocating(tmp_path: Path, serve: Serve) -> None:
    """A mirror that lists another sha256, and one that serves other bytes than it lists, contradict the lock."""
    index, lists, serves = serve("index"), serve("lists"), serve("serves")
    wheel(lists.directory, "six", "1.0", {"six.py": "evil = 1\n"})
    serves.fault("*.whl", "flip", forever=True)
    pypi = Namespace("pypi", index.url, mirrors=(Mirror(lists.url), Mirror(serves.url)))
    status, found = checked(tmp_path, locked(tmp_path, index), pypi)
    assert (3, ["equivocating", "equivocating", "well"]) == (status, [word for word, _ in found])
    other = file_digest(lists.directory / "six-1.0-py3-none-any.whl")
    assert f"it lists six-1.0-py3-none-any.whl with the sha256 {other}, the lock has" in found[0][1][0]
    assert "it serves other bytes for six-1.0-py3-none-any.whl than those locked" in found[1][1][0]


def test_misconfigured(tmp_path: Path, serve: Serve) -> None:
    """Credentials that are wanted, a portal, a wrong layout, and a certificate of nobody known, are named."""
    index, guarded, portal, wrong = serve("index"), serve("guarded", credentials="me:secret"), serve("p"), serve("w")
    portal.fault("*", "portal", forever=True)
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    unknown = serve("tls", tls=context)
    addresses = [guarded.url, portal.url, f"{wrong.address}/pypi/", unknown.url]
    pypi = Namespace("pypi", index.url, mirrors=tuple(map(Mirror, addresses)))
    status, found = checked(tmp_path, locked(tmp_path, index), pypi)
    assert (3, ["misconfigured"] * 4 + ["well"]) == (status, [word for word, _ in found])
    reasons = [" ".join(told) for _, told in found]
    assert "it refuses us: " in reasons[0]
    assert "HTTP 401" in reasons[0]
    assert "what answers there is no index: " in reasons[1]
    assert "there is no index at this address (HTTP 404)" in reasons[2]
    assert "certificate" in reasons[3].lower()


def test_other_things_than_were_asked_for(tmp_path: Path, serve: Serve) -> None:
    """A mirror that has another project's page, and one that has a login page for a file, are no index."""
    index, other, login = serve("index"), serve("other"), serve("login")
    other.fault("/simple/six/", lambda response: _become(response, b'{"name": "seven", "files": []}'), forever=True)
    login.fault("*.whl", "portal", forever=True)
    pypi = Namespace("pypi", index.url, mirrors=(Mirror(other.url), Mirror(login.url)))
    status, found = checked(tmp_path, locked(tmp_path, index), pypi)
    assert (3, ["misconfigured", "misconfigured", "well"]) == (status, [word for word, _ in found])
    assert ["what answers there is no index: the page of 'six' is that of 'seven'"] == found[0][1]
    assert found[1][1][0].endswith("a web page came in place of the file, as from a network that wants a login")


def test_unreachable(tmp_path: Path, serve: Serve) -> None:
    """A mirror that is down needs care; where all are down, the status says that nobody answers."""
    index, mirror = serve("index"), serve("mirror")
    lock = locked(tmp_path, index)
    pypi = Namespace("pypi", index.url, mirrors=(Mirror(mirror.url),))
    mirror.stop()
    status, found = checked(tmp_path, lock, pypi)
    assert (3, ["unreachable", "well"]) == (status, [word for word, _ in found])
    index.stop()
    assert 4 == checked(tmp_path, lock, pypi)[0]


def test_too_slow(tmp_path: Path, serve: Serve) -> None:
    """Mirrors that are silent, for pages or for files, or send a byte a second, are told to be too slow when their time
    is over, all of them together; each is asked for nothing more.
    """
    index, *mirrors = (serve(name) for name in ("index", "silent", "dripping", "without"))
    for mirror, pattern, fault in zip(mirrors, ("*", "*", "/files/*"), ("stall", "slow:1", "stall:0.5"), strict=True):
        mirror.fault(pattern, fault, forever=True)
    lock = locked(tmp_path, index)
    pypi = Namespace("pypi", index.url, mirrors=tuple(Mirror(mirror.url) for mirror in mirrors))
    began = time.monotonic()
    status, found = checked(tmp_path, lock, pypi, within=6.0)
    assert time.monotonic() - began < READ_TIMEOUT
    late = "cannot be had{}: it was too slow: no whole answer came within 6 s"
    file = f"six-1.0-py3-none-any.whl {late.format(' from it')}"
    assert (3, [*[("unreachable", [f"it {late.format('')}"])] * 2, ("unreachable", [file]), ("well", [])]) == (
        status,
        found,
    )
    assert [1, 1, 2, 2] == [len(one.requests) for one in (*mirrors, index)]


def test_a_keyring_that_takes_long(tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a keyring takes for its answer is not taken from the time of its route."""
    index = serve("index", credentials="me:secret")
    program = tmp_path / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nsleep 6.2\necho me\necho secret\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    corp = Namespace("corp", index.url, credentials="keyring")
    assert (0, [("well", [])]) == checked(tmp_path, locked(tmp_path, index), corp, within=6.0)


def test_one_reset_is_no_finding(tmp_path: Path, serve: Serve) -> None:
    """What comes and goes is asked once more."""
    index = serve("index")
    lock = locked(tmp_path, index)
    index.fault("/simple/six/", "reset")
    assert (0, [("well", [])]) == checked(tmp_path, lock, Namespace("pypi", index.url))


def test_before_anything_is_locked(tmp_path: Path, serve: Serve) -> None:
    """Without a lock only that an index answers is looked at, by its first bytes."""
    index, portal = serve("index"), serve("portal")
    portal.fault("*", "portal", forever=True)
    pypi = Namespace("pypi", index.url, mirrors=(Mirror(portal.url), Mirror("http://127.0.0.1:9/", hashed=True)))
    status, found = checked(tmp_path, str(tmp_path / "pylock.toml"), pypi)
    assert (3, ["misconfigured", "well", "well"]) == (status, [word for word, _ in found])
    assert ["/simple/"] == index.paths()


def test_a_mirror_by_hashes(tmp_path: Path, serve: Serve) -> None:
    """Where files lie by their sha256, the one file is asked for; what is not there is no fault."""
    index, hashed = serve("index"), serve("hashed")
    place = hashed.distributions()[0]
    hashed.fault(f"*/sha256/{place.sha256}", lambda response: _become(response, place.path.read_bytes()))
    pypi = Namespace("pypi", index.url, mirrors=(Mirror(f"{hashed.address}/all", hashed=True),))
    lock = locked(tmp_path, index)
    assert (0, [("well", []), ("well", [])]) == checked(tmp_path, lock, pypi)
    assert [f"/all/sha256/{place.sha256}"] == hashed.paths()
    status, [(word, _), _] = checked(tmp_path, lock, pypi)
    assert (0, "lacking") == (status, word)


def _become(response: Any, body: bytes) -> None:
    response.status, response.body = 200, body


def test_offline(tmp_path: Path, serve: Serve) -> None:
    """Offline nobody is asked."""
    index = serve("index")
    sources = {"find_links": [], "cache": str(tmp_path), "offline": True, "directories": [], "index": index.url}
    with pytest.raises(Unavailable, match="only they can tell"):
        check(paths=[], sources=sources)
    assert [] == index.requests
