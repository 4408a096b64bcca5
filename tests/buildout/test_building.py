"""Builds from source are closed: what they require is locked, checked and unpacked, and pip sees nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.buildout.building import Seal
from support.buildouts import Buildout
from support.distributions import sdist, wheel
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
PROJECT = """
[build-system]
requires = ["{requires}"]
build-backend = "{backend}"

[project]
name = "greeting"
version = "{version}"
description = "A greeting."
dependencies = ["library>=1"]

[project.scripts]
greet = "greeting:main"
"""
BACKENDS = {
    "hatchling": ("hatchling", "hatchling.build"),
    "flit": ("flit-core>=3.4", "flit_core.buildapi"),
    "pdm": ("pdm-backend", "pdm.backend"),
    "poetry": ("poetry-core>=2", "poetry.core.masonry.api"),
    "another setuptools": ("setuptools<80", "setuptools.build_meta"),
}


@pytest.fixture
def building(build: Buildout, backends: Path) -> Buildout:
    """A buildout whose index has build backends, and a library."""
    for path in backends.glob("*.whl"):
        shutil.copy(path, build.index.directory)
    wheel(build.index.directory, "library", "1.0")
    build.configure(CONFIG)
    return build


def develop(build: Buildout, backend: str = "hatchling", version: str = "1.0", place: str = "src/greeting") -> None:
    """Write the develop package, to be built by a backend."""
    requires, name = BACKENDS[backend]
    build.write("greeting/pyproject.toml", PROJECT.format(requires=requires, backend=name, version=version))
    build.write(f"greeting/{place}/__init__.py", GREETING)


def text(build: Buildout) -> str:
    return (build.root / "buildout.lock.toml").read_text("utf-8")


@pytest.mark.parametrize("place", ["src/greeting", "greeting"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_develop_package_of_another_backend(building: Buildout, backend: str, place: str) -> None:
    """It is built with what is locked for it, works in an environment, and is built again when its metadata changed."""
    develop(building, backend, place=place)
    output = building.build()
    assert 1 == output.count("buildout.lock.toml: the build of greeting: "), output
    assert "none ->" not in output
    assert "greeting 1.0\n" == building.run(program="greet").output
    building.write("ask.py", "import greeting, library\nprint(greeting.__file__)\n")
    assert f"{building.root}/greeting/{place}/__init__.py\n" == building.run("ask.py", program="py").output
    before = text(building)
    assert f'for = ["greeting"]\nrequires = [\n    "{BACKENDS[backend][0]}",\n]\n' in before
    building.index.requests.clear()
    assert 1 == len(building.build().splitlines())
    develop(building, backend, "1.1", place)
    assert "Develop: " in building.build()
    assert "greeting 1.1\n" == building.run(program="greet").output
    assert (before, []) == (text(building), building.index.requests)


def lock(build: Buildout, *arguments: str) -> str:
    status, output = build.run("lock", *arguments, program="eggcarton")
    assert 0 == status, output
    return output


def test_frozen(building: Buildout) -> None:
    """Under policy = frozen a build requirement that is not locked is refused by name, and nothing is built."""
    develop(building)
    building.build()
    (building.root / "buildout.lock.toml").rename(building.root / "kept")
    building.configure(CONFIG + "[eggcarton]\npolicy = frozen\n")
    building.index.requests.clear()
    assert (
        "Error: buildout.lock.toml does not answer what builds from source require, and policy = frozen, or that "
        "this only looks, forbids to change it; run bin/eggcarton lock where it may change:\n"
        "  greeting requires hatchling\n"
    ) in building.fails(status=3)
    assert ([], False) == (building.index.requests, (building.root / "buildout.lock.toml").exists())
    (building.root / "kept").rename(building.root / "buildout.lock.toml")
    assert "Develop: " not in building.build()
    building.write(
        "greeting/pyproject.toml",
        (building.root / "greeting/pyproject.toml").read_text().replace('"hatchling"', '"hatchling", "pluggy<1"'),
    )
    assert "  greeting requires pluggy<1\n" in building.fails(status=3)
    assert "  greeting requires pluggy<1\n" in building.fails("lock", "--check", program="eggcarton", status=3)


def test_offline(building: Buildout) -> None:
    """Offline, what is not locked is told, and then what is not at hand; with a filled cache it is built."""
    develop(building)
    assert (
        "Error: offline, and buildout.lock.toml does not have what builds require:\n  greeting requires hatchling\n"
    ) in building.fails("-o", status=4)
    building.build()
    cache = building.cache / "sha256"
    cache.rename(building.cache / "kept")
    for egg in (building.root / "eggs/v5/.eggcarton").glob("*/hatchling-*.egg"):
        shutil.rmtree(egg.parent)
    develop(building, version="1.1")
    output = building.fails("-o", status=4)
    assert re.search(r"offline, and 1 file is neither in the store nor in the cache:\n  hatchling-[\d.]+-py3", output)
    (building.cache / "kept").rename(cache)
    building.build("-o")
    assert "greeting 1.1\n" == building.run(program="greet").output


def test_upgrades_and_what_is_not_built_any_more(building: Buildout) -> None:
    """Old pins stay until they are to be renewed, all or by name; what nothing requires any more goes with lock."""
    newer = list(building.index.directory.glob("pluggy-*"))
    wheel(building.index.directory, "pluggy", "0.1")
    wheel(building.index.directory, "tiny", "1.0")
    for path in newer:
        path.rename(building.root / path.name)
    building.write(
        "greeting/pyproject.toml",
        PROJECT.format(requires='flit-core", "pluggy', backend="flit_core.buildapi", version="1.0"),
    )
    building.write("greeting/src/greeting/__init__.py", GREETING)
    building.build()
    for path in newer:
        (building.root / path.name).rename(path)
    assert "pylock.toml is up to date.\n" == lock(building)
    assert 'name = "pluggy"\nversion = "0.1"' in text(building)
    assert "pylock.toml is up to date.\n" == lock(building, "--upgrade", "flit-core")
    output = lock(building, "--upgrade", "pluggy")
    assert "buildout.lock.toml: the build of greeting: pluggy 0.1 -> 1." in output
    assert "Develop: " in building.build()
    before = text(building)
    assert "up to date" in lock(building)
    assert before == text(building)
    building.configure(CONFIG.replace("develop = greeting\nparts = app", "parts ="))
    assert "buildout.lock.toml: the build of greeting removed\n" in lock(building)
    assert "[[builds]]" not in text(building)


def test_incompatible_requirements(building: Buildout) -> None:
    """Two builds that need incompatible versions are two resolutions; those that require the same share one."""
    for name, requires in (("old", "setuptools<80"), ("one", "hatchling"), ("two", "hatchling")):
        backend = "setuptools.build_meta" if name == "old" else "hatchling.build"
        project = PROJECT.format(requires=requires, backend=backend, version="1.0").replace("greeting", name)
        building.write(f"{name}/pyproject.toml", project)
        building.write(f"{name}/src/{name}/__init__.py", GREETING)
    building.configure(
        CONFIG.replace("develop = greeting", "develop = old one two").replace(
            "eggs = greeting", "eggs =\n    old\n    one\n    two"
        )
    )
    building.build()
    assert ['["one", "two"]', '["old"]'] == re.findall("^for = (.+)$", text(building), re.MULTILINE)


def test_a_source_distribution_of_another_backend(building: Buildout) -> None:
    """An allowed one is built with locked build requirements, and again on a machine that is not to change the lock."""
    sdist(
        building.index.directory,
        "old",
        "1.0",
        files={
            "pyproject.toml": PROJECT.format(requires="hatchling", backend="hatchling.build", version="1.0").replace(
                "greeting", "old"
            ),
            "backend.py": "",
            "src/old/__init__.py": "def main():\n    print('old 1.0')\n",
        },
    )
    config = (
        CONFIG.replace("develop = greeting", "").replace("eggs = greeting", "eggs = old")
        + "[eggcarton]\nallow-sdist = old\n"
    )
    building.configure(config)
    assert "buildout.lock.toml: the build of old 1.0: hatchling 1." in building.build()
    assert "old 1.0\n" == building.run(program="greet").output
    shutil.rmtree(building.cache / "built")
    for egg in (building.root / "eggs/v5/.eggcarton").glob("*/old-*.egg"):
        digest = egg.parent.name
        shutil.rmtree(egg.parent)
    building.index.requests.clear()
    building.configure(config + "policy = frozen\n")
    building.build()
    assert (building.root / "eggs/v5/.eggcarton" / digest).is_dir()
    assert [] == building.index.requests


PIP = """
import subprocess, sys
from zc.buildout import easy_install

