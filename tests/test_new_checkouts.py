"""New checkouts: built, tested and served at once; what is to be committed is all that production needs."""

from __future__ import annotations

import os
import re
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.buildouts import BOOTSTRAP, NOBODY_LISTENS, PYTHON, Shared, environment, locked, run, user_cache
from support.index import Index
from support.servers import served

pytestmark = pytest.mark.slow

NO_NETWORK, LOCKING = 4, 600
# Whom commits are by, on a machine where nobody has told git.
AUTHOR = ("-c", "user.name=somebody", "-c", "user.email=somebody@index.example")


@dataclass
class Project:
    """A new checkout, and the variables that all is run with in it."""

    place: Path
    variables: Mapping[str, str]

    def run(self, *command: str | Path, status: int = 0, **more: str) -> str:
        """Run a command in the checkout."""
        found, output = run(command, cwd=self.place, variables={**self.variables, **more})
        assert status == found, output
        return output

    def git(self, *words: str) -> list[str]:
        return self.run("git", *AUTHOR, *words).splitlines()

    def served(self, *command: str) -> AbstractContextManager[str]:
        """Serve it from anywhere, as a supervisor starts it, and give the address that is told."""
        return served([self.place / command[0], *command[1:]], self.place.parent, self.variables)


def new(place: Path, kind: str, variables: Mapping[str, str]) -> tuple[Project, list[str]]:
    """Make a checkout in a path with a blank, and return what it is told to commit."""
    status, said = run([PYTHON, BOOTSTRAP, "init", kind, place], cwd=place.parent, variables=variables)
    assert 0 == status, said
    committed = re.search("Commit all that was written, and (.+) of the first build", said)
    assert committed is not None, said
    written = [os.path.relpath(line, place) for line in re.findall("^written: (.+)$", said, re.MULTILINE)]
    return Project(place, variables), sorted([*written, *committed[1].split(" and ")])


def fresh_clone(project: Project, committed: Sequence[str], place: Path) -> Project:
    """Commit what `git add .` finds, which has to be what was told, and return a clone of that."""
    project.git("init", "--quiet", "--initial-branch=main")
    project.git("add", ".")
    assert committed == sorted(project.git("ls-files"))
    project.git("commit", "--quiet", "--message=Begin")
    project.git("clone", "--quiet", str(project.place), str(place))
    # Nothing that the clone is built from lies in the first one.
    shutil.move(project.place, project.place.with_name("moved away"))
    return Project(place, {**project.variables, "PIP_INDEX_URL": NOBODY_LISTENS})


def page(address: str) -> str:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(address, timeout=300) as response:
        assert 200 == response.status
        return str(response.read().decode())


PASSED = {"wsgi": " 2 passed", "pyramid": " 2 passed", "django": "Ran 3 tests"}


@pytest.mark.parametrize("kind", PASSED)
def test_it_builds_tests_serves_and_is_deployed(kind: str, tmp_path: Path, cache: Path, example_index: Index) -> None:
    """From nothing to a page; then a clone of what was committed is built for production, frozen and offline."""
    home = tmp_path / "home"
    home.mkdir()
    variables = environment(home, PIP_INDEX_URL=example_index.url, EGGCARTON_CACHE=str(cache))
    project, committed = new(tmp_path / "my site", kind, variables)
    assert "Warning" not in project.run(PYTHON, "bootstrap.py")
    assert PASSED[kind] in project.run("bin/test")
    assert "parts unchanged" in project.run("bin/buildout")
    with project.served("bin/web", "--listen", "127.0.0.1:0") as address:
        assert "<h1>My site</h1>" in page(f"{address}/")
    # It is for every Python that the README names, whichever has locked it.
    assert 'requires-python = ">=3.10"' in (project.place / "pylock.toml").read_text("utf-8")
    clone = fresh_clone(project, committed, tmp_path / "in use")
    asked = len(example_index.requests)
    clone.run(PYTHON, "bootstrap.py", "-c", "production.cfg", "-o")
    assert asked == len(example_index.requests)
    assert "parts unchanged" in clone.run("bin/buildout", "-c", "production.cfg", "-o")
    assert [] == clone.git("status", "--short")
    assert not (clone.place / "bin/test").exists()
    with clone.served("bin/web", "--listen", "127.0.0.1:0") as address:
        assert "<h1>My site</h1>" in page(f"{address}/")
    assert "policy = frozen forbids" in clone.run("bin/buildout", "-c", "production.cfg", "web:eggs=greeting", status=3)


def test_the_secret_of_a_django_project(tmp_path: Path, cache: Path, example_index: Index) -> None:
    """The first start makes it for its owner only, bin/manage uses it too, and debugging ends with development."""
    home = tmp_path / "home"
    home.mkdir()
    variables = environment(home, PIP_INDEX_URL=example_index.url, EGGCARTON_CACHE=str(cache))
    project, _ = new(tmp_path / "nest", "django", variables)
    project.run(PYTHON, "bootstrap.py")
    project.run("bin/manage", "migrate")
    secret = project.place / "var/secret"
    assert (0o600, True) == (secret.stat().st_mode & 0o777, len(secret.read_text("ascii")) >= 50)
    shown = ["shell", "-c", "from django.conf import settings as s; print('DEBUG', s.DEBUG, s.SECRET_KEY)"]
    assert f"DEBUG True {secret.read_text('ascii')}" in project.run("bin/manage", *shown)
    assert ["nest.sqlite", "secret"] == sorted(name for name in os.listdir(secret.parent) if name != "reports")
    project.run("bin/buildout", "-c", "production.cfg")
    assert f"DEBUG False {secret.read_text('ascii')}" in project.run("bin/manage", *shown)
    assert "no issues" in project.run("bin/manage", "check")


def test_plone(tmp_path: Path, shared: Shared) -> None:
    """The same with a Plone site, whose add-on answers beside it."""
    variables = {**os.environ, "EGGCARTON_CACHE": str(user_cache())}
    project, committed = new(tmp_path / "acme site", "plone", variables)
    port = "instance:http-address=127.0.0.1:0"
    with locked(shared.directory / "plone"):
        # All of Plone is locked anew.
        status, output = run([PYTHON, "bootstrap.py", port], cwd=project.place, variables=variables, wait=LOCKING)
    if status == NO_NETWORK:
        pytest.skip(f"Plone cannot be locked here: {output.splitlines()[-1]}")
    assert 0 == status, output
    assert "Warning" not in output, output
    (tmp_path / "home").mkdir()
    project.variables = environment(tmp_path / "home", EGGCARTON_CACHE=str(user_cache()))
    assert "Ran 1 tests with 0 failures, 0 errors" in project.run("bin/test")
    # The first start makes a user of it.
    assert (project.place / "parts/instance/inituser").read_text("utf-8").startswith("admin:")
    with project.served("bin/instance", "fg") as address:
        assert "<title>Welcome to Plone!</title>" in page(f"{address}/")
        assert "<h1>Acme site</h1>" in page(f"{address}/@@acme-site")
    # Where its path has one blank, and where it has several, the recipe once took the path apart.
    assert [] != os.listdir(project.place / "var/cache")
    clone = fresh_clone(project, committed, tmp_path / "in  use now")
    clone.run(PYTHON, "bootstrap.py", "-c", "production.cfg", "-o", port)
    assert [] == clone.git("status", "--short")
    assert not (clone.place / "parts/instance/inituser").exists()
    with clone.served("bin/instance", "fg") as address:
        assert "<h1>Acme site</h1>" in page(f"{address}/@@acme-site")
    assert [] != os.listdir(clone.place / "var/cache")
