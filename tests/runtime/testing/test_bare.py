"""Facts about a run beside one of the bare runner, in the same environment: the same tests, names and exit status."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

import pytest

from support.buildouts import start, wait_for
from support.junit import kinds, read
from support.tested import Project

pytestmark = pytest.mark.slow

SUITE = {
    "suite/__init__.py": "",
    "suite/documented.py": '''
        def twice(number):
            """Double.

            >>> twice(2)
            4
            """
            return number * 2
        ''',
    "suite/test_cases.py": """
        import doctest
        import unittest

        import suite.documented

        class Mixin:
            def test_mixed_in(self):
                self.assertTrue(self.value)

            def test_mixed_in_too(self):
                self.assertTrue(self.value)

        class TestOne(Mixin, unittest.TestCase):
            value = 1

        class TestTwo(TestOne):
            value = 2

            def test_own(self):
                for number in range(5):
                    with self.subTest(number=number):
                        self.assertLess(number, 5)

        class TestMade(unittest.TestCase):
            pass

        for number in range(7):
            setattr(TestMade, f"test_made_{number}", lambda self, number=number: self.assertLess(number, 7))

        def load_tests(loader, tests, pattern):
            tests.addTests(doctest.DocTestSuite(suite.documented))
            return tests
        """,
    "suite/test_grüße.py": """
        import unittest

        class TestÜbung(unittest.TestCase):
            def test_größe(self):
                pass
        """,
}
FOR_PYTEST = {
    "suite/test_functions.py": """
        import pytest

        @pytest.fixture(params=["a b", "ü", "x::y"])
        def letter(request):
            return request.param

        @pytest.mark.parametrize(("left", "right"), [(1, 2), (3, 4), pytest.param(5, 6, id="last.one")])
        def test_pairs(left, right, letter):
            assert left < right

        class TestPlain:
            def test_method(self):
                pass

            class TestInside:
                def test_deep(self):
                    pass

        class TestMore(TestPlain):
            pass

        def test_subtests(subtests):
            for number in range(3):
                with subtests.test(number=number):
                    pass
        """,
}


def bare(project: Project, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the same environment in the project."""
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=project.root,
        env={"PYTHONDONTWRITEBYTECODE": "1", **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def write(project: Project, *files: dict[str, str]) -> None:
    project.write("pytest.ini", "[pytest]\npythonpath = .\naddopts = -p no:cacheprovider --doctest-modules\n")
    for name, text in [pair for some in files for pair in some.items()]:
        project.write(name, text)


@pytest.mark.parametrize("parallel", [None, "2"])
def test_names_under_pytest(project: Project, parallel: str | None) -> None:
    """All names of pytest's own report are in ours, and no others."""
    write(project, SUITE, FOR_PYTEST)
    theirs, ours = project.root / "theirs.xml", project.root / "ours.xml"
    done = bare(project, "pytest", "--junitxml", str(theirs), "suite")
    assert 0 == done.returncode, done.stdout + done.stderr
    mine = project.test(packages=["suite"], junit=str(ours), parallel=parallel)
    assert 0 == mine.returncode, mine.stdout + mine.stderr
    cases = list(ElementTree.parse(theirs).iter("testcase"))
    expected = sorted(f"{case.attrib['classname']}.{case.attrib['name']}" for case in cases)
    assert expected == sorted(test.name for test in read(ours))
    assert 28 == len(expected), expected


def test_names_under_unittest(project: Project) -> None:
    """All names that unittest tells are in the report, and no others; it runs as many tests."""
    write(project, SUITE)
    ours = project.root / "ours.xml"
    done = bare(project, "unittest", "discover", "-v", "-s", "suite", "-t", ".")
    assert 0 == done.returncode, done.stdout + done.stderr
    mine = project.test(runner="unittest", packages=["suite"], junit=str(ours))
    assert 0 == mine.returncode, mine.stdout + mine.stderr
    ran = re.search(r"^Ran .* tests", done.stderr, re.MULTILINE)
    assert ran is not None
    assert ran[0] in mine.stderr
    found = read(ours)
    assert ran[0] == f"Ran {len(found)} tests"
    told = re.findall(r"^(\w+) \((.+)\)(?:\nDoctest: .*)? \.\.\. ok$", done.stderr, re.MULTILINE)
    # Before 3.11, the parentheses have the class alone.
    expected = sorted(place if place.endswith(f".{name}") else f"{place}.{name}" for name, place in told)
    assert expected == sorted(test.name for test in found)


TEST = "import os, signal, sys, unittest\n\nclass T(unittest.TestCase):\n    def test(self):\n        {}\n"
SITUATIONS = {
    "passing": TEST.format("pass"),
    "failing": TEST.format("self.fail()"),
    "erroring": TEST.format("raise ValueError"),
    "skipped": TEST.format("self.skipTest('not today')"),
    "no tests": "x = 1\n",
    "not importable": "import no_such_module\n",
    "not Python": "this is no Python\n",
    "exits": TEST.format("sys.exit(3)"),
    "ends at once": TEST.format("os._exit(7)"),
    "is interrupted": TEST.format("raise KeyboardInterrupt"),
    "crashes": TEST.format("os.kill(os.getpid(), signal.SIGSEGV)"),
    "is killed": TEST.format("os.kill(os.getpid(), signal.SIGKILL)"),
}
COMMANDS = {"pytest": ["pytest"], "unittest": ["unittest"]}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("runner", COMMANDS)
def test_exit_status(project: Project, runner: str, situation: str) -> None:
    """The exit status is that of the bare runner, and the report is a whole one, whatever happens."""
    place, report = project.root / "a test of ünits", project.root / "junit.xml"
    (place / "conftest.py").parent.mkdir()
    (place / "test_it.py").write_text(SITUATIONS[situation])
    (place / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    report.write_text("of the last run")
    done = subprocess.run(
        [sys.executable, "-m", *COMMANDS[runner]],
        cwd=place,
        env={"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    mine = project.test(runner=runner, packages=[], working_directory=str(place), junit=str(report))
    assert done.returncode == mine.returncode, mine.stdout + mine.stderr
    died = {"ends at once", "is interrupted", "crashes", "is killed"}
    expected = {
        "passing": {"test_it.T.test": "passed"},
        "failing": {"test_it.T.test": "failed"},
        "skipped": {"test_it.T.test": "skipped"},
        "no tests": {},
        "not importable": {"test_it.collection": "error"},
        "not Python": {"test_it.collection": "error"},
    }.get(situation, {"test_it.T.test": "error"})
    assert expected == kinds(report), mine.stdout + mine.stderr
    if situation in died:
        assert re.match("the (process ended|run was stopped) while this test ran$", read(report)[0].message)


@pytest.mark.parametrize(
    ("runner", "number", "status"),
    [
        ("pytest", signal.SIGINT, 2),
        ("unittest", signal.SIGINT, -signal.SIGINT),
        ("pytest side by side", signal.SIGINT, 2),
        ("pytest", signal.SIGKILL, -signal.SIGKILL),
        ("pytest side by side", signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_a_signal(project: Project, runner: str, number: signal.Signals, status: int) -> None:
    """Ctrl-C ends a run as it ends the bare one, and the report tells of what had ended, and of what had not; likewise
    where it is killed."""
    report, ready = project.root / "junit.xml", project.root / "ready"
    project.write(
        "waits/test_it.py",
        f"""
        import pathlib, time, unittest

        class T(unittest.TestCase):
            def test_1(self):
                pass

            def test_2(self):
                pathlib.Path({str(ready)!r}).touch()
                time.sleep(60)

            def test_3(self):
                pass
        """,
    )
    settings: dict[str, Any] = {"runner": runner.split()[0], "packages": [], "junit": str(report)}
    settings |= {"parallel": "1"} if " " in runner else {}
    script = project.script({}, {**settings, "working_directory": str(project.root / "waits")})
    process = start([script], cwd=project.root, variables=dict(os.environ))
    wait_for(ready.exists, process)
    os.killpg(process.pid, number)
    output, _ = process.communicate(timeout=300)
    assert status == process.returncode, output
    found = kinds(report)
    assert "passed" == found["test_it.T.test_1"]
    assert "test_it.T.test_3" not in found
    assert "error" == found["tests.processes" if " " in runner else "test_it.T.test_2"]
