"""The line is taken out where bootstrap.py had put its bin/buildout: the one that stood there before does all again."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from support.adoption import VERSIONS, Adoption
from support.buildouts import BOOTSTRAP, PYTHON, Buildout, environment, run
from support.fakes import greeting
from support.index import Index

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
parts = app

[app]
recipe = zc.recipe.egg
eggs = greeting
interpreter = py

[versions]
zc.recipe.egg = {}
"""
RECIPES = {"6.0.1": "6.0.0", "5.2.0": "3.0.0"}


def named(config: str) -> str:
    """Return a configuration with the one line."""
    return config.replace("parts =", "extensions = eggcarton\nparts =")


def bootstrapped(build: Buildout) -> str:
    """Run bootstrap.py in a checkout, which has to succeed, and return what it said."""
    variables = environment(build.home, PIP_INDEX_URL=build.index.url)
    status, output = run([PYTHON, BOOTSTRAP], cwd=build.root, variables=variables)
    assert 0 == status, output
    return output


def paths(build: Buildout) -> list[str]:
    """Return what the interpreter of the part has on its path."""
    text = (build.bin / "py").read_text("utf-8")
    return re.findall("'([^']+)'", text.partition("sys.path[0:0] = [")[2].partition("]")[0])


def checkout(place: Path, index: Index, adoption: Adoption, version: str) -> tuple[Buildout, str]:
    """Return a checkout that a stock bin/buildout has built, and its configuration."""
    adoption.fill(index.directory)
    greeting(index.directory)
    build, config = adoption.checkout(place, version, index), CONFIG.format(RECIPES[version])
    build.configure(config)
    build.build()
    return build, config


@pytest.mark.parametrize("version", VERSIONS)
def test_without_the_line(tmp_path: Path, index: Index, adoption: Adoption, version: str) -> None:
    """The former bin/buildout stands again, makes the scripts anew and takes newer eggs; bin/eggcarton is gone."""
    site, config = checkout(tmp_path, index, adoption, version)
    stock, before = paths(site), (site.bin / "buildout").read_text("utf-8")
    site.configure(named(config))
    bootstrapped(site)
    assert ["buildout", "buildout.before", "eggcarton", "greet", "py"] == sorted(os.listdir(site.bin))
    assert [str(site.home / "eggs")] != [os.path.dirname(path) for path in paths(site)]
    site.configure(config)
    output = site.build()
    assert f"eggcarton: The extension is not named any more: {site.bin}/buildout is again what stood there" in output
    assert "Installing app." in output
    assert ["buildout", "greet", "py"] == sorted(os.listdir(site.bin))
    assert before == (site.bin / "buildout").read_text("utf-8")
    assert stock == paths(site)
    assert "eggcarton" not in site.build()
    greeting(site.index.directory, "1.1")
    site.build()
    assert "greeting 1.1\n" == site.run(program="greet").output
    # And once more.
    site.configure(named(config))
    assert "Installing app." in bootstrapped(site)
    assert "eggcarton: 1 distribution: 1 in the store" in site.build()
    assert "greeting 1.0\n" == site.run(program="greet").output
    site.configure(config)
    assert "is again what stood there before ours" in site.build()


def test_who_keeps_ours(tmp_path: Path, index: Index, adoption: Adoption) -> None:
    """A configuration that never named the extension goes on with ours, as does one with recipes of ours."""
    site, config = checkout(tmp_path, index, adoption, VERSIONS[0])
    site.configure(named(config))
    site.write("other.cfg", "[buildout]\nparts =\n")
    bootstrapped(site)
    site.build("-c", "other.cfg")
    assert (site.bin / "buildout.before").is_file()
    site.configure(config.replace("zc.recipe.egg", "eggcarton:scripts"))
    site.run()
    assert (site.bin / "buildout.before").is_file()
    assert (site.bin / "eggcarton").is_file()


def test_without_a_former_one(build: Buildout) -> None:
    """Ours goes on as a stock one: its scripts name eggs as zc.buildout does, and it takes newer ones."""
    greeting(build.index.directory)
    build.configure(named(CONFIG.format("6.0.0")))
    build.build()
    assert "eggcarton: 1 distribution: 1 in the store, 0 fetched" in build.build()
    assert all(path.is_symlink() for path in (build.root / "eggs/v5").glob("*.egg"))
    build.configure(CONFIG.format("6.0.0"))
    build.build()
    assert [str(build.root / "eggs/v5")] == [os.path.dirname(path) for path in paths(build)]
    greeting(build.index.directory, "1.1")
    build.build()
    assert "greeting 1.1\n" == build.run(program="greet").output


def test_a_former_one_that_cannot_start(tmp_path: Path, index: Index, adoption: Adoption) -> None:
    """Where its Python has gone, one sentence says what to do."""
    site, config = checkout(tmp_path, index, adoption, VERSIONS[0])
    site.configure(named(config))
    bootstrapped(site)
    (site.bin / "buildout.before").write_text("#!/nowhere/python\n", "utf-8")
    (site.bin / "buildout.before").chmod(0o755)
    site.configure(config)
    output = site.fails(status=1)
    assert "cannot be started (No such file or directory); have its zc.buildout write it anew with 'buildout" in output
    site.configure(named(config))
    bootstrapped(site)
    assert "eggcarton" in os.listdir(site.bin)
