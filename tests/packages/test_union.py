"""What several configurations need together: each need once, with the name of the file that alone has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eggcarton.core.errors import UsageProblem
from eggcarton.packages import union
from eggcarton.packages.lock import LockedPackage
from eggcarton.packages.needs import Need, Needs, Terms

HERE = Needs((Need("web", "part app"),), {"web": "1.0"}, (), ">=3.10")


def test_no_others() -> None:
    """Alone, a configuration needs what it needs."""
    assert union.of(HERE, {}) == HERE


def test_needs_of_both() -> None:
    """A need that both have is there once; one that the other has alone is told with its file."""
    other = replace(HERE, needs=(Need("web", "part app"), Need("server", "part server")))
    assert (Need("web", "part app"), Need("server", "part server of b.cfg")) == union.of(HERE, {"b.cfg": other}).needs


def test_pins_of_both() -> None:
    """Pins that only the other has, or has otherwise, hold too, and are told as its own."""
    other = replace(HERE, pins={"web": "1.0", "six": ">=1.16"})
    together = union.of(HERE, {"b.cfg": other})
    assert {"web": "1.0"} == together.pins
    assert (Need("six>=1.16", "[versions] of b.cfg"),) == together.constraints


def test_hashes_of_both() -> None:
    """Of a project that both tell hashes of, those alone are trusted that both tell."""
    one = replace(HERE, hashes={"a": frozenset("12"), "b": frozenset("3")})
    other = replace(HERE, hashes={"a": frozenset("23"), "c": frozenset("4")})
    found = union.of(one, {"b.cfg": other}).hashes
    assert {"a": frozenset("2"), "b": frozenset("3"), "c": frozenset("4")} == found


def test_develop_packages_of_both() -> None:
    """What either develops is developed; the same name at two versions cannot be."""
    mine = LockedPackage("mine", "1.0")
    together = union.of(
        replace(HERE, develop=(mine,)), {"b.cfg": replace(HERE, develop=(mine, LockedPackage("x", "1")))}
    )
    assert ["mine", "x"] == [package.name for package in together.develop]
    other = replace(HERE, develop=(LockedPackage("mine", "2.0"),))
    with pytest.raises(UsageProblem, match=r"^mine is developed at 2.0 by b.cfg and at 1.0 by"):
        union.of(replace(HERE, develop=(mine,)), {"b.cfg": other})


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        (Terms(asked_python=">=3.12"), "[eggcarton] requires-python is >=3.12 in b.cfg and not set in"),
        (Terms(indexes={"a": ["x", "y-*"]}), "[eggcarton] indexes is x y-* at a in b.cfg and not set in"),
        (Terms(prereleases=True), "[buildout] prefer-final is false in b.cfg and true in"),
        (Terms(exclude_newer="7 days"), "[eggcarton] exclude-newer is 7 days in b.cfg and not set in"),
    ],
)
def test_terms_that_differ(terms: Terms, told: str) -> None:
    """What holds for a whole lock has to be the same for all it serves."""
    with pytest.raises(UsageProblem) as raised:
        union.of(HERE, {"b.cfg": replace(HERE, terms=terms)})
    assert str(raised.value).startswith(told)


def test_picked_versions_may_be_allowed_in_one() -> None:
    """That production wants everything pinned is no matter of the lock."""
    assert HERE == union.of(HERE, {"b.cfg": replace(HERE, terms=Terms(picked=False))})
