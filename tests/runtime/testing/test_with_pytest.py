"""Facts about running tests with pytest, in a process of its own, called as a script calls it."""

from __future__ import annotations

import pytest

from support.tested import Project

pytestmark = pytest.mark.slow


def test_packages(project: Project) -> None:
    """Without a path on the command line, the tests of the packages run, and no others."""
    done = project.test()
    assert (0, True) == (done.returncode, "3 passed" in done.stdout), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["-k", "few"], "1 passed"),
        (["-q", "-k", "other"], "3 deselected"),
        (["other"], "1 passed"),
        (["shop.tests.test_many"], "1 passed"),
        (["src/shop/tests/test_price.py::test_few"], "1 passed"),
        (["-k", "few", "--tb", "short", "-v"], "1 passed"),
    ],
)
def test_command_line(project: Project, arguments: list[str], passed: str) -> None:
    """Options on the command line choose among the packages; a path or a package takes their place."""
    done = project.test(*arguments)
    assert passed in done.stdout, done.stdout + done.stderr


def test_no_packages(project: Project) -> None:
    """Without packages the runner finds the tests of the working directory."""
    done = project.test(packages=[], working_directory=str(project.root / "other"))
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_defaults(project: Project) -> None:
    """Defaults come before the command line."""
    done = project.test("-k", "few", defaults=["-k", "many", "-v"])
    assert "test_few PASSED" in done.stdout, done.stdout + done.stderr


def test_environment(project: Project) -> None:
    """The part's environment variables are seen by the tests."""
    done = project.test(environment={"SHOP": "closed"})
    assert (1, True) == (done.returncode, "1 failed, 2 passed" in done.stdout)


def test_exit_codes(project: Project) -> None:
    """The exit status is the runner's: 1 after failures, 4 for a wrong command line, 5 where no test is."""
    project.write("src/shop/tests/test_bad.py", "def test_bad():\n    assert False\n")
    found = [project.test(*words).returncode for words in ([], ["--no-such"], ["-k", "nothing"])]
    assert [1, 4, 5] == found


def test_working_directory(project: Project) -> None:
    """A working directory that is not there is one sentence."""
    done = project.test(working_directory=str(project.root / "missing"))
    expected = f"{project.root}/missing is the working directory of the tests, but: No such file or directory\n"
    assert (1, expected, "") == (done.returncode, done.stderr, done.stdout)


def test_no_names_taken(project: Project) -> None:
    """The project may have modules of the same names as our files."""
    project.write("src/testing.py", "mine = True\n")
    project.write("src/shop/tests/test_own.py", "import testing\n\ndef test_own():\n    assert testing.mine\n")
    assert 0 == project.test("-k", "own").returncode
