"""Why a lock cannot be made is told in the words of the one who asked, with what would do."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from eggcarton.child.provide import provide
from eggcarton.core.errors import EggcartonError
from support.distributions import wheel
from support.index import Index

TAG = f"py{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}"
MINOR = sys.version_info[1]
WORDS = "in uv's words:"
ANOTHER_GROUP = "which gives this part a lock of its own"

Ask = Callable[..., list[str]]


@pytest.fixture
def ask(index: Index, tmp_path: Path) -> Ask:
    """Lock what is asked for and return the lines of the error but for uv's words, one of which there must be."""
    for version in ("1.15.0", "1.16.0", "1.17.0"):
        wheel(index.directory, "six", version)
    wheel(index.directory, "web", "2.0", requires=["six>=1.17"])

    def asked(*needs: Sequence[str], locking: bool = False, **changes: Any) -> list[str]:
        order: dict[str, Any] = {
            "lock": str(tmp_path / "pylock.toml"),
            "policy": "update",
            "upgrade": None,
            "needs": [[requirement, asker] for asker, requirement in needs],
            "pins": {},
            "develop": [],
            "requires_python": f">=3.{MINOR}",
            "terms": {},
            "allow_sdist": [],
            "toolchain": {"paths": [], "versions": {}},
            "sources": {
                "index": index.url,
                "find_links": [],
                "cache": str(tmp_path / "cache"),
                "offline": False,
                "directories": [],
            },
            "store": None,
            "tag": TAG,
            "sets": {},
        }
        if locking:
            provide(**(order | changes))
            return []
        with pytest.raises(EggcartonError) as caught:
            provide(**(order | changes))
        assert EggcartonError is type(caught.value)
        assert not (tmp_path / "pylock.toml").exists()
        lines = str(caught.value).splitlines()
        assert 1 == lines.count(WORDS)
        return lines[: lines.index(WORDS)]

    return asked


def test_a_pin_against_a_part(ask: Ask) -> None:
    """Of a pin that excludes what a part asks for both are told, each with its place, and the version to pin."""
    places = {
        "needs": {"part tests: six>=1.17": ["parts.cfg:4", "[tests] eggs"]},
        "pins": {"six": ["versions.cfg:2"]},
    }
    assert [
        "no version of six answers all that is asked for:",
        "  part tests asks for six>=1.17 (parts.cfg:4, [tests] eggs)",
        "  [versions] has six = 1.16.0 (versions.cfg:2)",
        "what would do:",
        "  change six = 1.16.0 in [versions] (versions.cfg:2) to six = 1.17.0, or to >=1.17, or take the line out",
    ] == ask(("part app", "six"), ("part tests", "six>=1.17"), pins={"six": "1.16.0"}, places=places)[:5]


def test_a_pin_against_what_a_part_leads_to(ask: Ask) -> None:
    """The chain that leads from a part to the requirement which a pin excludes is told whole."""
    assert [
        "no version of six answers all that is asked for:",
        "  part app asks for web > web needs six>=1.17",
        "  [versions] has six = 1.16.0",
        "what would do:",
        "  change six = 1.16.0 in [versions] to six = 1.17.0, or to >=1.17, or take the line out",
    ] == ask(("part app", "web"), ("part other", "six"), pins={"six": "1.16.0", "web": "2.0", "unneeded": "1"})


def test_what_is_told_to_be_changed_does(ask: Ask) -> None:
    """Each pin that is advised gives a lock, and so does the range."""
    for pin in ("1.17.0", ">=1.17"):
        ask(("part app", "web"), pins={"six": pin}, locking=True)


def test_two_parts_directly(ask: Ask, index: Index) -> None:
    """Of parts that ask for different releases of one distribution one is to have a lock of its own."""
    for version in ("4.2.16", "5.2.1"):
        wheel(index.directory, "Django", version)
    assert [
        "no version of django answers all that is asked for:",
        "  part new asks for Django>=5.2,<5.3",
        "  part old asks for Django>=4.2,<5",
        "what would do:",
        "  another range where part old asks for Django>=4.2,<5: without one, django 5.2.1 would be locked",
        "  another range where part new asks for Django>=5.2,<5.3: without one, django 4.2.16 would be locked",
        f"  lock-group = old in [old], {ANOTHER_GROUP}",
    ] == ask(("part old", "Django>=4.2,<5"), ("part new", "Django>=5.2,<5.3"), ("part new", "web"))


