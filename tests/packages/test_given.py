"""What the machine gives to some parts: locked for those that may not take it, and checked for those that do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eggcarton.core.errors import UsageProblem
from eggcarton.packages import union
from eggcarton.packages.given import EMPTY, check, resolved, settled
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Need, Needs, WorkingSet, drift

NATIVE = LockedPackage("native", "2.0", requires=("library>=1", "doc ; extra == 'docs'"))
APP = LockedPackage("app", "1.0", requires=("native>=1",))
LIBRARY = LockedPackage("library", "1.0")


def needs(*working_sets: WorkingSet, machine: tuple[LockedPackage, ...] = (NATIVE,)) -> Needs:
    """Return the needs of parts, of which the first is called app, with what the machine has."""
    lines = dict.fromkeys(line for part in working_sets for line in part.lines)
    return Needs(
        tuple(Need(line, "part app") for line in lines),
        {},
        machine,
        ">=3.10",
        machine=machine,
        working_sets=working_sets,
    )


def lock(*packages: LockedPackage) -> Lock:
    return Lock(">=3.10", packages)


ALLOWED, OTHER = WorkingSet(("app",), frozenset({"native"})), WorkingSet(("app", "library"))


def test_what_every_part_takes_is_not_locked() -> None:
    """Where every part that needs it takes it from the machine, the lock has what it requires, and not itself."""
    asked = needs(ALLOWED, WorkingSet(("library",)))
    assert asked == settled(lock(APP, LIBRARY), asked)
    assert [] == drift(lock(APP, LIBRARY), asked)
    assert ["native needs library>=1, which the lock does not have"] == drift(lock(APP), needs(ALLOWED))


def test_what_another_part_needs_is_locked() -> None:
    """Where a part may not take it, it has to be locked, and so has what the machine's own requires, extras aside."""
    asked = settled(lock(APP, LIBRARY), needs(ALLOWED, OTHER))
    assert frozenset() == asked.given
    assert Need("library>=1", "native 2.0 of the machine") in asked.needs
    assert not [need for need in asked.needs if "doc" in need.requirement]
    assert ["app needs native>=1, which the lock does not have"] == drift(lock(APP, LIBRARY), asked)
    assert [] == drift(lock(APP, LIBRARY, replace(NATIVE, version="1.0", requires=())), asked)


def test_what_a_new_lock_leads_to() -> None:
    """What has to be locked is known when a lock is there; it is then made once more, with that in it."""
    asked = []

    def resolve(wanted: Needs) -> Lock:
        asked.append(wanted.given)
        return lock(APP, LIBRARY, *(() if wanted.given else (NATIVE,)))

    new, after = resolved(resolve, needs(ALLOWED, OTHER))
    assert [frozenset({"native"}), frozenset()] == asked
    assert ["app", "library", "native"] == [package.name for package in new.packages]
    assert [] == drift(new, after)


def test_two_configurations() -> None:
    """What one configuration takes from the machine is locked for another that needs it and does not."""
    together = union.of(needs(ALLOWED), {"other.cfg": needs(OTHER, machine=())})
    assert {"native"} == together.given
    assert frozenset() == settled(lock(APP, LIBRARY), together).given


@pytest.mark.parametrize(
    ("line", "package", "expected"),
    [
        ("native>=3", APP, "part app needs native>=3"),
        ("app", replace(APP, requires=("native>=3",)), "app needs native>=3"),
        ("native>=3 ; python_version < '3'", APP, None),
        ("app", replace(APP, requires=("native!=2.0 ; extra == 'more'",)), None),
        ("app[more]", replace(APP, requires=("native!=2.0 ; extra == 'more'",)), "app needs native!=2.0"),
        ("native>=2.0a1", APP, None),
    ],
)
def test_contradictions(line: str, package: LockedPackage, expected: str | None) -> None:
    """What a part leads to must admit the machine's version, markers and extras considered."""
    asked = needs(WorkingSet((line,), frozenset({"native"})))
    if expected is None:
        check(lock(package, LIBRARY), asked)
        return
    with pytest.raises(UsageProblem) as caught:
        check(lock(package, LIBRARY), asked)
    assert expected in str(caught.value)
    assert str(caught.value).endswith(
        ", and the machine has native 2.0; leave the name out of allowed-eggs-from-site-packages to have it locked, or "
        "change the machine's"
    )


def test_an_extra_that_is_not_locked() -> None:
    """What an extra of the machine's own leads to must be locked, whatever the same extra of another version does."""
    asked = needs(WorkingSet(("native[docs]",), frozenset({"native"})), OTHER)
    theirs = replace(NATIVE, requires=("library>=1",), empty_extras=("docs",))
    with pytest.raises(UsageProblem, match=r"native 2.0 of the machine needs doc ; extra == 'docs', which"):
        check(lock(APP, LIBRARY, theirs), settled(lock(APP, LIBRARY, theirs), asked))


def test_a_part_that_does_not_take_it_is_not_checked() -> None:
    """What is locked for another part may be in another version."""
    check(EMPTY, needs(WorkingSet(("native>=3",))))


def test_a_version_that_is_none() -> None:
    """A version of the machine that cannot be compared is told as that."""
    odd = replace(NATIVE, version="2.0-custom.build")
    with pytest.raises(UsageProblem, match=r"the machine has native in the version '2.0-custom.build', which is none"):
        check(EMPTY, needs(WorkingSet(("native",), frozenset({"native"})), machine=(odd,)))
