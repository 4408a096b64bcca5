"""A mirror whose page contradicts the lock spoils nothing: it is left, and what is locked comes from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from eggcarton.core.errors import IntegrityProblem
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index as Configured
from eggcarton.indexes.routing import Mirror, Routing
from eggcarton.indexes.wanted import Wanted
from support.distributions import wheel
from support.index import Index

pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.fixture
def canonical(tmp_path: Path) -> Iterator[Index]:
    for name in ("six", "web"):
        wheel(tmp_path / "served", name, "1.0")
    with Index(tmp_path / "served") as index:
        yield index


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Index]:
    wheel(tmp_path / "other", "six", "1.0", {"six.py": "spoilt = True"})
    wheel(tmp_path / "other", "web", "1.0")
    with Index(tmp_path / "other") as index:
        yield index


def wanted(index: Index) -> dict[str, Wanted]:
    return {
        d.project: Wanted(d.project, d.path.name, d.sha256, d.size, None, f"files/{d.place}")
        for d in index.distributions()
    }


def made(canonical: str, cache: Cache, warnings: list[str], *mirrors: str) -> Fetcher:
    network = Network(Client(), sleep=lambda seconds: None, warn=warnings.append)
    main = Configured("main", canonical, mirrors=tuple(map(Mirror, mirrors)))
    return Fetcher(cache, Pages(Routing((main,)), network), network)


def test_the_page_of_a_mirror(canonical: Index, mirror: Index, tmp_path: Path) -> None:
    """A mirror whose page tells another sha256 than the lock is asked for nothing more, and both digests are told."""
    warnings: list[str] = []
    fetcher, files = made(canonical.url, Cache(tmp_path / "cache"), warnings, mirror.url), wanted(canonical)
    fetcher.fetch([files["six"]])
    fetcher.fetch([files["web"]])
    assert ["/simple/six/"] == mirror.paths()
    assert [f"/{files[name].hint}" for name in ("six", "web")] == canonical.paths("/files/*")
    (told,) = warnings
    assert told.startswith(f"index main: the route {mirror.url} needs care: its page tells the sha256 ")
    assert told.endswith(f" of six-1.0-py3-none-any.whl, the lock {files['six'].sha256}")
    assert wanted(mirror)["six"].sha256 in told


def test_all_pages(mirror: Index, canonical: Index, tmp_path: Path) -> None:
    """Where every route tells another sha256 than the lock that is an error of integrity, and no byte is fetched."""
    fetcher, file = made(mirror.url, Cache(tmp_path / "cache"), []), wanted(canonical)["six"]
    with pytest.raises(IntegrityProblem, match=file.sha256):
        fetcher.fetch([file])
    assert (["/simple/six/"], []) == (mirror.paths(), canonical.paths())
