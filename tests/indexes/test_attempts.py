"""What is done next for one page or file, with the clock and chance passed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggcarton.indexes.attempts import WORTH, Ask, Attempts, Budget, GiveUp, Wait
from eggcarton.indexes.health import OUTAGE, TOLD_BY, Health
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.routing import Route

ONE = Route("main", "https://one.example/simple/", tier=1, position=0)
TWO = Route("main", "https://two.example/simple/", tier=2, position=1)
LAST = Route("main", "https://last.example/simple/", tier=1000, position=2)
ALL = (ONE, TWO, LAST)
SERVED = Outcome(Kind.SERVED, 200)
BROKEN = Outcome(Kind.INTERRUPTED, fault="reset")
REFUSED = Outcome(Kind.UNREACHABLE, fault="refused")
ROUNDS = Budget().rounds


@dataclass
class Run:
    """A run whose clock goes by only while it waits: `go` asks as told until something serves or nothing is left."""

    health: Health = field(default_factory=Health)
    now: float = 0.0
    asked: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def go(
        self,
        outcome: Callable[[Route], Outcome],
        routes: Sequence[Route] = ALL,
        *,
        budget: Budget | None = None,
        received: int = 0,
    ) -> bool:
        """Return whether a route served."""
        attempts = Attempts(routes, budget or Budget())
        for _ in range(100_000):
            step = attempts.next(self.health, self.now, 0.5)
            if isinstance(step, GiveUp):
                return False
            if isinstance(step, Wait):
                self.waits.append(step.seconds)
                self.now += step.seconds
                continue
            self.asked.append(step.route.url.split("/")[2].partition(".")[0])
            self.health.begin(step.route, self.now)
            found = outcome(step.route)
            self.health.end(step.route, found, self.now)
            if found.kind is Kind.SERVED:
                return True
            attempts.told(step.route, found, received)
        raise AssertionError("it never ends")


def scripted(**outcomes: list[Outcome]) -> Callable[[Route], Outcome]:
    """Answer with the next outcome of a host's list; the last one stays."""

    def answer(route: Route) -> Outcome:
        left = outcomes[route.url.split("/")[2].partition(".")[0]]
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def always(outcome: Outcome) -> Callable[[Route], Outcome]:
    return lambda route: outcome


def test_the_first_route_is_asked_once() -> None:
    """Where the first route serves, no other is asked, and nothing is waited for."""
    run = Run()
    assert run.go(always(SERVED))
    assert (["one"], []) == (run.asked, run.waits)


# The rows of the table: who is asked where the first route always answers so, and the second one serves.
AGAIN = {
    "refused": REFUSED,
    "interrupted": BROKEN,
    "429": Outcome.of_status(429),
    "503 with Retry-After": Outcome.of_status(503, 9.0),
    **{str(s): Outcome.of_status(s) for s in (408, 425, 500, 502, 503, 504, 520, 521, 527)},
    **{str(s): Outcome.of_status(s) for s in (501, 505, 511, 404, 410, 401, 403, 407, 451)},
    "portal": Outcome(Kind.USELESS, 200, "HTML"),
    "certificate": Outcome(Kind.UNTRUSTED, fault="expired"),
    "wrong bytes": Outcome(Kind.SPOILT, fault="hash"),
}


@pytest.mark.parametrize("outcome", AGAIN.values(), ids=AGAIN)
def test_the_next_route_at_once(outcome: Outcome) -> None:
    """Whatever a route answers, the next one is asked at once."""
    run = Run()
    assert run.go(scripted(one=[outcome], two=[SERVED]))
    assert (["one", "two"], []) == (run.asked, run.waits)


USELESS = ("501", "505", "511", "404", "410", "401", "403", "407", "451", "portal", "certificate", "wrong bytes")


@pytest.mark.parametrize("name", USELESS)
def test_what_asking_again_cannot_mend(name: str) -> None:
    """Each route is asked once where another request would bring the same."""
    run = Run()
    assert not run.go(always(AGAIN[name]))
    assert (["one", "two", "last"], []) == (run.asked, run.waits)


