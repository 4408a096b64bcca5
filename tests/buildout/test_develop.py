"""Develop packages: built when what decides their metadata has changed, and kept while it has not."""

from __future__ import annotations

import json
import os

import pytest

from eggcarton.core.locks import hold
from support.buildouts import Buildout
from support.distributions import source, wheel
from support.fakes import GREETING

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
develop = greeting
parts = app

[app]
recipe = eggcarton:scripts
eggs = greeting
interpreter = py
"""
PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "greeting"
dynamic = ["version"]
readme = "README.rst"
dependencies = []

[project.optional-dependencies]
more = ["library"]

[project.scripts]
greet = "greeting:main"

[tool.setuptools]
package-dir = { "" = "src" }
py-modules = ["greeting"]

[tool.setuptools.dynamic]
version = { file = "VERSION.txt" }
"""


@pytest.fixture
def developed(build: Buildout) -> Buildout:
    """A buildout that develops a package whose metadata comes from three files, built once."""
    build.write("greeting/pyproject.toml", PROJECT)
    build.write("greeting/README.rst", "A greeting.\n")
    build.write("greeting/VERSION.txt", "1.0\n")
    build.write("greeting/src/greeting.py", GREETING)
    wheel(build.index.directory, "library", "1.0")
    build.configure(CONFIG)
    assert "Develop: " in build.build()
    assert "greeting 1.0\n" == build.run(program="greet").output
    return build


def test_it_is_kept_while_nothing_changed(developed: Buildout) -> None:
    """The second run builds nothing; nor does one after the code was changed, which is imported where it lies."""
    before = developed.tree("develop-eggs")
    assert 1 == len(developed.build().splitlines())
    developed.write("greeting/src/greeting.py", "def main():\n    print('another greeting')\n")
    assert 1 == len(developed.build().splitlines())
    assert before == developed.tree("develop-eggs")
    assert "another greeting\n" == developed.run(program="greet").output


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("pyproject.toml", 'greet = "greeting:main"', 'greet = "greeting:main"\nsalute = "greeting:main"'),
        ("README.rst", "A greeting.", "Another greeting."),
        ("VERSION.txt", "1.0", "2.0"),
    ],
)
def test_it_is_built_again_when_its_metadata_may_have_changed(
    developed: Buildout, path: str, old: str, new: str
) -> None:
    """A change of any file that its metadata is made of has it built again, and its parts see it."""
    place = developed.root / "greeting" / path
    place.write_text(place.read_text("utf-8").replace(old, new), "utf-8")
    assert "Develop: " in developed.build()
    version = "2.0" if path == "VERSION.txt" else "1.0"
    assert f"greeting {version}\n" == developed.run(program="greet").output
    assert (path == "pyproject.toml") == (developed.bin / "salute").exists()
    [information] = (developed.root / "develop-eggs").glob("greeting-*.dist-info")
    assert ("Another greeting." in (information / "METADATA").read_text("utf-8")) == (path == "README.rst")
    assert 1 == len(developed.build().splitlines())


def test_what_cannot_be_watched_is_built_each_time(build: Buildout) -> None:
    """A package whose build starts another program is built in every run, since what decided it is not known."""
    build.write(
        "greeting/setup.py",
        """
        import subprocess
        from setuptools import setup

        subprocess.run(["true"], capture_output=True)
        setup(name="greeting", version="1.0", py_modules=["greeting"])
        """,
    )
    build.write("greeting/greeting.py", GREETING)
    build.configure(CONFIG)
    for _ in range(2):
        assert "Develop: " in build.build()
    assert "greeting is built in each run, since its build runs true\n" in build.build("-v")


def test_a_removed_one_leaves_nothing_behind(developed: Buildout) -> None:
    """A package that is developed no more is gone from develop-eggs, and from the records."""
    own = {name for name in os.listdir(developed.root / "develop-eggs") if name.startswith("eggcarton")}
    developed.configure(CONFIG.replace("develop = greeting\nparts = app", "parts ="))
    developed.build()
    assert own == set(os.listdir(developed.root / "develop-eggs"))
    assert [] == list((developed.root / "parts/.eggcarton/state/develop").glob("*"))


