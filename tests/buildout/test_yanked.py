"""bin/buildout warns of a version that was withdrawn when it locks it, and not when it obeys the lock."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout
from support.distributions import wheel
from support.fakes import recipes

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app note
[app]
recipe = eggcarton:scripts
eggs = web
[note]
recipe = noting
output = note.txt
[versions]
six = 1.16.0
"""
WARNING = "six 1.16.0 was yanked: breaks on Sundays; it is locked, since [versions] has six = 1.16.0"


@pytest.fixture
def yanking(build: Buildout) -> Buildout:
    """A buildout that pins a version which was withdrawn."""
    for version in ("1.15.0", "1.16.0", "1.17.0"):
        wheel(build.index.directory, "six", version)
    wheel(build.index.directory, "web", "2.0", requires=["six"])
    recipes(build.index.directory)
    build.index.yanked["six-1.16.0-py3-none-any.whl"] = "breaks on Sundays"
    build.configure(CONFIG)
    return build


@pytest.mark.parametrize("as_json", [True, False])
def test_a_pin_to_a_yanked_version(yanking: Buildout, as_json: bool) -> None:
    """A pin to a withdrawn version is obeyed; that is told once, by the run that locks it."""
    yanking.index.json = as_json
    output = yanking.build()
    assert 1 == output.count("was yanked")
    assert f"eggcarton: pylock.toml: {WARNING}; ask for another version there\n" in output
    assert 'version = "1.16.0"' in yanking.lock.read_text("utf-8")
    for arguments in ((), ("-o",), ("eggcarton:policy=frozen",)):
        assert "yanked" not in yanking.build(*arguments)
    assert "yanked" not in yanking.run("lock", "--check", program="eggcarton").output


def test_a_store_that_is_not_filled(yanking: Buildout) -> None:
    """That something was withdrawn is told by the run that locks it also where that run then fails to fetch."""
    yanking.index.fault("/files/*web-2.0-py3-none-any.whl", "status:404")
    output = yanking.fails(status=4)
    assert 1 == output.count(f"pylock.toml: {WARNING}; ask for another version there\n")
    assert yanking.lock.exists()
    assert "yanked" not in yanking.build()


def test_the_command_warns_too(yanking: Buildout) -> None:
    """bin/eggcarton lock warns where it makes the lock, not where the lock answers already."""
    status, output = yanking.run("lock", program="eggcarton")
    assert (0, 1) == (status, output.count(WARNING)), output
    status, output = yanking.run("lock", program="eggcarton")
    assert (0, "pylock.toml is up to date.\n") == (status, output)


def test_a_version_that_was_yanked_later(yanking: Buildout) -> None:
    """A version that was withdrawn after it was locked stays, and is warned of whenever the lock is made anew."""
    yanking.configure(CONFIG.replace("six = 1.16.0", "six = <1.16"))
    assert "yanked" not in yanking.build()
    yanking.index.yanked["six-1.15.0-py3-none-any.whl"] = ""
    yanking.configure(CONFIG.replace("six = 1.16.0\n", "six = >=1\n").replace("eggs = web", "eggs = web\n    noting"))
    output = yanking.build()
    remedy = "bin/eggcarton lock --upgrade six takes another version, if there is one"
    assert f"pylock.toml: six 1.15.0 was yanked, no reason given; {remedy}\n" in output
    status, output = yanking.run("lock", "--upgrade", "six", program="eggcarton")
    assert (0, "six 1.15.0 -> 1.17.0\n") == (status, output)


def test_a_yanked_recipe(yanking: Buildout) -> None:
    """A withdrawn recipe is told for the lock of recipes."""
    yanking.index.yanked = {"noting-1.0-py3-none-any.whl": "says nothing"}
    yanking.configure(CONFIG.replace("[versions]", "[versions]\nnoting = 1.0"))
    assert "pylock.recipes.toml: noting 1.0 was yanked: says nothing; it is locked" in yanking.build()
