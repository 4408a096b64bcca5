"""Builds with a private index beside the public one: a name is asked at one of them, whatever happens to that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from eggcarton.packages import lock as locks
from support.buildouts import Buildout
from support.distributions import wheel
from support.index import Index

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app

[eggcarton]
indexes = public corp

[public]

[corp]
url = {corp}
projects = {projects}

[app]
recipe = eggcarton:scripts
eggs = corp-lib
"""


@pytest.fixture
def corp(tmp_path: Path) -> Iterator[Index]:
    """A private index with a library that needs one of the public index."""
    wheel(tmp_path / "corp", "corp-lib", "1.0", {"corp_lib.py": ""}, requires=["six"])
    wheel(tmp_path / "corp", "six", "9.0")
    with Index(tmp_path / "corp") as index:
        yield index


@pytest.fixture
def build_of_two(build: Buildout, corp: Index) -> Buildout:
    """A buildout of both; the public index has a newer library of the private one's name."""
    wheel(build.index.directory, "six", "1.17.0")
    wheel(build.index.directory, "corp-lib", "99.0", {"corp_lib.py": "raise SystemExit('not yours')"})
    build.configure(CONFIG.format(corp=corp.url, projects="corp-*"))
    return build


def locked(build: Buildout) -> dict[str, tuple[str, str | None]]:
    return {package.name: (package.version, package.index) for package in locks.read(build.lock).packages}


def files_in(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file()]


def test_each_name_is_asked_at_its_own_index(build_of_two: Buildout, corp: Index) -> None:
    """No name reaches the other index, however much newer what that has; the lock says which is not the default one."""
    build_of_two.build()
    assert {"corp-lib": ("1.0", "corp"), "six": ("1.17.0", None)} == locked(build_of_two)
    assert [] == build_of_two.index.paths("*corp*")
    assert [] == corp.paths("*six*")
    assert "index.example" not in build_of_two.lock.read_text("utf-8")
    assert corp.address not in build_of_two.lock.read_text("utf-8")
    assert 1 == len(build_of_two.build("eggcarton:policy=frozen").splitlines())


def test_no_trace_of_the_relay(build_of_two: Buildout, corp: Index) -> None:
    """What uv asked while locking is told nowhere: neither in a file of the build or of its user, nor in a line."""
    outputs = [build_of_two.build()]
    build_of_two.configure(CONFIG.format(corp=corp.url, projects="corp-*") + "    absent\n")
    outputs.append(build_of_two.fails(status=1))
    assert "absent" in outputs[1]
    told = [path.read_bytes() for place in (build_of_two.root, build_of_two.home) for path in files_in(place)]
    secret = re.compile(rb"127\.0\.0\.1:[0-9]+/[\w-]{43}")
    assert [] == [found[0] for text in (*told, *(text.encode() for text in outputs)) if (found := secret.search(text))]


def test_each_page_is_asked_once(build_of_two: Buildout, corp: Index) -> None:
    """Locking and installing ask for each page once, whoever wants it, and for each file once."""
    build_of_two.build()
    for index in (corp, build_of_two.index):
        paths = [path for path in index.paths() if "corp" in path or "six" in path]
        assert sorted(set(paths)) == sorted(paths)
        assert 3 == len(paths)
    build_of_two.lock.unlink()
    corp.requests.clear()
    build_of_two.build()
    assert [("/simple/corp-lib/", 304)] == [(request.path, request.status) for request in corp.requests]


def test_a_private_index_that_is_down(build_of_two: Buildout, corp: Index) -> None:
    """While the private index does not answer its names are not to be had: exit code 4, and nobody else is asked."""
    corp.stop()
    output = build_of_two.fails(status=4)
    assert "corp" in output
    assert not build_of_two.lock.exists()
    assert [] == build_of_two.index.paths("*corp*")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_private_index_that_does_not_give(build_of_two: Buildout, corp: Index, status: int) -> None:
    """A private index that refuses, or that has no such name, is not made up for by another one."""
    corp.fault("*", f"status:{status}", forever=True)
    output = build_of_two.fails(status=1 if status == 404 else 4)
    nothing = f"Error: the index corp ({corp.url}) has nothing of the name corp-lib, which is asked for:\n"
    told = nothing if status == 404 else f"(HTTP {status})"
    assert told in output
    assert [] == build_of_two.index.paths("*corp*")


def test_names_that_move_to_another_index(build_of_two: Buildout, corp: Index) -> None:
    """What was locked from one index is locked anew when its name is asked at another: nothing of it is kept."""
    build_of_two.configure(CONFIG.format(corp=corp.url, projects="corp-other"))
    build_of_two.build()
    assert ("99.0", None) == locked(build_of_two)["corp-lib"]
    build_of_two.configure(CONFIG.format(corp=corp.url, projects="corp-*"))
    asked = len(build_of_two.index.paths("*corp*"))
    output = build_of_two.build()
    assert "corp-lib 99.0 -> 1.0" in output
    assert {"corp-lib": ("1.0", "corp"), "six": ("1.17.0", None)} == locked(build_of_two)
    assert asked == len(build_of_two.index.paths("*corp*"))


WITHOUT = """
[buildout]
extensions = eggcarton
parts = other

[other]
recipe = eggcarton:scripts
eggs = six
"""


@pytest.mark.parametrize(
    ("way", "frozen"), [("eggcarton", True), ("buildout", False), ("buildout", True)], ids=["lock", "update", "frozen"]
)
def test_a_private_index_that_is_taken_away(build_of_two: Buildout, corp: Index, way: str, *, frozen: bool) -> None:
    """What an index had that is gone leaves the lock once no part asks for it, and nothing else loses its pin.

    Frozen runs before that leave the lock as it is, and do not keep the next one from it.
    """
    both = CONFIG.format(corp=corp.url, projects="corp-*").replace("parts = app", "parts = app other")
    build_of_two.configure(both + WITHOUT[WITHOUT.index("[other]") :])
    build_of_two.build()
    wheel(build_of_two.index.directory, "six", "1.18.0")
    gone = both.partition("[eggcarton]")[0] + both[both.index("[app]") :]
    build_of_two.configure(gone + WITHOUT[WITHOUT.index("[other]") :])
    assert "the lock has corp-lib from the index 'corp'" in build_of_two.fails(status=2)
    build_of_two.configure(WITHOUT)
    for _ in range(2 if frozen else 0):
        build_of_two.build("eggcarton:policy=frozen")
        assert {"corp-lib", "six"} == set(locked(build_of_two))
    status, output = build_of_two.run(*(["lock"] if way == "eggcarton" else []), program=way)
    assert (0, True) == (status, "corp-lib" in output), output
    assert {"six": ("1.17.0", None)} == locked(build_of_two)
    assert [] == build_of_two.index.paths("*corp*")
