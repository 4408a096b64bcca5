"""What requests say of an origin: breakers, embargoes, caps, ranking, and what one run leaves to the next."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggcarton.indexes.health import CAP, FIRST_REST, KEPT, LONGEST_REST, TOLD_BY, Health, State
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.routing import Route

ONE = Route("main", "https://one.example/simple/", position=0)
TWO = Route("main", "https://two.example/simple/", position=1)
THREE = Route("main", "https://three.example/simple/", position=2)
SERVED = Outcome(Kind.SERVED, 200)
ABSENT = Outcome.of_status(404)
BROKEN = Outcome(Kind.INTERRUPTED, fault="reset")
REFUSED = Outcome(Kind.UNREACHABLE, fault="refused")
SPOILT = Outcome(Kind.SPOILT, fault="other bytes")


def told(health: Health, outcomes: Iterable[Outcome], route: Route = ONE, now: float = 0.0) -> Health:
    """Tell of requests that ended so, one after the other."""
    for outcome in outcomes:
        health.begin(route, now)
        health.end(route, outcome, now)
    return health


def standing(health: Health, now: float = 0.0, route: Route = ONE) -> tuple[State, float]:
    found = health.standing(route, now)
    return found.state, found.at


# The rows of the table: what so many of one outcome in a row leave behind.
ROWS = {
    "unreachable, twice": ([REFUSED] * 2, State.READY),
    "unreachable, three times": ([REFUSED] * 3, State.RESTING),
    "interrupted, twice": ([BROKEN] * 2, State.READY),
    "interrupted, three times": ([BROKEN] * 3, State.RESTING),
    "429": ([Outcome.of_status(429, 7.0)], State.EMBARGOED),
    "503 with Retry-After": ([Outcome.of_status(503, 7.0)], State.EMBARGOED),
    **{f"{s}, twice": ([Outcome.of_status(s)] * 2, State.READY) for s in (408, 425, 500, 502, 503, 504, 520, 527)},
    **{f"{s}, three times": ([Outcome.of_status(s)] * 3, State.RESTING) for s in (408, 425, 500, 502, 503, 504, 524)},
    **{str(status): ([Outcome.of_status(status)], State.OUT) for status in (501, 505, 511)},
    "captive portal": ([Outcome(Kind.USELESS, 200, "HTML")], State.OUT),
    "404, often": ([ABSENT] * 9, State.READY),
    "410, often": ([Outcome.of_status(410)] * 9, State.READY),
    "401": ([Outcome.of_status(401)], State.OUT),
    "407": ([Outcome.of_status(407)], State.OUT),
    "403, twice": ([Outcome.of_status(403)] * 2, State.READY),
    "403, three times": ([Outcome.of_status(403)] * 3, State.OUT),
    "451, three times": ([Outcome.of_status(451)] * 3, State.OUT),
    "certificate": ([Outcome(Kind.UNTRUSTED, fault="expired")], State.OUT),
    "wrong bytes": ([SPOILT], State.OUT),
    "faults with an answer between": ([BROKEN, BROKEN, SERVED, BROKEN], State.UNSTEADY),
    "faults with an absence between": ([BROKEN, BROKEN, ABSENT, BROKEN], State.UNSTEADY),
    "faults far apart": ([BROKEN, BROKEN, *[SERVED] * 30, BROKEN, BROKEN], State.READY),
    "faults of several kinds": ([BROKEN, REFUSED, Outcome.of_status(500)], State.RESTING),
}


@pytest.mark.parametrize(("outcomes", "expected"), ROWS.values(), ids=ROWS)
def test_rows(outcomes: list[Outcome], expected: State) -> None:
    """What an outcome does to its origin is what the table of the mirror semantics says."""
    assert expected is standing(told(Health(), outcomes))[0]


def test_nothing_known() -> None:
    """An origin that was never asked may be."""
    assert (State.READY, 5.0) == standing(Health(), 5.0)


def test_an_open_breaker_becomes_half_open() -> None:
    """After three serious faults an origin rests for 30 seconds, then it may be asked once."""
    health = told(Health(), [BROKEN] * 3, now=100.0)
    assert (State.RESTING, 100.0 + FIRST_REST) == standing(health, 129.9)
    assert State.READY is standing(health, 130.0)[0]


def test_one_probe_at_a_time() -> None:
    """While a probe is on its way the origin is asked nothing else, and after it was given up the next one may be."""
    health = told(Health(), [BROKEN] * 3)
    assert health.begin(ONE, 30.0)
    assert not health.begin(ONE, 30.0)
    state, at = standing(health, 30.0)
    assert (State.RESTING, True) == (state, 30.0 < at < 31.0)
    health.end(ONE, None, 30.5, began=30.0)
    assert State.READY is standing(health, 30.5)[0]


def test_a_probe_that_never_began() -> None:
    """A probe that was claimed is free again once it is released, and nobody else's is released with it."""
    health = told(Health(), [BROKEN] * 3)
    health.begin(ONE, 30.0)
    health.release(ONE, 29.0)
    assert State.RESTING is standing(health, 30.0)[0]
    health.release(ONE, 30.0)
    assert State.READY is standing(health, 30.0)[0]


