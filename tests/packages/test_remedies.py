"""What would end a conflict is told only where it was tried, and in the section where it helps."""

from __future__ import annotations

from eggcarton.packages.chains import Places
from eggcarton.packages.conflict import Attempt, Search
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Need, Needs
from eggcarton.packages.remedies import Remedies

UNSOLVED = "No solution found when resolving dependencies"
ASKED = Needs((Need("django", "part app"),), {"django": "6.1.3"}, (), ">=3.10")


def forked(needs: Needs) -> Attempt:
    """Resolve as if 6.1.3 were for later Pythons only, and 5.2.19 for all."""
    pin = needs.pins.get("django")
    versions = ("5.2.19", "6.1.3") if pin is None else ("5.2.19",)
    if pin not in (None, "5.2.19"):
        return Attempt(None, UNSOLVED)
    return Attempt(Lock(None, tuple(LockedPackage("django", version) for version in versions)))


def told(places: Places) -> list[str]:
    search = Search(ASKED, UNSOLVED, forked)
    core, _ = search.least()
    return Remedies(search, core, None, places).lines()


def test_a_version_that_does_not_serve_all_pythons() -> None:
    """A pin is never told to be changed to what it is: of what would be locked the version is told that serves all."""
    expected = "change django = 6.1.3 in [versions] (buildout.cfg) to django = 5.2.19, or take the line out"
    assert [expected] == told(Places(pins={"django": ["buildout.cfg"]}))


def test_a_pin_that_other_locks_have_too() -> None:
    """The section of a group's own pins is named, since a change of [versions] would change the other locks."""
    expected = "in [versions-old], which pins for this lock alone, say django = 5.2.19, or 'django =' without a value"
    assert [expected] == told(Places(own="versions-old"))
    assert [expected] == told(Places(own="versions-old", in_own=["django"]))
