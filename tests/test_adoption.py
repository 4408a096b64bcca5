"""One line puts a buildout that somebody has had for years under a lock; without the line all is stock again."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from support.adoption import VERSIONS, Adoption
from support.buildouts import Buildout
from support.distributions import sdist, source
from support.fakes import greeting
from support.index import Index
from support.repositories import Repository, served

pytestmark = pytest.mark.slow

BASE = """
[buildout]
versions = versions
show-picked-versions = true

[versions]
packaging = 24.2
setuptools = {setuptools}
zc.buildout = {buildout}
zc.recipe.egg = {recipe}
"""
SITE = """
[buildout]
extends = {base}
extensions = {extensions}
find-links = {vendored}
parts = app
sources = sources
auto-checkout = *

[sources]
ours = git {repository}

[app]
recipe = zc.recipe.egg
eggs =
    addon
    greeting
    ours
    packaging
interpreter = py
"""
PINS = {
    "6.0.1": {"setuptools": "84.2.1", "recipe": "6.0.0"},
    # Under which zc.buildout upgrades itself, as it calls that, and restarts.
    "5.2.0": {"setuptools": "75.8.2", "recipe": "3.0.0"},
}
TOLD = "import addon, greeting, ours, packaging; print(addon.word, ours.word, packaging.__version__)"


class Site:
    """A checkout with all that makes adoption hard, and the one line that is put in and taken out."""

    def __init__(self, build: Buildout, vendored: Path, base: str, repository: Repository) -> None:
        self.build, self._told = build, {"vendored": vendored, "base": base, "repository": repository.place}

    def configure(self, extensions: str, more: str = "") -> None:
        """Write the configuration with these extensions."""
        self.build.configure(SITE.format(extensions=extensions, **self._told) + more)

    def works(self) -> None:
        """Make sure that the site's own script and interpreter run what was asked for."""
        assert "greeting 1.0\n" == self.build.run(program="greet").output
        assert "an add-on of 2009, ours 24.2\n" == self.build.run("-c", TOLD, program="py").output

    def paths(self) -> list[str]:
        """Return what the interpreter has on its path for its parts."""
        text = (self.build.bin / "py").read_text("utf-8")
        return re.findall("'([^']+)'", text.partition("sys.path[0:0] = [")[2].partition("]")[0])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("order", ["{} mr.developer", "mr.developer {}"], ids=["before", "after"])
def test_adoption(tmp_path: Path, index: Index, adoption: Adoption, version: str, order: str) -> None:
    """The line is added, obeyed, taken out and added again: each run works or says what to paste."""
    adoption.fill(index.directory)
    greeting(index.directory)
    sdist(index.directory, "addon", "1.0", {"addon.py": "word = 'an add-on of 2009,'\n"}, backend="setuptools")
    repository = Repository(tmp_path / "ours")
    source(tmp_path, "ours", "3.0", {"ours.py": "word = 'ours'\n"})
    repository.commit()
    (tmp_path / "company").mkdir()
    base = BASE.format(buildout=version, **PINS[version])
    (tmp_path / "company" / "base.cfg").write_text(base, "utf-8")
    build = adoption.checkout(tmp_path, version, index)
    with served(tmp_path / "company") as address:
        site = Site(build, adoption.vendored(), f"{address}/base.cfg", repository)
        # What stood before.
        site.configure("mr.developer")
        build.build()
        site.works()
        stock = site.paths()
        # One line.
        site.configure(order.format("eggcarton").strip())
        output = build.fails(status=2)
        pasted = re.search(r"^\[eggcarton\]\nallow-sdist =\n(?:    .+\n)+", output, re.MULTILINE)
        assert pasted, output
        assert "[eggcarton]\nallow-sdist =\n    addon\n" == pasted[0]
        site.works()
        site.configure(order.format("eggcarton"), pasted[0])
        build.build()
        site.works()
        locked = {name: (build.root / name).read_bytes() for name in ("pylock.toml", "pylock.recipes.toml")}
        assert b'name = "addon"' in locked["pylock.toml"]
        assert b'name = "mr-developer"' in locked["pylock.recipes.toml"]
        # Nothing to do, nobody to ask.
        index.requests.clear()
        assert 1 == build.build().count("eggcarton: ")
        assert [] == index.requests
        assert locked == {name: (build.root / name).read_bytes() for name in locked}
        # What mr.developer has checked out is known to commands that do not load it.
        for command in ("lock", "--check"), ("lock",), ("verify",), ("why", "mr.developer"):
            status, output = build.run(*command, program="eggcarton")
            assert 0 == status, output
        assert "part _mr.developer" in output
        assert locked == {name: (build.root / name).read_bytes() for name in locked}
        # Taken out again.
        site.configure("mr.developer")
        build.build()
        site.works()
        # In what order zc.buildout puts eggs there depends on which of them it has just fetched.
        assert sorted(stock) == sorted(site.paths())
        assert not (build.bin / "eggcarton").exists()
        assert not {"eggcarton.egg-link", "mr.developer.egg-link"} & set(os.listdir(build.root / "develop-eggs"))
        assert "eggcarton" not in build.build("-N")
        site.works()
        # zc.buildout looks for what is newest again, as it did before.
        greeting(index.directory, "1.1")
        build.build()
        assert "greeting 1.1\n" == build.run(program="greet").output
        # And once more.
        site.configure(order.format("eggcarton"), pasted[0])
        build.build()
        site.works()
        assert locked == {name: (build.root / name).read_bytes() for name in locked}
