"""Facts about measuring tests: real coverage, in a process of its own, called as a script calls it."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import signal
import subprocess
from xml.etree import ElementTree

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
    """A source that nothing imports is named, and the exit status 2, not a success."""
    done = project.cover(source=["no_such_package", "src/nothing"], report=["html"])
    why = "nothing is measured: no test imports it, it is misspelt, or 'omit' leaves it out"
    told = f"of 'no_such_package', 'src/nothing', which 'source' names, {why}\n"
    assert (2, f"coverage has nothing to report: {told}") == (done.returncode, done.stderr)
    project.write("src/nothing/README", "")
    assert (2, True) == ((done := project.cover(source=["src/nothing"])).returncode, "/src/nothing', " in done.stderr)


def test_one_source_without_anything(project: Project) -> None:
    """Of several sources those that nothing is measured of are named, however the others are found."""
    project.write("elsewhere/code.py", "x = 1\n")
    (project.root / "src/linked").symlink_to("../elsewhere")
    project.write("src/alone.py", "x = 1\n")
    project.write("src/some/where/__init__.py", "x = 1\n")
    imports = "import alone\nimport linked.code\nimport some.where\n\ndef test_it():\n    assert alone.x\n"
    project.write("src/shop/tests/test_imports.py", imports)
    done = project.cover(source=["shop", "linked", "alone", "some.where", "src/shop/tests", "shopp"])
    why = "nothing is measured: no test imports it, it is misspelt, or 'omit' leaves it out"
    assert (0, f"of 'shopp', which 'source' names, {why}\n") == (done.returncode, done.stderr)


def full(project: Project, report: str) -> None:
    """Have the next run find a full device where it writes a report."""
    if report == "html":
        project.write("var/.html.new/.gitignore", "")
        project.root.joinpath("var/.html.new").rename(project.root / "device")
        (project.root / "device/index.html").symlink_to("/dev/full")
        (project.root / "var/.html.new").symlink_to("../device")
    else:
        (project.root / f"var/.coverage.{report}.new").symlink_to("/dev/full")


@pytest.mark.parametrize("report", ["html", "json"])
@pytest.mark.parametrize("earlier", [True, False], ids=["again", "first"])
def test_a_full_disk_for_one_report(project: Project, report: str, earlier: bool) -> None:
    """A report that cannot be written is told, with one of an earlier run that stands there, and the others are put."""
    reports = {"html": "html", "xml": "coverage.xml", "json": "coverage.json", "lcov": "coverage.lcov"}
    places = {kind: project.root / "var" / name for kind, name in reports.items()}
    (project.root / "var").mkdir()
    if earlier:
        project.cover(report=list(reports))
    before = {kind: place.stat().st_ino for kind, place in places.items() if earlier}
    data = project.root / "var/coverage.data"
    data.unlink(missing_ok=True)
    full(project, report)
    done = project.cover(report=list(reports))
    stale = "; what stands there is of an earlier run" if earlier else ""
    expected = f"the report {places[report]} cannot be written: {os.strerror(errno.ENOSPC)}{stale}\n"
    assert (1, expected) == (done.returncode, done.stderr)
    after = {kind: place.stat().st_ino for kind, place in places.items() if place.exists()}
    assert ({report} if earlier else set()) == {kind for kind in before if before[kind] == after[kind]}
    assert {*reports} - (set() if earlier else {report}) == {*after}
    assert data.exists()
    assert {*reports} - {report} == {
        kind for kind, place in places.items() if f"coverage report: {place}" in done.stdout
    }
    # Less covered than should be has its own status all the same.
    assert 2 == project.cover("-k", "few", report=[], fail_under=100.0).returncode


def test_a_full_disk_for_what_is_measured(project: Project) -> None:
    """Where what is measured cannot be saved, that is one sentence, the exit status is 1, and what was there stays."""
    assert 0 == project.cover(report=["xml"]).returncode
    before = {path.name: path.read_bytes() for path in (project.root / "var").iterdir() if path.name != "run.lock"}

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    script = [project.root / "bin/test"]
    done = subprocess.run(script, env={}, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert (1, True) == (done.returncode, "3 passed" in done.stdout)
    start = f"{project.root}/var cannot be written for what is measured: "
    assert [True] == [line.startswith(start) for line in done.stderr.splitlines()], done.stderr
    assert before == {
        path.name: path.read_bytes() for path in (project.root / "var").iterdir() if path.name != "run.lock"
    }


def test_no_python(project: Project) -> None:
    """A file of the source that is no Python is named, and what to do about it."""
    project.write("src/shop/template.py", "class {{ name }}(:\n")
    done = project.cover(report=["html"])
    told = done.stderr.splitlines()[-1]
    assert (2, True, True) == (
        done.returncode,
        told.startswith(f"coverage could make no report: Couldn't parse '{project.root}/src/shop/template.py'"),
        told.endswith("; mend the file, or name it in 'omit'"),
    ), told
    assert 0 == project.cover(omit=["*/template.py"]).returncode


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
    named = project.cover(source=["lib"], outside=[*project.coverage["outside"], str(link)])
    assert "store/lib-1.0" in named.stdout


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


def git(project: Project, *words: str) -> None:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@host.example", *words]
    subprocess.run(command, cwd=project.root, check=True, capture_output=True)


def test_changed_lines(project: Project) -> None:
    """Lines that changed since a revision have a table and a threshold of their own; a wrong one ends it at once."""
    project.write(".gitignore", "/var/\n/bin/\n/parts/\n__pycache__/\n")
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "First")
    text = (project.root / "src/shop/__init__.py").read_text()
    project.write("src/shop/__init__.py", text.replace("return count * 2", "return count * 1 * 2"))
    done = project.cover("-k", "few", "--diff", "main", diff_fail_under=80.0)
    assert 2 == done.returncode, done.stdout + done.stderr
    assert "src/shop/__init__.py      1     1     0%   4\n" in done.stdout
    assert "0 % of the changed lines is covered, but at least 80 % should be\n" == done.stderr
    done = project.cover(diff="HEAD", diff_fail_under=80.0)
    assert (0, True) == (done.returncode, "TOTAL                     1     0   100%" in done.stdout), done.stdout
    done = project.cover("--diff=nowhere")
    advice = "name a branch, tag or commit that this repository has"
    expected = f"git knows no revision 'nowhere' in {project.root}: {advice}\n"
    assert (1, "", expected) == (done.returncode, done.stdout, done.stderr)


def test_history_and_trend(project: Project) -> None:
    """Each run is kept, --trend shows those of all tests and nothing else, and the page has the picture."""
    project.cover("-k", "few")
    assert 1 == project.cover("--trend").returncode
    project.cover("-q", report=["html"], branch=True)
    done = project.cover("--trend")
    assert (0, 3) == (done.returncode, len(done.stdout.splitlines())), done.stdout + done.stderr
    chosen, whole = map(json.loads, (project.root / "var/history.jsonl").read_text().splitlines())
    assert (False, 1, True, 3) == (chosen["whole"], chosen["tests"], whole["whole"], whole["tests"])
    assert (None, 0, [2, 2]) == (whole["revision"], whole["status"], whole["branches"])
    assert whole["lines"][0] < whole["lines"][1]
    for name in ("history.svg", "html/history.svg"):
        ElementTree.parse(project.root / "var" / name)


def test_two_at_once(project: Project) -> None:
    """A run that begins while another one is measured is refused in a sentence, and leaves that alone."""
    project.write(
        "src/shop/tests/test_second.py",
        """
        import subprocess

        def test_second():
            done = subprocess.run(["bin/test"], env={}, capture_output=True, text=True)
            assert (1, "") == (done.returncode, done.stdout)
            assert done.stderr.startswith("another run is being measured here, by process ")
        """,
    )
    done = project.cover()
    assert 0 == done.returncode, done.stdout + done.stderr


def test_a_second_run_while_reports_are_made(project: Project) -> None:
    """A run is alone until its last report is written: a second one is refused until then."""
    project.write(
        "src/shop/tests/test_last.py",
        """
        import subprocess
        import sys

        def again(event, arguments):
            if event == "open" and str(arguments[0]).endswith(".coverage.lcov.new"):
                done = subprocess.run(["bin/test"], env={}, capture_output=True, text=True)
                with open("said", "w") as stream:
                    stream.write(f"{done.returncode} {done.stdout}{done.stderr}")

        def test_last():
            sys.addaudithook(again)
        """,
    )
    done = project.cover(report=["lcov"])
    assert 0 == done.returncode, done.stdout + done.stderr
    assert (project.root / "said").read_text().startswith("1 another run is being measured here, by process ")


def test_a_checkout_that_is_read_only(project: Project) -> None:
    """Only the directory of the part is written to: the rest, and the home, may be out of reach, as for cron."""
    project.write("file", "")
    script = project.script({}, {"coverage": {**project.coverage, "report": ["term", "html", "xml"], "contexts": True}})
    (project.root / "var").mkdir()
    directories = [project.root, *(path for path in project.root.rglob("*") if path.is_dir())]
    before = set(project.root.rglob("*"))
    for path in set(directories) - {project.root / "var"}:
        path.chmod(0o555)
    # Who may do everything may not any more, in this process.
    powerless = ["setpriv", "--bounding-set=-all"] if os.geteuid() == 0 else []
    try:
        for home in ({}, {"HOME": str(project.root / "file/home")}, {"HOME": "", "TMPDIR": "/nowhere"}):
            done = subprocess.run(
                [*powerless, script], cwd="/", env=home, capture_output=True, text=True, timeout=300, check=False
            )
            assert (0, "") == (done.returncode, done.stderr), done.stdout
            found = set(project.root.rglob("*")) - set((project.root / "var").rglob("*"))
            assert before == found
            assert {*KEPT, "coverage.xml"} == set(os.listdir(project.root / "var"))
        refused = [*powerless, "/bin/sh", "-c", f"echo > '{project.root}/x'"]
        assert 0 != subprocess.run(refused, capture_output=True, check=False).returncode
    finally:
        for path in directories:
            path.chmod(0o755)


def test_a_history_that_cannot_be_written(project: Project) -> None:
    """Where the history can be neither written nor read that is told, and the reports are made without it."""
    (project.root / "var/history.jsonl").mkdir(parents=True)
    done = project.cover(report=["html"])
    sentence = "cannot be written, so that this run is not in the history: Is a directory"
    assert (0, f"{project.root}/var/history.jsonl {sentence}\n") == (done.returncode, done.stderr)
    assert (project.root / "var/html/index.html").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[run]\nbranch = perhaps\n", "the configuration of coverage is wrong: "),
        ("[run\n", "the configuration of coverage is wrong: "),
        (
            "[run]\nplugins = no_such\n",
            "the configuration of coverage is wrong: of its plugins, no_such is not there\n",
        ),
    ],
)
def test_wrong_configuration(project: Project, text: str, sentence: str) -> None:
    """A configuration of the project's that coverage cannot read is one sentence, and no test runs."""
    project.write(".coveragerc", text)
    done = project.cover()
    assert (1, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines())), done.stderr
    assert done.stderr.startswith(sentence)


