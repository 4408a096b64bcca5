"""Matrices in real buildouts: each row has a lock and an environment of its own, and is built before it is run."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from eggcarton.buildout.interpreters import Finder
from eggcarton.buildout.rows import Row, Rows
from eggcarton.core.layout import Layout
from eggcarton.packages.interpreter import Interpreter
from support.buildouts import Buildout, run, start, tree, wait_for
from support.distributions import wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.slow

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
OTHER = next(minor for minor in ("3.12", "3.11") if minor != HERE)
CONFIG = """
[buildout]
extensions = eggcarton
develop = .
parts = test

[versions]
library = 1.0
other = 1.0

[eggcarton]
requires-python = >=3.10

[test]
recipe = eggcarton:test
runner = unittest
eggs = app
packages = app.test_app
matrix =
    new: library==2.*, other
    newest: library==3.*
"""
# Has all options of the tests, of which it reads few.
PY = """
shoe-size = 43

[py]
<= test
recipe = eggcarton:scripts
interpreter = py
"""
SETUP = """
from setuptools import setup
setup(name="app", version="1.0", packages=["app"], install_requires=["library", "other", "both"])
"""
TESTS = """
import importlib.metadata, os, sys, unittest

class Tests(unittest.TestCase):
    def test_versions(self):
        names = ("library", "other", "both")
        found = [importlib.metadata.version(name) for name in names]
        print("found", *found, "by", "%s.%s" % sys.version_info[:2], flush=True)

    def test_on_purpose(self):
        what = os.environ.get("ON_PURPOSE", "")
        version = importlib.metadata.version("library")[0]
        if what == "fail" + version:
            self.fail("on purpose")
        if what == "crash" + version:
            os.abort()
        if what == "hang":
            open(os.environ["SIGNS"] + os.environ["EGGCARTON_TEST_ROW"], "w").close()
            import time
            time.sleep(1000)
"""


@pytest.fixture
def project(build: Buildout) -> Buildout:
    """A project that requires a library, which the index has in three versions that do not go together."""
    for version in ("1.0", "2.0", "3.0"):
        wheel(build.index.directory, "library", version, {"library.py": ""})
    for version in ("1.0", "2.0"):
        wheel(build.index.directory, "other", version, {"other.py": ""})
    wheel(build.index.directory, "both", "1.0", {"both.py": ""})
    build.write("setup.py", SETUP)
    build.write("app/__init__.py", "")
    build.write("app/test_app.py", TESTS)
    build.configure(CONFIG)
    return build


def other_python() -> Interpreter:
    """Return a CPython of another minor version than the one that runs here."""
    found = Finder(Path(os.devnull), os.environ, keep=False).find(OTHER)
    assert found is not None, f"these tests take a Python {OTHER} beside {HERE}"
    return found


def versions(lock: Path) -> dict[str, str]:
    return {package["name"]: package["version"] for package in tomllib.loads(lock.read_text("utf-8"))["packages"]}


def told(build: Buildout, row: str, part: str = "test") -> str:
    """Return what a row's test has told."""
    text = (build.root / "var/log" / part / "rows" / f"{row}.log").read_text("utf-8")
    return "".join(re.findall(r"found (.*)", text))


def rows(output: str) -> dict[str, str]:
    """Return what became of each row, by the table at the end."""
    lines = output[output.rindex("\nrow ") :].strip().splitlines()[1:]
    return {line.split()[0]: re.split(r" s  |-  (?=\w)", line)[-1].strip() for line in lines}


def test_rows(project: Buildout) -> None:
    """Each row imports what its own lock has, in which its requirements take the place of pins."""
    output = project.build()
    root = project.root
    assert "[test] test-matrix runs default, new, newest" in output
    expected = [
        {"library": "1.0", "other": "1.0"},
        {"library": "2.0", "other": "2.0"},
        {"library": "3.0", "other": "1.0"},
    ]
    locks = [root / name for name in ("pylock.toml", "pylock.test-new.toml", "pylock.test-newest.toml")]
    assert [{"both": "1.0", **one} for one in expected] == [versions(lock) for lock in locks]
    assert ["test", "test-matrix"] == project.scripts()
    assert (0, True) == (project.run(program="test").status, "found 1.0 1.0 1.0" in project.run(program="test").output)
    project.index.requests.clear()
    status, output = project.run(program="test-matrix")
    assert (0, {"default": "passed", "new": "passed", "newest": "passed"}) == (status, rows(output)), output
    assert ["1.0 1.0 1.0", "2.0 2.0 1.0", "3.0 1.0 1.0"] == [
        told(project, row).partition(" by")[0] for row in ("default", "new", "newest")
    ]
    # What two rows have in common is there once.
    both = {
        os.path.realpath(path)
        for path in (root / "parts/.eggcarton/environments").glob("*/lib/*/site-packages/both.py")
    }
    assert 1 == len(both)
    before = tree(root / "bin", root / "parts")
    again = project.build("-o")
    assert 1 == len(again.splitlines()), again
    assert before == tree(root / "bin", root / "parts")
    assert [] == project.index.requests
    _commands_know_rows(project)
    _failures(project)
    _rows_go(project)