def test_two_parts_through_what_they_lead_to(ask: Ask, index: Index) -> None:
    """Parts that contradict each other three requirements deep are told with both chains, and nothing else is."""
    for name, end in (("alpha", "six<1.17"), ("beta", "six>=1.17")):
        wheel(index.directory, name, "1.0", requires=[f"{name}-below"])
        wheel(index.directory, f"{name}-below", "1.0", requires=[f"{name}-bottom"])
        wheel(index.directory, f"{name}-bottom", "1.0", requires=[end])
    for number in range(20):
        wheel(index.directory, f"more-{number}", "1.0")
    more = [("part app", f"more-{number}") for number in range(20)]
    pins = {f"more-{number}": "1.0" for number in range(20)}
    way = "{0} > {0} needs {0}-below > {0}-below needs {0}-bottom > {0}-bottom needs {1}"
    assert [
        "no version of six answers all that is asked for:",
        f"  part one asks for {way.format('alpha', 'six<1.17')}",
        f"  part two asks for {way.format('beta', 'six>=1.17')}",
        "what would do:",
        f"  lock-group = one in [one], {ANOTHER_GROUP}",
    ] == ask(("part one", "alpha"), ("part two", "beta"), *more, pins=pins)


def test_one_part_against_itself(ask: Ask) -> None:
    """What contradicts itself within one part is told to be asked for in another one."""
    assert (
        "  ask for six<1.17 in a part of its own, with lock-group = six in it, which gives it a lock of its own"
        == ask(("part app", "web"), ("part app", "six<1.17"))[-1]
    )


def test_one_distribution_against_itself(ask: Ask, index: Index) -> None:
    """A distribution whose own requirements exclude each other is told with both of its chains."""
    wheel(index.directory, "old", "1.0", requires=["six<1.17"])
    wheel(index.directory, "both", "1.0", requires=["old", "web"])
    assert [
        "no version of six answers all that is asked for:",
        "  part app asks for both > both needs old > old needs six<1.17",
        "  part app asks for both > both needs web > web needs six>=1.17",
    ] == ask(("part app", "both"))


def test_several_who_ask(ask: Ask) -> None:
    """Parts that ask for the same are told together, with each option of each file."""
    needs = {f"part {name}: web": [f"{name}.cfg:3", f"[{name}] eggs"] for name in ("one", "two")}
    told = ask(("part one", "web"), ("part two", "web"), pins={"six": "1.16.0"}, places={"needs": needs, "pins": {}})
    assert (
        "  part one and part two ask for web > web needs six>=1.17 (one.cfg:3, [one] eggs; two.cfg:3, [two] eggs)"
        == told[1]
    )


def test_two_conflicts(ask: Ask, index: Index) -> None:
    """Of two conflicts one is told, and that another one is left after what would end it."""
    for version in ("1.0", "2.0"):
        wheel(index.directory, "colour", version)
    pins = {"six": "1.16.0", "colour": "1.0"}
    told = ask(("part app", "web"), ("part app", "colour>=2"), pins=pins)
    ends = [line for line in told if line.startswith("  change ")]
    assert 1 == len(ends)
    assert ends[0].endswith("; another conflict is left then, which the next run tells")
    assert 1 == len([line for line in told if line.startswith("  [versions] has ")])


def test_no_python_that_suits(ask: Ask, index: Index) -> None:
    """Where only later Pythons have a version, the range that has one is told."""
    wheel(index.directory, "late", "1.0", requires_python=f">=3.{MINOR + 1}")
    wheel(index.directory, "app", "1.0", requires=["late"])
    assert [
        "no version of late answers all that is asked for:",
        "  part app asks for app > app needs late",
        f"  the lock is for Python >=3.{MINOR}",
        "what would do:",
        f"  requires-python = >=3.{MINOR + 1} in [eggcarton], and such a Python to run bin/buildout",
    ] == ask(("part app", "app"))


