"""What an index lists is asked along its routes, and what they disagree on is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from eggcarton.indexes.client import Client
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index as Configured
from eggcarton.indexes.routing import Routing
from support.distributions import wheel
from support.index import Index

SIX = "six-1.17.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy this machine has, loopback is asked directly."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def served(tmp_path: Path) -> Path:
    wheel(tmp_path / "served", "six", "1.17.0")
    return tmp_path / "served"


@pytest.fixture
def index(served: Path) -> Iterator[Index]:
    with Index(served) as serving:
        yield serving


def test_the_whole_page(index: Index) -> None:
    """A whole page has what it lists, all that it tells beside, its serial and its route, and is asked for once."""
    index.serial = 17
    main = Configured("main", index.url)
    pages = Pages(Routing((main,)), Network(Client()))
    page = pages.whole(main, "six")
    assert page is not None
    assert ((SIX,), 17, main.canonical) == (tuple(file.name for file in page.listed), page.serial, page.route)
    assert ("six", ["1.17.0"]) == (page.document["name"], page.document["versions"])
    assert (page.listed, None) == (pages.page(main, "six"), pages.whole(main, "seven"))
    assert ["/simple/six/", "/simple/seven/"] == index.paths()
