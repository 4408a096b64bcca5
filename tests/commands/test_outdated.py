"""bin/eggcarton outdated: what is newer on the index, what holds it back, and what was yanked."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout, tree
from support.distributions import wheel
from support.fakes import greeting, recipes
from support.index import Index
from support.kept import Kept

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app note
versions = versions

[versions]
colour = 0.1

[app]
recipe = eggcarton:scripts
eggs =
    greeting
    web
    colour

[note]
recipe = noting
output = note.txt
"""


def make(build: Buildout) -> None:
    """Put everything into place and build it."""
    greeting(build.index.directory)
    recipes(build.index.directory)
    wheel(build.index.directory, "web", "2.0", requires=["six<2"])
    wheel(build.index.directory, "six", "1.17.0")
    wheel(build.index.directory, "colour", "0.1")
    build.configure(CONFIG)
    build.build()


@pytest.fixture
def built(kept: Kept) -> Buildout:
    """A buildout that holds one distribution by a pin and another one by a requirement, built once."""
    return kept(make)


def outdated(build: Buildout, *arguments: str, status: int) -> list[str]:
    """Return what bin/eggcarton outdated says, once it is sure that nothing was changed."""
    before = tree(build.root, build.home)
    found, output = build.run(*arguments, "outdated", program="eggcarton")
    assert status == found, output
    assert before == tree(build.root, build.home)
    return output.splitlines()


def test_all_is_as_new_as_can_be(built: Buildout) -> None:
    """Where nothing is newer the last line says so, with status 0; one page a distribution is asked."""
    assert ["5 locked: 0 outdated, 0 of them held back; 0 yanked."] == outdated(built, status=0)
    assert ["/simple/colour/", "/simple/greeting/", "/simple/noting/", "/simple/six/", "/simple/web/"] == sorted(
        path for _, path in built.index.requests
    )


def test_what_is_held_back_and_what_is_not(built: Buildout) -> None:
    """What cannot be had tells what holds it, and is no finding; what can be had is one, and the command takes it."""
    for name in ("colour", "six"):
        wheel(built.index.directory, name, "3.0")
    held = [
        "colour 0.1 -> 3.0: held back, since [versions] has colour = 0.1",
        "six 1.17.0 -> 3.0: held back, since web needs six<2",
    ]
    assert [*held, "5 locked: 2 outdated, 2 of them held back; 0 yanked."] == outdated(built, status=0)
    greeting(built.index.directory, "2.0")
    recipes(built.index.directory, "2.0")
    assert [
        held[0],
        "greeting 1.0 -> 2.0: bin/eggcarton lock --upgrade greeting takes it",
        held[1],
        "noting 1.0 -> 2.0: bin/eggcarton lock --upgrade noting takes it",
        "5 locked: 4 outdated, 2 of them held back; 0 yanked.",
    ] == outdated(built, status=3)
    status, output = built.run("lock", "--upgrade", "greeting", "noting", program="eggcarton")
    assert (0, "pylock.recipes.toml: noting 1.0 -> 2.0\ngreeting 1.0 -> 2.0\n") == (status, output)
    assert [*held, "5 locked: 2 outdated, 2 of them held back; 0 yanked."] == outdated(built, status=0)


def test_a_locked_version_was_yanked(built: Buildout) -> None:
    """That a locked version was withdrawn is told with the reason, in either form of a page; it is a finding."""
    built.index.yanked["greeting-1.0-py3-none-any.whl"] = "says the wrong thing"
    for built.index.json in (True, False):
        assert [
            "greeting 1.0 was yanked: says the wrong thing",
            "5 locked: 0 outdated, 0 of them held back; 1 yanked.",
        ] == outdated(built, status=3)


def test_prereleases(built: Buildout) -> None:
    """A prerelease counts only where the configuration prefers no final release."""
    greeting(built.index.directory, "2.0a1")
    assert 1 == len(outdated(built, status=0))
    lines = outdated(built, "buildout:prefer-final=false", status=3)
    assert "greeting 1.0 -> 2.0a1: bin/eggcarton lock --upgrade greeting takes it" == lines[0]


def test_a_name_that_the_index_has_lost(built: Buildout) -> None:
    """What is on the index no more is named."""
    (built.index.directory / "greeting-1.0-py3-none-any.whl").unlink()
    assert "not on the index: greeting" == outdated(built, status=0)[0]


def test_find_links(built: Buildout) -> None:
    """What lies in directories and on pages of find-links counts as what is on the index does, and can be had."""
    wheel(built.root / "own", "greeting", "1.5")
    served = built.home / "served"
    recipes(served, "1.5")
    with Index(served) as other:
        (built.home / ".buildout" / "default.cfg").write_text(
            f"[buildout]\nindex = {built.index.url}\nfind-links = own {other.url}noting/\n", "utf-8"
        )
        assert [
            "greeting 1.0 -> 1.5: bin/eggcarton lock --upgrade greeting takes it",
            "noting 1.0 -> 1.5: bin/eggcarton lock --upgrade noting takes it",
            "5 locked: 2 outdated, 0 of them held back; 0 yanked.",
        ] == outdated(built, status=3)
        status, output = built.run("lock", "--upgrade", "greeting", "noting", program="eggcarton")
        assert (0, "pylock.recipes.toml: noting 1.0 -> 1.5\ngreeting 1.0 -> 1.5\n") == (status, output)


def test_offline(built: Buildout) -> None:
    """Offline nobody is asked, and status 4 says why."""
    assert ["Error: offline, and what is newer only the index knows; run it again with a network"] == outdated(
        built, "-o", status=4
    )
    assert [] == built.index.requests