def test_a_range_of_pythons_that_is_too_wide(ask: Ask, index: Index) -> None:
    """Where the Python that runs would do, and older ones that are asked for would not, no other Python is needed."""
    wheel(index.directory, "late", "1.0", requires_python=f">=3.{MINOR}")
    wide = f">=3.{MINOR - 1}"
    told = ask(("part app", "late"), requires_python=wide, terms={"asked_python": wide})
    assert f"  requires-python = >=3.{MINOR} in [eggcarton]" == told[-1]


@pytest.mark.parametrize(
    ("needs", "pins", "missing", "near"),
    [
        ([("part app", "six==1.16.5")], {}, "==1.16.5", "1.15.0 and 1.16.0 and 1.17.0"),
        ([("part app", "six")], {"six": "9"}, "==9", "1.16.0 and 1.17.0"),
        ([("part app", "six>=9")], {}, ">=9", "1.15.0 and 1.16.0 and 1.17.0"),
        ([("part app", "deep")], {}, ">=99", "1.15.0 and 1.16.0 and 1.17.0"),
    ],
    ids=["by a part", "by a pin", "a range", "by what a part leads to"],
)
def test_a_version_that_is_not_there(
    ask: Ask, index: Index, needs: list[Sequence[str]], pins: dict[str, str], missing: str, near: str
) -> None:
    """Of a version that the index does not have the nearest ones are told."""
    wheel(index.directory, "deep", "1.0", requires=["six>=99"])
    told = ask(*needs, pins=pins)
    assert f"the index has no six {missing}; the nearest that it has are {near}:" == told[0]
    assert "  have index or find-links in [buildout] name a place that has it" == told[-1]


def test_a_name_that_is_not_there(ask: Ask, index: Index) -> None:
    """Of a name that the index does not know the ones are told that may have been meant, and where else it may lie."""
    assert [
        f"the index ({index.url}) has nothing of the name sixx, which is asked for:",
        "  part app asks for sixx",
        "what would do:",
        "  did you mean six? else correct the name, or have index or find-links in [buildout] name a place that has it",
    ] == ask(("part app", "sixx"), ("part tests", "six"), ("part app", "web"))


def test_the_address_of_an_index_that_is_none(ask: Ask, index: Index, tmp_path: Path) -> None:
    """Of an index whose address lacks its last step the address is told, without credentials, and what it lacks."""
    index.credentials = "me:secret"
    wrong = index.url.replace("://", "://me:secret@").removesuffix("simple/")
    sources = {"index": wrong, "find_links": [], "offline": False, "cache": str(tmp_path / "cache"), "directories": []}
    told = ask(("part app", "six"), sources=sources)
    assert f"the index ({index.address}/) has nothing of the name six, which is asked for:" == told[0]
    assert "  correct the address of the index: the names of projects must follow it, as in .../simple/" == told[-1]
    assert "secret" not in "\n".join(told)
    assert {"/six/"} == set(index.paths())


def test_a_name_that_something_leads_to(ask: Ask, index: Index) -> None:
    """Of a name that the index does not know, and only a distribution requires, the chain is told."""
    wheel(index.directory, "app", "1.0", requires=["below"])
    wheel(index.directory, "below", "1.0", requires=["nowhere>=1"])
    told = ask(("part app", "app"))
    assert "  part app asks for app > app needs below > below needs nowhere>=1" == told[1]


def test_only_prereleases(ask: Ask, index: Index, tmp_path: Path) -> None:
    """Where nothing but a prerelease suits that one is locked, whatever prefer-final says: it is no conflict."""
    wheel(index.directory, "six", "2.1a1")
    wheel(index.directory, "app", "1.0", requires=["six>=2"])
    ask(("part app", "app"), locking=True)
    assert 'version = "2.1a1"' in (tmp_path / "pylock.toml").read_text("utf-8")


