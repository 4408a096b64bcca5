"""A lock answers what is asked for, or it is said in one sentence each what it does not answer."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import default_environment
from packaging.requirements import Requirement

from eggcarton.core.errors import IntegrityProblem, UsageProblem
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import (
    Need,
    Needs,
    Terms,
    activated,
    check,
    closure,
    drift,
    pin_of,
    pruned,
    requirement_of,
)

HERE = {key: str(value) for key, value in default_environment().items()}


def package(name: str, version: str = "1.0", *requires: str, marker: str | None = None) -> LockedPackage:
    return LockedPackage(name, version, marker=marker, requires=requires)


def lock(*packages: LockedPackage, requires_python: str | None = ">=3.8") -> Lock:
    return Lock(requires_python, packages)


def needs(*lines: str, pins: Mapping[str, str] | None = None, develop: tuple[LockedPackage, ...] = ()) -> Needs:
    return Needs(tuple(Need(line, "part app") for line in lines), pins or {}, develop, ">=3.8")


def names(locked: Lock, *lines: str, develop: tuple[LockedPackage, ...] = ()) -> list[str]:
    return sorted(closure(activated(locked, develop, HERE), lines, HERE))


WEB = lock(package("web", "2.0", "six>=1", "colour ; extra == 'tests'"), package("six", "1.17.0"))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (needs("web"), []),
        (needs("Web>=1", "SIX"), []),
        (needs("web==2.0", "six<2"), []),
        (needs("web ; python_version < '3'", "gone ; sys_platform == 'none'"), []),
        (needs("gone"), ["part app needs gone, which the lock does not have"]),
        (needs("web>2"), ["part app needs web>2, the lock has web 2.0"]),
        (needs("web>2", "web>2"), ["part app needs web>2, the lock has web 2.0"]),
        (needs("web[tests]"), ["web needs colour ; extra == 'tests', which the lock does not have"]),
        (needs("web", pins={"six": "1.17.0", "unrelated": "5"}), []),
        (needs("web", pins={"Six": "1.16.0"}), ["[versions] asks for Six 1.16.0, the lock has 1.17.0"]),
        (needs("web", pins={"six": ">=1.18"}), ["[versions] asks for six >=1.18, the lock has 1.17.0"]),
        (needs("web", pins={"six": ""}), []),
    ],
)
def test_drift(wanted: Needs, expected: list[str]) -> None:
    """An unmet requirement and a contradicted pin are drift; what is met or needed only elsewhere is none."""
    assert expected == drift(WEB, wanted)


def test_surplus_is_no_drift() -> None:
    """A lock may hold more than is asked for."""
    assert [] == drift(WEB, needs())


def test_drift_in_what_is_led_to() -> None:
    """A lock whose own entries do not fit together does not answer."""
    broken = lock(package("web", "2.0", "six>=2", "gone"), package("six", "1.17.0"))
    assert ["web needs six>=2, the lock has six 1.17.0", "web needs gone, which the lock does not have"] == drift(
        broken, needs("web")
    )
    assert [] == drift(broken, needs("six"))


def test_drift_of_the_python() -> None:
    """A lock that is made for other Pythons does not answer this one, and how to widen it is said."""
    version = HERE["python_full_version"]
    assert [f"this is Python {version}, the lock is for <3; requires-python in [eggcarton] widens it"] == drift(
        lock(requires_python="<3"), needs()
    )
    assert [] == drift(lock(requires_python=None), needs())


def test_prereleases_that_are_locked_are_met() -> None:
    """A prerelease in the lock answers a requirement that its number satisfies."""
    assert [] == drift(lock(package("web", "2.0b1")), needs("web>=1", pins={"web": ">=1.5"}))


def test_develop_packages_are_in_no_lock() -> None:
    """A develop package needs no entry, and no pin holds it, but what it requires must be there."""
    own = package("web", "0.1", "six>=1", "gone ; extra == 'x'")
    assert [] == drift(lock(package("six")), needs("web", pins={"web": "7"}, develop=(own,)))
    assert ["web needs gone ; extra == 'x', which the lock does not have"] == drift(
        lock(package("six")), needs("web[x]", develop=(own,))
    )


def test_markers_choose_entries() -> None:
    """Of several entries of one name the one for this Python counts."""
    old = package("six", "1.0", marker="python_version < '3'")
    assert ["1.17.0"] == [p.version for p in activated(lock(old, package("six", "1.17.0")), (), HERE).values()]


def test_a_develop_package_hides_a_locked_one() -> None:
    """Where both are there, the develop package is what is installed."""
    assert "0.1" == activated(WEB, (package("web", "0.1"),), HERE)["web"].version


def test_two_active_entries_are_refused() -> None:
    """A lock with two entries of one name for the same Python and platform must not be obeyed."""
    double = lock(package("six", "1.16"), package("six", "1.17", marker="python_version > '3'"))
    with pytest.raises(IntegrityProblem) as caught:
        drift(double, needs("six"))
    assert (
        "the lock has six 1.16 and 1.17 for the same Python and platform; restore the lock, or remove it and lock again"
        == str(caught.value)
    )


def test_closure_begins_with_its_own() -> None:
    """The names of a working set begin with what was asked for, in its order, each once."""
    locked = lock(package("b", "1", "c"), package("a", "1", "c", "b"), package("c"), package("d"))
    assert ["b", "a", "c"] == closure(activated(locked, (), HERE), ["B", "a", "b>=0"], HERE)


def test_closure_of_extras() -> None:
    """An extra leads to what it adds, in any spelling, and to the other extras that it names."""
    locked = lock(
        package("web", "1", "six", "a ; extra == 'one'", "b ; extra == 'two-x'", "web[one,Two_X] ; extra == 'all'"),
        *(package(name) for name in ("six", "a", "b")),
    )
    assert ["six", "web"] == names(locked, "web")
    assert ["a", "six", "web"] == names(locked, "web[one]")
    assert ["b", "six", "web"] == names(locked, "web[Two.X]")
    assert ["a", "b", "six", "web"] == names(locked, "web[all]")


def test_an_extra_asked_for_later() -> None:
    """An extra is followed even when its distribution was met before without it."""
    locked = lock(
        package("a", "1", "web"), package("b", "1", "web[x]"), package("web", "1", "c ; extra=='x'"), package("c")
    )
    assert ["a", "b", "c", "web"] == names(locked, "a", "b")


def test_closure_and_markers() -> None:
    """What a marker keeps away from this platform is in no closure."""
    locked = lock(package("web", "1", "six ; sys_platform == 'none'", f"a ; sys_platform == '{sys.platform}'"))
    locked = replace(locked, packages=(*locked.packages, package("six"), package("a"), package("c")))
    assert ["a", "web"] == names(locked, "web", "c ; python_version < '3'")


def test_a_marker_beside_an_extra() -> None:
    """A requirement under an extra and a marker counts when both hold."""
    locked = lock(
        package("web", "1", "a ; (python_version < '3') and extra == 'x'", "b ; python_version > '3' and extra == 'x'"),
        package("a"),
        package("b"),
    )
    assert ["b", "web"] == names(locked, "web[x]")


def test_closure_through_develop_packages() -> None:
    """A develop package is part of a closure, and leads on."""
    own = package("web", "0.1", "six")
    assert ["six", "web"] == names(lock(package("six")), "web", develop=(own,))


def test_circles() -> None:
    """Distributions that need each other, themselves even, are each named once."""
    locked = lock(package("a", "1", "b"), package("b", "1", "a", "b[x]", "c ; extra == 'x'"), package("c", "1", "a[y]"))
    assert ["a", "b", "c"] == names(locked, "a")


@given(st.data())
def test_a_closure_is_closed(data: st.DataObject) -> None:
    """Whatever requires what, everything that a closure's members require here is in the closure."""
    known = [f"p{number}" for number in range(6)]
    line = st.tuples(
        st.sampled_from(known),
        st.sampled_from(["", "[x]"]),
        st.sampled_from(["", " ; extra == 'x'", " ; sys_platform == 'none'", " ; python_version > '3'"]),
    ).map("".join)
    locked = lock(*(package(name, "1", *data.draw(st.lists(line, max_size=4))) for name in known))
    roots = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=3))
    assert [] == drift(locked, needs(*roots))
    found = names(locked, *roots)
    assert set(roots) <= set(found)
    for member in found:
        for needed in map(Requirement, locked.named(member)[0].requires):
            if needed.marker is None or needed.marker.evaluate({**HERE, "extra": ""}):
                assert needed.name in found
    assert found == names(locked, *reversed(found))