def test_a_closed_breaker_knows_no_probe() -> None:
    """Where the breaker is closed a request is no probe, and others begin beside it."""
    health = Health()
    assert [False, False] == [health.begin(ONE, 0.0), health.begin(ONE, 0.0)]
    assert State.READY is standing(health)[0]


def test_rest_doubles_up_to_ten_minutes() -> None:
    """Each probe that fails doubles the rest, up to ten minutes."""
    health, now, rests = told(Health(), [BROKEN] * 3), 0.0, []
    for _ in range(7):
        _, until = standing(health, now)
        rests.append(until - now)
        now = until
        told(health, [BROKEN], now=now)
    assert [30.0, 60.0, 120.0, 240.0, 480.0, LONGEST_REST, LONGEST_REST] == rests


def test_when_it_is_certain_that_an_origin_is_down() -> None:
    """An origin that rests is certainly down some seconds after the first of its faults in a row, and not before; what
    happened long before these faults does not count, nor does what it answers to probes afterwards.
    """
    health = told(told(Health(), [BROKEN]), [BROKEN, BROKEN], now=50.0)
    moments = [health.standing(ONE, now).told_by for now in (50.0, 49.0 + TOLD_BY, 50.0 + TOLD_BY)]
    assert [50.0 + TOLD_BY, 50.0 + TOLD_BY, None] == moments
    told(health, [BROKEN], now=80.0)
    assert health.standing(ONE, 81.0).told_by is None
    told(health, [SERVED, BROKEN, BROKEN, BROKEN], now=200.0)
    assert 200.0 + TOLD_BY == health.standing(ONE, 201.0).told_by


def test_what_began_before_a_probe_is_none() -> None:
    """A request of before the rest that ends in a fault while the probe is on its way neither doubles nor ends it."""
    health = told(Health(), [BROKEN] * 3)
    health.begin(ONE, 30.0)
    health.end(ONE, BROKEN, 31.0, began=-5.0)
    assert (FIRST_REST, 30.0) == (health.of(ONE.origin).rest, health.of(ONE.origin).probed)


def test_a_probe_that_serves_closes_the_breaker() -> None:
    """A probe that serves closes the breaker; it takes three faults to open it again, for 30 seconds."""
    health = told(told(Health(), [BROKEN] * 3), [BROKEN], now=30.0)
    told(health, [SERVED] * 30 + [BROKEN, BROKEN], now=90.0)
    assert State.READY is standing(health, 90.0)[0]
    told(health, [BROKEN], now=90.0)
    assert (State.RESTING, 120.0) == standing(health, 90.0)


