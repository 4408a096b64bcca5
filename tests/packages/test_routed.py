"""A lock says at which index it found each package, and a name that is asked elsewhere by now is locked anew."""

from __future__ import annotations

import pytest

from eggcarton.core.errors import UsageProblem
from eggcarton.indexes.routing import Index, Routing
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.routed import drift, orphans, routed, unmoved

PROJECTS = {"corp": ["corp-*"], "team": ["corp-web"]}
SIX, LIB, WEB = (LockedPackage(name, "1.0") for name in ("six", "corp-lib", "corp-web"))
ROUTING = Routing((Index("public", "https://index.example/"), *(Index(n, "", tuple(p)) for n, p in PROJECTS.items())))


def lock(**indexes: str | None) -> Lock:
    names = {"six": None, "lib": "corp", "web": "team"} | indexes
    packages = (SIX, LIB, WEB)
    return Lock(">=3.10", tuple(routed_at(p, i) for p, i in zip(packages, names.values(), strict=True)))


def routed_at(package: LockedPackage, index: str | None) -> LockedPackage:
    return LockedPackage(package.name, package.version, index=index)


def test_what_was_found_where_it_is_asked_is_no_drift() -> None:
    """A lock whose packages are asked where it has them from answers."""
    assert [] == list(drift(lock(), PROJECTS, (), lock))
    assert lock() == unmoved(lock(), ROUTING)
    assert lock().packages == tuple(routed(package, ROUTING) for package in (SIX, LIB, WEB))


@pytest.mark.parametrize(
    ("indexes", "told"),
    [
        ({"lib": None}, "corp-lib is asked at the index corp, the lock has it from the default index"),
        ({"six": "corp"}, "six is asked at the default index, the lock has it from the index corp"),
        ({"web": "corp"}, "corp-web is asked at the index team, the lock has it from the index corp"),
        ({"web": "gone"}, "corp-web is asked at the index team, the lock has it from the index gone"),
    ],
)
def test_what_moved_has_drifted(indexes: dict[str, str | None], told: str) -> None:
    """What the lock has from elsewhere is told, and nothing of it is kept, not even its version."""
    assert [told] == list(drift(lock(**indexes), PROJECTS, (), lock))
    assert told.split()[0] not in {package.name for package in unmoved(lock(**indexes), ROUTING).packages}


def test_an_index_that_is_gone() -> None:
    """What a private index had is not asked at the default one, unless somebody says so."""
    told = "the lock has six from the index 'gone', and no such index is configured: name it in 'indexes'"
    for projects in (PROJECTS, {}):
        with pytest.raises(UsageProblem, match=told):
            list(drift(lock(six="gone", lib=None, web=None), {**projects, "corp": []}, ("corp-lib", "corp-web"), lock))


def test_what_is_not_asked_for_at_an_index_does_not_drift() -> None:
    """Develop packages come from no index, and without a table nothing is known."""
    assert [] == list(drift(lock(lib="gone"), PROJECTS, ("corp-lib",), lock))
    assert [] == list(drift(lock(lib="gone"), None, (), lock))


def test_what_nothing_asks_for_at_an_index_that_is_gone() -> None:
    """What an index had that is gone is left over, and no problem, once nothing asks for it; all else stays judged."""
    old, rest = lock(web="gone", lib=None), Lock(">=3.10", (SIX, LIB))
    told = "corp-lib is asked at the index corp, the lock has it from the default index"
    assert [told] == list(drift(old, {"corp": ["corp-lib"]}, (), lambda: rest))
    assert ["corp-web"] == [package.name for package in orphans(old, PROJECTS, (), lambda: rest)]
    assert [] == orphans(old, PROJECTS, (), lambda: old)
