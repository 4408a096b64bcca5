"""Every chain of requirements that leads to a distribution is found, the shortest first, and none goes in circles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from eggcarton.packages import chains
from eggcarton.packages.chains import Chains, Explanation, Graph, explain, nearest
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Need, Needs

LINUX = {"python_version": "3.11", "python_full_version": "3.11.7", "sys_platform": "linux", "extra": ""}


def package(name: str, version: str, *requires: str, marker: str | None = None) -> LockedPackage:
    return LockedPackage(name, version, marker=marker, requires=requires)


def lock(*packages: LockedPackage) -> Lock:
    return Lock(">=3.10", packages)


def needs(
    *asked: tuple[str, str], pins: Mapping[str, str] | None = None, develop: LockedPackage | None = None
) -> Needs:
    found = tuple(Need(line, by) for by, line in asked)
    return Needs(found, pins or {}, (develop,) if develop else (), ">=3.10")


def why(locked: Lock, wanted: Needs, name: str, here: str = "developed here") -> list[str]:
    found = explain(locked, wanted, name, LINUX, here=here)
    assert found is not None
    return found.lines(everything=False)


GUESTBOOK = lock(
    package("guestbook", "1.0", "pyramid>=2", "webtest ; extra == 'tests'"),
    package("pyramid", "2.0.2", "zope.interface>=3.8.0", "zope.deprecation"),
    package("webtest", "3.0", "pyramid[testing]", "six ; extra == 'old'"),
    package("zope-deprecation", "5.0"),
    package("zope-interface", "7.2"),
)


def test_a_chain_of_three() -> None:
    """A chain tells who asks, what for, and what each needs of the next, in the words of its metadata."""
    expected = (
        "part app asks for guestbook > guestbook needs pyramid>=2 > pyramid needs zope.interface>=3.8.0"
        " : zope-interface 7.2"
    )
    assert [expected] == why(GUESTBOOK, needs(("part app", "guestbook")), "zope-interface")


def test_the_shortest_comes_first() -> None:
    """Chains are told in the order of their length, whoever is asked first."""
    wanted = needs(("part app", "guestbook"), ("part web", "zope.interface"), ("part xyz", "pyramid"))
    assert [
        "part web asks for zope.interface : zope-interface 7.2",
        "part xyz asks for pyramid > pyramid needs zope.interface>=3.8.0 : zope-interface 7.2",
        "part app asks for guestbook > guestbook needs pyramid>=2 > pyramid needs zope.interface>=3.8.0"
        " : zope-interface 7.2",
    ] == why(GUESTBOOK, wanted, "zope-interface")


def test_extras_are_shown_where_they_matter() -> None:
    """What an extra asks for is told of the name with that extra, and not where the extra was not asked for."""
    wanted = needs(("part test", "guestbook[tests]"))
    assert ["part test asks for guestbook[tests] > guestbook[tests] needs webtest : webtest 3.0"] == why(
        GUESTBOOK, wanted, "webtest"
    )
    [line] = why(GUESTBOOK, needs(("part app", "guestbook")), "webtest")
    assert "webtest 3.0 is surplus: nothing leads to it, and bin/eggcarton lock takes it out" == line


def test_an_extra_that_asks_for_another_of_its_own() -> None:
    """A name leads to itself only for extras that were not asked of it before."""
    locked = lock(
        package("web", "1.0", "six", "web[tests] ; extra == 'all'", "mock ; extra == 'tests'"),
        package("mock", "5.0"),
        package("six", "1.17.0"),
    )
    wanted = needs(("part app", "web[all]"))
    assert ["part app asks for web[all] > web[all] needs web[tests] > web[tests] needs mock : mock 5.0"] == why(
        locked, wanted, "mock"
    )
    assert ["part app asks for web[all] > web needs six : six 1.17.0"] == why(locked, wanted, "six")


def test_markers_are_shown_and_obeyed() -> None:
    """A marker that holds is told with its requirement, beside the extra's; one that does not hold leads nowhere."""
    locked = lock(
        package("web", "1.0", "six ; sys_platform == 'linux' and extra == 'x'", "win ; sys_platform == 'win32'"),
        package("six", "1.17.0"),
        package("win", "2.0", marker="sys_platform == 'win32'"),
    )
    wanted = needs(("part app", "web[x]"))
    assert ['part app asks for web[x] > web[x] needs six ; sys_platform == "linux" : six 1.17.0'] == why(
        locked, wanted, "six"
    )
    assert [
        'part app asks for web[x] > web needs win ; sys_platform == "win32" : win 2.0',
        "win 2.0 (sys_platform == 'win32') is locked for another Python or platform; nothing leads to it on this one",
    ] == why(locked, wanted, "win")


def test_one_name_at_two_versions() -> None:
    """The version of this platform is explained, and where another one is used is said."""
    locked = lock(
        package("web", "1.0", marker="sys_platform == 'linux'"),
        package("web", "2.0", marker="sys_platform != 'linux'"),
    )
    assert [
        "part app asks for web : web 1.0",
        "elsewhere it is web 2.0 (sys_platform != 'linux')",
    ] == why(locked, needs(("part app", "web")), "web")


def test_pins_are_named() -> None:
    """The line of [versions] that holds a distribution is named as it is written there."""
    pins = {"Zope.Deprecation": "5.0", "pyramid": ">=2", "other": "1"}
    wanted = needs(("part app", "zope.deprecation"), pins=pins)
    assert [
        "part app asks for zope.deprecation : zope-deprecation 5.0",
        "[versions] Zope.Deprecation = 5.0 holds it",
    ] == why(GUESTBOOK, wanted, "zope-deprecation")


