"""How far the way to an address goes is tried with real sockets."""

from __future__ import annotations

import socket

import pytest

from eggcarton.indexes.reach import Reach, reach


@pytest.fixture(autouse=True)
def directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the machine's own stands in the way."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_there() -> None:
    """A port that listens is reached, and nothing is sent to it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert Reach(f"127.0.0.1:{port}") == reach(f"http://127.0.0.1:{port}/simple/")
        connection, _ = server.accept()
        with connection:
            assert b"" == connection.recv(10)


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_refused() -> None:
    """A port on which nobody listens is refused."""
    port = closed_port()
    assert Reach(f"127.0.0.1:{port}", connection_fault="connection refused") == reach(f"https://127.0.0.1:{port}/")


def test_no_such_name() -> None:
    """A name that leads nowhere is told apart from a port that refuses."""
    found = reach("https://nowhere.invalid/simple/")
    assert ("nowhere.invalid:443", None) == (found.peer, found.connection_fault)
    assert found.name_fault
    assert reach(f"http://{'x' * 70}.invalid/").name_fault


def test_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy, that is what is connected to, whatever the address."""
    port = closed_port()
    monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{port}")
    expected = Reach(f"127.0.0.1:{port}", by_proxy=True, connection_fault="connection refused")
    assert expected == reach("https://nowhere.invalid/simple/")
    monkeypatch.setenv("no_proxy", "nowhere.invalid")
    assert reach("https://nowhere.invalid/simple/").name_fault