def test_a_develop_package_hides_the_one_on_the_index(developed: Buildout) -> None:
    """What is developed here is never fetched, whatever newer version the index has."""
    wheel(developed.index.directory, "greeting", "9.0")
    developed.configure(CONFIG.replace("interpreter = py", "interpreter = python3"))
    developed.build()
    assert "greeting 1.0\n" == developed.run(program="greet").output
    assert [] == developed.index.paths("*greeting*")
    assert "greeting" not in developed.lock.read_text("utf-8")


def test_a_module_that_a_locked_distribution_has_too(developed: Buildout) -> None:
    """The develop package's is imported, which is said when the environment is made, and kept in its record."""
    wheel(developed.index.directory, "other", "1.0", {"greeting.py": "main = None\n"})
    developed.configure(CONFIG.replace("eggs = greeting", "eggs =\n    greeting\n    other"))
    said = "greeting of other cannot be imported: the develop package greeting has it, and comes first"
    assert f"eggcarton: {said}\n" in developed.build()
    assert 1 == len(developed.build().splitlines())
    assert "greeting 1.0\n" == developed.run(program="greet").output
    records = (developed.root / "parts/.eggcarton/environments").glob("*/eggcarton.json")
    assert [[], [said]] == sorted(json.loads(path.read_text("utf-8"))["remarks"] for path in records)


def test_a_develop_package_hides_what_is_pinned(developed: Buildout) -> None:
    """Nobody gets another version of it, with extras and in lock groups too; that a pin is in vain is said once."""
    wheel(developed.index.directory, "greeting", "9.0")
    wheel(developed.index.directory, "user", "1.0", requires=["greeting[more]"])
    developed.configure(
        CONFIG.replace("parts = app", "parts = app other")
        + "[other]\nrecipe = eggcarton:scripts\neggs = user\nlock-group = second\nscripts = greet=other\n"
        "[versions]\ngreeting = 9.0\n[versions-second]\nGreeting = 8.0\n"
    )
    developed.write("greeting/README.rst", "Another greeting.\n")
    output = developed.build()
    for section, version in (("versions", "9.0"), ("versions-second", "8.0")):
        line = f"[{section}] has no effect on what is developed here: greeting = {version}\n"
        assert line in output, output
    assert ["greeting 1.0\n"] * 2 == [developed.run(program=name).output for name in ("greet", "other")]
    locks = [developed.lock.read_text("utf-8"), (developed.root / "pylock.second.toml").read_text("utf-8")]
    assert [False, True] == ['name = "library"' in lock for lock in locks]
    assert [False, False] == ['name = "greeting"' in lock for lock in locks]
    assert [] == developed.index.paths("*greeting*")
    assert 1 == len(developed.build().splitlines())


def test_extras(developed: Buildout) -> None:
    """An extra of a develop package brings its requirements into the parts that ask for it, and into no other."""
    developed.configure(
        CONFIG.replace("parts = app", "parts = app other")
        + "[other]\nrecipe = eggcarton:scripts\neggs = greeting[more]\nscripts =\ninterpreter = other\n"
    )
    developed.build()
    developed.write("ask.py", "import importlib.util\nprint(importlib.util.find_spec('library') is not None)\n")
    assert "False\n" == developed.run("ask.py", program="py").output
    assert "True\n" == developed.run("ask.py", program="other").output


