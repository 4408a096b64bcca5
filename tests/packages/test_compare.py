"""Two locks are compared entry by entry, and what is dangerous is told first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eggcarton.packages.compare import compare
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage
from eggcarton.packages.origin import Origin


def wheel(name: str, sha256: str = "a") -> LockedFile:
    return LockedFile(f"{name}-py3-none-any.whl", sha256 * 64)


def package(name: str, version: str) -> LockedPackage:
    return LockedPackage(name, version, (wheel(f"{name}-{version}"),))


SIX = package("six", "1.17.0")
OLD = Lock(">=3.10", (package("click", "8.1"), SIX, package("web", "2.0")))


def told(old: Lock, new: Lock) -> list[str]:
    return [str(difference) for difference in compare(old, new)]


def with_six(changed: LockedPackage) -> Lock:
    return replace(OLD, packages=tuple(changed if p.name == "six" else p for p in OLD.packages))


def test_nothing_is_different() -> None:
    """Locks that say the same have no difference, whatever their order and wherever their files lie."""
    hinted = replace(SIX, wheels=(replace(SIX.wheels[0], hint="elsewhere/"),))
    assert [] == told(OLD, replace(with_six(hinted), packages=tuple(reversed(with_six(hinted).packages))))


def test_commits() -> None:
    """Another commit is told although the version is the same, and so is a way from an index to a repository."""
    one, two = (
        replace(SIX, origin=Origin("git", "https://host.example/six", "main", commit * 40), wheels=(), sdist=file)
        for commit, file in (("a", LockedFile("six-a.tar", "1" * 64)), ("b", LockedFile("six-b.tar", "2" * 64)))
    )
    exact = f"git+https://host.example/six@{'a' * 40}"
    assert f"six 1.17.0: from {exact} -> {exact.replace('a' * 40, 'b' * 40)}" in told(with_six(one), with_six(two))
    assert f"six 1.17.0: from the default index -> {exact}" in told(OLD, with_six(one))


def test_versions() -> None:
    """What was added, removed, upgraded and downgraded is told by name, by the order that versions have."""
    new = Lock(">=3.10", (package("click", "8.10"), package("web", "1.9"), package("zope", "6")))
    assert [
        "click 8.1 -> 8.10 upgraded",
        "six 1.17.0 removed",
        "web 2.0 -> 1.9 downgraded",
        "zope 6 added",
    ] == told(OLD, new)


def test_several_versions_of_one_name() -> None:
    """A name with one version for each of two platforms is told with both."""
    two = replace(OLD, packages=(*OLD.packages, replace(package("six", "1.9"), marker="sys_platform == 'win32'")))
    assert ["six 1.17.0 -> 1.9/1.17.0 changed"] == told(OLD, two)
    assert ["six 1.9/1.17.0 -> 1.17.0 changed"] == told(two, OLD)


def test_other_bytes_come_first_and_loud() -> None:
    """A file whose name stayed and whose sha256 did not is told first, with what to do."""
    new = with_six(replace(SIX, wheels=(wheel("six-1.17.0", "b"),)))
    new = replace(new, packages=(*(p for p in new.packages if p.name != "click"),))
    assert [
        "!!! six: six-1.17.0-py3-none-any.whl has OTHER BYTES under the same name: sha256 aaaaaaaaaaaaaaaa... -> "
        "bbbbbbbbbbbbbbbb...; find out why before you install it",
        "click 8.1 removed",
    ] == told(OLD, new)


def test_other_bytes_of_a_source_distribution() -> None:
    """A source distribution is a file like the others."""
    old = with_six(replace(SIX, sdist=LockedFile("six-1.17.0.tar.gz", "c" * 64)))
    new = with_six(replace(SIX, sdist=LockedFile("six-1.17.0.tar.gz", "d" * 64)))
    [difference] = compare(old, new)
    assert (True, "!!! six: six-1.17.0.tar.gz has OTHER BYTES") == (difference.alarming, str(difference)[:42])


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (replace(SIX, marker="python_version < '3.12'"), "six 1.17.0: marker everywhere -> python_version < '3.12'"),
        (replace(SIX, index="corp"), "six 1.17.0: from the default index -> corp"),
        (replace(SIX, requires=("mock>=1",)), "six 1.17.0: needs now mock>=1"),
        (replace(SIX, wheels=(*SIX.wheels, wheel("six-1.17.0-1"))), "six 1.17.0: added six-1.17.0-1-py3-none-any.whl"),
        (replace(SIX, wheels=()), "six 1.17.0: removed six-1.17.0-py3-none-any.whl"),
    ],
)
def test_one_version_told_otherwise(changed: LockedPackage, expected: str) -> None:
    """What else is different at the same version is told: its marker, index, requirements and files."""
    assert [expected] == told(OLD, with_six(changed))


def test_the_pythons_and_the_moment() -> None:
    """Another range of Pythons, and another moment after which nothing counts, are differences."""
    new = replace(OLD, requires_python=">=3.11", exclude_newer="2026-01-31T00:00:00Z")
    assert ["requires-python >=3.10 -> >=3.11", "exclude-newer none -> 2026-01-31T00:00:00Z"] == told(OLD, new)