def _commands_know_rows(project: Buildout) -> None:
    def eggcarton(*words: str) -> str:
        status, output = project.run(*words, program="eggcarton")
        assert 0 == status, output
        return output

    assert "pylock.test-new.toml" in eggcarton("lock", "--check")
    assert "[test-newest] nothing to do" in eggcarton("plan")
    assert "test-newest" in eggcarton("environment")
    assert "library 2.0" in eggcarton("environment", "test-new").replace("  ", " ")
    assert "part test-new asks for library==2.* : library 2.0" in eggcarton("why", "library")
    assert "This build is air-gapped" in eggcarton("verify")
    assert "held back, since part test-new asks for library==2.*" in project.run("outdated", program="eggcarton").output
    status, output = project.run("environment", "test", "test-new", program="eggcarton")
    assert (3, True) == (status, "library" in output), output


def _failures(project: Buildout) -> None:
    project.variables["ON_PURPOSE"] = "fail2"
    status, output = project.run(program="test-matrix")
    assert (1, {"default": "passed", "new": "failed", "newest": "passed"}) == (status, rows(output)), output
    assert 1 == output.count("AssertionError: on purpose")
    project.variables["ON_PURPOSE"] = "crash3"
    status, output = project.run("--rows", "newest,default", program="test-matrix")
    assert (128 + signal.SIGABRT, {"default": "passed", "newest": "crashed (SIGABRT)"}) == (status, rows(output)), (
        output
    )
    signs = project.root / "signs"
    signs.mkdir()
    project.variables |= {"ON_PURPOSE": "hang", "SIGNS": f"{signs}{os.sep}"}
    process = start(
        [project.bin / "test-matrix", "--matrix-parallel=3"], cwd=project.root, variables=project.environment()
    )
    wait_for(lambda: len(os.listdir(signs)) == 3, process)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert (130, {"ended"}) == (process.returncode, set(rows(output).values())), output
    del project.variables["ON_PURPOSE"]


def _rows_go(project: Buildout) -> None:
    """A row that is taken out goes with its part; what is not to be had leaves all as it was, and is told by row."""
    root = project.root
    before = tree(root / "bin", root / "parts", root / "eggs")
    project.configure(CONFIG.replace("library==3.*", "library==4.*"))
    output = project.fails(status=1)
    assert "part test-newest" in output
    assert "library==4.*" in output
    assert "[test] matrix" in output
    state = str(root / "parts/.eggcarton/state")
    assert {path: what for path, what in before.items() if not path.startswith(state)} == {
        path: what
        for path, what in tree(root / "bin", root / "parts", root / "eggs").items()
        if not path.startswith(state)
    }
    project.configure(CONFIG.replace("    newest: library==3.*\n", "").replace("new:", "next:"))
    project.build()
    assert ["test", "test-next"] == sorted(name for name in os.listdir(root / "parts") if name[0] != ".")
    project.configure(CONFIG.partition("matrix =")[0])
    project.build()
    assert (["test"], ["test"]) == (project.scripts(), sorted(p.name for p in (root / "parts").glob("[!.]*")))


def test_pins_of_rows(project: Buildout) -> None:
    """[versions-PART-ROW] pins for one row; a part's own lock group is what its rows begin with; frozen refuses.

    A row has its part's runner, here none that the eggs bring, whatever the row requires.
    """
    wheel(project.index.directory, "django", "5.2", {"django.py": ""})
    config = CONFIG.replace("eggs = app", "eggs = app\nlock-group = mine\njunit = var/report.xml").replace(
        "[eggcarton]", "[versions-mine]\nother = 2.0\n[versions-test-new]\nother = 1.0\n[eggcarton]"
    )
    config = config.replace("parts = test", "parts = test py") + PY
    config = config.replace("runner = unittest\n", "").replace("library==2.*, other", "library==2.*, other, django")
    project.configure(config)
    output = project.build()
    assert "nothing reads" not in output
    assert ["py", "test"] == sorted(re.findall(r"\[(.+)\] option 'shoe-size' is not known", output)), output
    assert 2 == output.count("is not known")
    found = {row: versions(project.root / f"pylock.{row}.toml")["other"] for row in ("mine", "test-new", "test-newest")}
    assert {"mine": "2.0", "test-new": "1.0", "test-newest": "2.0"} == found
    assert 0 == project.run(program="test-matrix").status
    reports = sorted(path.name for path in (project.root / "var").glob("report*"))
    assert ["report-new.xml", "report-newest.xml", "report.xml"] == reports
    project.configure(
        config.replace("[eggcarton]", "[eggcarton]\npolicy = frozen").replace("library==3.*", "library==1.*")
    )
    output = project.fails(status=3)
    assert "pylock.test-newest.toml" in output
    assert "library" in output


