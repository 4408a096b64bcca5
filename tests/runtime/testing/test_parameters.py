"""Facts about the cases of a part, and about what its script sets up, under each runner."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eggcarton.core.cases import cases
from eggcarton.runtime.testing.cases import Case
from support.junit import kinds
from support.tested import Project

CASES = {"sqlite": {"url": "sqlite://"}, "big": {"url": "postgresql://a b", "jobs": "2"}}


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [None, "2"])
def test_the_fixture(project: Project, parallel: str | None) -> None:
    """A test that takes the fixture `case` runs once for each case, in workers too; no other test does."""
    project.write("parts/test/cases.json", json.dumps(CASES))
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def database(case):
            return case["url"]

        def test_shared(database, case):
            assert database == case.url == dict(case)["url"]

        def test_keys(case):
            assert list(case) == {"sqlite": ["url"], "big": ["url", "jobs"]}[case.name]

        def test_without():
            pass

        @pytest.mark.parametrize("case", [1, 2])
        def test_own(case):
            assert case in (1, 2)
        """,
    )
    report, given = project.root / "junit.xml", project.root / "parts/test/cases.json"
    # Nor does it make pytest warn.
    words = ["-W", "error", "test_it.py"]
    done = project.test(packages=[], cases=str(given), junit=str(report), parallel=parallel, defaults=words)
    names = [f"test_it.test_{name}[{case}]" for name in ("shared", "keys") for case in CASES]
    expected = {*names, "test_it.test_without", "test_it.test_own[1]", "test_it.test_own[2]"}
    assert dict.fromkeys(expected, "passed") == kinds(report), done.stdout + done.stderr


@pytest.mark.slow
def test_the_file(project: Project) -> None:
    """Under any runner, the environment names the file of the cases."""
    project.write("parts/test/cases.json", json.dumps(CASES))
    project.write(
        "test_it.py",
        """
        import json, os, unittest

        class T(unittest.TestCase):
            def test(self):
                with open(os.environ["EGGCARTON_CASES"]) as stream:
                    for name, values in json.load(stream).items():
                        with self.subTest(name):
                            self.assertIn("sqlite", values["url"])
        """,
    )
    given = str(project.root / "parts/test/cases.json")
    done = project.test(runner="unittest", packages=[], cases=given)
    assert (1, True) == (done.returncode, "[big]" in done.stderr), done.stderr
    assert "[sqlite]" not in done.stderr


def test_a_case() -> None:
    """A case is a mapping with attributes and a name, and tells what it has where it is asked for something else."""
    case = Case("big", CASES["big"])
    assert ("big", "2", "2", 2) == (case.name, case.jobs, case["jobs"], len(case))
    assert "Case('big', {'url': 'postgresql://a b', 'jobs': '2'})" == repr(case)
    with pytest.raises(AttributeError, match=r"^the case big has no speed: it has url, jobs$"):
        _ = case.speed


def test_lines() -> None:
    """The lines of the option are cases in their order."""
    (one, two) = cases("one: a=1 b='x y'\n# not this\ntwo:")
    assert ("one", (("a", "1"), ("b", "x y"))) == (one.name, one.values)
    assert ("two", ()) == (two.name, two.values)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [{}, {"parallel": "2"}, {"runner": "unittest"}], ids=["pytest", "side by side", "unittest"]
)
def test_what_the_script_sets_up(project: Project, settings: dict[str, Any]) -> None:
    """Variables and initialization hold where the tests run, which is in other processes too."""
    project.write(
        "test_it.py",
        """
        import os, sys, unittest

        class T(unittest.TestCase):
            def test(self):
                self.assertEqual("open till 8", os.environ["SHOP"])
                self.assertEqual(4321, sys.getrecursionlimit())
        """,
    )
    project.initialization = "import sys\n\nsys.setrecursionlimit(4321)"
    done = project.test("test_it.py", packages=[], environment={"SHOP": "open till 8"}, **settings)
    assert 0 == done.returncode, done.stdout + done.stderr
