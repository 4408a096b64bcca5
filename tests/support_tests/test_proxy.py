"""The closed proxy notes whoever asks for anything, and lets nobody through."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from support.proxy import ClosedProxy


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("http://index.example/simple/", "GET http://index.example/simple/"),
        ("https://index.example/", "CONNECT index."),
    ],
)
def test_who_asks_is_noted(monkeypatch: pytest.MonkeyPatch, address: str, line: str) -> None:
    """A request over HTTP or HTTPS is refused, and its first line is kept."""
    with ClosedProxy() as proxy:
        for name, value in proxy.variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            urllib.request.build_opener(urllib.request.ProxyHandler()).open(address, timeout=300)
    assert [True] == [asked.startswith(line) for asked in proxy.asked]
    with ClosedProxy() as proxy:
        pass
    assert [] == proxy.asked
