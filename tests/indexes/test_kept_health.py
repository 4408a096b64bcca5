"""How origins fared is kept from run to run, and nothing that stands there can harm the next one."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from eggcarton.indexes import kept_health
from eggcarton.indexes.health import KEPT, Health, State
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.routing import Route

FAST, SLOW = (Route("pypi", f"https://{name}.example/simple/", "mirror", 1, n) for n, name in enumerate(("a", "b")))
REFUSED = Outcome(Kind.UNREACHABLE, fault="connection refused")
SERVED = Outcome(Kind.SERVED, 200)


def after(*ends: tuple[Route, Outcome], now: float = 50.0) -> Health:
    """Return the health after requests that ended so."""
    health = Health()
    for route, outcome in ends:
        health.begin(route, now)
        health.end(route, outcome, now, first_byte=0.02 if outcome is SERVED else None)
    return health


def next_run(known: Any, *, wall: float) -> Health:
    """Return the health that a run begins with, whose clock stands at 3."""
    health = Health()
    health.remember(known, 3.0, wall)
    return health


def test_the_next_run_asks_a_failing_route_last(tmp_path: Path) -> None:
    """Inside a tier, the route that failed in the last quarter of an hour comes behind the others."""
    path = tmp_path / "health.json"
    kept_health.add(path, after(*[(FAST, REFUSED)] * 3).kept(60.0, 1000.0), 1000.0)
    health = next_run(kept_health.read(path), wall=1200.0)
    assert [SLOW, FAST] == health.ranked([FAST, SLOW], 3.0)
    assert [FAST, SLOW] == next_run(kept_health.read(path), wall=1000.0 + KEPT + 11).ranked([FAST, SLOW], 3.0)


def test_an_earlier_run_never_closes_a_route() -> None:
    """An open breaker and an embargo of an earlier run only order routes: what may be well again is tried."""
    health = after(*[(FAST, REFUSED)] * 3, (SLOW, Outcome(Kind.LATER, 429, retry_after=300.0)))
    assert [State.RESTING, State.EMBARGOED] == [health.standing(route, 51.0).state for route in (FAST, SLOW)]
    found = next_run(health.kept(51.0, 1000.0), wall=1001.0)
    assert [State.READY] * 2 == [found.standing(route, 3.0).state for route in (FAST, SLOW)]
    assert [1, 2] == sorted(found.of(route.origin).serious for route in (FAST, SLOW))


def test_what_was_not_asked_again_grows_old() -> None:
    """A run that only takes over what is known does not make it younger."""
    first = after((FAST, SERVED)).kept(50.0, 1000.0)
    second = next_run(first, wall=1600.0).kept(3.0, 1600.0)
    assert {"https://a.example:443": 1000.0} == {name: told["at"] for name, told in second.items()}


@pytest.mark.parametrize("wall", [900.0, -5.0, 1e12])
def test_a_clock_that_jumps(tmp_path: Path, wall: float) -> None:
    """What is from the future, or very old, counts for nothing, and gives way to what is new."""
    path = tmp_path / "health.json"
    kept_health.add(path, after(*[(FAST, REFUSED)] * 3).kept(50.0, 1000.0), 1000.0)
    assert 0 == next_run(kept_health.read(path), wall=wall).of(FAST.origin).serious
    kept_health.add(path, after((SLOW, SERVED)).kept(50.0, wall), wall)
    assert ["https://b.example:443"] == list(kept_health.read(path))


ODD = ["", "{", "[]", "null", "7", '"text"', "[" * 100_000, "\ud800", '{"https://a.example:443": 3}']
FIELDS = [
    {"at": 1000.0, "serious": float("inf"), "embargo": 0.0, "firsts": []},
    {"at": 1000.0, "serious": -9, "embargo": float("nan"), "firsts": [float("nan"), -1, 1e300]},
    {"at": 1000.0, "serious": 99, "embargo": 1e300, "firsts": "soon"},
    {"at": "noon", "serious": [], "embargo": {}, "firsts": None},
    {"at": float("nan")},
]


@pytest.mark.parametrize("text", [*ODD, *(json.dumps({"https://a.example:443": told}) for told in FIELDS)])
def test_garbage(tmp_path: Path, text: str) -> None:
    """Whatever stands in the file, a run begins with routes that may be asked, and keeps what it has found."""
    path = tmp_path / "health.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    health = next_run(kept_health.read(path), wall=1000.0)
    assert State.READY is health.standing(FAST, 3.0).state
    assert 0 <= health.of(FAST.origin).serious < 3
    assert 1.0 == health.patience(FAST)
    kept_health.add(path, after((SLOW, SERVED)).kept(50.0, 1000.0), 1000.0)
    assert "https://b.example:443" in kept_health.read(path)


def test_where_nothing_can_be_kept(tmp_path: Path) -> None:
    """Health is lost without a word where its directory is missing, or cannot hold it."""
    found = after((FAST, SERVED)).kept(50.0, 1000.0)
    kept_health.add(tmp_path / "gone" / "health.json", found, 1000.0)
    (tmp_path / "health.json").mkdir()
    kept_health.add(tmp_path / "health.json", found, 1000.0)
    (tmp_path / "file").touch()
    kept_health.add(tmp_path / "file" / "health.json", found, 1000.0)
    assert {} == kept_health.read(tmp_path / "health.json")
    assert {} == kept_health.read(tmp_path / "file" / "health.json")


def _keep(path: Path, number: int) -> None:
    route = Route("pypi", f"https://{number}.example/")
    kept_health.add(path, after((route, SERVED)).kept(50.0, 1000.0), 1000.0)


def test_builds_that_end_at_once(tmp_path: Path) -> None:
    """Each of eight builds that end at the same time finds its own beside what the others have found."""
    path = tmp_path / "health.json"
    context = multiprocessing.get_context("fork")
    builds = [context.Process(target=_keep, args=(path, number)) for number in range(8)]
    for build in builds:
        build.start()
    for build in builds:
        build.join()
    assert [f"https://{number}.example:443" for number in range(8)] == list(kept_health.read(path))
    assert {"health.json", ".health.json.lock"} == {left.name for left in tmp_path.iterdir()}
