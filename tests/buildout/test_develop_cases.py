"""Develop packages in the states that checkouts get into: unfinished, renamed, twice, compiled, killed midway."""

from __future__ import annotations

import os
import re
import shutil
import signal
from pathlib import Path

import pytest

from support.buildouts import Buildout, Shared, downloaded, locked, wait_for
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
SETUP = """\
import os, sys
{first}
from setuptools import setup

scripts = {{"console_scripts": ["greet = greeting:main"]}}
setup(name="{name}", version="{version}", py_modules=["greeting"], entry_points=scripts)
"""


def write(build: Buildout, first: str = "", name: str = "greeting", version: str = "1.0") -> None:
    """Write a project of setup.py alone."""
    build.write("greeting/setup.py", SETUP.format(first=first, name=name, version=version))
    build.write("greeting/greeting.py", GREETING)
    build.configure(CONFIG)


def project(build: Buildout, table: str, name: str = "greeting") -> None:
    """Write a project of pyproject.toml alone, built by setuptools."""
    build.write(
        f"{name}/pyproject.toml",
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        f'[project]\nname = "{name}"\n{table}',
    )


def built(output: str) -> int:
    return len(re.findall("Develop: '", output))


def entries(build: Buildout) -> list[str]:
    return sorted(name for name in os.listdir(build.root / "develop-eggs") if not name.startswith("eggcarton"))


def test_attr_file_and_what_is_beside(build: Buildout) -> None:
    """A version from an attribute, texts from files and a MANIFEST.in: each change has it built again, none has not."""
    project(
        build,
        'dynamic = ["version", "readme", "dependencies"]\n[tool.setuptools.packages.find]\nwhere = ["src"]\n'
        '[tool.setuptools.dynamic]\nversion = { attr = "greeting.about.version" }\n'
        'readme = { file = ["README.rst", "CHANGES.rst"] }\ndependencies = { file = "needs.txt" }\n',
    )
    for name, text in {
        "README.rst": "A greeting.\n",
        "CHANGES.rst": "Changes.\n",
        "needs.txt": "",
        "MANIFEST.in": "include *.cfg\n",
        "src/greeting/__init__.py": GREETING,
        "src/greeting/about.py": "version = '1.0'\n",
    }.items():
        build.write(f"greeting/{name}", text)
    wheel(build.index.directory, "library", "1.0")
    build.configure(CONFIG)
    build.build()
    assert 0 == built(build.build())
    build.write("greeting/src/greeting/data.json", "{}\n")
    build.write(
        "ask.py", "import importlib.resources as r\nprint(r.files('greeting').joinpath('data.json').read_text())\n"
    )
    assert 0 == built(build.build())
    assert "{}\n\n" == build.run("ask.py", program="py").output
    for name, text in {
        "src/greeting/about.py": "version = '2.0'\n",
        "CHANGES.rst": "More changes.\n",
        "needs.txt": "library\n",
        "MANIFEST.in": "include *.txt\n",
        "LICENSE.txt": "Do what you like.\n",
    }.items():
        build.write(f"greeting/{name}", text)
        assert 1 == built(build.build()), name
    assert 0 == built(build.build())
    (info,) = (build.root / "develop-eggs").glob("greeting-2.0.dist-info")
    metadata = (info / "METADATA").read_text("utf-8")
    assert ["More changes.", "License-File: LICENSE.txt", "Requires-Dist: library"] == [
        line for line in ("More changes.", "License-File: LICENSE.txt", "Requires-Dist: library") if line in metadata
    ]


def test_variables_and_files_outside(build: Buildout) -> None:
    """A setup.py that reads a variable, and a file beside the project, is built again when either has changed."""
    write(build, "release = os.environ.get('RELEASE', '1') + open('../version.txt').read().strip()", version="")
    text = (build.root / "greeting/setup.py").read_text("utf-8").replace('version=""', "version=release")
    build.write("greeting/setup.py", text)
    build.write("version.txt", ".5")
    build.build()
    assert 0 == built(build.build())
    for variables, version, expected in (
        ({"RELEASE": "2"}, ".5", "2.5"),
        ({"RELEASE": "2"}, ".6", "2.6"),
        ({}, ".6", "1.6"),
    ):
        build.variables.clear()
        build.variables |= variables
        build.write("version.txt", version)
        assert 1 == built(build.build())
        assert f"greeting-{expected}.dist-info" in entries(build)
        assert 0 == built(build.build())