@pytest.mark.parametrize(
    ("value", "fits", "does_not"),
    [
        ("1.2", "1.2", "1.2.1"),
        (">=1.2,<2", "1.9", "2"),
        ("1.2.*", "1.2.9", "1.3"),
        ("~=1.2", "1.9", "2.0"),
        (" 1.2 ", "1.2", "1.3"),
    ],
)
def test_pins(value: str, fits: str, does_not: str) -> None:
    """A bare version means exactly that one, anything else is a range."""
    assert (True, False) == (pin_of("six", value).contains(fits), pin_of("six", value).contains(does_not))


@pytest.mark.parametrize("value", ["one", "1.2 or so", ">=", "1.2; x"])
def test_a_pin_that_is_none(value: str) -> None:
    """What is neither a version nor a range is told with the line it stands in."""
    with pytest.raises(UsageProblem) as caught:
        pin_of("six", value)
    assert f"[versions] six = {value}: not a version such as 1.2 or a range such as >=1.2,<2" == str(caught.value)


def test_a_requirement_that_is_none() -> None:
    """What is no requirement is told with who asks for it."""
    with pytest.raises(UsageProblem) as caught:
        requirement_of(Need("six >", "part app"))
    assert str(caught.value).startswith("part app: 'six >' is not a requirement such as name>=1.0: ")
    assert 1 == len(str(caught.value).splitlines())


