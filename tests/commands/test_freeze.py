"""``bin/eggcarton freeze``: a buildout that stands, or a Python, becomes a lock that rebuilds it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from support.buildouts import PYTHON, Buildout, Stock, environment, run, tree
from support.distributions import source, wheel
from support.fakes import recipes
from support.repositories import Repository

pytestmark = pytest.mark.slow

STOCK = """
[buildout]
develop = ours
parts = app note more

[app]
recipe = zc.recipe.egg
eggs = web
interpreter = py

[note]
recipe = noting
output = note.txt

[more]
recipe = knowing
eggs = ours
"""
KNOWING = """\
import sys
import zc.recipe.egg
from zc.buildout import easy_install


class Recipe:
    # What it asks for while it runs no section tells; the script that it writes does.
    def __init__(self, buildout, name, options):
        self.egg, self.bin = zc.recipe.egg.Scripts(buildout, name, options), buildout["buildout"]["bin-directory"]

    def install(self):
        _, found = self.egg.working_set(["later"])
        return easy_install.scripts([], found, sys.executable, self.bin, interpreter="more")

    update = install
"""
NEW = STOCK.replace("[buildout]\n", "[buildout]\nextensions = eggcarton\n")
APPLICATION = """
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = web
interpreter = py
"""
VERSIONS = "import importlib.metadata as m; print(*(m.version(name) for name in {names!r}.split()))"
LEFT = "and left out; name that directory in 'develop' of [buildout]"


def fill(index: Path, version: str) -> None:
    wheel(index, "web", version, {"web.py": ""}, requires=["six"])
    for name in ("six", "later", "unneeded"):
        wheel(index, name, version, {f"{name}.py": ""})
    recipes(index, version)
    wheel(
        index, "knowing", version, {"knowing.py": KNOWING}, entry_points={"zc.buildout": {"default": "knowing:Recipe"}}
    )


def python_with(build: Buildout, *wanted: str) -> Path:
    """Make a virtual environment and have its pip install this from the index."""
    place = build.root.with_name("venv")
    pip = [place / "bin/pip", "install", "--quiet", "--no-index", "--find-links", build.index.directory]
    for command in ([PYTHON, "-m", "venv", place], [*pip, *wanted]):
        done = run(command, cwd=build.home, variables=environment(build.home))
        assert 0 == done.status, done.output
    return place


@pytest.fixture
def old(build: Buildout, stock: Stock, wheels: Path) -> Buildout:
    """A buildout of stock zc.buildout that was built when the index had nothing but 1.0 of everything."""
    made = Buildout(root=build.root.with_name("old"), home=build.home, index=build.index)
    made.bin.mkdir(parents=True)
    (made.bin / "buildout").symlink_to(stock.program("6.0.1"))
    made.variables["PIP_INDEX_URL"] = build.index.url
    source(made.root, "ours", "1.0", {"ours.py": ""}, requires=["six"])
    for path in wheels.glob("setuptools-*.whl"):
        (build.index.directory / path.name).symlink_to(path)
    fill(build.index.directory, "1.0")
    made.configure(STOCK)
    made.build()
    fill(build.index.directory, "2.0")
    return made


def test_a_stock_buildout_is_built_again(build: Buildout, old: Buildout) -> None:
    """Parts, recipes and what a recipe asks for while it runs have the versions that stood in the old buildout."""
    before = tree(old.root)
    source(build.root, "ours", "1.0", {"ours.py": ""}, requires=["six"])
    build.configure(NEW)
    status, output = build.run("freeze", "../old", program="eggcarton")
    assert 0 == status, output
    assert f"ours is developed in {old.root / 'ours'}, {LEFT}\n" in output
    assert "pylock.toml: 3 distributions, 3 only by version: hashes taken from the index\n" in output
    assert before == tree(old.root)
    build.build()
    for program, names in (("py", "web six"), ("more", "six later")):
        wanted = "1.0 1.0\n"
        assert (0, wanted) == build.run("-c", VERSIONS.format(names=names), program=program)
    locked = (build.root / "pylock.recipes.toml").read_text("utf-8")
    assert re.search('name = "noting"\nversion = "1.0"', locked)


def test_a_python_is_built_again(build: Buildout) -> None:
    """What the configuration needs has the versions of a virtual environment; what it does not is named."""
    fill(build.index.directory, "1.0")
    place = python_with(build, "web", "unneeded")
    fill(build.index.directory, "2.0")
    build.configure(APPLICATION)
    status, output = build.run("freeze", str(place), program="eggcarton")
    assert (0, [
        "pylock.toml: 2 distributions, 2 only by version: hashes taken from the index",
        "left out, since the configuration does not need them: unneeded",
    ]) == (status, output.splitlines())  # fmt: skip
    build.build("eggcarton:policy=frozen")
    assert (0, "1.0 1.0\n") == build.run("-c", VERSIONS.format(names="web six"), program="py")
    status, output = build.run("freeze", str(place / "bin/python"), "--output", "all.toml", program="eggcarton")
    assert (0, "all.toml: 3 distributions, 3 only by version: hashes taken from the index\n") == (status, output)
    found = re.findall('^name = "(.*)"\nversion = "(.*)"', (build.root / "all.toml").read_text("utf-8"), re.MULTILINE)
    assert [("six", "1.0"), ("unneeded", "1.0"), ("web", "1.0")] == found


def test_a_python_with_what_came_from_a_repository(build: Buildout) -> None:
    """What pip has installed from version control is locked by its commit, though its branch has gone on."""
    wheel(build.index.directory, "six", "1.0", {"six.py": ""})
    repository = Repository(build.root.with_name("web"))
    repository.project("web", "1.0", {"web.py": ""}, requires=["six"])
    commit = repository.commit()
    place = python_with(build, "--no-build-isolation", f"{repository.url}@main#egg=web")
    repository.project("web", "2.0", {"web.py": ""}, requires=["six"])
    repository.commit()
    wheel(build.index.directory, "six", "2.0", {"six.py": ""})
    build.configure(APPLICATION)
    status, output = build.run("freeze", str(place), program="eggcarton")
    assert 0 == status, output
    assert commit in build.lock.read_text("utf-8")
    build.build("eggcarton:policy=frozen")
    assert (0, "1.0 1.0\n") == build.run("-c", VERSIONS.format(names="web six"), program="py")


def test_what_the_index_has_no_more(build: Buildout) -> None:
    """All versions that are gone are named at once with those that there are, and nothing is written."""
    fill(build.index.directory, "1.0")
    place = python_with(build, "web", "unneeded")
    fill(build.index.directory, "2.0")
    for name in ("web", "six", "unneeded"):
        (build.index.directory / f"{name}-1.0-py3-none-any.whl").unlink()
    (build.index.directory / "six-2.0-py3-none-any.whl").unlink()
    build.configure("[buildout]\nextensions = eggcarton\nparts = app\n[app]\nrecipe = eggcarton:scripts\neggs = web\n")
    before = tree(build.root)
    output = build.fails("freeze", str(place), status=4, program="eggcarton")
    assert "or install another version first:\n  six 1.0: it has none\n  web 1.0: it has 2.0\n" in output
    output = build.fails("freeze", str(place), "--output", "all.toml", status=4, program="eggcarton")
    assert "  six 1.0: it has none\n  unneeded 1.0: it has 2.0\n  web 1.0: it has 2.0\n" in output
    assert "Error: offline, and whether the index still has" in build.fails(
        "-o", "freeze", str(place), status=4, program="eggcarton"
    )
    changed = {path for path, standing in tree(build.root).items() if before.get(path) != standing}
    assert not [path for path in changed if path.endswith(".toml")]


def test_what_is_for_fewer_pythons_than_the_lock(build: Buildout) -> None:
    """An installed version that a Python of the lock's range cannot have is named, with the range that it could be."""
    wheel(build.index.directory, "web", "1.0", {"web.py": ""}, requires_python=">=3.10.1")
    place = python_with(build, "web")
    build.configure("""
        [buildout]
        extensions = eggcarton
        parts = app

        [eggcarton]
        requires-python = >=3.10

        [app]
        recipe = eggcarton:scripts
        eggs = web
        """)
    output = build.fails("freeze", str(place), status=2, program="eggcarton")
    assert "say 'requires-python = >=3.10.1' in [eggcarton]" in output
    assert "\n  web 1.0 is for Python >=3.10.1\n" in output
    # A Python that is newer than the one that runs is none that a range could help.
    info = next(place.glob("lib/*/site-packages/web-1.0.dist-info"))
    wheel(build.index.directory, "later", "1.0", {"later.py": ""}, requires_python=">=3.99")
    later = info.with_name("later-1.0.dist-info")
    shutil.copytree(info, later)
    metadata = (later / "METADATA").read_text("utf-8")
    (later / "METADATA").write_text(metadata.replace("Name: web", "Name: later"), "utf-8")
    output = build.fails("freeze", str(place), "--output", "all.toml", status=2, program="eggcarton")
    assert "; run bootstrap.py with Python 3.99 or later, or install other versions first:\n  later 1.0 is" in output
    shutil.rmtree(later)
    status, output = build.run("freeze", str(place), "eggcarton:requires-python=>=3.10.1", program="eggcarton")
    assert 0 == status, output


def test_what_freeze_refuses(build: Buildout) -> None:
    """A place without anything, a pin that says otherwise, and a directory that is not there end with exit code 2."""
    fill(build.index.directory, "1.0")
    text = "[buildout]\nextensions = eggcarton\nparts = app\n[app]\nrecipe = eggcarton:scripts\neggs = web\n"
    build.configure(text)
    assert "Error: there is no nowhere; name a Python" in build.fails(
        "freeze", "nowhere", status=2, program="eggcarton"
    )
    build.write(".installed.cfg", "[buildout]\nparts =\n")
    output = build.fails("freeze", status=2, program="eggcarton")
    assert " has nothing that could be locked: no script there names an egg\n" in output
    output = build.fails("freeze", "--output", "no/all.toml", status=2, program="eggcarton")
    assert "Error: --output no/all.toml: there is no directory " in output
    place = python_with(build, "web")
    build.configure(f"{text}[versions]\nsix = 2.0\n")
    output = build.fails("freeze", str(place), status=2, program="eggcarton")
    assert "[versions] and the installation exclude each other" in output
    assert not build.lock.exists()
