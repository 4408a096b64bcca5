"""A locked version that its author has withdrawn is told when a lock is made."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from eggcarton.indexes.pages import Listed
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage
from eggcarton.packages.needs import Need, Needs
from eggcarton.packages.yanked import warnings

WHEEL = "six-1.17.0-py3-none-any.whl"
SIX = LockedPackage("six", "1.17.0", wheels=(LockedFile(WHEEL, "0" * 64), LockedFile("six-1.17.0-1.whl", "1" * 64)))


def told(*lines: str, pins: Mapping[str, str] | None = None, yanked: str | None = "breaks") -> list[str]:
    needs = Needs(tuple(Need(line, "part app") for line in lines), pins or {}, (), ">=3.11")
    listed = (Listed(WHEEL, "", yanked=yanked), Listed("six-1.16.0-py3-none-any.whl", "", yanked="long ago"))
    return warnings(Lock(">=3.11", (SIX,)), needs, lambda package: listed)


@pytest.mark.parametrize(
    ("lines", "pins", "remedy"),
    [
        (("web",), {}, "bin/eggcarton lock --upgrade six takes another version, if there is one"),
        (("six==1.*",), {"six": ">=1"}, "bin/eggcarton lock --upgrade six takes another version, if there is one"),
        (("web",), {"Six": "1.17.0"}, "it is locked, since [versions] has Six = 1.17.0; ask for another version there"),
        (
            ("six==1.17.0",),
            {"six": "==1.17.0"},
            "it is locked, since [versions] has six = ==1.17.0 and part app asks for six==1.17.0; ask for another "
            "version there",
        ),
    ],
)
def test_what_holds_it(lines: tuple[str, ...], pins: Mapping[str, str], remedy: str) -> None:
    """A withdrawn version is told once, with the reason, and with what asks for exactly it."""
    assert [f"six 1.17.0 was yanked: breaks; {remedy}"] == told(*lines, pins=pins)


def test_no_reason() -> None:
    """That no reason was given is told as well."""
    assert told("web", yanked="")[0].startswith("six 1.17.0 was yanked, no reason given; ")


def test_another_version() -> None:
    """That another version than the locked one was withdrawn is not told."""
    assert [] == told("web", yanked=None)