def test_several_pythons(project: Buildout) -> None:
    """Each row also runs by another CPython, out of the same lock; one that is missing is told, and is no failure."""
    python = other_python()
    project.variables["EGGCARTON_PYTHONS"] = str(python.executable)
    name = next(minor for minor in ("3.99", "3.98") if minor != HERE)
    config = CONFIG.replace("matrix =", f"pythons = {HERE} {OTHER} {name}\nmatrix =").replace(
        "newest: library==3.*", f'newest: library==3.* ; python_version == "{OTHER}"'
    )
    project.configure(config)
    output = project.build()
    assert f"[test] py{name} is left out: Python {name} was not found on this machine" in output
    assert f"[test] Python {OTHER} is {python.executable} ({python.version})" in output
    status, output = project.run(program="test-matrix")
    expected = {
        **dict.fromkeys(["default", "new", f"py{OTHER}", f"new-py{OTHER}", f"newest-py{OTHER}"], "passed"),
        "newest": f"left out: no requirement of it is for Python {HERE}",
        f"py{name}": f"left out: Python {name} was not found on this machine",
    }
    assert (0, expected) == (status, rows(output)), output
    found = {row: told(project, row) for row in expected if expected[row] == "passed"}
    assert {
        "default": f"1.0 1.0 1.0 by {HERE}",
        "new": f"2.0 2.0 1.0 by {HERE}",
        f"py{OTHER}": f"1.0 1.0 1.0 by {OTHER}",
        f"new-py{OTHER}": f"2.0 2.0 1.0 by {OTHER}",
        f"newest-py{OTHER}": f"3.0 1.0 1.0 by {OTHER}",
    } == found
    eggs = list((project.root / "eggs/v5/.eggcarton").glob("*/*.egg/both.py"))
    assert (2, 1) == (len(eggs), len({path.stat().st_ino for path in eggs}))
    assert [f"py{OTHER}"] == list(rows(project.run("--rows", f"py{OTHER}", program="test-matrix").output))
    assert ["default"] == list(rows(project.run("--rows", f"py{HERE}", program="test-matrix").output))
    project.index.requests.clear()
    assert 1 == len(project.build().splitlines())
    assert (0, True) == ((found := project.run("verify", program="eggcarton")).status, "air-gapped" in found.output), (
        found
    )
    assert "nothing to do" in project.run("plan", f"test-new-py{OTHER}", program="eggcarton").output
    assert [] == project.index.requests
    _another_python_fails(project, config)


def _another_python_fails(project: Buildout, config: str) -> None:
    """What another Python cannot build is told with its name, and all that was there before stays and runs."""
    refusal = f"import sys\nassert sys.version_info[:2] == ({HERE.replace('.', ', ')}), 'not by this one'\n"
    project.write("setup.py", refusal + SETUP)
    status, output = project.run()
    assert (1, True) == (status, "not by this one" in output), output
    assert f"Python {OTHER}, which an option 'pythons' names" in output
    assert 0 == project.run(program="test-matrix").status
    project.write("setup.py", SETUP)
    project.build()
    project.configure(config.replace("requires-python = >=3.10", f"requires-python = =={HERE}.*"))
    output = project.build()
    assert f"py{OTHER} is left out: what is locked is for requires-python = =={HERE}.*" in output
    assert [f"test-py{OTHER}"] == [name for name in [f"test-py{OTHER}"] if not (project.root / "parts" / name).exists()]


def test_moved_with_blanks(project: Buildout, tmp_path: Path) -> None:
    """With relative-paths all rows run where the directory was moved to, whatever its name."""
    project.configure(CONFIG.replace("develop = .", "develop = .\nrelative-paths = true"))
    project.build()
    place = tmp_path / "mövéd with blanks"
    project.root.rename(place)
    status, output = run([place / "bin/test-matrix"], cwd=tmp_path, variables=project.environment())
    assert (0, {"default": "passed", "new": "passed", "newest": "passed"}) == (status, rows(output)), output


def test_a_wrong_matrix(project: Buildout) -> None:
    """What is wrong in a matrix is told before anything is locked."""
    project.configure(CONFIG.replace("newest: library==3.*", "default: library==3.*") + "pythons = 2.7\n")
    output = project.fails(status=2)
    assert "[test] option 'matrix'" in output
    assert "[test] option 'pythons'" in output
    project.configure(CONFIG + "\n[test-new]\nx = 1\n")
    assert "the row 'new' is built as [test-new], which there is" in project.fails(status=2)
    assert not project.lock.exists()


def test_layout_of_a_row(tmp_path: Path) -> None:
    """A row's layout tells what it is called, and what its part imports; others tell neither."""
    row = Row("old", "test", "test-old", "parts", ("library==1.*", "other"))
    rows = Rows({row.section: row})
    layouts = [rows.placed(Layout.under(tmp_path, part), lambda part: (part,)) for part in ("other", "test-old")]
    found = [(layout.row, layout.part_imports) for layout in layouts]
    assert [(None, None), ("old", ("test",))] == found


def test_without_the_extension(project: Buildout) -> None:
    """The default script is made, and it is said once what a matrix takes."""
    config = CONFIG.replace("extensions = eggcarton\n", "").replace("develop = .\n", "")
    project.configure(config.replace("eggs = app", "eggs = library"))
    output = project.build()
    assert 1 == output.count("option 'matrix' or 'pythons' takes extensions = eggcarton in [buildout]"), output
    assert ["test"] == project.scripts()
    assert "takes extensions" not in project.build()
