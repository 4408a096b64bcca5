"""What came from where is counted once, by index and route, and a failing first choice is noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eggcarton.indexes.journal import FILE, GIVEN_UP, PAGE, Event, Instead, Journal, Tally, summed
from eggcarton.indexes.routing import CANONICAL, HASHED, MIRROR

CORP, EDU, PYPI = "https://mirror.corp.example/simple/", "https://edu.example/", "https://index.example/simple/"


def event(route: str, name: str, fault: str | None = None, **more: object) -> Event:
    """Return a request for a file along one of three routes: two mirrors and the canonical one."""
    kind, tier, position = {CORP: (MIRROR, 1, 0), EDU: (HASHED, 2, 1), PYPI: (CANONICAL, 1000, 2)}[route]
    whole = Event("pypi", route, FILE, name, None if fault else 200, fault, 10, kind=kind, tier=tier, position=position)
    return replace(whole, **more)  # type: ignore[arg-type]


def journal(*events: Event) -> Journal:
    """Return a journal of some events, all at noon."""
    found = Journal(wall=lambda: 12.0)
    for one in events:
        found.note(one)
    return found


def test_what_is_counted() -> None:
    """Requests that served are counted by what they were for; absent is no fault, and given up is nobody's."""
    [tally], _ = journal(
        event(CORP, "six", what=PAGE),
        event(CORP, "a", resumed=True),
        event(CORP, "b", hedged=True),
        event(CORP, "c", "HTTP 404", status=404),
        event(CORP, "d", GIVEN_UP, bytes=5),
        event(CORP, "e", "reset", bytes=7),
    ).taken()
    expected = Tally("pypi", CORP, MIRROR, 1, pages=1, files=2, bytes=52, resumed=1, hedged=1, absent=1, faults=1)
    expected.last_fault, expected.last_fault_at = "reset", 12.0
    assert expected == tally


def test_what_was_taken_is_not_counted_again() -> None:
    """Each event is told once."""
    found = journal(event(CORP, "a"))
    assert 1 == found.taken()[0][0].files
    assert ([], []) == found.taken()


def test_files_from_another_route_than_the_first() -> None:
    """From a fault of the first route until it serves again, what comes by a later one came instead."""
    found = journal(
        event(CORP, "a", "refused"),
        event(EDU, "a"),
        event(EDU, "b"),
        event(PYPI, "c"),
        event(CORP, "d"),
        event(EDU, "e"),
    )
    assert [
        Instead("pypi", "edu.example", "mirror.corp.example", 2),
        Instead("pypi", "pypi", "mirror.corp.example", 1),
    ] == found.taken()[1]


def test_wrong_bytes_make_files_come_from_another_route() -> None:
    """A page that the same route serves after wrong bytes, and other files that were on their way, change nothing."""
    spoilt = "the bytes hash to 12, not to 34"
    by_page = journal(event(CORP, "a", spoilt, status=200), event(CORP, "six", what=PAGE), event(PYPI, "a"))
    among = journal(event(CORP, "a", spoilt, status=200), event(CORP, "b"), event(PYPI, "a"), event(PYPI, "c"))
    healed = journal(event(CORP, "six", "refused", what=PAGE), event(CORP, "six", what=PAGE), event(PYPI, "a"))
    once = [Instead("pypi", "pypi", "mirror.corp.example", 1)]
    assert (once, once, []) == (by_page.taken()[1], among.taken()[1], healed.taken()[1])


def test_routes_of_one_host() -> None:
    """Where two routes have the same host their ports are told, and nowhere else."""
    found = Journal(wall=lambda: 12.0)
    for position, (url, fault) in enumerate(
        [("http://h.example:81/simple/", "refused"), ("http://o.example:83/", "refused"), ("http://h.example/", None)]
    ):
        found.note(Event("pypi", url, FILE, "a", fault=fault, kind=MIRROR, tier=1, position=position))
    assert [Instead("pypi", "h.example:80", "h.example:81 and o.example", 1)] == found.taken()[1]


def test_files_that_came_as_they_should() -> None:
    """Neither a later route that fails, nor a first one that does not have a file, makes anything come instead."""
    found = journal(
        event(PYPI, "a", "refused", what=PAGE, tier=0, position=0),
        event(CORP, "a"),
        event(EDU, "b", "reset"),
        event(CORP, "b"),
        event(CORP, "c", "HTTP 404", status=404),
        event(CORP, "d", GIVEN_UP),
        event(PYPI, "e"),
    )
    assert [Instead("pypi", "pypi", "edu.example", 1)] == found.taken()[1]


def test_the_failing_index_is_told_by_its_name() -> None:
    """The canonical route is told as its index where that has a name, a mirror by its host."""
    found = journal(event(EDU, "a", "reset"), event(PYPI, "a", "refused"), event(PYPI, "b"))
    found.note(Event("corp", "https://pkgs.corp.example/simple/", FILE, "x", fault="refused"))
    found.note(Event("corp", "https://other.example/", FILE, "x", kind=MIRROR, tier=1000))
    assert [
        Instead("pypi", "pypi", "edu.example", 1),
        Instead("corp", "other.example", "corp", 1),
    ] == found.taken()[1]
    found.note(Event("default", "https://index.example/simple/", FILE, "x", fault="refused"))
    found.note(Event("default", "https://other.example/", FILE, "x", kind=MIRROR, tier=1000))
    assert [Instead("default", "other.example", "index.example", 1)] == found.taken()[1]


def test_sums_over_runs() -> None:
    """What a route did in two runs is added, and what it last did wrong stays known."""
    first, second = (
        Tally("pypi", CORP, files=2, bytes=3, faults=1, last_fault="reset", last_fault_at=5.0),
        Tally("pypi", CORP, MIRROR, 3, pages=1),
    )
    other = Tally("corp", CORP, files=1)
    total = Tally("pypi", CORP, MIRROR, 3, pages=1, files=2, bytes=3, faults=1, last_fault="reset", last_fault_at=5.0)
    assert [other, total] == summed([first, other, second])
    assert 2 == first.files


@pytest.mark.parametrize(
    "told", [{}, {"index": "a"}, {"index": 1, "route": "b"}, {"index": "a", "route": "b", "files": "x"}]
)
def test_what_is_no_tally(told: dict[str, object]) -> None:
    """What was not written by us is refused, whatever it is."""
    with pytest.raises((TypeError, ValueError)):
        Tally.of(told)


def test_a_tally_survives_being_written_down() -> None:
    """What is read is what was written, and what a later version adds is passed over."""
    tally = Tally("pypi", CORP, MIRROR, 1, files=3, last_fault="reset", last_fault_at=5.5)
    assert tally == Tally.of({**tally.fields(), "colour": "red"})
