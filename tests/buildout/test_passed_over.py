"""The run that makes a lock tells what it passed over, and what it says then leads on."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout
from support.distributions import sdist, wheel

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app
[eggcarton]
allow-sdist =
[app]
recipe = eggcarton:scripts
eggs = web
[versions]
"""


def test_something_that_it_needs_has_no_wheel(build: Buildout) -> None:
    """The older version is locked, which is told once; the pin that is spoken of has the next run tell the reason."""
    wheel(build.index.directory, "web", "1.0")
    wheel(build.index.directory, "web", "2.0", requires=["odd"])
    sdist(build.index.directory, "odd", "1.0")
    build.configure(CONFIG)
    output = build.build()
    assert 1 == output.count("eggcarton: pylock.toml: web 1.0 is locked and not 2.0: that one, or something")
    assert "is locked and not" not in build.build()
    build.configure(f"{CONFIG}web = 2.0\n")
    assert "odd: there is no wheel, and building one runs its author's code" in build.fails(status=2)


def test_it_has_no_wheel(build: Buildout) -> None:
    """Where the newest version is a source distribution alone, the lines that are told have it built."""
    wheel(build.index.directory, "web", "1.0")
    sdist(build.index.directory, "web", "2.0")
    build.configure(CONFIG)
    assert "web = 2.0 in [versions] has it built, with web in allow-sdist of [eggcarton]\n" in build.build()
    build.configure(f"{CONFIG}web = 2.0\n".replace("allow-sdist =", "allow-sdist = web"))
    assert "is locked and not" not in build.build()
    assert 'version = "2.0"' in build.lock.read_text("utf-8")


def test_an_upgrade_that_takes_nothing(build: Buildout) -> None:
    """What is to be locked anew and stays where it was is told."""
    wheel(build.index.directory, "web", "1.0")
    build.configure(CONFIG)
    build.build()
    wheel(build.index.directory, "web", "2.0", requires=["odd"])
    sdist(build.index.directory, "odd", "1.0")
    status, output = build.run("lock", "--upgrade", "web", program="eggcarton")
    assert (0, 1) == (status, output.count("web 1.0 is locked and not 2.0")), output