def test_what_is_too_new(ask: Ask, index: Index) -> None:
    """Where exclude-newer leaves out the only version that suits, the day on which that came is told."""
    for path in index.directory.iterdir():
        moment = datetime.fromisoformat(
            "2026-03-10T12:00:00+00:00" if "1.17" in path.name else "2026-01-01T12:00+00:00"
        )
        os.utime(path, (moment.timestamp(), moment.timestamp()))
    assert [
        "no version of six answers all that is asked for:",
        "  part app asks for web > web needs six>=1.17",
        "  exclude-newer in [eggcarton] leaves out what came to the index later: 2026-02-01T00:00:00Z",
        "what would do:",
        "  a later exclude-newer in [eggcarton]: six 1.17.0 came to the index on 2026-03-10",
    ] == ask(("part app", "web"), terms={"exclude_newer": "2026-02-01T00:00:00Z"})


def test_a_develop_package_against_a_pin(ask: Ask) -> None:
    """What a develop package requires, against a pin, is told with its name and both remedies."""
    own = {"name": "own", "version": "0.1", "requires": ["six>=1.16", "web"], "extras": []}
    assert [
        "no version of six answers all that is asked for:",
        "  develop package own > own needs six>=1.16",
        "  [versions] has six = 1.15.0",
    ] == ask(("develop package own", "own"), pins={"six": "1.15.0"}, develop=[own])[:3]
    own = own | {"requires": ["six>=1.16"]}
    assert [
        "  change six = 1.15.0 in [versions] to six = 1.17.0, or to >=1.16, or take the line out",
        "  another range where develop package own needs six>=1.16: without one, six 1.15.0 would be locked",
    ] == ask(("develop package own", "own"), pins={"six": "1.15.0"}, develop=[own])[-2:]


def test_an_extra(ask: Ask, index: Index) -> None:
    """A requirement that only an extra leads to is told with the extra."""
    wheel(index.directory, "app", "1.0", extras={"fast": ["six<1.16"]})
    told = ask(("part app", "app[fast]"), ("part app", "app"), pins={"six": "1.17.0"})
    assert "  part app asks for app[fast] > app[fast] needs six<1.16" == told[1]


def test_a_distribution_of_two_versions(ask: Ask, index: Index) -> None:
    """A pin on what leads to the conflict is among what can be changed."""
    wheel(index.directory, "web", "1.0", requires=["six"])
    told = ask(("part app", "web"), pins={"web": "2.0", "six": "1.16.0"})
    assert [
        "  change six = 1.16.0 in [versions] to six = 1.17.0, or to >=1.17, or take the line out",
        "  change web = 2.0 in [versions] to web = 1.0, or take the line out",
    ] == told[told.index("what would do:") + 1 :]


def test_a_yanked_version(ask: Ask, index: Index) -> None:
    """That the only version which would suit was yanked is told with the reason; others that were do not matter."""
    index.yanked |= {"six-1.17.0-py3-none-any.whl": "breaks on Sundays", "six-1.15.0-py3-none-any.whl": "old"}
    told = ask(("part app", "web"))
    assert ["  six 1.17.0 was yanked: breaks on Sundays"] == [line for line in told if "yanked" in line]


def test_credentials_are_not_told(ask: Ask, index: Index, tmp_path: Path) -> None:
    """The password in the address of the index stands nowhere in what is told."""
    index.credentials = "me:secret"
    sources = {"index": index.url.replace("://", "://me:secret@"), "find_links": [], "offline": False}
    told = ask(
        ("part app", "web"),
        pins={"six": "1.16.0"},
        sources={**sources, "cache": str(tmp_path / "cache"), "directories": []},
    )
    assert "secret" not in "\n".join(told)


def test_find_links(ask: Ask, index: Index, tmp_path: Path) -> None:
    """Versions that only find-links have are counted among those that are there."""
    wheel(tmp_path / "own", "six", "1.18.0")
    sources = {"index": index.url, "find_links": [str(tmp_path / "own")], "offline": False}
    told = ask(("part app", "six==1.19"), sources={**sources, "cache": str(tmp_path / "cache"), "directories": []})
    assert "the index has no six ==1.19; the nearest that it has are 1.17.0 and 1.18.0:" == told[0]
