"""A develop package that goes missing: no index is asked for its name, unless something says that it is to be."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout
from support.distributions import source, wheel
from support.fakes import GREETING

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
develop = pk/*
parts = app

[app]
recipe = eggcarton:scripts
eggs = one
interpreter = py
"""
ADVICE = "correct 'eggs' or 'develop', or pin it in [versions] to have {0} from the index\n"
GONE = "four was developed in pk/four by the last run and is not any more; " + ADVICE.format("four")


@pytest.fixture
def developed(build: Buildout) -> Buildout:
    """A buildout that develops two packages, one of which needs the other; an index has strangers of their names."""
    source(build.root / "pk", "one", "1.0", {"one.py": GREETING}, requires=["four"])
    source(build.root / "pk", "four", "1.0", {"four.py": ""})
    for name in ("four", "five"):
        wheel(build.index.directory, name, "9.0", {f"{name}.py": ""})
    wheel(build.index.directory, "user", "1.0", {"user.py": ""}, requires=["four"])
    build.configure(CONFIG)
    build.build()
    return build


def moved(build: Buildout) -> None:
    (build.root / "pk" / "four").rename(build.root / "four")


def put_back(build: Buildout) -> None:
    (build.root / "four").rename(build.root / "pk" / "four")


def alone(build: Buildout) -> None:
    """Have what needs the other need it no more."""
    source(build.root / "pk", "one", "1.0", {"one.py": GREETING})


def test_a_missing_one_is_not_taken_from_an_index(developed: Buildout) -> None:
    """Every run says so until it is back, and asks no index; then nothing is left of it."""
    before = developed.lock.read_text("utf-8")
    moved(developed)
    for _ in range(2):
        assert GONE in developed.fails(status=2)
    assert GONE in developed.fails("lock", status=2, program="eggcarton")
    assert ([], before) == (developed.index.paths("*four*"), developed.lock.read_text("utf-8"))
    put_back(developed)
    developed.build()
    assert before == developed.lock.read_text("utf-8")
    assert 1 == len(developed.build().splitlines())


def test_one_of_another_name(developed: Buildout) -> None:
    """What is in its place now is told, and nobody asks to allow a source distribution of a stranger."""
    place = developed.root / "pk" / "four"
    for path in place.rglob("*"):
        if path.is_file():
            path.write_text(path.read_text("utf-8").replace("four", "quatre"), "utf-8")
    said = "four was developed in pk/four by the last run and quatre is now; " + ADVICE.format("four")
    for _ in range(2):
        assert said in developed.fails(status=2)
    assert [] == developed.index.paths("*four*")


def test_a_pin_says_that_it_is_from_the_index(developed: Buildout) -> None:
    """It is locked then, until the lock is made again where it is developed as before."""
    moved(developed)
    developed.configure(CONFIG + "[versions]\nfour = 9.0\n")
    assert "pylock.toml: four 9.0 added\n" in developed.build()
    put_back(developed)
    developed.configure(CONFIG)
    developed.build()
    assert "four 9.0 removed\n" in developed.run("lock", program="eggcarton").output
    assert "four" not in developed.lock.read_text("utf-8")


def test_what_nobody_wants_any_more(developed: Buildout) -> None:
    """A run that reaches its end without it is the last one from then on, and what is asked for later is new."""
    moved(developed)
    developed.configure(CONFIG.replace("eggs = one", "eggs = five"))
    alone(developed)
    developed.build()
    developed.configure(CONFIG.replace("eggs = one", "eggs =\n    five\n    four"))
    assert "pylock.toml: four 9.0 added\n" in developed.build()


def test_what_an_index_leads_to(developed: Buildout) -> None:
    """A distribution that nobody knew before needs the name: that is found before anything is locked."""
    alone(developed)
    developed.configure(CONFIG.replace("eggs = one", "eggs = user"))
    before = developed.lock.read_text("utf-8")
    moved(developed)
    assert GONE in developed.fails(status=2)
    assert before == developed.lock.read_text("utf-8")
