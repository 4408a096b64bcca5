"""``bin/eggcarton init``: a new checkout with all that it needs of ours, or one sentence of what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.buildouts import BOOTSTRAP, CHECKOUT, PYTHON, Buildout, Result, environment, run

pytestmark = pytest.mark.slow


def bootstrap(build: Buildout, *words: str | Path, script: Path = BOOTSTRAP) -> Result:
    """Run a bootstrap.py beside the buildout, with the toolchain in the cache and nothing else within reach."""
    return run([PYTHON, script, *words], cwd=build.root.parent, variables=environment(build.home))


@pytest.fixture
def near(build: Buildout, wheels: Path) -> Buildout:
    """A buildout whose user's cache has the toolchain."""
    (build.cache / "bootstrap").mkdir(parents=True)
    (build.cache / "bootstrap" / wheels.name).symlink_to(wheels)
    return build


def content(place: Path) -> dict[str, bytes]:
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_whoever_writes_it_it_is_the_same(near: Buildout) -> None:
    """bin/eggcarton, bootstrap.py of a checkout of ours and that of a new checkout write the same, byte for byte."""
    status, output = near.run("init", "pyramid", "../my site", program="eggcarton")
    assert 0 == status, output
    assert output.startswith("written: ../my site/.gitignore\n")
    assert "\n  cd '../my site'\n  python3 bootstrap.py\n" in output
    place = near.root.parent
    status, output = bootstrap(near, "init", "pyramid", "second", "--name=my-site")
    assert 0 == status, output
    third = bootstrap(near, "init", "pyramid", "third", "--name", "my-site", script=place / "second/bootstrap.py")
    assert (0, output.replace("second", "third")) == third
    first = content(place / "my site")
    assert first == content(place / "second") == content(place / "third")
    assert first["bootstrap.py"] == (CHECKOUT / "bootstrap.py").read_bytes()
    assert not [name for name in os.listdir(place) if "init" in name]
    assert [] == near.index.requests


MISSPELT = "init has no kind 'piramid'; did you mean pyramid? else name one of django, plone, pyramid, wsgi"
WRONG = {
    "no kind": ([], "init needs a kind and a directory: init django|plone|pyramid|wsgi DIR"),
    "no directory": (["wsgi"], "init needs a kind and a directory: init django|plone|pyramid|wsgi DIR"),
    "a name alone": (["wsgi", "--name", "x"], "init needs a kind and a directory: init django|plone|pyramid|wsgi DIR"),
    "another kind": (["flask", "there"], "init has no kind 'flask'; name one of django, plone, pyramid, wsgi\n"),
    "a kind misspelt": (["--name", "x", "piramid", "there"], f"{MISSPELT}\n"),
    "an index that is none": (["wsgi", "there", "--index", "x"], "--index: x is not the address of an index"),
}


@pytest.mark.parametrize("words", WRONG)
def test_what_bootstrap_refuses_before_it_fetches_anything(words: str, build: Buildout) -> None:
    """A wrong command line is told at once, with status 2."""
    given, sentence = WRONG[words]
    status, output = bootstrap(build, "init", *given)
    assert (2, True) == (status, output.startswith(f"Error: {sentence}")), output
    assert not build.cache.exists()


def test_an_option_by_its_beginning(near: Buildout) -> None:
    """No option is taken for another one that begins so: a later option would change what a script means."""
    words = ("init", "wsgi", "there", "--nam", "x")
    for status, output in (near.run(*words, program="eggcarton"), bootstrap(near, *words)):
        assert (2, True) == (status, "unrecognized arguments: --nam" in output), output
    assert not (near.root / "there").exists()


def test_what_is_refused(near: Buildout) -> None:
    """A name that is none, a directory in which something lies, and a place that nobody can write to, are refused."""
    sentence = (
        "Error: a project 'site' would hide the module 'site' of Python's standard library; --name NAME gives another"
    )
    assert sentence in near.fails("init", "wsgi", "site", status=2, program="eggcarton")
    status, output = bootstrap(near, "init", "wsgi", "site")
    assert (2, f"{sentence}\n") == (status, output)
    output = near.fails("init", "wsgi", ".", "--name", "mine", status=2, program="eggcarton")
    assert f"Error: {near.root} holds bin, develop-eggs, eggs, which is in the way; name a new directory" in output
    (near.root / "file").touch()
    output = near.fails("init", "wsgi", "file/below", status=1, program="eggcarton")
    assert (
        f"Error: {near.root}/file/below cannot be made: File exists; name a place where this user may write" in output
    )
    assert f"Error: {MISSPELT}\n" == near.fails("init", "piramid", "there", status=2, program="eggcarton")
    assert ["bin", "develop-eggs", "eggs", "file"] == sorted(os.listdir(near.root))


def test_help(build: Buildout) -> None:
    """Both tell what they take; nothing is fetched for it."""
    status, output = build.run("init", "--help", program="eggcarton")
    assert (0, True) == (status, "what it is: django, plone, pyramid, wsgi" in output), output
    status, output = bootstrap(build, "init", "--help")
    assert (0, True) == (status, "bootstrap.py init django|plone|pyramid|wsgi DIR [--name NAME]" in output), output
    assert not build.cache.exists()
