"""What is newer on an index counts as far as this Python can use it, and what holds it back is named."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from packaging.specifiers import SpecifierSet

from eggcarton.indexes.pages import Listed
from eggcarton.packages.chains import Graph
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage
from eggcarton.packages.needs import Need, Needs
from eggcarton.packages.outdated import Bound, Use, bounds_of, look, usable

USE = Use("3.11.7")


def wheel(version: str, tag: str = "py3-none-any", **told: str) -> Listed:
    name = f"six-{version}-{tag}.whl"
    return Listed(name, f"https://index.example/{name}", "a" * 64, **told)  # type: ignore[arg-type]


def sdist(version: str) -> Listed:
    return Listed(f"six-{version}.tar.gz", "https://index.example/", "a" * 64)


def locked(version: str = "1.0") -> LockedPackage:
    return LockedPackage("six", version, (LockedFile(f"six-{version}-py3-none-any.whl", "a" * 64),))


def told(listed: Sequence[Listed], *bounds: Bound, version: str = "1.0", use: Use = USE) -> list[str]:
    return look(locked(version), listed, bounds, use).lines()


def test_nothing_newer() -> None:
    """What is the newest is not told."""
    assert [] == told([wheel("1.0"), wheel("0.9")])
    assert [] == told([])


def test_nothing_holds_it_back() -> None:
    """The newest version is told with the command that takes it."""
    assert ["six 1.0 -> 1.10: bin/eggcarton lock --upgrade six takes it"] == told([wheel("1.9"), wheel("1.10")])


def test_something_holds_it_back() -> None:
    """What does not admit the newest version is named, and no command that would not help."""
    bounds = [
        Bound("[versions] has six = 1.0", SpecifierSet("==1.0")),
        Bound("web needs six<2", SpecifierSet("<2")),
        Bound("part app asks for six>=1", SpecifierSet(">=1")),
    ]
    assert ["six 1.0 -> 2.0: held back, since [versions] has six = 1.0, and web needs six<2"] == told(
        [wheel("2.0")], *bounds
    )


def test_something_holds_only_the_newest_back() -> None:
    """A version between that can be had is offered, and what holds the newest back is named."""
    bound = Bound("web needs six<2", SpecifierSet("<2"))
    expected = "six 1.0 -> 1.5: bin/eggcarton lock --upgrade six takes it; 2.0 is held back, since web needs six<2"
    assert [expected] == told([wheel("1.5"), wheel("2.0")], bound)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (wheel("2.0", requires_python=">=3.12"), "another Python"),
        (wheel("2.0", "cp39-cp39-win_amd64"), "another platform"),
        (wheel("2.0", yanked=""), "yanked"),
        (wheel("2.0a1"), "a prerelease"),
        (sdist("2.0"), "a source distribution"),
        (Listed("six-2.0-py3-none-any.whl", "https://index.example/"), "no sha256"),
        (Listed("six_addons-2.0-py3-none-any.whl", "https://index.example/", "a" * 64), "another project"),
        (Listed("six-2.0.exe", "https://index.example/", "a" * 64), "another kind of file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used_is_not_offered(file: Listed, why: str) -> None:
    """A file that this Python could not be given counts for nothing."""
    assert [] == told([wheel("1.0"), file]), why


def test_what_can_be_used_when_it_is_allowed() -> None:
    """Prereleases count where they are asked for, or locked already; sources where they may be built."""
    assert {"1.0"} == {str(version) for version in usable([wheel("1.0"), sdist("2.0")], USE, "six")}
    assert 1 == len(told([sdist("2.0")], use=Use("3.11.7", sdists=True)))
    assert 1 == len(told([wheel("2.0a1")], use=Use("3.11.7", prereleases=True)))
    assert 1 == len(told([wheel("2.0a2")], version="2.0a1"))
    assert 1 == len(told([wheel("2.0", "cp39-cp39-win_amd64")], use=Use("3.11.7", here=False)))
    assert 1 == len(told([wheel("2.0", requires_python="rubbish")]))


def test_a_locked_version_that_was_yanked() -> None:
    """That a locked version was withdrawn is told with its reason, and is a finding even when nothing is newer."""
    assert ["six 1.0 was yanked: breaks on Sundays"] == told([wheel("1.0", yanked="breaks on Sundays")])
    assert ["six 1.0 was yanked, no reason given"] == told([wheel("1.0", yanked="")])
    assert look(locked(), [wheel("1.0", yanked="")], (), USE).is_finding
    assert not look(locked(), [wheel("1.0"), wheel("0.9", yanked="")], (), USE).is_finding


def test_what_holds_each_name() -> None:
    """Pins hold, and so do constraints and the requirements that this configuration leads to; others do not."""
    lock = Lock(
        ">=3.10",
        (
            LockedPackage("web", "1.0", requires=("six<2", "mock<9 ; extra == 'tests'")),
            LockedPackage("left", "1.0", requires=("six<3",)),
            LockedPackage("six", "1.17.0"),
            LockedPackage("mock", "5.0"),
        ),
    )
    needs = Needs(
        (Need("web>=1", "part app"),),
        {"Six": "1.17.0"},
        (),
        ">=3.10",
        constraints=(
            Need("Web<2", "constraints.txt, line 3"),
            Need('web<1 ; python_version < "3.11"', "constraints.txt, line 4"),
        ),
    )
    environment = {"python_version": "3.11", "python_full_version": "3.11.7", "extra": ""}
    graph = Graph(lock, needs, environment)
    assert {
        "six": ["[versions] has Six = 1.17.0", "web needs six<2"],
        "web": ["constraints.txt, line 3 holds Web<2", "part app asks for web>=1"],
    } == {name: [bound.why for bound in bounds] for name, bounds in bounds_of(graph, needs, environment).items()}