def test_a_home_that_is_spelled_otherwise(build: Buildout) -> None:
    """The same home by another name has nothing built again, though setuptools looks for a file there."""
    write(build)
    build.build()
    link = build.home.with_name("link")
    link.symlink_to(build.home.name)
    build.variables["HOME"] = str(link)
    assert 0 == built(build.build())
    (build.home / ".pydistutils.cfg").write_text("[global]\nverbose = 0\n", "utf-8")
    assert 1 == built(build.build())


def test_failures(build: Buildout) -> None:
    """Two packages that cannot be built are told at once, each with a log of all that it said."""
    names = ("greeting", "bad", "worse")
    for name in names:
        source(build.root, name, "1.0", {f"{name}.py": GREETING}, console_scripts={name: f"{name}:main"})
    for name in names[1:]:
        build.write(f"{name}/setup.py", f"print('from the beginning')\nraise RuntimeError('{name} today')\n")
    build.configure(CONFIG.replace("develop = greeting", f"develop = {' '.join(names)}"))
    output = build.fails(status=1)
    assert "Error: 2 of 3 develop packages could not be built:\n" in output
    for name in names[1:]:
        log = re.search(rf"{build.root}/{name} could not be built:\n  all that it said is in (.+)\n", output)
        assert log is not None, output
        assert Path(log[1]).read_text("utf-8").startswith("from the beginning\n")
        assert f"  RuntimeError: {name} today\n" in output
    assert [] == entries(build)


def test_a_renamed_project(build: Buildout) -> None:
    """A project that has another name now leaves nothing of the old one behind."""
    write(build)
    build.build()
    write(build, name="salute")
    build.configure(CONFIG.replace("eggs = greeting", "eggs = salute"))
    build.build()
    assert [] == [name for name in entries(build) if re.match("(__editable__[._]+)?greeting", name)]
    assert {"salute-1.0.dist-info", "salute.egg-link"} <= set(entries(build))
    build.write("ask.py", "import greeting\n")
    assert (0, "") == build.run("ask.py", program="py")
    build.configure(CONFIG)
    assert "greeting" in build.fails(status=1)


def test_two_of_one_name(build: Buildout) -> None:
    """Two directories with packages of one name are refused, and nothing of them is put in place."""
    for name in ("one", "two"):
        source(build.root, name, "1.0", {"greeting.py": GREETING}).joinpath("setup.py").write_text(
            SETUP.format(first="", name="Greeting" if name == "one" else "greeting", version="1.0"), "utf-8"
        )
    build.configure(CONFIG.replace("develop = greeting", "develop = one two"))
    told = (
        f"Error: [buildout] option 'develop': {build.root}/one and {build.root}/two are both named greeting; "
        "leave one out, or name it otherwise"
    )
    assert told in build.fails(status=2)
    assert [] == entries(build)
    build.configure(CONFIG.replace("develop = greeting", "develop = one"))
    build.build()
    build.configure(CONFIG.replace("develop = greeting", "develop = one two"))
    before = build.tree("develop-eggs")
    assert told in build.fails(status=2)
    assert told in build.fails("lock", "--check", program="eggcarton", status=2)
    assert before == build.tree("develop-eggs")