@pytest.mark.parametrize("name", ["interrupted", "408", "425", "500", "502", "503", "504", "520", "527"])
def test_passing_faults_of_the_only_route(name: str) -> None:
    """The only route is asked again after a pause, `rounds` times in all."""
    run = Run()
    assert not run.go(always(AGAIN[name]), [ONE])
    assert (["one"] * ROUNDS, [0.25, OUTAGE]) == (run.asked, run.waits)


def test_all_routes_in_turn() -> None:
    """Where all routes fail, each is asked once a round, with a pause between the rounds."""
    run = Run()
    assert not run.go(always(BROKEN))
    assert (["one", "two", "last"] * ROUNDS, [0.25, OUTAGE]) == (run.asked, run.waits)


def test_the_second_time_serves() -> None:
    """A fault that passes costs one request more, also on the only route."""
    run = Run()
    assert run.go(scripted(one=[BROKEN, SERVED]), [ONE])
    assert ["one", "one"] == run.asked


def test_what_is_worth_going_on_with() -> None:
    """An answer that was interrupted after many bytes is gone on with on the same route at once, within a budget."""
    run = Run()
    assert run.go(scripted(one=[BROKEN] * 5 + [SERVED]), received=WORTH)
    assert (["one"] * 6, []) == (run.asked, run.waits)
    run = Run()
    assert run.go(scripted(one=[BROKEN], two=[SERVED]), received=WORTH, budget=Budget(resumptions=4))
    assert (["one"] * 5 + ["two"], []) == (run.asked, run.waits)


def test_few_bytes_are_not_worth_it() -> None:
    """After a few bytes the next route is asked."""
    run = Run()
    assert run.go(scripted(one=[BROKEN], two=[SERVED]), received=WORTH - 1)
    assert ["one", "two"] == run.asked


@pytest.mark.parametrize("seconds", [1.0, 5.0, 30.0])
def test_the_only_route_is_waited_for(seconds: float) -> None:
    """Where the only route wants to be asked later, that is done: not before, and not much after."""
    run = Run()
    assert run.go(scripted(one=[Outcome.of_status(429, seconds), SERVED]), [ONE])
    assert ["one", "one"] == run.asked
    assert seconds <= run.now < seconds + 1


def test_an_absurd_wish_is_not_waited_for() -> None:
    """A route that wants to be asked tomorrow is given up at once."""
    run = Run()
    assert not run.go(always(Outcome.of_status(503, 86_400.0)), [ONE])
    assert (["one"], 0.0) == (run.asked, run.now)


def test_waiting_has_a_budget() -> None:
    """A route that again and again wants to be asked later is given up within the budget."""
    run = Run()
    assert not run.go(always(Outcome.of_status(429, 10.0)), [ONE])
    assert (7, True) == (len(run.asked), run.now <= Budget().waiting)


def test_asking_later_has_a_budget() -> None:
    """A route that wants to be asked in a second is obeyed some times, then that counts as being asked."""
    run = Run()
    assert not run.go(always(Outcome.of_status(429)), [ONE])
    assert Budget().laters + ROUNDS == len(run.asked)


def test_a_route_that_wants_to_wait_is_asked_when_the_others_are_spent() -> None:
    """The others are asked meanwhile; then the one that asked for time is asked at its time."""
    run = Run()
    assert run.go(scripted(one=[Outcome.of_status(429, 8.0), SERVED], two=[Outcome.of_status(404)]), [ONE, TWO])
    assert ["one", "two", "one"] == run.asked
    assert 8.0 <= run.now < 9.0


def test_a_dead_index_fails_fast() -> None:
    """242 files of an index that does not answer cost three requests, and no waiting but until that is certain."""
    run = Run()
    assert [False] * 242 == [run.go(always(REFUSED), [ONE]) for _ in range(242)]
    assert (3, [0.25, OUTAGE], TOLD_BY) == (len(run.asked), run.waits[:2], sum(run.waits))