def test_own_configuration(project: Project) -> None:
    """What the part does not say the project's configuration does: branches, omitted files, the threshold."""
    project.write(
        "setup.cfg",
        "[coverage:run]\nbranch = true\nomit = */unused.py\nparallel = true\n[coverage:report]\nfail_under = 99\n",
    )
    done = project.cover("-k", "few", report=["json"])
    assert (2, True) == (done.returncode, "but at least 99 % should be" in done.stderr), done.stdout + done.stderr
    found = json.loads((project.root / "var/coverage.json").read_text())
    assert found["meta"]["branch_coverage"]
    assert not [name for name in found["files"] if "unused" in name]
    assert ["bin", "other", "parts", "pytest.ini", "setup.cfg", "src", "var"] == sorted(os.listdir(project.root))


def test_precision(project: Project) -> None:
    """The threshold is compared as coverage does it, rounded as reported, but 100 is reached by all only."""
    lines = "".join(f"line_{number} = {number}\n" for number in range(300))
    project.write("src/shop/unused.py", f"{lines}if line_1 == 0:\n    line_1 = 1\n")
    project.write("src/shop/tests/test_unused.py", "import shop.unused\n\ndef test_it():\n    pass\n")
    found = [project.cover(omit=["*/tests/*"], fail_under=least, report=[]).returncode for least in (99.9, 100.0)]
    assert [0, 2] == found
    project.write(".coveragerc", "[report]\nprecision = 2\n")
    assert 2 == project.cover(omit=["*/tests/*"], fail_under=99.9, report=[]).returncode


