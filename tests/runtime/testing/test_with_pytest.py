"""Facts about running tests with pytest, in a process of its own, called as a script calls it."""

from __future__ import annotations

import pytest

from support.junit import read
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
    advice = "make it, or name another one in 'working-directory'"
    expected = (
        f"{project.root}/missing is the working directory of the tests, but: No such file or directory; {advice}\n"
    )
    assert (1, expected, "") == (done.returncode, done.stderr, done.stdout)


def test_no_names_taken(project: Project) -> None:
    """The project may have modules of the same names as our files."""
    project.write("src/testing.py", "mine = True\n")
    project.write("src/shop/tests/test_own.py", "import testing\n\ndef test_own():\n    assert testing.mine\n")
    assert 0 == project.test("-k", "own").returncode


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["--collect-only"], ["--fixtures"]])
def test_nothing_is_tested(project: Project, arguments: list[str]) -> None:
    """Where the command line asks for something else than tests, the last report stays, with parallel too."""
    project.write("junit.xml", "of the last run")
    bare = project.test(*arguments)
    done = project.test(*arguments, junit=str(project.root / "junit.xml"), parallel="2")
    assert bare.returncode == done.returncode, done.stdout + done.stderr
    assert "of the last run" == (project.root / "junit.xml").read_text()


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help(project: Project, word: str) -> None:
    """The help is pytest's own, also where packages are tested."""
    done = project.test(word)
    assert (0, True, "") == (done.returncode, "--exitfirst" in done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("arguments", "defaults", "workers"),
    [([], [], 2), (["-n1"], [], 1), ([], ["--numprocesses=1"], 1), (["-n", "0"], ["-n", "3"], 0), (["--pdb"], [], 0)],
)
def test_side_by_side(project: Project, arguments: list[str], defaults: list[str], workers: int) -> None:
    """What the command line or the defaults say of processes comes before the part's own number."""
    project.write(
        "src/shop/tests/test_many.py",
        f"""
        import os

        def test_many():
            assert {str(workers)!r} == os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")
        """,
    )
    done = project.test(*arguments, defaults=defaults, parallel="2")
    assert (0, True) == (done.returncode, "3 passed" in done.stdout), done.stdout + done.stderr


def test_a_worker_that_dies(project: Project) -> None:
    """A test with which a worker dies is an error by its own name, and the others run."""
    project.write(
        "src/shop/tests/test_dies.py", "import os\n\nclass TestIt:\n    def test_dies(self):\n        os._exit(3)\n"
    )
    done = project.test(junit=str(project.root / "junit.xml"), parallel="1")
    found = {test.name.removeprefix("shop.tests."): test for test in read(project.root / "junit.xml")}
    assert (1, 4) == (done.returncode, len(found)), done.stdout + done.stderr
    assert "error" == found["test_dies.TestIt.test_dies"].kind
    assert "crashed while running" in found["test_dies.TestIt.test_dies"].message


def test_own_report(project: Project) -> None:
    """The report that pytest itself writes when asked to stands beside ours."""
    done = project.test("--junitxml", "own.xml", junit=str(project.root / "junit.xml"))
    assert 0 == done.returncode, done.stdout + done.stderr
    assert 'name="pytest"' in (project.root / "own.xml").read_text()
    assert 3 == len(read(project.root / "junit.xml"))


def test_fixtures_that_break(project: Project) -> None:
    """What breaks before or after a test is an error, with what was written; a test that failed stays failed."""
    project.write(
        "src/shop/tests/test_fixtures.py",
        """
        import pytest

        @pytest.fixture
        def before():
            print("mixing")
            assert 0

        @pytest.fixture
        def after():
            yield
            assert 0

        def test_before(before):
            pass

        def test_after(after):
            pass

        def test_both(after):
            assert not "burnt"

        @pytest.mark.xfail(strict=True)
        def test_strict():
            pass

        @pytest.mark.xfail(reason="no salt")
        def test_expected():
            assert 0

        @pytest.mark.xfail
        def test_passes_all_the_same():
            pass
        """,
    )
    done = project.test("-k", "fixtures", junit=str(project.root / "junit.xml"))
    found = {test.name.rpartition(".")[2]: test for test in read(project.root / "junit.xml")}
    kinds = {
        "test_before": "error",
        "test_after": "error",
        "test_both": "failed",
        "test_strict": "failed",
        "test_expected": "skipped",
        "test_passes_all_the_same": "passed",
    }
    assert kinds == {name: test.kind for name, test in found.items()}, done.stdout
    assert "mixing\n" == found["test_before"].stdout
    assert "expected failure: no salt" == found["test_expected"].message
    assert "burnt" in found["test_both"].message


def test_reports_that_cannot_be_written(project: Project) -> None:
    """A report that has no place is told before any test runs."""
    for place, reason in (("src", "Is a directory"), ("pytest.ini/junit.xml", "Not a directory")):
        path = project.root / place
        done = project.test(junit=str(path))
        advice = "let it be written, or name another place in 'junit'"
        expected = f"{path} is where the report of the tests goes, but: {reason}; {advice}\n"
        assert (1, expected, "") == (done.returncode, done.stderr, done.stdout)


def test_fail_fast(project: Project) -> None:
    """The first failure ends the run; a larger number of the command line comes before that."""
    project.write("src/shop/tests/test_bad.py", "def test_1():\n    assert 0\n\ndef test_2():\n    assert 0\n")
    assert "1 failed, 3 deselected" in project.test("-k", "bad", fail_fast=True).stdout
    assert "2 failed, 3 deselected" in project.test("-k", "bad", "--maxfail=2", fail_fast=True).stdout