class Recipe:
    def __init__(self, buildout, name, options):
        self.options, self.place = options, buildout["buildout"]["directory"] + "/" + options["target"]

    def install(self):
        start = "import sys, runpy; sys.path[:0] = {!r}; runpy.run_module('pip', run_name='__main__')"
        command = [sys.executable, "-c", start.format(easy_install.pip_path), "install", "--no-deps"]
        subprocess.run([*command, "--target", self.place, *self.options["of"].split()], check=True)
        return ()

    update = install
"""


@pytest.fixture
def piping(building: Buildout) -> Buildout:
    """A buildout with a recipe that starts pip itself, where the user has an index for pip."""
    wheel(
        building.index.directory,
        "piping",
        modules={"piping.py": PIP},
        entry_points={"zc.buildout": {"default": "piping:Recipe"}},
    )
    building.variables |= {"PIP_INDEX_URL": building.index.url, "UV_INDEX_URL": building.index.url, "PIP_USER": "1"}
    sdist(building.root, "made", "1.0", {"made.py": ""}, backend="setuptools")
    return building


PIPED = """
[buildout]
extensions = eggcarton
parts = made

[eggcarton]
{options}

[made]
recipe = piping
of = made-1.0.tar.gz
target = made
"""


def test_a_recipe_that_starts_pip(piping: Buildout) -> None:
    """Its pip finds what build-requires names, locked, and nothing else; no request is made by pip."""
    piping.configure(PIPED.format(options=""))
    status, output = piping.run()
    assert 1 == status
    assert "No matching distribution found for setuptools" in output
    assert (
        "[made] a pip or uv that a recipe starts sees no index; what it needs to build is named in build-requires in"
        in output
    )
    assert [] == piping.index.paths("*setuptools*")
    piping.configure(PIPED.format(options="build-requires = setuptools"))
    output = piping.build()
    assert "buildout.lock.toml: the build of [eggcarton] build-requires: setuptools 79.0.1\n" in output
    assert (piping.root / "made/made.py").is_file()
    agents = {request.headers.get("User-Agent", "").partition("/")[0] for request in piping.index.requests}
    assert "pip" not in agents
    piping.index.requests.clear()
    before = text(piping)
    assert "up to date" in lock(piping)
    piping.build("-o")
    assert ([], before) == (piping.index.requests, text(piping))
    piping.configure(PIPED.format(options="build-requires = setuptools<79\npolicy = frozen"))
    assert "[eggcarton] build-requires requires setuptools<79" in piping.fails(status=3)


def test_zc_recipe_egg_develop(building: Buildout) -> None:
    """A package that zc.recipe.egg has pip develop, with options for its extensions, is built with what is locked."""
    develop(building, "another setuptools")
    building.variables["PIP_INDEX_URL"] = building.index.url
    building.configure(
        """
        [buildout]
        extensions = eggcarton
        parts = greeting

        [greeting]
        recipe = zc.recipe.egg:develop
        setup = greeting
        define = A=1
        """
    )
    output = building.build()
    assert "buildout.lock.toml: the build of greeting (by pip): setuptools 79.0.1\n" in output
    assert any((building.root / "develop-eggs").glob("greeting-1.0.dist-info"))
    agents = {request.headers.get("User-Agent", "").partition("/")[0] for request in building.index.requests}
    assert "pip" not in agents
    before = text(building)
    assert "up to date" in lock(building)
    assert before == text(building)


def test_the_seal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is on, nothing that was set for pip and uv counts; afterwards all of it is as it was."""

    class Run:
        state = tmp_path / "state"

    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_INDEX_URL", "http://index.example/")
    monkeypatch.setenv("PIP_FIND_LINKS", "/before")
    monkeypatch.setenv("UV_INDEX", "http://index.example/")
    before = dict(os.environ)
    seal = Seal()
    seal.put_on(Run())  # type: ignore[arg-type]
    assert ("1", os.devnull) == (os.environ["PIP_NO_INDEX"], os.environ["PIP_CONFIG_FILE"])
    assert Path(os.environ["PIP_FIND_LINKS"].removeprefix("file://")).is_dir()
    assert not {"PIP_INDEX_URL", "UV_INDEX"} & set(os.environ)
    os.environ["PIP_CERT"] = "set by a recipe"
    seal.lift()
    assert before == dict(os.environ)
    seal.lift()
    assert before == dict(os.environ)


