"""A failing route is explained, over real sockets, by what fails first on the way there."""

from __future__ import annotations

import os
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from eggcarton.child.doctor import examine
from eggcarton.indexes.routing import Index as Namespace
from support.distributions import wheel
from support.index import Index

DIGEST = "a" * 64


@pytest.fixture(autouse=True)
def served(index: Index) -> None:
    """The index has one project."""
    wheel(index.directory, "six", "1.0")


def sources(tmp_path: Path, **more: Any) -> dict[str, Any]:
    """Return where files come from."""
    fields = {"find_links": [], "cache": str(tmp_path / "cache"), "offline": False, "directories": [], "keeps": False}
    return {**fields, **more}


def locked(tmp_path: Path, package: str) -> list[str]:
    """Return the path of a lock of one distribution."""
    path = tmp_path / "pylock.toml"
    path.write_text(f'lock-version = "1.0"\ncreated-by = "eggcarton"\n\n[[packages]]\n{package}', "utf-8")
    return [str(path)]


def examined(tmp_path: Path, *urls: str, offline: bool = False, **settings: Any) -> dict[str, Any]:
    """Return what is the matter where nothing is locked, with these indexes."""
    indexes = [Namespace(f"index{n}", url, (f"name{n}",) if n else (), **settings) for n, url in enumerate(urls)]
    return examine(paths=[], sources=sources(tmp_path, indexes=[one.fields() for one in indexes], offline=offline))


def test_nothing_is_the_matter(tmp_path: Path, index: Index) -> None:
    """A route that answers is counted, and uv runs."""
    expected = {"routes": 1, "findings": [], "uv": None, "from_git": [], "to_compile": []}
    assert expected == examined(tmp_path, index.url)


def test_offline(tmp_path: Path, index: Index) -> None:
    """Offline no route is asked."""
    assert (0, []) == tuple(examined(tmp_path, index.url, offline=True)[key] for key in ("routes", "findings"))
    assert [] == index.requests


def finding(tmp_path: Path, url: str, **settings: Any) -> str:
    """Return the one thing that is the matter."""
    [found] = examined(tmp_path, url, **settings)["findings"]
    return str(found)


def test_refused(tmp_path: Path, index: Index) -> None:
    """Where nobody listens, the port is what is looked at."""
    index.stop()
    assert f"no connection to 127.0.0.1:{index.port} (connection refused)" in finding(tmp_path, index.url)


def test_no_such_name(tmp_path: Path) -> None:
    """A name that leads nowhere is told as that."""
    assert "the name nowhere.invalid leads nowhere" in finding(tmp_path, "http://nowhere.invalid/simple/")


def test_a_certificate_of_nobody_known(tmp_path: Path) -> None:
    """An authority that is not known here is told with the variable that makes it known."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    (tmp_path / "secure").mkdir()
    with Index(tmp_path / "secure", tls=context) as index:
        assert "let SSL_CERT_FILE name the file" in finding(tmp_path, index.url)


def test_a_certificate_for_another_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate for another name is told as that."""
    context, authority = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), trustme.CA()
    authority.issue_cert("other.example").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    (tmp_path / "secure").mkdir()
    with Index(tmp_path / "secure", tls=context) as index:
        assert "its certificate is for another host" in finding(tmp_path, index.url)


def test_credentials_are_wanted(tmp_path: Path, index: Index) -> None:
    """An index that wants a user is told with the place where one is looked for."""
    index.credentials = "me:secret"
    told = finding(tmp_path, index.url, credentials="env:TOKEN")
    assert "it wants a user and a password, or others (" in told
    assert told.endswith(": the variable TOKEN is to hold it")


def test_a_captive_portal(tmp_path: Path, index: Index) -> None:
    """A page that answers in the place of an index is told with the way out."""
    index.fault("*", "portal:511", forever=True)
    assert "log in to this network with a browser" in finding(tmp_path, index.url)


def test_a_proxy_that_wants_credentials(tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that answers 407 is told with how its address is written, and without what it held."""
    index.fault("*", "status:407", forever=True)
    monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{index.port}/")
    told = finding(tmp_path, "http://index.example/simple/")
    assert f"the proxy 127.0.0.1:{index.port} wants a user and a password" in told
    assert "secret" not in told


def test_a_clock_that_is_wrong(tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that an index tells shows that this machine's clock is wrong."""
    [six] = index.distributions()
    file = f'{{name = "{six.path.name}", path = "wheels/{six.path.name}", hashes = {{sha256 = "{six.sha256}"}}}}'
    paths = locked(tmp_path, f'name = "six"\nversion = "1.0"\nwheels = [{file}]\n')
    monkeypatch.setattr("support.index._Handler.date_time_string", lambda handler: "Mon, 01 Jan 2001 00:00:00 GMT")
    [told] = examine(paths=paths, sources=sources(tmp_path, index=index.url))["findings"]
    assert "days ahead of that of 127.0.0.1:" in told


def test_uv_does_not_run(tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """A uv that cannot be started is told with why."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "uv").write_text("no program", "utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert "permission denied" == examined(tmp_path, index.url)["uv"]
    os.chmod(tmp_path / "bin" / "uv", 0o755)
    assert "exec format error" == examined(tmp_path, index.url)["uv"]


def test_what_the_lock_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git and a compiler are missed only where something in the lock needs them."""
    file = f'{{name = "old-1.0.tar.gz", path = "wheels/old-1.0.tar.gz", hashes = {{sha256 = "{DIGEST}"}}}}'
    paths = locked(tmp_path, f'name = "old"\nversion = "1.0"\nsdist = {file}\n')
    of_loopback = sources(tmp_path, index="http://127.0.0.1:9", offline=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = examine(paths=paths, sources=of_loopback)
    assert ([], ["old"]) == (answer["from_git"], answer["to_compile"])
    compiler = tmp_path / "cc"
    compiler.touch(0o755)
    assert [] == examine(paths=paths, sources=of_loopback)["to_compile"]


def test_a_proxy_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that nobody runs is the cause, whatever the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    assert f"the proxy 127.0.0.1:{port} cannot be connected to" in finding(tmp_path, "http://index.example/simple/")
