"""Facts about running tests: real pytest and coverage, in a process of their own, called as a script calls them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path
from typing import Any

import pytest

from eggcarton.core.isolation import OPEN_BELOW
from eggcarton.core.plan import runtime_source
from eggcarton.core.script import Start, runtime_body, script

pytest.importorskip("coverage")
pytestmark = pytest.mark.slow

# Where pytest and what it needs really lie, whatever environment runs these tests.
SITE_PACKAGES = Path(sysconfig.get_path("purelib"))
INSTALLED = sorted({str(path.resolve().parent) for path in SITE_PACKAGES.iterdir()})

FILES = {
    "pytest.ini": "[pytest]\npythonpath = src\naddopts = -p no:cacheprovider\n",
    "src/shop/__init__.py": """
        def price(count):
            if count > 10:
                return count * 2
            return count * 3
        """,
    "src/shop/unused.py": "x = 1\n",
    "src/shop/tests/__init__.py": "",
    "src/shop/tests/test_price.py": """
        import os
        from shop import price

        def test_few():
            assert price(1) == 3

        def test_where():
            assert os.environ.get("SHOP", "open") == "open"
        """,
    "src/shop/tests/test_many.py": """
        from shop import price

        def test_many():
            assert price(20) == 40
        """,
    "other/test_other.py": "def test_other():\n    pass\n",
}


class Project:
    """A small application with tests, and the script that runs them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in FILES.items():
            self.write(name, text)
        self.runner = root / "parts/test/run_tests.py"
        self.write("parts/test/run_tests.py", runtime_source("run_tests"))
        self.coverage: dict[str, Any] = {
            "source": ["shop"],
            "omit": [],
            "outside": [str(root / "parts"), *INSTALLED],
            "branch": False,
            "fail_under": None,
            "report": ["term"],
            "data_file": str(root / "var/data"),
            "html_directory": str(root / "var/html"),
            "xml_file": str(root / "var/reports/coverage.xml"),
            "json_file": str(root / "var/reports/coverage.json"),
        }

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def script(self, environment: dict[str, str], settings: dict[str, Any]) -> Path:
        everything = {
            "packages": ["shop.tests"],
            "defaults": [],
            "working_directory": str(self.root),
            **settings,
        }
        path = self.root / "bin/test"
        path.parent.mkdir(exist_ok=True)
        start = Start(python=Path(sys.executable), isolation=OPEN_BELOW)
        body = runtime_body(start, path, self.runner, tuple(environment.items()), everything)
        text = script(start, path, body)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def test(
        self, *arguments: str, environment: dict[str, str] | None = None, **settings: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run the script from another directory and with an empty environment, as cron does."""
        script = self.script(environment or {}, settings)
        return subprocess.run(
            [script, *arguments], cwd="/", env={}, capture_output=True, text=True, timeout=60, check=False
        )

    def cover(self, *arguments: str, **changes: Any) -> subprocess.CompletedProcess[str]:
        return self.test(*arguments, coverage={**self.coverage, **changes})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "my project")


class TestTests:
    def test_packages(self, project: Project) -> None:
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
    def test_command_line(self, project: Project, arguments: list[str], passed: str) -> None:
        """Options on the command line choose among the packages; a path or a package takes their place."""
        done = project.test(*arguments)
        assert passed in done.stdout, done.stdout + done.stderr

    def test_no_packages(self, project: Project) -> None:
        """Without packages the runner finds the tests of the working directory."""
        done = project.test(packages=[], working_directory=str(project.root / "other"))
        assert "1 passed" in done.stdout, done.stdout + done.stderr

    def test_defaults(self, project: Project) -> None:
        """Defaults come before the command line."""
        done = project.test("-k", "few", defaults=["-k", "many", "-v"])
        assert "test_few PASSED" in done.stdout, done.stdout + done.stderr

    def test_environment(self, project: Project) -> None:
        """The part's environment variables are seen by the tests."""
        done = project.test(environment={"SHOP": "closed"})
        assert (1, True) == (done.returncode, "1 failed, 2 passed" in done.stdout)

    def test_exit_codes(self, project: Project) -> None:
        """The exit status is the runner's: 1 after failures, 4 for a wrong command line, 5 where no test is."""
        project.write("src/shop/tests/test_bad.py", "def test_bad():\n    assert False\n")
        found = [project.test(*words).returncode for words in ([], ["--no-such"], ["-k", "nothing"])]
        assert [1, 4, 5] == found

    def test_working_directory(self, project: Project) -> None:
        """A working directory that is not there is one sentence."""
        done = project.test(working_directory=str(project.root / "missing"))
        expected = f"{project.root}/missing is the working directory of the tests, but: No such file or directory\n"
        assert (1, expected, "") == (done.returncode, done.stderr, done.stdout)

    def test_no_names_taken(self, project: Project) -> None:
        """The project may have modules of the same names as our files."""
        project.write("src/run_tests.py", "mine = True\n")
        project.write("src/shop/tests/test_own.py", "import run_tests\n\ndef test_own():\n    assert run_tests.mine\n")
        assert 0 == project.test("-k", "own").returncode


class TestCoverage:
    def test_term(self, project: Project) -> None:
        """What is measured is reported, with modules that no test imports, and without our own files."""
        done = project.cover("-k", "few")
        assert 0 == done.returncode, done.stdout + done.stderr
        assert "src/shop/unused.py" in done.stdout
        assert "run_tests.py" not in done.stdout
        assert not (project.root / ".coverage").exists()
        assert (project.root / "var/data").is_file()

    def test_all_reports(self, project: Project) -> None:
        """HTML, XML and JSON reports are written where they belong, and told."""
        done = project.cover(report=["html", "xml", "json"], branch=True)
        assert 0 == done.returncode, done.stdout + done.stderr
        assert "TOTAL" not in done.stdout
        assert (project.root / "var/html/index.html").is_file()
        assert "branches-valid" in (project.root / "var/reports/coverage.xml").read_text()
        assert json.loads((project.root / "var/reports/coverage.json").read_text())["meta"]["branch_coverage"]
        assert f"coverage report: {project.root}/var/html/index.html" in done.stdout

    @pytest.mark.parametrize(("threshold", "status"), [(50, 0), (100, 2)])
    def test_threshold(self, project: Project, threshold: float, status: int) -> None:
        """Less than the threshold is one sentence and exit status 2."""
        done = project.cover("-k", "few", fail_under=threshold)
        assert status == done.returncode, done.stdout + done.stderr
        if status:
            assert done.stderr.endswith(" % is covered, but at least 100 % should be\n")

    def test_exactly(self, project: Project) -> None:
        """Everything covered reaches a threshold of 100."""
        assert 0 == project.cover(source=[], omit=["*/tests/*"], fail_under=100.0).returncode

    def test_failures_win(self, project: Project) -> None:
        """When tests fail, the exit status is the runner's, and the reports are made all the same."""
        project.write("src/shop/tests/test_bad.py", "def test_bad():\n    assert False\n")
        done = project.cover(fail_under=100.0, report=["html"])
        assert 1 == done.returncode
        assert "should be" in done.stderr
        assert (project.root / "var/html/index.html").exists()

    def test_erased(self, project: Project) -> None:
        """What the last run measured does not count."""
        assert 0 == project.cover(omit=["*/unused.py"], fail_under=100.0).returncode
        assert 2 == project.cover("-k", "few", omit=["*/unused.py"], fail_under=100.0).returncode

    def test_nothing_measured(self, project: Project) -> None:
        """A source that nothing imports is a sentence and exit status 2, not a success."""
        done = project.cover(source=["no_such_package"], report=["html"])
        assert (2, True) == (done.returncode, "coverage has nothing to report: " in done.stderr), done.stderr

    def test_outside_by_real_path(self, project: Project) -> None:
        """What is linked from outside is not measured, although it is imported through the link."""
        store = project.root / "store/lib-1.0"
        project.write("store/lib-1.0/lib/__init__.py", "x = 1\n")
        (project.root / "src/lib").symlink_to(store / "lib")
        project.write("src/shop/tests/test_linked.py", "import lib\n\ndef test_linked():\n    assert lib.x\n")
        measured = project.cover(source=[], outside=project.coverage["outside"])
        assert "store/lib-1.0" in measured.stdout
        link = project.root / "link-to-store"
        link.symlink_to("store")
        omitted = project.cover(source=[], outside=[*project.coverage["outside"], str(link)])
        assert "test_linked.py" in omitted.stdout
        assert "lib-1.0" not in omitted.stdout

    def test_configuration(self, project: Project) -> None:
        """The project's own configuration says which lines to leave out."""
        project.write(".coveragerc", "[report]\nexclude_also = return count . 2\nfail_under = 100\n")
        done = project.cover("-k", "few", "--no-header", omit=["*/unused.py", "*/tests/*"])
        assert (0, True) == (done.returncode, "100%" in done.stdout), done.stdout + done.stderr


class TestHtml:
    def test_replaced_whole(self, project: Project) -> None:
        """A report takes the place of the last one whole: nothing of it stays, and nothing lies beside it."""
        project.cover(report=["html"])
        html = project.root / "var/html"
        (html / "stale.html").write_text("stale")
        assert 0 == project.cover(report=["html"]).returncode
        assert not (html / "stale.html").exists()
        assert ["data", "html"] == sorted(path.name for path in (project.root / "var").iterdir())

    @pytest.mark.parametrize("kind", ["file", "directory"])
    def test_stranger(self, project: Project, kind: str) -> None:
        """A directory that holds something else is refused before any test runs."""
        html = project.root / "var/html"
        project.write("var/html/precious" if kind == "directory" else "var/html", "mine")
        done = project.cover(report=["html"])
        expected = f"{html} holds something else than a coverage report: choose another html-directory\n"
        assert (1, expected, "") == (done.returncode, done.stderr, done.stdout)
        assert "mine" == (html / "precious" if kind == "directory" else html).read_text()

    def test_empty(self, project: Project) -> None:
        """An empty directory, as an administrator makes it, is fine."""
        (project.root / "var/html").mkdir(parents=True)
        assert 0 == project.cover(report=["html"]).returncode
        assert (project.root / "var/html/index.html").exists()

    def test_through_a_link(self, project: Project) -> None:
        """A directory that is a link stays one."""
        (project.root / "www/report").mkdir(parents=True)
        (project.root / "var").mkdir()
        (project.root / "var/html").symlink_to("../www/report")
        assert 0 == project.cover(report=["html"]).returncode
        assert (project.root / "var/html").is_symlink()
        assert (project.root / "www/report/index.html").exists()

    def test_after_a_kill(self, project: Project) -> None:
        """What a killed run left is cleared up, and an old report it had moved aside is put back first."""
        project.cover(report=["html"])
        var = project.root / "var"
        os.rename(var / "html", var / ".html.old")
        (var / ".html.new").mkdir()
        (var / ".html.new/half").write_text("half")
        project.write(
            "src/shop/tests/test_kill.py",
            f"import os\n\ndef test_kill():\n    os.kill(os.getpid(), {signal.SIGKILL.value})\n",
        )
        assert -9 == project.cover(report=["html"]).returncode
        assert (var / "html/index.html").exists()
        (project.root / "src/shop/tests/test_kill.py").unlink()
        assert 0 == project.cover(report=["html"]).returncode
        assert ["data", "html"] == sorted(path.name for path in var.iterdir())
