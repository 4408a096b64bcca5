"""bin/eggcarton why: which line of the configuration leads to a distribution, and how."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout, tree
from support.distributions import source, wheel
from support.fakes import asking, greeting, recipes
from support.kept import Kept

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extends = pins.cfg
extensions = eggcarton
develop = book
parts = app note

[app]
recipe = eggcarton:scripts
eggs += book[tests]

[note]
recipe = noting
output = note.txt
"""


def make(build: Buildout) -> None:
    """Put everything into place and build it."""
    greeting(build.index.directory)
    recipes(build.index.directory, requires=("six>=1",))
    for version in ("1.16.0", "1.17.0"):
        wheel(build.index.directory, "six", version)
    wheel(build.index.directory, "web", "2.0", requires=["six>=1.10", "colour; sys_platform == 'none'"])
    wheel(build.index.directory, "colour", "0.1")
    source(build.root, "book", requires=["web>=2"], extras={"tests": ["greeting"]})
    build.write("pins.cfg", "[versions]\nSix = 1.16.0\n[app]\neggs = greeting\n")
    build.configure(CONFIG)
    build.build()


@pytest.fixture
def built(kept: Kept) -> Buildout:
    """A buildout with a develop package, a recipe from elsewhere and a pin, built once."""
    return kept(make)


def why(build: Buildout, *arguments: str, status: int = 0) -> str:
    """Return what bin/eggcarton why says, once it is sure that nothing was changed and nobody asked."""
    before = tree(build.root, build.home)
    found, output = build.run("why", *arguments, program="eggcarton")
    assert status == found, output
    assert before == tree(build.root, build.home)
    assert [] == build.index.requests
    return output


def test_every_chain_is_told(built: Buildout) -> None:
    """Chains begin with parts, develop packages and recipes, in both locks, and the pin is named with each version."""
    assert [
        "develop package book > book needs web>=2 > web needs six>=1.10 : six 1.16.0",
        "part app asks for book[tests] > book needs web>=2 > web needs six>=1.10 : six 1.16.0",
        "the recipe of part note is noting > noting needs six>=1 : six 1.16.0",
        "asked in buildout.cfg by [buildout] develop, [app] eggs",
        "[versions] Six = 1.16.0 holds it, in pins.cfg",
        "asked in buildout.cfg by [note] recipe",
    ] == why(built, "SIX").splitlines()
    assert [
        "part app asks for greeting : greeting 1.0",
        "part app asks for book[tests] > book[tests] needs greeting : greeting 1.0",
        "asked in buildout.cfg by [app] eggs",
        "asked in pins.cfg by [app] eggs",
    ] == why(built, "greeting").splitlines()


def test_a_name_that_is_not_locked(built: Buildout) -> None:
    """A wrong name is answered with the nearest one, and status 2."""
    assert "Error: nothing is locked of greetin; did you mean greeting?\n" == why(built, "greetin", status=2)


def test_a_name_for_another_platform(built: Buildout) -> None:
    """What is locked for another platform is told with the chain that leads to it there."""
    output = why(built, "colour")
    assert 'web needs colour ; sys_platform == "none" : colour 0.1\n' in output
    assert output.endswith("is locked for another Python or platform; nothing leads to it on this one\n")


def test_a_develop_package_that_has_changed(built: Buildout) -> None:
    """What a changed develop package needs now is found out without the change being built in."""
    setup = built.root / "book" / "setup.py"
    setup.write_text(setup.read_text("utf-8").replace("web>=2", "greeting"), "utf-8")
    assert "book needs greeting : greeting 1.0\n" in why(built, "greeting")
    assert "web 2.0 is surplus: nothing leads to it, and bin/eggcarton lock takes it out\n" == why(built, "web")


def test_what_a_recipe_asks_for_while_it_runs(build: Buildout) -> None:
    """What no section tells is told of the part that asked."""
    greeting(build.index.directory)
    asking(build.index.directory)
    build.configure(
        """
        [buildout]
        extensions = eggcarton
        parts = app
        [app]
        recipe = asking
        eggs =
        more = greeting
        """
    )
    build.build()
    build.index.requests.clear()
    assert "part app, while it runs, asks for greeting : greeting 1.0\n" == why(build, "greeting")


def test_there_is_no_lock(build: Buildout) -> None:
    """Before anything was locked, that is said, with the command that locks."""
    build.configure("[buildout]\nextensions = eggcarton\nparts =\n")
    assert "Error: there is no pylock.toml yet; run bin/eggcarton lock, which makes it\n" == why(build, "six", status=2)


BACKEND = """\
import os, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "book-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as archive:
        info = "book-1.0.dist-info"
        archive.writestr("book.pth", os.getcwd())
        lines = ["Metadata-Version: 2.1", "Name: book", "Version: 1.0", "Requires-Dist: greeting", ""]
        archive.writestr(f"{info}/METADATA", "\\n".join(lines))
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(f"{info}/RECORD", f"book.pth,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n")
    return name
"""


def test_a_develop_package_whose_build_is_not_locked(build: Buildout) -> None:
    """What such a package needs is known once what builds it is locked, and until then that is said."""
    greeting(build.index.directory)
    wheel(build.index.directory, "backing", "1.0", {"backing.py": BACKEND})
    build.write(
        "book/pyproject.toml",
        """
        [build-system]
        requires = ["backing"]
        build-backend = "backing"
        [project]
        name = "book"
        version = "1.0"
        """,
    )
    build.configure("[buildout]\nextensions = eggcarton\ndevelop = book\nparts =\n")
    build.lock.write_text('lock-version = "1.0"\ncreated-by = "eggcarton"\npackages = []\n', "utf-8")
    told = why(build, "greeting", status=3)
    assert told.startswith("Error: buildout.lock.toml does not answer what builds from source require, ")
    assert told.endswith("forbids to change it; run bin/eggcarton lock where it may change:\n  book requires backing\n")
    build.build()
    build.index.requests.clear()
    assert [
        "develop package book > book needs greeting : greeting 1.0",
        "asked in buildout.cfg by [buildout] develop",
    ] == why(build, "greeting").splitlines()