def test_unsteadiness_passes() -> None:
    """An origin that failed three times of few is unsteady for 30 seconds, then it has a new beginning."""
    health = told(Health(), [BROKEN, SERVED] * 3)
    assert (State.UNSTEADY, FIRST_REST) == standing(health)
    told(health, [BROKEN, SERVED] * 2, now=FIRST_REST)
    assert State.READY is standing(health, FIRST_REST)[0]


def test_what_is_spoilt_is_out_for_the_run() -> None:
    """An origin that served wrong bytes is not asked again, whatever it serves to a request of before."""
    health = told(Health(), [SPOILT, SERVED])
    assert (State.OUT, inf) == standing(health, 1e9)


def test_a_portal_is_asked_again_later() -> None:
    """What was no index may be one after 30 seconds, but nobody waits for it."""
    health = told(Health(), [Outcome(Kind.USELESS, 200, "HTML")])
    assert (State.OUT, inf) == standing(health, 29.0)
    assert State.READY is standing(health, 30.0)[0]
    # One fault of any kind then shuts it again, for twice as long.
    told(health, [BROKEN], now=30.0)
    assert (State.RESTING, 90.0) == standing(health, 30.0)


def test_credentials_mark_a_route_and_not_its_origin() -> None:
    """A route that refuses our credentials is out; another route on its host is not."""
    neighbour = Route("main", "https://one.example/other/simple/")
    health = told(Health(), [Outcome.of_status(401)])
    assert State.OUT is standing(health)[0]
    assert State.READY is standing(health, route=neighbour)[0]
    assert ("HTTP 401", None) == (health.marked(ONE), health.marked(neighbour))


def test_an_origin_is_scheme_host_and_port() -> None:
    """Routes on one origin share its breaker; another port, scheme or host has its own."""
    shared = ("https://one.example/a/", "https://ONE.example:443/b/", "https://me:secret@one.example/c/")
    apart = ("http://one.example/a/", "https://one.example:444/a/", "https://two.example/a/")
    health = told(Health(), [BROKEN] * 3)
    found = [standing(health, route=Route("main", url))[0] for url in (*shared, *apart)]
    assert [State.RESTING] * 3 + [State.READY] * 3 == found


def test_an_embargo_ends_at_its_time() -> None:
    """A route is left alone for as long as it asked, and a shorter wish does not shorten it."""
    health = told(Health(), [Outcome.of_status(429, 20.0), Outcome.of_status(429, 2.0)])
    assert (State.EMBARGOED, 20.0) == standing(health, 19.9)
    assert State.READY is standing(health, 20.0)[0]


@pytest.mark.parametrize("outcome", [Outcome.of_status(429), Outcome.of_status(503, 3.0), Outcome.of_status(503)])
def test_a_cap_is_halved_and_comes_back(outcome: Outcome) -> None:
    """A server that has too much to do gets half as many requests at once, one at least, and slowly more again."""
    health, caps = Health(), []
    for _ in range(3):
        told(health, [outcome])
        caps.append(health.of(ONE.origin).cap)
    assert [2, 1, 1] == caps
    served = 0
    while health.of(ONE.origin).cap < CAP:
        told(health, [SERVED])
        served += 1
    assert 2 * (1 + 2 + 3) == served
    told(health, [SERVED] * 100)
    assert CAP == health.of(ONE.origin).cap


def test_a_refusal_halves_the_cap() -> None:
    """A refused connection halves the cap; a reset does not."""
    assert CAP // 2 == told(Health(), [REFUSED]).of(ONE.origin).cap
    assert CAP == told(Health(), [BROKEN]).of(ONE.origin).cap


def ranked(health: Health, routes: Iterable[Route] = (ONE, TWO, THREE), now: float = 0.0) -> list[Route]:
    return health.ranked(list(routes), now)


def test_nothing_known_keeps_the_order() -> None:
    """Without any health, routes come in the order in which an index lists them."""
    assert [ONE, TWO, THREE] == ranked(Health(), (THREE, ONE, TWO))