@pytest.mark.parametrize("fault", [REFUSED, Outcome.of_status(502)])
@pytest.mark.parametrize("others", [0, 1, 2])
def test_a_short_outage(fault: Outcome, others: int) -> None:
    """Two seconds in which nothing answers lose no file that had begun, whatever other files met meanwhile."""
    run = Run()
    for _ in range(others):
        run.health.end(ONE, fault, run.now)
    assert run.go(lambda route: SERVED if run.now >= OUTAGE else fault, [ONE])


@pytest.mark.parametrize(
    ("back", "latest", "has_served"),
    [(1.6, 4.0, True), (2.0, 4.0, True), (20.0, 40.0, True), (1.6, 4.0, False), (2.0, 4.0, False)],
)
def test_many_files_in_an_outage(back: float, latest: float, *, has_served: bool) -> None:
    """Files in work when their only host is away are there soon after it has come back; where it had not served before,
    those that began when its breaker was open waited for what becomes of the others.
    """
    health, works = Health(), [Attempts([ONE]) for _ in range(8)]
    if has_served:
        health.end(ONE, SERVED, 0.0)
    # Each file at the time of its next step.
    due = [(0.01 * number, number) for number in range(8)]
    while due:
        now, number = heappop(due)
        step = works[number].next(health, now, 0.5)
        assert not isinstance(step, GiveUp), works[number].trials
        if isinstance(step, Wait):
            heappush(due, (now + step.seconds, number))
            continue
        health.begin(ONE, now)
        found = SERVED if now >= back else REFUSED
        health.end(ONE, found, now)
        if found is REFUSED:
            works[number].told(ONE, found)
            heappush(due, (now, number))
    assert now <= latest


def test_a_brief_budget_waits_for_no_outage() -> None:
    """Where mirrors are asked next, the last round of the canonical route comes as soon as any."""
    run = Run()
    assert not run.go(always(REFUSED), [ONE], budget=Budget(rounds=2, waiting=0.0))
    assert (["one"] * 2, [0.25]) == (run.asked, run.waits)


def test_a_dead_mirror_costs_three_requests() -> None:
    """242 files beside a mirror that does not answer cost it three requests, and a probe each half minute."""
    run = Run()
    for _ in range(242):
        assert run.go(scripted(one=[REFUSED], two=[SERVED]), [ONE, TWO])
        run.now += 0.1
    assert 3 == run.asked.count("one")
    run.now += 30.0
    run.go(scripted(one=[REFUSED], two=[SERVED]), [ONE, TWO])
    run.go(scripted(one=[REFUSED], two=[SERVED]), [ONE, TWO])
    assert 4 == run.asked.count("one")


PAIR = (ONE, Route("main", "https://two.example/simple/", tier=1, position=1))


@pytest.mark.parametrize("every", [2, 3, 5, 10])
def test_mirrors_that_fail_now_and_then(every: int) -> None:
    """Two mirrors that fail every so many requests cost 242 files at most a tenth more: the sound route is asked."""
    run, counts = Run(), {"one": 0, "two": 0, "last": 0}

    def flapping(route: Route) -> Outcome:
        name = route.url.split("/")[2].partition(".")[0]
        counts[name] += 1
        return Outcome.of_status(503) if name != "last" and counts[name] % every == 0 else SERVED

    for _ in range(242):
        assert run.go(flapping, (*PAIR, LAST))
        run.now += 0.1
    assert len(run.asked) <= 1.1 * 242


@pytest.mark.parametrize("phase", [2.0, 3.0, 4.0])
def test_mirrors_that_come_and_go(phase: float) -> None:
    """Two mirrors, each down two seconds of six, never both at once: all comes, with at most a tenth more requests."""
    run = Run()

    def flapping(route: Route) -> Outcome:
        return Outcome.of_status(503) if (run.now + (0.0 if route is ONE else phase)) % 6.0 >= 4.0 else SERVED

    for _ in range(242):
        assert run.go(flapping, PAIR)
        run.now += 0.1
    assert len(run.asked) <= 1.1 * 242