def test_a_flat_package_and_setup_py(build: Buildout) -> None:
    """Packages without src and without pyproject.toml are built with the toolchain's setuptools, entry points too."""
    build.write(
        "greeting/setup.py",
        """
        from setuptools import setup

        setup(
            name="greeting",
            version=open("version.txt").read().strip(),
            py_modules=["greeting"],
            entry_points={"console_scripts": ["greet = greeting:main"], "other.group": ["one = greeting"]},
        )
        """,
    )
    build.write("greeting/version.txt", "1.5\n")
    build.write("greeting/greeting.py", GREETING)
    build.configure(CONFIG)
    build.build()
    build.write(
        "ask.py", "from importlib.metadata import entry_points\nprint(*entry_points(group='other.group').names)\n"
    )
    assert "one\n" == build.run("ask.py", program="py").output
    build.write("greeting/version.txt", "1.6\n")
    build.build()
    assert "greeting 1.6\n" == build.run(program="greet").output


def test_two_packages_that_need_each_other(build: Buildout) -> None:
    """Packages of one checkout find each other, without a request for either."""
    source(build.root, "one", "1.0", {"one.py": GREETING}, requires=["two>=2"], console_scripts={"one": "one:main"})
    source(build.root, "two", "2.0", {"two.py": ""}, requires=["one"])
    build.configure(CONFIG.replace("develop = greeting", "develop = one two").replace("eggs = greeting", "eggs = one"))
    build.build()
    build.write("ask.py", "import one, two\nprint('both')\n")
    assert "both\n" == build.run("ask.py", program="py").output
    assert [] == build.index.requests


def test_zc_recipe_egg_finds_develop_packages(developed: Buildout) -> None:
    """Parts of other recipes import the same develop package, and it is not built or fetched for them."""
    developed.configure(
        CONFIG.replace("parts = app", "parts = app theirs")
        + "[theirs]\nrecipe = zc.recipe.egg\neggs = greeting\nscripts = greet=theirs\n"
    )
    assert "Develop: " not in developed.build()
    assert "greeting 1.0\n" == developed.run(program="theirs").output
    assert [] == developed.index.requests


def test_what_a_pattern_matches_beside_projects(developed: Buildout) -> None:
    """Caches and hidden directories are passed over, a file beside projects is named; nothing at all is said once."""
    developed.configure(CONFIG.replace("develop = greeting\nparts = app", "develop = src/*\nparts ="))
    assert 1 == developed.build().count("develop = src/*: nothing matches\n")
    developed.configure(CONFIG.replace("develop = greeting", "develop = src/* src/.*"))
    for name in ("__pycache__", ".cache"):
        (developed.root / "src" / name).mkdir(parents=True)
    (developed.root / "greeting").rename(developed.root / "src" / "greeting")
    developed.build()
    stray = developed.write("src/README.txt", "hi\n")
    said = "is neither a directory nor a file of a project; move it away, or name the directories of projects\n"
    assert f"'develop': src/* matches {stray}, which {said}" in developed.fails(status=2)
    developed.configure(CONFIG.replace("develop = greeting", "develop = src/greeting/pyproject.toml"))
    stray.unlink()
    developed.build()
    developed.configure(CONFIG.replace("develop = greeting", "develop = buildout.cfg"))
    assert f"'develop': {developed.root}/buildout.cfg {said}" in developed.fails(status=2)


def test_a_build_that_fails(developed: Buildout) -> None:
    """A package that cannot be built ends the run with its last words in one error; the old scripts still work."""
    developed.write("greeting/VERSION.txt", "no version\n")
    output = developed.fails(status=1)
    assert "/greeting could not be built:\n" in output
    assert "greeting 1.0\n" == developed.run(program="greet").output
    developed.write("greeting/VERSION.txt", "1.0\n")
    developed.build()


def test_a_directory_that_is_no_package(build: Buildout) -> None:
    """A develop directory without any metadata is told by its path."""
    (build.root / "greeting").mkdir()
    build.configure(CONFIG)
    assert (
        f"Error: {build.root}/greeting holds neither pyproject.toml nor setup.py, so it cannot be built\n"
        in build.fails(status=1)
    )