def test_the_sound_come_first() -> None:
    """What may be asked comes before what may not, and the fewer faults in a row the earlier."""
    health = told(told(Health(), [BROKEN] * 3, ONE), [BROKEN], TWO)
    assert [THREE, TWO, ONE] == ranked(health)


def test_a_half_open_route_comes_after_sound_ones() -> None:
    """What is to be probed is asked when no other route of its tier is left."""
    health = told(told(Health(), [Outcome(Kind.USELESS, 200, "HTML")]), [BROKEN] * 2, TWO)
    assert [THREE, TWO, ONE] == ranked(health, now=1000.0)


def test_the_fast_come_first() -> None:
    """Of sound routes the one that is twice as fast is asked first, once some answers have told so."""
    health = Health()
    for _ in range(5):
        for route, seconds in ((ONE, 0.4), (TWO, 0.1), (THREE, 0.11)):
            health.end(route, SERVED, 0.0, first_byte=seconds)
    assert [TWO, THREE, ONE] == ranked(health)


def test_a_few_samples_order_nothing() -> None:
    """One slow answer changes no order."""
    health = Health()
    health.end(ONE, SERVED, 0.0, first_byte=9.0)
    assert [ONE, TWO, THREE] == ranked(health)


FATES = st.lists(
    st.tuples(
        st.integers(0, 5), st.sampled_from([*Kind]), st.sampled_from([None, 0.01, 0.3, 5.0]), st.floats(0.0, 40.0)
    ),
    max_size=40,
)


