"""bin/eggcarton lock --check: whether the lock answers the configuration, with nothing written and nobody asked."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout, tree
from support.distributions import source, wheel
from support.fakes import greeting
from support.kept import Kept

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
develop = book
parts = app

[app]
recipe = eggcarton:scripts
eggs =
    book
    greeting
"""
DRIFT = "Error: the lock is not what this configuration asks for; run bin/eggcarton lock:\n"


def make(build: Buildout) -> None:
    """Put everything into place and build it."""
    greeting(build.index.directory)
    wheel(build.index.directory, "six", "1.17.0")
    source(build.root, "book", requires=["six"])
    build.configure(CONFIG)
    build.build()


@pytest.fixture
def built(kept: Kept) -> Buildout:
    """A buildout with a develop package, built once."""
    return kept(make)


def check(build: Buildout, *arguments: str, status: int) -> str:
    """Return what the check says, once it is sure that nothing was changed and nobody asked."""
    before = tree(build.root, build.home)
    found, output = build.run("lock", "--check", *arguments, program="eggcarton")
    assert status == found, output
    assert before == tree(build.root, build.home)
    assert [] == build.index.requests
    return output


def test_the_lock_answers(built: Buildout) -> None:
    """A lock that answers is said to, under any policy, and where nothing is built as well."""
    assert "pylock.toml answers the configuration.\n" == check(built, status=0)
    assert "pylock.toml answers the configuration.\n" == check(built, "eggcarton:policy=frozen", status=0)
    (built.root / "parts/.eggcarton/state").rename(built.home / "state")
    [egg] = (built.root / "develop-eggs").glob("book-*")
    egg.rename(built.home / "egg")
    assert "pylock.toml answers the configuration.\n" == check(built, status=0)


def test_drift(built: Buildout) -> None:
    """What is asked for and not locked is told in the words of a frozen run."""
    built.configure(CONFIG + "    gone\n\n[versions]\nsix = 1.16.0\n")
    expected = (
        f"{DRIFT}  pylock.toml: part app needs gone, which the lock does not have\n"
        "  pylock.toml: [versions] asks for six 1.16.0, the lock has 1.17.0\n"
    )
    assert expected == check(built, status=3)


def test_drift_of_a_develop_package(built: Buildout) -> None:
    """A develop package that needs more than it did is drift before it is built."""
    setup = built.root / "book" / "setup.py"
    setup.write_text(setup.read_text("utf-8").replace("'six'", "'six>1.17'"), "utf-8")
    assert f"{DRIFT}  pylock.toml: book needs six>1.17, the lock has six 1.17.0\n" == check(built, status=3)


def test_surplus(built: Buildout) -> None:
    """What nothing leads to any more is drift here, as lock takes it out; after that the check is content."""
    built.configure(CONFIG.replace("    greeting\n", ""))
    assert f"{DRIFT}  pylock.toml: the lock has greeting 1.0, which nothing leads to\n" == check(built, status=3)
    assert (0, "greeting 1.0 removed\n") == built.run("lock", program="eggcarton")
    assert "pylock.toml answers the configuration.\n" == check(built, status=0)


def test_what_no_lock_could_answer(built: Buildout) -> None:
    """What lock would refuse is refused in the same words, with status 2."""
    for config, sentence in {
        "[buildout]\nallow-picked-versions = false\n": "not everything that is locked is pinned",
        "[eggcarton]\nrequires-python = >=4\n": "requires-python': >=4 leaves out this Python",
        "[app]\neggs += greeting[loud]\n": "greeting 1.0 has no extra loud",
    }.items():
        built.configure(CONFIG)
        built.write("more.cfg", f"[buildout]\nextends = buildout.cfg\n{config.removeprefix('[buildout]')}")
        before = tree(built.root, built.home)
        status, output = built.run("-c", "more.cfg", "lock", "--check", program="eggcarton")
        assert (2, True) == (status, sentence in output), output
        assert before == tree(built.root, built.home)


def test_no_lock(built: Buildout) -> None:
    """A lock that is missing does not answer."""
    built.lock.unlink()
    assert f"{DRIFT}  there is no pylock.toml\n" == check(built, status=3)


def test_a_recipe_from_elsewhere(built: Buildout) -> None:
    """The lock of recipes is looked at too."""
    built.configure(CONFIG + "\n[note]\nrecipe = noting\n")
    assert f"{DRIFT}  there is no pylock.recipes.toml\n" == check(built, "buildout:parts+=note", status=3)


def test_pins_beside_bootstrap(built: Buildout) -> None:
    """Where bootstrap.py lies beside the configuration, its pins belong to what lock writes."""
    built.write("bootstrap.py", "")
    assert f"{DRIFT}  there is no toolchain.txt\n" == check(built, status=3)


def test_what_reads_locks_is_not_there(built: Buildout) -> None:
    """Where the libraries that read a lock would have to be fetched, nothing is, and status 4 says so."""
    [closed_set] = (built.root / "eggs/v5/.eggcarton").glob("closed-set-*")
    closed_set.unlink()
    assert "Error: what locks are read with is not in the store; run bin/buildout, which installs it\n" == check(
        built, status=4
    )


def test_check_and_upgrade(built: Buildout) -> None:
    """To look and to change at once is refused."""
    assert "not allowed with argument" in check(built, "--upgrade", status=2)