def test_what_is_gone(project: Project) -> None:
    """A module that a test writes and removes is named, and the others are reported."""
    project.write(
        "src/shop/tests/test_gone.py",
        """
        import os
        import runpy

        def test_gone():
            with open("gone[1].py", "w") as stream:
                stream.write("x = 1")
            runpy.run_path("gone[1].py")
            os.unlink("gone[1].py")
        """,
    )
    done = project.cover(source=[])
    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"not reported, since it is not there any more: {project.root}/gone[1].py\n" == done.stderr


def test_reports_of_one_run(project: Project) -> None:
    """Killed wherever it writes, a run leaves the reports of the last one or its own, and the next one cleans up."""
    kinds = ["html", "xml", "json", "lcov"]
    assert 0 == project.cover(report=kinds).returncode
    var = project.root / "var"
    before = {name: (var / name).read_bytes() for name in ("coverage.xml", "coverage.json", "coverage.lcov")}
    project.write("src/shop/more.py", "x = 1\n")
    # It dies where the last of the reports is being written.
    project.write(
        "src/shop/tests/test_last.py",
        """
        import os
        import signal
        import sys

        def kill(event, arguments):
            if event == "open" and str(arguments[0]).endswith(".coverage.lcov.new"):
                os.kill(os.getpid(), signal.SIGKILL)

        def test_last():
            sys.addaudithook(kill)
        """,
    )
    assert -9 == project.cover(report=kinds).returncode
    assert before == {name: (var / name).read_bytes() for name in before}
    assert "more.py" not in (var / "html/index.html").read_text()
    (project.root / "src/shop/tests/test_last.py").unlink()
    assert 0 == project.cover(report=kinds).returncode
    assert all("more.py" in (var / name).read_text() for name in [*before, "html/index.html"])
    assert [] == [path.name for path in var.iterdir() if path.name.startswith((".", "run-"))]


@pytest.mark.parametrize("kind", ["term-missing", "xml"])
def test_unwritable(project: Project, kind: str) -> None:
    """Where nothing can be written, a sentence says so, and no test runs."""
    project.write("var", "a file")
    done = project.cover(report=[kind])
    expected = f"{project.root}/var cannot be written for what is measured: File exists\n"
    assert (1, "", expected) == (done.returncode, done.stdout, done.stderr)


def test_missing_lines(project: Project) -> None:
    """The report term-missing names the lines that did not run."""
    done = project.cover("-k", "few", report=["term-missing"])
    assert re.search(r"src/shop/__init__.py +4 +1 +75% +4\n", done.stdout), done.stdout


@pytest.mark.parametrize("source", [["shop"], []])
def test_include(project: Project, source: list[str]) -> None:
    """Only what include names is reported, with and without source."""
    done = project.cover(report=["json"], source=source, include=["*/shop/__init__.py"])
    assert ["src/shop/__init__.py"] == list(json.loads((project.root / "var/coverage.json").read_text())["files"])
    assert "" == done.stderr
