"""A newer version of what is asked for by name is not passed over without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from eggcarton.indexes.pages import Listed
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage
from eggcarton.packages.needs import Need, Needs, Terms
from eggcarton.packages.origin import Origin
from eggcarton.packages.passed_over import warnings

SUITS = (
    "six 1.0 is locked and not 2.0: that one, or something that it needs, has no wheel that suits, or does not go with "
    "the rest; six = 2.0 in [versions] has the next run tell what it is"
)
NO_WHEEL = (
    "six 1.0 is locked and not 2.0, which has no wheel; six = 2.0 in [versions] has it built, with six in "
    "allow-sdist of [eggcarton]"
)


def package(name: str, version: str, *requires: str, origin: Origin | None = None) -> LockedPackage:
    wheel = LockedFile(f"{name}-{version}-py3-none-any.whl", "a" * 64)
    return LockedPackage(name, version, (wheel,), requires=requires, origin=origin)


SIX = package("six", "1.0")
FIRST, SECOND = "six-1.0-py3-none-any.whl", "six-2.0-py3-none-any.whl"


def told(
    *files: str | Listed,
    asked: Sequence[str] = ("six",),
    locked: Sequence[LockedPackage] = (SIX,),
    before: Sequence[LockedPackage] | None = None,
    develop: Sequence[LockedPackage] = (),
    pins: Mapping[str, str] | None = None,
    constraints: Sequence[str] = (),
    hashes: Mapping[str, frozenset[str]] | None = None,
    terms: Terms | None = None,
    until: str | None = None,
) -> list[str]:
    needs = Needs(
        tuple(Need(line, "part app") for line in asked),
        pins or {},
        tuple(develop),
        ">=3.11",
        constraints=tuple(Need(line, "constraints.txt") for line in constraints),
        hashes=hashes or {},
        terms=terms or Terms(),
    )
    listed = [file if isinstance(file, Listed) else Listed(file, "", "a" * 64) for file in files]
    old = None if before is None else Lock(">=3.11", tuple(before))
    return warnings(
        Lock(">=3.11", tuple(locked), until), old, needs, lambda package: listed if package.name == "six" else ()
    )


def test_the_newest_is_locked() -> None:
    """Where nothing newer is there, nothing is told."""
    assert [] == told(FIRST, "six-0.9-py3-none-any.whl")


def test_a_newer_one_has_a_wheel() -> None:
    """Of a newer version that has a wheel it is told how the next run comes to say what is in its way."""
    assert [SUITS] == told(FIRST, SECOND)
    assert [SUITS] == told(FIRST, "six-1.5-py3-none-any.whl", SECOND, asked=["six>=1", "Six"])


def test_a_newer_one_has_no_wheel() -> None:
    """Of a newer version that is a source distribution alone it is told how it is built."""
    assert [NO_WHEEL] == told(FIRST, "six-1.5-py3-none-any.whl", "six-2.0.tar.gz")


@pytest.mark.parametrize(
    "why",
    [
        {"asked": ["web"]},
        {"asked": ["six<2"]},
        {"asked": ["six", "web"], "locked": [SIX, package("web", "1.0", "six<2")]},
        {"asked": ["six", "web"], "locked": [SIX, package("web", "1.0", "six<2 ; sys_platform == 'win32'")]},
        {"pins": {"Six": "<2"}},
        {"constraints": ["six<2"]},
        {"constraints": ["six<2 ; sys_platform == 'win32'"]},
        {"hashes": {"six": frozenset({"a" * 64})}},
        {"before": [SIX]},
        {"before": [package("six", "1.0"), package("six", "0.9")]},
        {"locked": [SIX, package("six", "2.0")]},
        {"develop": [package("six", "1.0")]},
        {"locked": [package("six", "1.0", origin=Origin("archive", "https://index.example/six-1.0-py3-none-any.whl"))]},
        {"until": "2026-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_there_is_a_reason(why: Mapping[str, object]) -> None:
    """Nothing is told where what is asked, or what stays, or where it comes from, excludes the newer version."""
    assert [] == told(FIRST, SECOND, **why)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "file",
    [
        Listed(SECOND, "", "a" * 64, requires_python=">=3.12"),
        Listed(SECOND, "", "a" * 64, yanked=""),
        Listed("six-2.0a1-py3-none-any.whl", "", "a" * 64),
    ],
    ids=["a later Python", "yanked", "a prerelease"],
)
def test_it_cannot_be_used(file: Listed) -> None:
    """Nothing is told of what a lock for all Pythons of its range cannot have, or what nobody asked for."""
    assert [] == told(FIRST, file)


def test_what_a_develop_package_asks_for() -> None:
    """What a develop package requires counts as asked for by name."""
    assert [SUITS] == told(FIRST, SECOND, asked=["app"], develop=[package("app", "1", "six>=1")])


def test_a_version_that_was_locked_anew() -> None:
    """What was locked before at another version is told as well."""
    assert [SUITS] == told(FIRST, SECOND, before=[package("six", "0.9")])


def test_uploads_in_time() -> None:
    """What came to the index before exclude-newer ends counts."""
    file = Listed(SECOND, "", "a" * 64, uploaded="2025-12-31T00:00:00Z")
    assert [SUITS] == told(FIRST, file, until="2026-01-01T00:00:00Z")


def test_prereleases_that_are_asked_for() -> None:
    """Where prereleases are taken they count."""
    assert 1 == len(told(FIRST, "six-2.0a1-py3-none-any.whl", terms=Terms(prereleases=True)))
