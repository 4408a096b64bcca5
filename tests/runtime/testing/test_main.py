"""Facts about what comes before a run of tests."""

from __future__ import annotations

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
    }[what]


@pytest.mark.parametrize("what", ["a requirement", "a service", "the working directory"])
def test_no_report_of_an_earlier_run(project: Project, what: str) -> None:
    """Where nothing can run the status is 1, and the report of an earlier run is not taken for that of this one."""
    report = project.root / "junit.xml"
    assert (0, True) == (project.test(junit=str(report)).returncode, report.exists())
    done = project.test(junit=str(report), **absent(what, project))
    assert (1, False) == (done.returncode, report.exists()), done.stderr
    assert "no-such-" in done.stderr