def test_a_backend_that_no_index_has(build: Buildout) -> None:
    """A package whose build requires what cannot be had is told, with what it requires; nothing is locked."""
    build.write(
        "greeting/pyproject.toml",
        """
        [build-system]
        requires = ["absent-backend"]
        build-backend = "absent_backend"
        """,
    )
    build.configure(CONFIG)
    output = build.fails(status=1)
    assert "Error: the build of greeting: its build requirements cannot be locked: " in output
    assert "the build of greeting asks for absent-backend" in output
    assert not (build.root / "buildout.lock.toml").exists()


def test_a_directory_that_is_not_there(build: Buildout) -> None:
    """A develop directory that is missing ends the run, and no index is asked for what was meant to be there."""
    build.configure(CONFIG.replace("develop = greeting", "develop = greting"))
    build.index.requests.clear()
    assert "Error: [buildout] option 'develop': there is no greting; correct the path" in build.fails(status=2)
    assert [] == build.index.requests


def test_a_recipe_from_a_directory_of_another_name(build: Buildout) -> None:
    """A recipe that is developed in a directory of any name is asked for at no index."""
    made = source(
        build.root,
        "noting.recipe",
        modules={"noting_recipe.py": RECIPE},
        entry_points={"zc.buildout": {"default": "noting_recipe:Recipe"}},
    )
    made.rename(build.root / "any")
    build.configure("[buildout]\nextensions = eggcarton\ndevelop = any\nparts = note\n[note]\nrecipe = noting.recipe\n")
    build.index.requests.clear()
    build.build()
    assert [] == [path for _, path in build.index.requests if "noting" in path]


BACKEND = """
import os, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    version = open("version.txt").read().strip()
    info = f"Greeting-{version}.dist-info"
    files = {
        "greeting_here.pth": os.getcwd(),
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: Greeting\\n"
        f"Version: {version}\\nRequires-Dist: library>=1\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        f"{info}/entry_points.txt": "[console_scripts]\\ngreet = greeting:main\\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\\n" for name in [*files, f"{info}/RECORD"])
    name = f"Greeting-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return name

def build_wheel(*arguments):
    raise NotImplementedError
"""


def test_a_backend_of_ones_own(build: Buildout) -> None:
    """What a backend from the index builds in its own way is a part of the build like any other."""
    wheel(build.index.directory, "tiny-backend", "1.0", {"tiny_backend.py": BACKEND})
    wheel(build.index.directory, "library", "1.0")
    build.write(
        "greeting/pyproject.toml",
        """
        [build-system]
        requires = ["tiny-backend"]
        build-backend = "tiny_backend"
        """,
    )
    build.write("greeting/greeting.py", GREETING)
    build.configure(CONFIG)
    own = {name for name in os.listdir(build.root / "develop-eggs") if name.startswith("eggcarton")}
    for version in ("1.0", "1.0", "0.9"):
        build.write("greeting/version.txt", version)
        build.build()
        assert f"greeting {version}\n" == build.run(program="greet").output
        expected = {f"Greeting-{version}.dist-info", "Greeting.egg-link", "greeting_here.pth"}
        assert own | expected == set(os.listdir(build.root / "develop-eggs"))
    assert 'name = "library"' in build.lock.read_text("utf-8")


def test_what_a_killed_run_left_is_swept_away(developed: Buildout) -> None:
    """Whatever a run that was killed had in its hands is gone after the next run, and not while one is at work."""
    place = developed.root / "develop-eggs"
    before = set(os.listdir(place))
    for name in (".building-abc/0/greeting", ".old-abc/greeting-1.0.dist-info", ".new-greeting-1.0.dist-info"):
        (place / name).mkdir(parents=True)
    held = hold(developed.root / "parts/.eggcarton/state/lock")
    assert held is not None
    with held:
        assert "another run is at work" in developed.fails(status=1)
        assert 3 == len(set(os.listdir(place)) - before)
    developed.build()
    assert before == set(os.listdir(place))


RECIPE = """
class Recipe:
    def __init__(self, buildout, name, options):
        pass

    def install(self):
        return ()

    update = install
"""