def test_whoever_asks_is_told_in_words_that_fit() -> None:
    """Develop packages, recipes, extensions and what a recipe asked while it ran begin a chain each."""
    developed = package("guestbook", "1.0.dev0", "pyramid>=2")
    wanted = needs(
        ("develop package guestbook", "guestbook"),
        ("extensions", "pyramid"),
        ("part app, while it runs,", "pyramid"),
        ("the recipe of part web", "pyramid"),
        develop=developed,
    )
    assert [
        "extensions name pyramid : pyramid 2.0.2",
        "part app, while it runs, asks for pyramid : pyramid 2.0.2",
        "the recipe of part web is pyramid : pyramid 2.0.2",
        "develop package guestbook > guestbook needs pyramid>=2 : pyramid 2.0.2",
    ] == why(GUESTBOOK, wanted, "pyramid")
    assert ["develop package guestbook : guestbook 1.0.dev0, developed here"] == why(GUESTBOOK, wanted, "guestbook")


def test_a_name_that_nothing_leads_to_and_that_is_not_locked_either() -> None:
    """What stands beside the lock is said to be there, and what is neither is not explained."""
    developed = package("setuptools", "84.0")
    wanted = needs(("part app", "guestbook"), develop=developed)
    assert ["setuptools 84.0 is of the toolchain; nothing leads to it"] == why(
        GUESTBOOK, wanted, "setuptools", here="of the toolchain"
    )
    assert None is explain(GUESTBOOK, wanted, "pyramyd", LINUX)


def test_cycles_end() -> None:
    """Distributions that need each other have finite chains, none of which passes a name twice for the same."""
    locked = lock(
        package("a", "1", "b", "c"), package("b", "1", "a", "c"), package("c", "1", "a", "b", "z"), package("z", "1")
    )
    assert [
        "part app asks for a > a needs c > c needs z : z 1",
        "part app asks for a > a needs b > b needs c > c needs z : z 1",
    ] == why(locked, needs(("part app", "a")), "z")


def layers(number: int, width: int = 3) -> Lock:
    """Return a lock in which each of some layers needs all of the next one, and the last one needs `end`."""
    found = [package("end", "1")]
    for layer in range(number):
        below = [f"l{layer + 1}-{i}" for i in range(width)] if layer + 1 < number else ["end"]
        found += [package(f"l{layer}-{i}", "1", *below) for i in range(width)]
    return lock(*found)


def test_many_chains_are_counted_and_not_shown() -> None:
    """Ten chains are shown and the others counted; all are shown when all are asked for."""
    wanted = needs(("part app", "l0-0"))
    found = explain(layers(4), wanted, "end", LINUX)
    assert found is not None
    assert 11 == len(found.lines(everything=False))
    assert "and 17 longer chains; --all shows them" == found.lines(everything=False)[-1]
    assert 27 == len(set(found.lines(everything=True)))


def test_more_chains_than_can_be_counted() -> None:
    """Where there are more chains than anybody reads, the shortest are found, and the rest is not sought."""
    found = chains.to(Graph(layers(40), needs(("part app", "l0-0"), ("part short", "l38-0")), LINUX), "end")
    assert (False, chains.COUNTED) == (found.complete, len(found.chains))
    assert [3, 3, 3, 41] == [len(chain) for chain in found.chains[:4]]


@pytest.mark.parametrize(
    ("explanation", "everything", "expected"),
    [
        (Explanation(tuple("abcdefghijk")), False, "and 1 longer chain; --all shows it"),
        (Explanation(tuple("abcdefghij")), False, "j"),
        (
            Explanation(("x",) * 1011, complete=False),
            False,
            "and more than 1,001 longer chains; --all shows the 1,011 shortest",
        ),
        (Explanation(("x",) * 1011, complete=False), True, "and more longer chains than anybody counts"),
    ],
)
def test_what_is_left_out_is_counted(explanation: Explanation, everything: bool, expected: str) -> None:
    """The last line tells how many chains are not shown, and how to see them."""
    assert expected == explanation.lines(everything=everything)[-1]


def test_no_credentials_are_shown() -> None:
    """An address in a requirement is told without the password that stands in it."""
    locked = lock(package("web", "1.0"))
    [line] = why(locked, needs(("part app", "web @ https://me:secret@index.example/web-1.0-py3-none-any.whl")), "web")
    assert "part app asks for web @ https://index.example/web-1.0-py3-none-any.whl : web 1.0" == line


def test_the_nearest_name() -> None:
    """A name that is not there is answered with the nearest one, or with what to do."""
    assert "; did you mean pyramid?" == nearest("pyramyd", ["pyramid", "web"])
    assert "; add it to the eggs of a part to have it locked" == nearest("qqq", ["pyramid", "web"])


def test_nothing_leads_to_it() -> None:
    """A name that nothing leads to has no chains."""
    assert Chains((), complete=True) == chains.to(Graph(GUESTBOOK, needs(), LINUX), "pyramid")


def test_a_constraint_that_holds_it() -> None:
    """A line of constraints is told with its place where its marker holds, and where it bounds versions."""
    lines = (
        Need("zope.deprecation<6", "constraints.txt, line 2"),
        Need('zope.deprecation<7 ; sys_platform == "win32"', "constraints.txt, line 3"),
        Need("zope.deprecation", "constraints.txt, line 4"),
        Need("zope.interface<8", "constraints.txt, line 5"),
    )
    wanted = replace(needs(("part app", "pyramid")), constraints=lines)
    assert [
        "part app asks for pyramid > pyramid needs zope.deprecation : zope-deprecation 5.0",
        "zope.deprecation<6 holds it, in constraints.txt, line 2",
    ] == why(GUESTBOOK, wanted, "zope-deprecation")
