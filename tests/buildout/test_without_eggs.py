"""What tests nothing but Python's own modules needs no distribution, and is built all the same."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout
from support.distributions import wheel

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = test covered

[test]
recipe = eggcarton:test
eggs =
runner = unittest
packages = test_addition
script =
matrix =
    library: library

[covered]
recipe = eggcarton:coverage
eggs =
runner = unittest
"""
TESTS = """
import unittest

class Tests(unittest.TestCase):
    def test_addition(self):
        self.assertEqual(4, 2 + 2)
"""


@pytest.fixture
def project(build: Buildout) -> Buildout:
    """A directory with a test, and an index with what the other row requires."""
    wheel(build.index.directory, "library", "1.0")
    wheel(build.index.directory, "coverage", "9.0")
    build.write("test_addition.py", TESTS)
    build.configure(CONFIG)
    return build


def test_tests_without_eggs(project: Buildout) -> None:
    """A part of tests whose eggs are empty has its scripts, after the first run and any other, and they run.

    The option that names the script, with nothing behind it, undoes itself in the rows of the matrix too.
    """
    project.build()
    assert ["covered", "test", "test-matrix"] == project.scripts()
    before = project.tree()
    assert "3 parts unchanged" in project.build()
    assert before == project.tree()
    status, output = project.run(program="test")
    assert 0 == status, output
    assert "Ran 1 test in" in output
    status, output = project.run(program="test-matrix")
    assert 0 == status, output
    # Where nothing at all is locked.
    project.configure(CONFIG.replace("matrix =\n    library: library\n", "").replace(" covered", ""))
    project.build()
    assert ["test"] == project.scripts()
    status, output = project.run("environment", "test", program="eggcarton")
    assert 0 == status, output


def test_tests_without_eggs_without_the_extension(project: Buildout) -> None:
    """So it is without the extension, which takes no distribution either."""
    project.configure(CONFIG.replace("extensions = eggcarton\n", "").replace(" covered", ""))
    project.build()
    assert ["test"] == project.scripts()
    status, output = project.run(program="test")
    assert 0 == status, output
    assert "Ran 1 test in" in output
