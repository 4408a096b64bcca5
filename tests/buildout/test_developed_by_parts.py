"""Develop packages that parts of zc.recipe.egg make while they run, and those that its scripts import."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.buildouts import Buildout
from support.distributions import source, wheel

CONFIG = """
    [buildout]
    extensions = eggcarton
    parts = made told
    {develop}

    [eggcarton]
    {policy}

    [made]
    recipe = zc.recipe.egg:develop
    setup = {setup}
    include-dirs = include

    [told]
    recipe = {recipe}
    eggs = made
    interpreter = py
    """
NUMBER = """\
#include <Python.h>
#include "number.h"
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "number", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_number(void) {
    PyObject *made = PyModule_Create(&module);
    PyModule_AddIntConstant(made, "number", NUMBER);
    return made;
}
"""
SETUP = """\
from setuptools import Extension, setup

setup(
    name="Made",
    version="1.0",
    install_requires=["six"],
    py_modules=["made"],
    entry_points={"console_scripts": ["made = made:main"]},
    EXTENSION
)
"""


def configured(setup: str = "made", *, recipe: str = "zc.recipe.egg", policy: str = "", develop: str = "") -> str:
    return CONFIG.format(setup=setup, recipe=recipe, policy=policy, develop=develop)


@pytest.fixture
def project(build: Buildout, wheels: Path) -> Path:
    """A project without extension modules; its name is on no index, but what it requires is."""
    wheel(build.index.directory, "six", "1.17.0", {"six.py": "answer = 42"})
    # The pip that zc.buildout starts for such a part builds with what is locked.
    for path in wheels.glob("setuptools-*.whl"):
        (build.index.directory / path.name).symlink_to(path)
    build.write("made/setup.py", SETUP.replace("EXTENSION", ""))
    build.write("made/made.py", "import six\n\n\ndef main():\n    print(six.answer, __file__)\n")
    return build.root / "made"


@pytest.mark.parametrize("setup", ["made", "made/setup.py"])
def test_its_requirements_are_locked(setup: str, build: Buildout, project: Path) -> None:
    """They are known before the part runs, its name is asked of no index, and later parts import it."""
    build.configure(configured(setup))
    build.build()
    assert ('name = "six"' in build.lock.read_text("utf-8"), "made" in build.lock.read_text("utf-8")) == (True, False)
    assert [] == [request for request in build.index.requests if "made" in request.path]
    assert (0, f"42 {project / 'made.py'}\n") == build.run(program="made")
    assert (0, "42\n") == build.run("-c", "import made, six; print(six.answer)", program="py")


def test_nothing_changed(build: Buildout, project: Path) -> None:
    """The next run finds out nothing anew, and what has changed in the project is locked then."""
    build.configure(configured())
    build.build()
    known = build.root / "parts/.eggcarton/state/developed-by-parts.json"
    before, build.index.requests[:] = known.stat().st_mtime_ns, []
    build.configure(configured(policy="policy = frozen"))
    build.build("-o")
    assert (before, []) == (known.stat().st_mtime_ns, build.index.requests)
    build.write("made/setup.py", (project / "setup.py").read_text("utf-8").replace('["six"]', '["six", "seven"]'))
    assert "seven" in build.fails(status=3)
    wheel(build.index.directory, "seven")
    build.configure(configured())
    build.build()
    assert 'name = "seven"' in build.lock.read_text("utf-8")


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
def test_it_is_built_when_its_part_runs(build: Buildout, project: Path) -> None:
    """What its extension modules need may come from parts that run before it."""
    extension = 'ext_modules=[Extension("number", ["number.c"])],'
    build.write("made/setup.py", SETUP.replace("EXTENSION", extension))
    build.write("made/number.c", NUMBER)
    header = "[header]\nrecipe = eggcarton:template\noutput = include/number.h\ninput = inline:#define NUMBER 7\n"
    build.configure(configured())
    text = (build.root / "buildout.cfg").read_text("utf-8").replace("parts = made", "parts = header made")
    build.write("buildout.cfg", text + header)
    build.build()
    assert (0, "7\n") == build.run("-c", "import number; print(number.number)", program="py")


def test_not_in_environments(build: Buildout, project: Path) -> None:
    """A part of ours is made before: the error says what to write instead, and that works."""
    build.configure(configured(recipe="eggcarton"))
    output = build.fails(status=2)
    assert f"[made] develops it only while it runs; name {project} in develop of [buildout] instead" in output
    build.configure(configured(recipe="eggcarton", develop="develop = made"))
    build.build()
    assert (0, f"42 {project / 'made.py'}\n") == build.run(program="made")


def test_scripts_of_zc_recipe_egg_import_what_only_a_finder_knows(build: Buildout) -> None:
    """A package beside its setup.py is imported from there, as with zc.buildout's own way of developing it."""
    source(build.root, "flat", modules={"flat/__init__.py": ""}, console_scripts={"flat": "os:getcwd"})
    build.configure(
        """
        [buildout]
        extensions = eggcarton
        develop = flat
        parts = told
        [told]
        recipe = zc.recipe.egg
        eggs = flat
        interpreter = py
        """
    )
    build.build()
    ask = "-c", "import flat, sys; print(flat.__file__)"
    assert (0, f"{build.root}/flat/flat/__init__.py\n") == build.run(*ask, program="py")
    assert f"'{build.root}/flat'" in (build.bin / "py").read_text("utf-8")
    # Whoever cleans the checkout gets back what scripts are made with.
    shutil.rmtree(build.root / "flat/flat.egg-info")
    (build.bin / "py").unlink()
    build.write("buildout.cfg", (build.root / "buildout.cfg").read_text("utf-8") + "arguments = 1\n")
    build.build()
    assert (0, f"{build.root}/flat/flat/__init__.py\n") == build.run(*ask, program="py")