@pytest.mark.parametrize("every", [3, 4, 10])
def test_the_only_route_fails_now_and_then(every: int) -> None:
    """The only route is asked although it fails now and then, and nothing is waited for but pauses."""
    run = Run()
    for number in range(242):
        assert run.go(scripted(one=[BROKEN, SERVED] if number % every == 0 else [SERVED]), [ONE])
    assert max(run.waits) <= 0.25


def test_a_route_that_serves_others_is_asked_more_often() -> None:
    """A route that failed as often as it may be asked, but served others meanwhile, is asked as often again."""
    run = Run()
    unlucky = Attempts([ONE])
    asked = 0
    for _ in range(100):
        step = unlucky.next(run.health, 0.0, 0.5)
        if isinstance(step, GiveUp):
            break
        if isinstance(step, Ask):
            asked += 1
            run.health.end(ONE, BROKEN, 0.0)
            unlucky.told(ONE, BROKEN)
            run.go(always(SERVED), [ONE])
    assert 2 * ROUNDS == asked


def test_what_served_is_waited_for() -> None:
    """The only route, which served in this run and then failed three times, is asked again when it has rested."""
    run = Run()
    assert run.go(always(SERVED), [ONE])
    assert not run.go(always(REFUSED), [ONE], budget=Budget(waiting=0.0))
    assert run.go(always(SERVED), [ONE])
    assert 30.0 <= run.now < 33.0


def test_what_never_served_is_not_waited_for() -> None:
    """A route that never served is not waited for while its breaker is open, once it is certain that it is down."""
    run = Run()
    run.go(always(REFUSED), [ONE])
    assert not run.go(always(SERVED), [ONE])
    assert TOLD_BY == run.now
    assert not run.go(always(SERVED), [ONE])
    assert TOLD_BY == run.now


def test_what_was_begun_is_not_given_up() -> None:
    """A file that was begun asks a route again although its breaker opened meanwhile, where there is no other."""
    run = Run()
    attempts = Attempts([ONE])
    assert Ask(ONE) == attempts.next(run.health, 0.0, 0.0)
    for _ in range(3):
        run.health.end(ONE, BROKEN, 0.0)
    attempts.told(ONE, BROKEN)
    assert [Wait(0.0), Ask(ONE)] == [attempts.next(run.health, 0.0, 0.0) for _ in range(2)]


def test_another_files_probe_is_waited_for() -> None:
    """While one file probes an origin, another waits for what becomes of that."""
    run = Run()
    run.go(always(BROKEN), [ONE])
    run.now = 100.0
    first, second = Attempts([ONE]), Attempts([ONE])
    assert Ask(ONE) == first.next(run.health, run.now, 0.0)
    run.health.begin(ONE, run.now)
    assert Wait(0.25, is_probing=True) == second.next(run.health, run.now, 0.0)
    run.health.end(ONE, SERVED, run.now)
    assert Ask(ONE) == second.next(run.health, run.now, 0.0)


def test_no_routes() -> None:
    """Without any route there is nothing to do."""
    assert GiveUp() == Attempts([]).next(Health(), 0.0, 0.0)


OUTCOMES = st.builds(
    Outcome,
    st.sampled_from([kind for kind in Kind if kind is not Kind.SERVED]),
    st.none(),
    st.just("fault"),
    st.one_of(st.none(), st.floats(0.0, 1e4)),
)


@given(
    st.dictionaries(st.sampled_from(ALL), st.lists(OUTCOMES, min_size=1, max_size=8), min_size=3),
    st.integers(0, 2 * WORTH),
    st.integers(1, 5),
)
def test_the_budget_holds(scripts: dict[Route, list[Outcome]], received: int, files: int) -> None:
    """Whatever routes answer, a file costs no more requests and no more waiting than its budget says."""
    run, budget = Run(), Budget()
    names = {route: route.url.split("/")[2].partition(".")[0] for route in ALL}
    for _ in range(files):
        before, begun = len(run.asked), run.now
        run.go(scripted(**{names[route]: list(script) for route, script in scripts.items()}), received=received)
        most = len(ALL) * budget.rounds + budget.laters + budget.resumptions
        assert len(run.asked) - before <= most
        assert run.now - begun <= budget.waiting + 4.0 * budget.rounds + 1.0
