"""Facts about the same suite under each runner: the same names, kinds and numbers in the report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.junit import kinds, read
from support.tested import Project

pytestmark = pytest.mark.slow

RUNNERS: dict[str, dict[str, Any]] = {
    "pytest": {"defaults": ["--continue-on-collection-errors"]},
    "pytest side by side": {"runner": "pytest", "parallel": "2", "defaults": ["--continue-on-collection-errors"]},
    "unittest": {},
    "zope.testrunner": {"defaults": ["--tests-pattern", "^test_"]},
}
"""The runners, each with the settings that it needs beside its name."""

SUITE = '''
    """Each kind of test."""
    import unittest

    class Mixin:
        def test_mixed_in(self):
            pass

    class TestKinds(Mixin, unittest.TestCase):
        def test_passes(self):
            print("printed")

        def test_fails(self):
            self.assertEqual(1, 2, "\\x1b[31mred\\x1b[0m <&> \\U0001f95a")

        def test_errors(self):
            raise ValueError("no such egg")

        @unittest.skip("no eggs today")
        def test_skipped(self):
            pass

        def test_skips_itself(self):
            self.skipTest("no milk")

        @unittest.expectedFailure
        def test_expected_failure(self):
            self.fail("as it should")

        @unittest.expectedFailure
        def test_unexpected_success(self):
            pass

        def test_subtests_pass(self):
            for number in range(3):
                with self.subTest(number=number):
                    pass

        def test_subtests_fail(self):
            for number in range(3):
                with self.subTest(number=number):
                    self.assertEqual(1, number)

        def test_a_subtest_is_skipped(self):
            with self.subTest("first"):
                self.skipTest("only this")

        def test_grüße(self):
            pass

    class TestBase(unittest.TestCase):
        def test_inherited(self):
            pass

    class TestInheriting(TestBase):
        pass

    class TestSetUp(unittest.TestCase):
        def setUp(self):
            raise RuntimeError("no oven")

        def test_never(self):
            pass

    class TestTearDown(unittest.TestCase):
        def tearDown(self):
            raise RuntimeError("oven on fire")

        def test_passes_first(self):
            pass

        def test_fails_first(self):
            self.fail("burnt")

    @unittest.skip("closed")
    class TestClosed(unittest.TestCase):
        def test_one(self):
            pass
    '''
KINDS = {
    "TestKinds.test_mixed_in": "passed",
    "TestKinds.test_passes": "passed",
    "TestKinds.test_fails": "failed",
    "TestKinds.test_errors": "error",
    "TestKinds.test_skipped": "skipped",
    "TestKinds.test_skips_itself": "skipped",
    "TestKinds.test_expected_failure": "skipped",
    "TestKinds.test_unexpected_success": "failed",
    "TestKinds.test_subtests_pass": "passed",
    "TestKinds.test_subtests_fail": "failed",
    "TestKinds.test_a_subtest_is_skipped": "passed",
    "TestKinds.test_grüße": "passed",
    "TestBase.test_inherited": "passed",
    "TestInheriting.test_inherited": "passed",
    "TestSetUp.test_never": "error",
    "TestTearDown.test_passes_first": "error",
    "TestTearDown.test_fails_first": "failed",
    "TestClosed.test_one": "skipped",
}


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_suite_is_the_same(project: Project, runner: str, zope_path: str) -> None:
    """Names, kinds and numbers of the same suite are the same whatever runs it; so are the totals."""
    is_zope = runner == "zope.testrunner"
    settings = {"runner": runner, "packages": ["kinds"], **RUNNERS[runner]}
    if is_zope:
        project.initialization = f"sys.path[:0] = {[str(project.root), zope_path]!r}"
        settings["places"] = [[str(project.root), "", True]]
    project.write("pytest.ini", "[pytest]\npythonpath = .\naddopts = -p no:cacheprovider\n")
    project.write("kinds/__init__.py", "")
    project.write("kinds/test_kinds.py", SUITE)
    project.write("kinds/test_broken.py", "import no_such_module\n")
    project.write("kinds/test_left_out.py", "import unittest\nraise unittest.SkipTest('not here')\n")
    report, totals = project.root / "reports/of tests/junit.xml", project.root / "totals.json"
    done = project.test(
        environment={"EGGCARTON_TEST_TOTALS": str(totals)},
        **{"junit": str(report), **settings},
    )
    # To zope.testrunner that is a module that cannot be imported.
    left_out = "error" if is_zope else "skipped"
    expected = {f"kinds.test_kinds.{name}": kind for name, kind in KINDS.items()}
    expected |= {"kinds.test_broken.collection": "error", "kinds.test_left_out.collection": left_out}
    assert expected == kinds(report), done.stdout + done.stderr
    assert {"tests": 20, "failures": 4, "errors": 4 + is_zope, "skipped": 5 - is_zope} == {
        name: number for name, number in json.loads(totals.read_text()).items() if name != "seconds"
    }
    told = {test.name.rpartition(".")[2]: test for test in read(report)}
    assert "no eggs today" == told["test_skipped"].message
    assert "ValueError: no such egg" == told["test_errors"].message
    assert "ValueError" in told["test_errors"].details
    assert "\\x1b[31mred\\x1b[0m <&> \U0001f95a" in told["test_fails"].details
    assert "expected failure" in told["test_expected_failure"].message
