"""Builds from source are closed: what they require is locked, checked and unpacked, and pip sees nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.buildouts import Buildout
from support.distributions import wheel
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
    assert "buildout.lock.toml: the build of greeting: " in output
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