EXTRAS = LockedPackage("web", "2.0", requires=('colour; extra == "Tests_Too"',), empty_extras=("nothing",))


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            needs("own>=2", develop=(package("own", "1.0"),)),
            "part app needs own>=2, and own 1.0 is developed here; develop another version, or ask for this one",
        ),
        (
            needs("web[test]"),
            "part app needs web[test], and web 2.0 has no extra test: it has nothing, tests-too; correct it, or set "
            "allow-unknown-extras = true in [buildout]",
        ),
        (
            needs("own[tests]", develop=(package("own", "1.0"),)),
            "part app needs own[tests], and own 1.0 has no extra tests: it has none; correct it, or set "
            "allow-unknown-extras = true in [buildout]",
        ),
    ],
)
def test_what_no_lock_could_answer(wanted: Needs, sentence: str) -> None:
    """A version other than the one developed here, and an extra that is not there, are refused."""
    with pytest.raises(UsageProblem) as caught:
        check(lock(EXTRAS), wanted)
    assert sentence == str(caught.value)


@pytest.mark.parametrize(
    "line", ["web[tests-too,nothing]", "Web[Tests.Too]", "gone[x]", "web[x]; sys_platform == 'no'"]
)
def test_what_a_lock_could_answer(line: str) -> None:
    """Extras are known by any spelling, those that lead to nothing too; what is not needed here is not looked at."""
    check(lock(EXTRAS), needs(line))


def test_unknown_extras_allowed() -> None:
    """Where it is allowed, a need may name extras that are not there."""
    check(lock(EXTRAS), replace(needs("web[x]"), terms=Terms(unknown_extras=True)))


def test_what_a_developed_version_no_longer_answers() -> None:
    """A locked distribution that needs another version than the one developed here is drift."""
    locked = lock(package("web", "2.0", "own>=2"))
    wanted = needs("web", develop=(package("own", "1.0"),))
    assert ["web needs own>=2, the lock has own 1.0"] == drift(locked, wanted)


def test_pruning() -> None:
    """What nothing leads to goes; what another platform or an extra that is asked for needs stays, in all its forms."""
    locked = lock(
        package("web", "2.0", "six ; sys_platform == 'none'", "colour ; extra == 'tests'", "horn ; extra == 'loud'"),
        package("six", "1.0", marker="sys_platform == 'none'"),
        package("six", "2.0", marker="sys_platform != 'none'"),
        package("colour", "1.0", "web[tests]"),
        package("horn"),
        package("other"),
    )
    assert ["web", "six", "six", "colour"] == [p.name for p in pruned(locked, needs("web[tests]")).packages]
    own = package("own", "1.0", "other")
    assert ["other"] == [p.name for p in pruned(locked, needs("own", develop=(own,))).packages]


def test_terms_that_changed() -> None:
    """A date other than the lock's is drift, and so is any where it has none; that time has passed since is not."""
    dated = replace(lock(), exclude_newer="2026-01-01T00:00:00Z")
    for terms, locked, expected in [
        (Terms(exclude_newer="7 days"), dated, []),
        (Terms(), dated, []),
        (Terms(exclude_newer="2026-01-01T00:00:00Z"), dated, []),
        (
            Terms(exclude_newer="2026-02-01T00:00:00Z"),
            dated,
            ["exclude-newer asks for 2026-02-01T00:00:00Z, the lock was made with 2026-01-01T00:00:00Z"],
        ),
        (Terms(exclude_newer="7 days"), lock(), ["exclude-newer asks for 7 days, the lock was made without"]),
        (Terms(asked_python=">=3.9"), lock(), ["requires-python asks for >=3.9, the lock is for >=3.8"]),
    ]:
        assert expected == drift(locked, replace(needs(), terms=terms))
