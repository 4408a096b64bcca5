"""Of all inputs of a resolution the few are found that cannot agree, with few resolutions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from eggcarton.packages.conflict import Attempt, GaveUp, Kind, Search, inputs_of, mentions, minors, without
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Need, Needs, Terms

UNSOLVED = "No solution found when resolving dependencies"
OWN = LockedPackage("own", "0.1", requires=("six<1.17", "web"))


def many(number: int, **changes: object) -> Needs:
    """Return needs of as many names, each pinned."""
    names = [f"name-{n}" for n in range(number)]
    return Needs(tuple(Need(name, "part app") for name in names), dict.fromkeys(names, "1.0"), (), ">=3.11")


def conflict_of(*texts: str) -> Callable[[Needs], Attempt]:
    """Resolve as if these needs and pins could not agree; a pin is a name with an equals sign."""

    def attempt(needs: Needs) -> Attempt:
        there = {need.requirement for need in needs.needs} | {f"{name}=" for name in needs.pins}
        return Attempt(None, UNSOLVED) if there.issuperset(texts) else Attempt(Lock(None, ()))

    return attempt


@pytest.mark.parametrize("texts", [("name-3",), ("name-3", "name-3="), ("name-0", "name-99", "name-50=")])
@pytest.mark.parametrize("words", ["nothing that could be of use", "name-3, name-0, name-50 and name-99"])
def test_the_least_set(texts: tuple[str, ...], words: str) -> None:
    """Of two hundred inputs those are found that cannot agree, and no other, whether or not uv names them."""
    found, complete = Search(many(100), words, conflict_of(*texts)).least()
    assert (set(texts), True) == ({item.text + "=" * (item.kind is Kind.PIN) for item in found}, complete)


def test_what_uv_names_is_asked_first() -> None:
    """Where uv names all that cannot agree, what it does not name is in no resolution."""
    asked: list[Needs] = []

    def attempt(needs: Needs) -> Attempt:
        asked.append(needs)
        return conflict_of("name-3", "name-3=")(needs)

    Search(many(100), "Because name-3 and name-7", attempt).least()
    assert {"name-3", "name-7"} == {need.requirement for needs in asked for need in needs.needs}


def test_giving_up_after_many() -> None:
    """After as many resolutions as may be made the fewest that are known not to agree are told as such."""
    search = Search(many(100), "", conflict_of("name-3", "name-50="), attempts=4)
    found, complete = search.least()
    assert not complete
    assert {"name-3", "name-50"} <= {item.text for item in found}
    assert len(found) < 200
    with pytest.raises(GaveUp):
        search.attempt(many(1))


def test_giving_up_in_time() -> None:
    """When the time has passed no resolution is begun."""
    moments = iter([0.0, 1.0, 61.0])
    asked: list[Needs] = []
    conflict = conflict_of("name-3")

    def attempt(needs: Needs) -> Attempt:
        asked.append(needs)
        return conflict(needs)

    _, complete = Search(many(100), "", attempt, seconds=60.0, clock=lambda: next(moments)).least()
    assert (False, 1) == (complete, len(asked))


def test_another_failure_is_no_conflict() -> None:
    """A resolution that failed for another reason says nothing of what cannot agree."""
    assert Attempt(None, UNSOLVED).is_conflict
    assert not Attempt(None, "the disk is full").is_conflict
    assert not Attempt(Lock(None, ())).is_conflict


def test_what_can_be_left_out() -> None:
    """What several ask for is one input; requirements of develop packages are some, too."""
    needs = Needs(
        (Need("web", "part b"), Need("web", "part a"), Need("own", "develop package own")),
        {"six": "1.16.0", "own": "9"},
        (OWN,),
        ">=3.11",
        Terms(exclude_newer="2026-01-01T00:00:00Z"),
        constraints=(Need("colour<2", "constraints.txt, line 3"),),
    )
    found = inputs_of(needs, "the requested Python version (>=3.11) does not satisfy Python>=3.13")
    assert [
        (Kind.NEED, "web", ("part a", "part b")),
        (Kind.DEVELOP, "six<1.17", ("own",)),
        (Kind.DEVELOP, "web", ("own",)),
        (Kind.PIN, "six", ()),
        (Kind.CONSTRAINT, "colour<2", ("constraints.txt, line 3",)),
        (Kind.CUTOFF, "2026-01-01T00:00:00Z", ()),
        (Kind.PYTHON, ">=3.11", ()),
    ] == [(item.kind, item.text, item.askers) for item in found]
    nothing = without(needs, found)
    assert ((), {"own": "9"}, ()) == (nothing.develop[0].requires, nothing.pins, nothing.constraints)
    assert ([Need("own", "develop package own")], ">=3.13") == (list(nothing.needs), nothing.requires_python)
    assert nothing.terms.exclude_newer is None
    assert needs == without(needs, ())


def test_names_in_the_words_of_uv() -> None:
    """A name counts where it stands alone, not as a piece of another."""
    assert mentions("Because web==2.0 depends on Six>=1", "six")
    assert not mentions("Because web-six==2.0 depends on six-more and x.six", "six")


def test_pythons_in_the_words_of_uv() -> None:
    """Of the Pythons that uv speaks of those count that are later than the lowest of the lock."""
    words = "split (python_full_version >= '3.11' and python_full_version < '3.12') does not satisfy Python>=3.13"
    assert [12, 13] == minors(words, ">=3.11")
    assert [13] == minors(words, ">=3.12")
    assert [] == minors("nothing of that", ">=3.12")
    assert [12] == minors(words, ">=3.11,<3.13")