def test_strict_mode(build: Buildout) -> None:
    """A package of links to its files is built again for each new file, and when the links are gone."""
    project(build, 'version = "1.0"\n[tool.setuptools.packages.find]\nwhere = ["src"]\n')
    build.write("greeting/src/greeting/__init__.py", GREETING)
    build.write("greeting/setup.cfg", "[editable_wheel]\nmode = strict\n")
    build.write("ask.py", "import greeting\nprint(greeting.__file__.partition('/greeting/')[2].partition('.')[0])\n")
    build.configure(CONFIG)
    build.build()
    assert "build/__editable__\n" == build.run("ask.py", program="py").output
    assert 0 == built(build.build())
    build.write("greeting/src/greeting/more.py", "")
    assert 1 == built(build.build())
    assert 0 == built(build.build())
    shutil.rmtree(build.root / "greeting/build")
    assert 1 == built(build.build())
    assert "build/__editable__\n" == build.run("ask.py", program="py").output
    build.write("greeting/setup.cfg", "[editable_wheel]\nmode = compat\n")
    assert 1 == built(build.build())
    assert "src/greeting/__init__\n" == build.run("ask.py", program="py").output


WAITING = """
if os.path.exists("wait"):
    from threading import Event
    open("begun", "w").close()
    while os.path.exists("wait"):
        Event().wait(0.05)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_in_the_middle(build: Buildout, number: signal.Signals) -> None:
    """After Ctrl-C or kill -9 while packages are built the next run builds them, and nothing is left behind."""
    write(build)
    build.build()
    before = entries(build)
    write(build, WAITING, version="2.0")
    build.write("greeting/wait", "")
    process = build.start()
    wait_for((build.root / "greeting/begun").exists, process)
    assert before == [name for name in entries(build) if not name.startswith(".")]
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.kill()
    (build.root / "greeting/wait").unlink()
    output, _ = process.communicate(timeout=300)
    assert 0 != process.returncode
    assert "Traceback" not in output, output
    build.build()
    assert [] == [name for name in entries(build) if name.startswith(".")]
    assert "greeting-2.0.dist-info" in entries(build)
    assert 0 == built(build.build())


EXT = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "ext", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_ext(void) {
    PyObject *made = PyModule_Create(&module);
    PyModule_AddIntConstant(made, "answer", ANSWER);
    return made;
}
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
def test_a_compiled_module(build: Buildout) -> None:
    """An extension in C is what its source is after each run, whichever file of it has changed."""
    setup = "from setuptools import Extension, setup\n"
    setup += "setup(name='greeting', version='1.0', ext_modules=[Extension('ext', ['ext.c'])])\n"
    for name, text in {"setup.py": setup, "ext.c": '#include "answer.h"\n' + EXT}.items():
        build.write(f"greeting/{name}", text)
    build.write("ask.py", "import ext\nprint(ext.answer)\n")
    build.configure(CONFIG)
    for answer in ("42", "43"):
        build.write("greeting/answer.h", f"#define ANSWER {answer}\n")
        build.build()
        assert f"{answer}\n" == build.run("ask.py", program="py").output


@pytest.fixture
def cython(build: Buildout, backends: Path, shared: Shared) -> Buildout:
    """A buildout whose index has Cython and a setuptools."""
    pins = Path(__file__).parents[1] / "support" / "versioning.txt"
    with locked(shared.directory / "versioning"):
        found = downloaded(pins)
    for path in (*found.glob("[cC]ython*.whl"), *backends.glob("setuptools-7*.whl")):
        shutil.copy(path, build.index.directory)
    return build


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
def test_cython(cython: Buildout) -> None:
    """A module in Cython is compiled with the Cython that is locked, and anew when its source has changed."""
    requires = 'requires = ["setuptools<80", "cython"]\nbuild-backend = "setuptools.build_meta"\n'
    cython.write("greeting/pyproject.toml", f"[build-system]\n{requires}")
    setup = "from Cython.Build import cythonize\nfrom setuptools import setup\n"
    cython.write("greeting/setup.py", setup + "setup(name='greeting', version='1', ext_modules=cythonize('ext.pyx'))\n")
    cython.write("ask.py", "import ext\nprint(ext.answer())\n")
    cython.configure(CONFIG)
    for answer in ("42", "43"):
        cython.write("greeting/ext.pyx", f"cpdef int answer():\n    return {answer}\n")
        cython.build()
        assert f"{answer}\n" == cython.run("ask.py", program="py").output
    assert 'name = "cython"' in (cython.root / "buildout.lock.toml").read_text("utf-8")