@given(FATES)
def test_health_orders_only_inside_a_tier(fates: list[tuple[int, Kind, float | None, float]]) -> None:
    """Whatever happens, every route stays in the order, and none comes before one of a lower tier."""
    routes = [Route("main", f"https://r{n}.example/", tier=n // 2, position=n) for n in range(6)]
    health, now = Health(), 0.0
    for number, kind, first, seconds in fates:
        now += seconds
        health.begin(routes[number], now)
        health.end(routes[number], Outcome(kind), now, first_byte=first)
    order = health.ranked(routes, now)
    assert sorted(routes, key=lambda route: route.position) == sorted(order, key=lambda route: route.position)
    assert sorted(route.tier for route in routes) == [route.tier for route in order]


@given(FATES)
def test_no_fate_shuts_an_origin_for_ever(fates: list[tuple[int, Kind, float | None, float]]) -> None:
    """What is neither spoilt nor marked may be asked again within ten minutes."""
    health, now = Health(), 0.0
    for _, kind, _, seconds in fates:
        now += seconds
        health.begin(ONE, now)
        health.end(ONE, Outcome(kind, 200), now)
    out = health.of(ONE.origin).spoilt or health.marked(ONE) is not None
    assert (State.OUT if out else State.READY) is standing(health, now + LONGEST_REST)[0]


def test_patience() -> None:
    """A first byte is overdue after three times what is usual for its origin, and never before a second has passed."""
    health = Health()
    assert 1.0 == health.patience(ONE)
    health.end(ONE, SERVED, 0.0, first_byte=0.1)
    assert 1.0 == health.patience(ONE)
    for _ in range(2):
        health.end(ONE, SERVED, 0.0, first_byte=2.0)
    assert 6.0 == health.patience(ONE)


def remembered(health: Health, *, after: float, wall: float = 1_000_000.0) -> Health:
    """Return the health of a run that began so many seconds after what was kept, by another clock, through JSON."""
    later = Health()
    later.remember(json.loads(json.dumps(health.kept(500.0, wall))), 7.0, wall + after)
    return later


@pytest.mark.parametrize(
    ("after", "expected"), [(0.0, 2), (KEPT, 2), (KEPT + 1, 0), (-1.0, 0)], ids=["now", "old", "too old", "future"]
)
def test_health_is_kept_for_a_quarter_of_an_hour(after: float, expected: int) -> None:
    """Faults are known to the next run within 15 minutes; what is from the future (a clock that jumped) is not."""
    known = told(Health(), [BROKEN] * 2, now=500.0)
    assert expected == remembered(known, after=after).of(ONE.origin).serious


def test_remembered_health_only_orders() -> None:
    """An origin whose breaker was open is asked last in the next run, but it is asked."""
    known = told(Health(), [BROKEN] * 3, now=500.0)
    later = remembered(known, after=1.0)
    assert [TWO, THREE, ONE] == ranked(later, now=7.0)
    assert State.READY is standing(later, 7.0)[0]
    told(later, [BROKEN], now=7.0)
    assert State.RESTING is standing(later, 7.0)[0]


def test_spoilt_and_marked_are_of_one_run() -> None:
    """Wrong bytes and refused credentials may be mended before the next run."""
    known = told(told(Health(), [SPOILT], now=500.0), [Outcome.of_status(401)], TWO, now=500.0)
    later = remembered(known, after=1.0)
    assert [State.READY] * 2 == [standing(later, 7.0, route)[0] for route in (ONE, TWO)]


def test_an_embargo_of_an_earlier_run_only_orders() -> None:
    """A route that asked an earlier run to be left alone is asked after the others of its tier, but it is asked."""
    known = told(Health(), [Outcome.of_status(429, 100.0)], now=500.0)
    later = remembered(known, after=40.0)
    assert ([TWO, THREE, ONE], State.READY) == (ranked(later, now=7.0), standing(later, 7.0)[0])
    assert [ONE, TWO, THREE] == ranked(remembered(known, after=101.0), now=7.0)


def test_first_bytes_are_kept() -> None:
    """How fast an origin was orders the next run, too."""
    known = Health()
    for _ in range(5):
        known.end(ONE, SERVED, 500.0, first_byte=2.0)
    later = remembered(known, after=1.0)
    assert ([TWO, THREE, ONE], 6.0) == (ranked(later), later.patience(ONE))


def test_nothing_of_no_interest_is_kept() -> None:
    """An origin of which nothing is known leaves nothing."""
    health = Health()
    ranked(health)
    assert {} == health.kept(0.0, 0.0)


@pytest.mark.parametrize(
    "known",
    [
        *([], "text", None, 7, {"x": None}, {"x": "text"}, {"x": {}}),
        {"x": {"at": "noon", "serious": 0, "firsts": [], "embargo": 0}},
        {"x": {"at": nan, "serious": 0, "firsts": [], "embargo": 0}},
        {"x": {"at": 1.0, "serious": inf, "firsts": [], "embargo": 0}},
        {"x": {"at": 1.0, "serious": 0, "firsts": 7, "embargo": 0}},
        {"x": {"at": 1.0, "serious": 0, "firsts": ["fast"], "embargo": 0}},
        {"x": {"at": 1.0, "serious": 0, "firsts": [], "embargo": []}},
    ],
    ids=str,
)
def test_what_is_no_health_is_left(known: Any) -> None:
    """A file that something else wrote, or half, is as if there were none."""
    health = Health()
    health.remember(known, 0.0, 2.0)
    assert {} == health.kept(0.0, 2.0)


def test_impossible_figures_are_bounded() -> None:
    """What a file says beyond what a run can write keeps no route from being asked for longer than a run could."""
    health = Health()
    told_of = {"at": 1.0, "serious": -99, "firsts": [-1.0, 1e9, 0.5], "embargo": 1e12}
    health.remember({ONE.origin: told_of}, 0.0, 1.0)
    origin = health.of(ONE.origin)
    assert (1, [0.5], 0.0) == (origin.serious, [*origin.firsts], origin.embargo)


def test_what_this_run_knows_wins() -> None:
    """What an earlier run kept changes nothing of an origin that this one has asked."""
    known = told(Health(), [BROKEN] * 2, now=500.0).kept(500.0, 1.0)
    health = told(Health(), [SERVED])
    health.remember(known, 0.0, 2.0)
    assert 0 == health.of(ONE.origin).serious
