"""bin/eggcarton doctor: what keeps this machine from building, a sentence each."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout, tree
from support.fakes import greeting

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = greeting
"""


@pytest.fixture
def built(build: Buildout) -> Buildout:
    """A buildout with one distribution from the index, built once."""
    greeting(build.index.directory)
    build.configure(CONFIG)
    build.build()
    return build


def doctor(build: Buildout, *arguments: str, status: int) -> list[str]:
    """Return what the command says, once it is sure that nothing was changed."""
    before = tree(build.root, build.home)
    found, output = build.run(*arguments, "doctor", program="eggcarton")
    assert status == found, output
    assert before == tree(build.root, build.home)
    return output.splitlines()


def test_nothing_is_the_matter(built: Buildout) -> None:
    """A build that works is told in one line; offline it says that nobody was asked."""
    assert ["Nothing is the matter: the route answers, and what the lock needs is here."] == doctor(built, status=0)
    built.index.requests.clear()
    told = ["Nothing is the matter: offline, no route was asked, and what the lock needs is here."]
    assert told == doctor(built, "-o", status=0)
    assert [] == built.index.requests


def test_several_things_are_the_matter(built: Buildout) -> None:
    """Everything is told at once, each thing with its remedy."""
    built.index.stop()
    built.variables |= {"SSL_CERT_FILE": "/nowhere/ca.pem", "XDG_CACHE_HOME": "/dev/null/cache"}
    moved, authorities, route = doctor(built, status=3)
    assert moved.startswith("the cache /dev/null/cache/eggcarton cannot be used (not a directory); ")
    assert (
        "SSL_CERT_FILE names /nowhere/ca.pem, which is no file: put the authorities there, or unset it" == authorities
    )
    assert f"there is no connection to 127.0.0.1:{built.index.port} (connection refused)" in route


def test_without_the_closed_set(built: Buildout) -> None:
    """Where the libraries that locks are read with are gone, that is the finding, and nothing is fetched."""
    [closed_set] = (built.root / "eggs/v5/.eggcarton").glob("closed-set-*")
    closed_set.unlink()
    built.index.requests.clear()
    expected = "the libraries that eggcarton works with are not in the store: run bootstrap.py, or bin/buildout"
    assert [expected] == doctor(built, status=3)
    assert [] == built.index.requests
