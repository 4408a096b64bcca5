"""Somebody else's buildout: Plone with stock recipes is locked, built from the store, and answers."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.buildouts import BOOTSTRAP, PYTHON, Result, Shared, environment, locked, run, user_cache
from support.proxy import ClosedProxy

MATERIAL = Path(__file__).with_name("plone")
LOCKS = ("pylock.toml", "pylock.recipes.toml")
NO_NETWORK = 4

pytestmark = pytest.mark.slow


class Site:
    """A buildout of Plone in a directory of its own."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home = root, home

    def run(self, program: str, *arguments: str, **more: str) -> Result:
        """Run a program of bin, which reaches no network."""
        variables = environment(self.home, EGGCARTON_CACHE=str(user_cache())) | more
        return run([self.root / "bin" / program, *arguments], cwd=self.root, variables=variables)

    def locks(self) -> list[bytes]:
        return [(self.root / name).read_bytes() for name in LOCKS]

    @contextmanager
    def served(self) -> Iterator[str]:
        """Run the instance in the foreground at a port that the system chooses, and give its address."""
        process = subprocess.Popen(
            [self.root / "bin/instance", "fg"],
            cwd=self.root,
            env=environment(self.home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # What bin/instance starts belongs to its group, and is ended with it.
            start_new_session=True,
        )
        said = []
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if told := re.search(r"Serving on (http://127\.0\.0\.1:\d+)", line):
                    yield told[1]
                    return
            pytest.fail("".join(said))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=60)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, shared: Shared) -> Site:
    """The site, locked and built; what is served as distributions comes from the cache or the machine's own index."""
    place = tmp_path_factory.mktemp("plone")
    root, home = place / "site", place / "home"
    shutil.copytree(MATERIAL, root)
    home.mkdir()
    with locked(shared.directory / "plone"):
        status, output = run(
            [PYTHON, BOOTSTRAP, root], cwd=place, variables={**os.environ, "EGGCARTON_CACHE": str(user_cache())}
        )
    if status == NO_NETWORK:
        pytest.skip(f"Plone cannot be locked here: {output.splitlines()[-1]}")
    assert 0 == status, output
    assert "Warning" not in output, output
    return Site(root, home)


def test_it_is_locked_and_built_from_the_store(site: Site) -> None:
    """Its recipe and the site have a lock each, without any address; every distribution is an egg of the store."""
    recipes, parts = (text.decode() for text in reversed(site.locks()))
    assert ('name = "plone-recipe-zope2instance"' in recipes, "://" in recipes + parts) == (True, False)
    assert 'name = "products-cmfplone"\nversion = "6.2.2"\n' in parts
    status, output = site.run("zopepy", "-c", "import Products.CMFPlone, lxml; print(Products.CMFPlone, lxml)")
    store = str(site.root / "eggs/v5/")
    assert (0, 2) == (status, output.count(store)), output
    status, output = site.run("eggcarton", "verify")
    assert (0, True) == (status, "This build is air-gapped." in output), output


def test_it_answers(site: Site) -> None:
    """bin/instance starts, and the browser that comes is welcomed to Plone."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with site.served() as address, direct.open(address, timeout=60) as response:
        assert (200, True) == (response.status, b"<title>Welcome to Plone!</title>" in response.read())


NOTHING_TO_DO = (
    ("buildout",),
    ("buildout", "-n"),
    ("buildout", "-o"),
    ("buildout", "eggcarton:policy=frozen"),
    ("eggcarton", "lock"),
    ("eggcarton", "lock", "--check"),
)


def test_nothing_changed(site: Site) -> None:
    """Built or locked once more with nothing changed, it asks no network, and its locks are the same byte for byte."""
    before = site.locks()
    for command in NOTHING_TO_DO:
        with ClosedProxy() as proxy:
            status, output = site.run(*command, **proxy.variables)
        assert (0, []) == (status, proxy.asked), (command, output)
        assert (before, False) == (site.locks(), "Warning" in output), (command, output)
