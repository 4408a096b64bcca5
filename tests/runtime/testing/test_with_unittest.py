"""Facts about running tests with unittest, in a process of its own, called as a script calls it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from support.junit import kinds, read
from support.tested import Project

pytestmark = pytest.mark.slow

NAMES = "import unittest\n\nclass T(unittest.TestCase):\n    def test_{}(self):\n        pass\n"


def unittest_of(project: Project, *arguments: str, **settings: Any) -> tuple[int, list[str], str]:
    """Return exit status, the names of the tests that ran and all that was said."""
    report = project.root / "junit.xml"
    report.unlink(missing_ok=True)
    done = project.test(*arguments, **{"runner": "unittest", "packages": [], "junit": str(report), **settings})
    names = sorted(kinds(report)) if report.exists() else []
    return done.returncode, names, done.stdout + done.stderr


@pytest.fixture
def shop(project: Project) -> Project:
    """A package with tests in modules of different names, one of them below another package."""
    for name in ("__init__", "deep/__init__"):
        project.write(f"tests_of/{name}.py", "")
    project.write("tests_of/test_first.py", NAMES.format("one"))
    project.write("tests_of/deep/test_second.py", NAMES.format("two"))
    project.write("tests_of/deep/other_check.py", NAMES.format("three"))
    return project


ONE, TWO, THREE = "tests_of.test_first.T.test_one", "tests_of.deep.test_second.T.test_two", "tests_of.deep.other_check"


@pytest.mark.parametrize(
    ("packages", "arguments", "expected"),
    [
        (["tests_of"], [], [TWO, ONE]),
        (["tests_of.test_first"], [], [ONE]),
        (["tests_of.deep", "tests_of.test_first"], ["-v"], [TWO, ONE]),
        (["tests_of"], ["-k", "two"], [TWO]),
        (["tests_of"], ["discover", "-p", "other_*.py"], [f"{THREE}.T.test_three"]),
        (["tests_of"], ["discover", "--pattern", "other_*.py", "-k", "three"], [f"{THREE}.T.test_three"]),
        (["tests_of"], ["discover", "-s", "tests_of/deep", "-t", "."], [TWO]),
        (["tests_of"], [THREE], [f"{THREE}.T.test_three"]),
        (["tests_of"], ["tests_of.test_first.T"], [ONE]),
        (["tests_of"], ["tests_of/test_first.py"], [ONE]),
        ([], [], [TWO, ONE]),
    ],
)
def test_what_runs(shop: Project, packages: list[str], arguments: list[str], expected: list[str]) -> None:
    """Packages are searched with all below them, unless the command line names something else."""
    status, names, output = unittest_of(shop, *arguments, packages=packages)
    assert (0, expected) == (status, names), output


def test_load_tests(shop: Project) -> None:
    """A package whose `load_tests` says what its tests are is heard."""
    text = "def load_tests(loader, tests, pattern):\n    return loader.loadTestsFromName('tests_of.deep.other_check')\n"
    shop.write("tests_of/__init__.py", text)
    status, names, output = unittest_of(shop, packages=["tests_of"])
    assert (0, [f"{THREE}.T.test_three"]) == (status, names), output


def test_a_package_without_a_file(shop: Project) -> None:
    """A package that is only a directory is searched as well."""
    (shop.root / "tests_of/__init__.py").unlink()
    status, names, output = unittest_of(shop, packages=["tests_of"])
    assert (0, [TWO, ONE]) == (status, names), output


def test_a_package_that_breaks(shop: Project) -> None:
    """A package that raises while it is imported is an error, and the others run."""
    shop.write("broken/__init__.py", "raise ValueError('no oven')\n")
    status, names, output = unittest_of(shop, packages=["broken", "tests_of"])
    assert (1, ["broken.collection", TWO, ONE]) == (status, names), output
    assert "no oven" in output


def test_what_is_not_there(shop: Project) -> None:
    """A package that cannot be imported is an error with its traceback, as the bare runner has it."""
    status, names, output = unittest_of(shop, packages=["no_such.tests"])
    assert (1, ["no_such.collection"]) == (status, names), output
    assert "No module named 'no_such'" in output


def test_nothing_runs(shop: Project) -> None:
    """Where no test runs, newer Pythons say so by their exit status."""
    status, names, output = unittest_of(shop, "-k", "nothing", packages=["tests_of"])
    assert (5 if sys.version_info >= (3, 12) else 0, []) == (status, names), output


def test_usage(shop: Project) -> None:
    """Help and a wrong command line leave the last report alone."""
    assert (0, []) == unittest_of(shop, "--help", packages=["tests_of"])[:2]
    assert (2, []) == unittest_of(shop, "--no-such", packages=["tests_of"])[:2]


def test_fail_fast(project: Project) -> None:
    """The first failure ends the run, with `discover` before it too."""
    project.write(
        "test_it.py", "import unittest\n\nclass T(unittest.TestCase):\n    def test_1(self):\n        self.fail()"
    )
    project.write("test_more.py", NAMES.format("never"))
    for arguments in ([], ["discover"], ["discover", "-v"], ["-v"]):
        status, names, output = unittest_of(project, *arguments, fail_fast=True)
        assert (1, ["test_it.T.test_1"]) == (status, names), output


def test_buffer(project: Project) -> None:
    """What a test that failed has printed is in the report, where the runner keeps it."""
    text = "import sys, unittest\n\nclass T(unittest.TestCase):\n    def test_1(self):\n        print('seen')\n"
    project.write("test_it.py", f"{text}        print('told', file=sys.stderr)\n        self.fail()\n")
    unittest_of(project, "--buffer")
    (found,) = read(project.root / "junit.xml")
    assert ("seen\n", "told\n") == (found.stdout, found.stderr)


def test_what_tests_share(project: Project) -> None:
    """What a class sets up is an error of its own, or skips all of its tests at once, as the bare runner has it."""
    project.write(
        "test_it.py",
        """
        import unittest

        class Broken(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                raise ValueError("no flour")

            def test_1(self):
                pass

        class Skipped(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                raise unittest.SkipTest("no sugar")

            def test_1(self):
                pass
        """,
    )
    done = project.test(runner="unittest", packages=[], junit=str(project.root / "junit.xml"))
    found = {test.name: (test.kind, test.message) for test in read(project.root / "junit.xml")}
    assert {
        "test_it.Broken.setUpClass": ("error", "ValueError: no flour"),
        "test_it.Skipped.setUpClass": ("skipped", "no sugar"),
    } == found, done.stderr
