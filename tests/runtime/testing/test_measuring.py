"""Facts about measuring tests: real coverage, in a process of its own, called as a script calls it."""

from __future__ import annotations

import json
import os
import signal

import pytest

from support.tested import Project

pytestmark = pytest.mark.slow

KEPT = ["coverage.data", "history.jsonl", "html", "run.lock"]


def test_term(project: Project) -> None:
    """What is measured is reported, with modules that no test imports, and without our own files."""
    done = project.cover("-k", "few")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "src/shop/unused.py" in done.stdout
    assert "eggcarton_runtime" not in done.stdout
    assert not (project.root / ".coverage").exists()
    assert (project.root / "var/coverage.data").is_file()


def test_all_reports(project: Project) -> None:
    """HTML, XML and JSON reports are written where they belong, and told."""
    done = project.cover(report=["html", "xml", "json"], branch=True)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "TOTAL" not in done.stdout
    assert (project.root / "var/html/index.html").is_file()
    assert "branches-valid" in (project.root / "var/coverage.xml").read_text()
    assert json.loads((project.root / "var/coverage.json").read_text())["meta"]["branch_coverage"]
    assert f"coverage report: {project.root}/var/html/index.html" in done.stdout


@pytest.mark.parametrize(("threshold", "status"), [(50, 0), (100, 2)])
def test_threshold(project: Project, threshold: float, status: int) -> None:
    """Less than the threshold is one sentence and exit status 2."""
    done = project.cover("-k", "few", fail_under=threshold)
    assert status == done.returncode, done.stdout + done.stderr
    if status:
        assert done.stderr.endswith(" % is covered, but at least 100 % should be\n")


def test_exactly(project: Project) -> None:
    """Everything covered reaches a threshold of 100."""
    assert 0 == project.cover(source=[], omit=["*/tests/*"], fail_under=100.0).returncode


def test_failures_win(project: Project) -> None:
    """When tests fail, the exit status is the runner's, and the reports are made all the same."""
    project.write("src/shop/tests/test_bad.py", "def test_bad():\n    assert False\n")
    done = project.cover(fail_under=100.0, report=["html"])
    assert 1 == done.returncode
    assert "should be" in done.stderr
    assert (project.root / "var/html/index.html").exists()


def test_erased(project: Project) -> None:
    """What the last run measured does not count."""
    assert 0 == project.cover(omit=["*/unused.py"], fail_under=100.0).returncode
    assert 2 == project.cover("-k", "few", omit=["*/unused.py"], fail_under=100.0).returncode


def test_nothing_measured(project: Project) -> None:
    """A source that nothing imports is a sentence and exit status 2, not a success."""
    done = project.cover(source=["no_such_package"], report=["html"])
    assert (2, True) == (done.returncode, "coverage has nothing to report: " in done.stderr), done.stderr


def test_outside_by_real_path(project: Project) -> None:
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


def test_configuration(project: Project) -> None:
    """The project's own configuration says which lines to leave out."""
    project.write(".coveragerc", "[report]\nexclude_also = return count . 2\nfail_under = 100\n")
    done = project.cover("-k", "few", "--no-header", omit=["*/unused.py", "*/tests/*"])
    assert (0, True) == (done.returncode, "100%" in done.stdout), done.stdout + done.stderr


def test_replaced_whole(project: Project) -> None:
    """A report takes the place of the last one whole: nothing of it stays, and nothing lies beside it."""
    project.cover(report=["html"])
    html = project.root / "var/html"
    (html / "stale.html").write_text("stale")
    assert 0 == project.cover(report=["html"]).returncode
    assert not (html / "stale.html").exists()
    assert KEPT == sorted(path.name for path in (project.root / "var").iterdir())


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_stranger(project: Project, kind: str) -> None:
    """A directory that holds something else is refused before any test runs."""
    html = project.root / "var/html"
    project.write("var/html/precious" if kind == "directory" else "var/html", "mine")
    done = project.cover(report=["html"])
    expected = f"{html} holds something else than a coverage report: choose another html-directory\n"
    assert (1, expected, "") == (done.returncode, done.stderr, done.stdout)
    assert "mine" == (html / "precious" if kind == "directory" else html).read_text()


def test_empty(project: Project) -> None:
    """An empty directory, as an administrator makes it, is fine."""
    (project.root / "var/html").mkdir(parents=True)
    assert 0 == project.cover(report=["html"]).returncode
    assert (project.root / "var/html/index.html").exists()


def test_through_a_link(project: Project) -> None:
    """A directory that is a link stays one."""
    (project.root / "www/report").mkdir(parents=True)
    (project.root / "var").mkdir()
    (project.root / "var/html").symlink_to("../www/report")
    assert 0 == project.cover(report=["html"]).returncode
    assert (project.root / "var/html").is_symlink()
    assert (project.root / "www/report/index.html").exists()


def test_after_a_kill(project: Project) -> None:
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
    assert KEPT == sorted(path.name for path in var.iterdir())