CUSTOM = """
[buildout]
extensions = eggcarton
parts = ext

[eggcarton]
{options}

[ext]
recipe = zc.recipe.egg:custom
egg = ext
define = ANSWER
"""
EXT = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "ext", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_ext(void) {
    PyObject *made = PyModule_Create(&module);
#ifdef ANSWER
    PyModule_AddIntConstant(made, "answer", 42);
#endif
    return made;
}
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
def test_zc_recipe_egg_custom(building: Buildout) -> None:
    """What it builds with options of its own is a locked source distribution, built with locked requirements by a pip
    that asks for nothing."""
    setup = "from setuptools import Extension, setup\nextension = Extension('ext', ['ext.c'])\n"
    setup += "setup(name='ext', version='1.0', ext_modules=[extension])\n"
    project = "[build-system]\nrequires = ['setuptools<80']\nbuild-backend = 'setuptools.build_meta'\n"
    files = {"setup.py": setup, "pyproject.toml": project, "ext.c": EXT, "backend.py": ""}
    sdist(building.index.directory, "ext", "1.0", files=files)
    building.variables["PIP_INDEX_URL"] = building.index.url
    building.configure(CUSTOM.format(options=""))
    assert "[ext] builds ext from source, which runs its author's code; allow it:\n[eggcarton]\n" in building.fails(
        status=2
    )
    building.configure(CUSTOM.format(options="allow-sdist = ext\npolicy = frozen"))
    assert "  [ext] builds ext from source\n" in building.fails(status=3)
    building.configure(CUSTOM.format(options="allow-sdist = ext"))
    output = building.build()
    assert "buildout.lock.toml: ext 1.0 as source, for part ext\n" in output
    assert "buildout.lock.toml: the build of ext 1.0 (by pip): setuptools 79.0.1\n" in output
    (egg,) = (building.root / "develop-eggs").glob("ext-1.0-*.egg")
    ask = f"import sys; sys.path.insert(0, {str(egg)!r}); import ext; print(ext.answer)"
    assert "42\n" == subprocess.run([sys.executable, "-c", ask], stdout=subprocess.PIPE, text=True, check=True).stdout
    agents = {request.headers.get("User-Agent", "").partition("/")[0] for request in building.index.requests}
    assert not {"pip", "zc.buildout"} & agents
    building.index.requests.clear()
    before = text(building)
    building.configure(CUSTOM.format(options="allow-sdist = ext\npolicy = frozen"))
    building.build()
    assert ([], before) == (building.index.requests, text(building))
