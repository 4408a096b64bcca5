"""Facts about what comes before a run of tests."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from typing import Any

import pytest

from support.tested import Project

pytestmark = pytest.mark.slow

SERVICE: dict[str, Any] = {
    "name": "cache",
    "prefix": "CACHE",
    "command": ["no-such-server"],
    "port": None,
    "file": None,
    "environment": {},
    "environment_file": None,
    "timeout": 30.0,
    "stop_timeout": 10.0,
    "stop_signal": "TERM",
}


def absent(what: str, project: Project) -> dict[str, Any]:
    """Return the settings of a run that cannot begin."""
    root = str(project.root)
    part: dict[str, Any] = {"part": "test", "root": root}
    wanted = {"line": "file no-such-file", "kind": "file", "name": "no-such-file"}
    service = SERVICE | {"log": f"{root}/cache.log", "working_directory": root}
    reader = f"{project.parts}/eggcarton_runtime/environment_file.py"
    return {
        "a requirement": {"requires": {**part, "requires": [wanted]}},
        "a service": {"services": {**part, "reader": reader, "services": [service]}},
        "the working directory": {"working_directory": f"{root}/no-such-directory"},
    }.get(what, {})


@pytest.mark.parametrize("what", ["a requirement", "a service", "the working directory"])
def test_no_report_of_an_earlier_run(project: Project, what: str) -> None:
    """Where nothing can run the status is 1, and the report of an earlier run is not taken for that of this one."""
    report = project.root / "junit.xml"
    assert (0, True) == (project.test(junit=str(report)).returncode, report.exists())
    done = project.test(junit=str(report), **absent(what, project))
    assert (1, False) == (done.returncode, report.exists()), done.stderr
    assert "no-such-" in done.stderr


BREAKS = {
    "initialization": ("import no_such_module", 1),
    "it is killed": ("import signal\nsys.stderr.write('no_such_\\n')\nos.kill(os.getpid(), signal.SIGKILL)", -9),
    "the environment file": ("", 1),
    "what pytest reads first": ("", 4),
}


@pytest.mark.parametrize("what", BREAKS)
def test_no_report_where_the_script_breaks_early(project: Project, what: str) -> None:
    """What breaks before there are any tests, even before there is a runner, leaves no report of an earlier run."""
    report, environment_file = project.root / "junit.xml", None
    report.write_text("of the last run")
    project.initialization, status = BREAKS[what]
    if what == "the environment file":
        environment_file = project.root / "no_such_file"
    if what == "what pytest reads first":
        project.write("conftest.py", "import no_such_module\n")
    script = project.script({}, {"junit": str(report)}, environment_file)
    done = project.run(script)
    assert (status, False) == (done.returncode, report.exists()), done.stderr
    assert "no_such_" in done.stderr
    # What was put aside does not come back in its place.
    project.initialization = ""
    done = project.run(project.script({}, {"junit": str(report)}), "--version")
    assert (0, []) == (done.returncode, [path.name for path in project.root.iterdir() if "junit" in path.name])


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
def test_a_full_disk_for_the_report(project: Project, runner: str) -> None:
    """Where nothing can be written to the report, no test runs, whatever the runner, and the place is told."""
    report = project.root / "junit.xml"
    report.write_text("of the last run")
    script = project.script({}, {"junit": str(report), "runner": runner})

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    done = subprocess.run([script], env={}, capture_output=True, text=True, check=False, preexec_fn=fill)
    why = f"{os.strerror(errno.EFBIG)}; let it be written, or name another place in 'junit'"
    expected = f"{report} is where the report of the tests goes, but: {why}\n"
    assert (1, "", expected) == (done.returncode, done.stdout, done.stderr)
    assert [] == [path.name for path in project.root.iterdir() if "junit" in path.name]


def test_initialization_runs_in_the_working_directory(project: Project) -> None:
    """The user's statements come after the change of directory, and may change it; the environment comes before."""
    project.initialization = "print(os.environ['SHOP'], os.getcwd())\nos.chdir('other')\n"
    done = project.test("test_other.py", environment={"SHOP": "open"})
    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"open {project.root}" == done.stdout.splitlines()[0]
