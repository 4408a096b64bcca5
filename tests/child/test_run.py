"""All operations of one run share a network, and the next run begins with the health that this one has found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from eggcarton.child import run
from eggcarton.child.door import Sources
from eggcarton.child.run import Run
from eggcarton.core.errors import EggcartonError
from eggcarton.indexes.health import Health
from eggcarton.indexes.routing import Index as Namespace
from eggcarton.indexes.routing import Mirror, Route
from support.distributions import wheel
from support.index import Index


@pytest.fixture
def begun() -> Iterator[Run]:
    """A run to which everything in this process belongs, as in a child."""
    yield run.begin()
    run._running.clear()


def sources(index: Index, cache: Path, *mirrors: Mirror, keeps: bool = True) -> Sources:
    """Return an index with mirrors, and a cache."""
    cache.mkdir(exist_ok=True)
    return Sources((Namespace("pypi", index.url, mirrors=mirrors),), (), cache, (), False, keeps=keeps)


def six(door_of: Sources) -> None:
    """Ask for the page of six."""
    door = door_of.open()
    door.pages.page(door.routing.index_of("six"), "six")


def test_operations_of_one_run_share_their_network(begun: Run, index: Index, tmp_path: Path) -> None:
    """What one operation has found of a route, the next one knows."""
    first, second = (sources(index, tmp_path / "cache").open() for _ in range(2))
    assert first.network is second.network
    assert first.network is not sources(index, tmp_path / "other").open().network


def test_outside_a_run_nothing_is_shared(index: Index, tmp_path: Path) -> None:
    """Where no run has begun, each door is on its own."""
    first, second = (sources(index, tmp_path / "cache").open() for _ in range(2))
    assert first.network is not second.network


def test_what_is_told(begun: Run, index: Index, tmp_path: Path) -> None:
    """Each request is told once, by its index and route, with the state that its origin is left in."""
    wheel(index.directory, "six", "1.0")
    index.fault("/simple/six/", "portal", forever=True)
    with pytest.raises(EggcartonError):
        six(sources(index, tmp_path / "cache"))
    told = begun.told()
    [route] = told["routes"]
    assert ("pypi", index.url, "canonical", 1, "out") == tuple(
        route[name] for name in ("index", "route", "kind", "faults", "state")
    )
    assert 1 == len(told["warnings"])
    assert {} == begun.told()


def test_the_next_run_knows(begun: Run, index: Index, tmp_path: Path) -> None:
    """A route that failed is remembered by the next run, which asks the other route of its tier first."""
    wheel(index.directory, "six", "1.0")
    index.fault("/simple/six/", "portal")
    with pytest.raises(EggcartonError):
        six(sources(index, tmp_path / "cache"))
    begun.told()
    health = sources(index, tmp_path / "cache").open().network.health
    assert 1 == health.of(Route("pypi", index.url).origin).serious
    later = run.begin()
    known = sources(index, tmp_path / "cache").open().network.health
    assert health is not known
    assert 1 == known.of(Route("pypi", index.url).origin).serious
    six(sources(index, tmp_path / "cache"))
    later.told()
    run.begin()
    assert 0 == sources(index, tmp_path / "cache").open().network.health.of(Route("pypi", index.url).origin).serious


def test_a_run_that_may_not_write(begun: Run, index: Index, tmp_path: Path) -> None:
    """A command that only looks leaves the cache as it was."""
    wheel(index.directory, "six", "1.0")
    six(sources(index, tmp_path / "cache", keeps=False))
    begun.told()
    assert [] == list((tmp_path / "cache").glob("*health*"))


def test_garbage_is_begun_anew(begun: Run, index: Index, tmp_path: Path) -> None:
    """A file of health that is garbage is replaced, without a word."""
    wheel(index.directory, "six", "1.0")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "health.json").write_text('{"http://127', "utf-8")
    six(sources(index, tmp_path / "cache"))
    assert ["routes"] == list(begun.told())
    assert (tmp_path / "cache" / "health.json").read_text("utf-8").startswith('{\n "http://127.0.0.1')
    assert isinstance(sources(index, tmp_path / "cache").open().network.health, Health)
