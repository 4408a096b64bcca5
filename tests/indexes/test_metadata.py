"""What a wheel says of itself is believed by its sha256, wherever it comes from."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eggcarton.indexes.client import Client
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.pages import Listed
from eggcarton.indexes.remote_wheel import TAIL
from eggcarton.indexes.routing import Index as Configured
from eggcarton.indexes.routing import Mirror, Routing
from support.distributions import wheel
from support.faults import Response
from support.index import Index

NOISE = random.Random(7).randbytes(3 * TAIL).hex()
SIX = "six-1.17.0-py3-none-any.whl"


pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    wheel(tmp_path / "served", "six", "1.17.0", {"six.py": f"noise = {NOISE!r}"})
    with Index(tmp_path / "served") as serving:
        yield serving


@pytest.fixture
def mirror(index: Index) -> Iterator[Index]:
    with Index(index.directory) as serving:
        yield serving


class Asked:
    """One question for the metadata of a wheel, and what came of it."""

    def __init__(self, index: Index, *mirrors: Mirror) -> None:
        main = Configured("main", index.url, mirrors=mirrors)
        pages = Pages(Routing((main,)), Network(Client(), sleep=lambda seconds: None))
        (self.listed,) = pages.page(main, "six")
        index.requests.clear()
        self.body = pages.metadata(main, self.listed, "six")
        self.pages, self.main = pages, main


def inside(index: Index) -> bytes:
    with zipfile.ZipFile(index.directory / SIX) as archive:
        return archive.read("six-1.17.0.dist-info/METADATA")


def spoil(response: Response) -> None:
    response.body = response.body[:-TAIL] + bytes(TAIL)


def kinds(index: Index) -> list[str]:
    """What was asked for: page, metadata or a part of the wheel."""
    found = []
    for request in index.requests:
        part = "part" if "Range" in request.headers else "wheel"
        found.append("page" if "/simple/" in request.path else "apart" if "metadata" in request.path else part)
    return found


def test_metadata_apart(index: Index) -> None:
    """Metadata that lies beside its wheel costs one request."""
    assert (inside(index), ["apart"]) == (Asked(index).body, kinds(index))


@pytest.mark.parametrize("fault", ["status:404", "status:403", "flip", "cut", "portal"])
def test_metadata_that_is_missing_or_wrong(index: Index, fault: str) -> None:
    """Where it is missing or has another sha256, that part of the wheel is read, and held to the same sha256."""
    index.fault("*.metadata", fault, forever=True)
    assert (inside(index), ["apart", "part"]) == (Asked(index).body, kinds(index))


def test_metadata_of_a_mirror(index: Index, mirror: Index) -> None:
    """A mirror may tell it, too: where it is by the mirror's own page, what it is by the sha256."""
    index.fault("*.metadata", "status:404", forever=True)
    found = Asked(index, Mirror(mirror.url))
    assert (inside(index), ["apart"], ["page", "apart"]) == (found.body, kinds(index), kinds(mirror))


def test_wrong_metadata_of_a_mirror(index: Index, mirror: Index) -> None:
    """Wrong metadata of a mirror is not believed either."""
    index.fault("*.metadata", "flip", forever=True)
    mirror.fault("*.metadata", "flip", forever=True)
    found = Asked(index, Mirror(mirror.url))
    assert (inside(index), ["apart", "part"], ["page", "apart"]) == (found.body, kinds(index), kinds(mirror))


def test_mirrors_without_pages(index: Index, mirror: Index) -> None:
    """A mirror that only has files by their sha256, and one of pages alone, are asked for no metadata."""
    index.fault("*.metadata", "status:404", forever=True)
    Asked(index, Mirror(mirror.url, hashed=True), Mirror(mirror.url, only="pages"))
    assert [] == mirror.requests


@pytest.mark.parametrize("fault", ["ranges:ignored", "ranges:total", "status:404", spoil])
def test_wheels_that_are_not_served_in_parts(index: Index, fault: str | Callable[[Response], None]) -> None:
    """Where no part can be had, or not with the right sha256, there is none, and the whole wheel is to be fetched."""
    index.fault("*.metadata", "status:404", forever=True)
    index.fault(f"*/{SIX}", fault, forever=True)
    assert (None, ["apart", "part"]) == (Asked(index).body, kinds(index))


def test_metadata_without_a_sha256(index: Index) -> None:
    """Metadata of which the page tells no sha256 is not asked for."""
    found = Asked(index)
    index.requests.clear()
    assert found.pages.metadata(found.main, Listed(SIX, found.listed.url, has_metadata=True), "six") is None
    assert [] == index.requests


def test_files_on_another_host(index: Index, mirror: Index) -> None:
    """Where files lie on another host, that one is asked, and its faults are none of the index."""
    index.files_at = mirror.address
    mirror.fault("*", "portal:511", forever=True)
    found = Asked(index)
    assert (None, [], ["apart"]) == (found.body, kinds(index), kinds(mirror))
    wheel(index.directory, "seven", "1.0")
    assert 1 == len(found.pages.page(found.main, "seven"))
