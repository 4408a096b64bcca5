"""What a recipe asks for while it runs is locked when it asks, and remembered: no later run has to be told again."""

from __future__ import annotations

import json

import pytest

from support.buildouts import Buildout
from support.distributions import wheel
from support.fakes import asking, greeting

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = more

[more]
recipe = asking
eggs =
more = greeting
"""


@pytest.fixture
def asked(build: Buildout) -> Buildout:
    """A buildout whose one recipe asked for greeting while it ran."""
    greeting(build.index.directory)
    asking(build.index.directory)
    build.configure(CONFIG)
    assert "found greeting 1.0\n" in build.build()
    build.index.requests.clear()
    return build


def remembered(build: Buildout) -> object:
    """Return what is known of earlier runs."""
    return json.loads((build.root / "parts/.eggcarton/state/asked.json").read_text("utf-8"))


def test_the_next_run(asked: Buildout) -> None:
    """The lock holds it, and the next run neither asks an index nor starts the process that locks and fetches."""
    assert 'name = "greeting"' in asked.lock.read_text("utf-8")
    for closed_set in (asked.root / "eggs/v5/.eggcarton").glob("closed-set-*"):
        closed_set.rename(asked.home / closed_set.name)
    assert "found greeting 1.0\n" in asked.build()
    assert [] == asked.index.requests


def test_an_extra(build: Buildout) -> None:
    """An extra of what is locked already is locked when a recipe asks for it, and never fetched past the lock."""
    wheel(build.index.directory, "horn")
    wheel(build.index.directory, "greeting", extras={"loud": ["horn"]})
    asking(build.index.directory)
    build.configure(CONFIG.replace("eggs =", "eggs = greeting").replace("more = greeting", "more = greeting[loud]"))
    assert "found greeting 1.0 horn 1.0\n" in build.build()
    assert 'name = "horn"' in build.lock.read_text("utf-8")


def test_locking_anew(asked: Buildout) -> None:
    """bin/eggcarton lock --upgrade keeps it, and a frozen run then finds it."""
    greeting(asked.index.directory, "2.0")
    assert "greeting 1.0 -> 2.0\n" == asked.run("lock", "--upgrade", program="eggcarton").output
    assert "found greeting 2.0\n" in asked.build("eggcarton:policy=frozen")


def test_it_is_asked_for_no_more(asked: Buildout) -> None:
    """A part that was installed anew without asking again is believed, and a part that is gone too."""
    assert {"more": ["greeting"]} == remembered(asked)
    asked.configure(CONFIG.replace("more = greeting", "more ="))
    assert "found\n" in asked.build()
    assert {} == remembered(asked)
    asked.configure(CONFIG)
    asked.build()
    assert {"more": ["greeting"]} == remembered(asked)
    asked.configure("[buildout]\nextensions = eggcarton\nparts =\n")
    asked.build()
    assert {} == remembered(asked)


def test_a_frozen_lock_without_it(asked: Buildout) -> None:
    """A frozen run names the part that asked, and the command it advises then knows what to lock."""
    wheel(asked.index.directory, "horn")
    asked.configure(CONFIG.replace("more = greeting", "more = greeting horn"))
    refused = asked.run("eggcarton:policy=frozen")
    assert 3 == refused.status
    assert "part more, while it runs, needs horn, which the lock does not have" in refused.output
    assert "horn 1.0 added\n" == asked.run("lock", program="eggcarton").output
    assert "found greeting 1.0 horn 1.0\n" in asked.build("eggcarton:policy=frozen")


def test_another_version_than_the_lock_has(asked: Buildout) -> None:
    """A recipe that cannot use what was locked has the lock answer it too, and who was built before is told."""
    greeting(asked.index.directory, "2.0")
    asked.run("lock", "--upgrade", program="eggcarton")
    asked.configure(
        CONFIG.replace("parts =", "parts = app").replace("more = greeting", "more = greeting<2")
        + "[app]\nrecipe = eggcarton:scripts\neggs = greeting\n"
    )
    output = asked.build()
    assert "found greeting 1.0\n" in output
    assert "greeting changed while parts were being built; run bin/buildout again" in output
    asked.build()
    assert "greeting 1.0\n" == asked.run(program="greet").output
