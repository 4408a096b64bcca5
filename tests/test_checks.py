"""bin/check: one line a check, and a closing line that stands alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHECKS, SKIPS = ROOT / "dev" / "checks.py", ROOT / ".ci" / "skips.py"
# A check is a module that this Python runs: one that works, and one that is not there.
PLANNED = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import checks
checks.CHECKS = (
    checks.Check("good", ("this",), is_fast=True),
    checks.Check("bad", ("no_such_module",)),
    checks.Check("fine", ("this",)),
)
sys.exit(checks.main())
"""


def run(*arguments: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-c", PLANNED, str(CHECKS.parent), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, [re.sub(r" +[0-9.]+ s$", "", line) for line in done.stdout.splitlines()]


def test_each_check_has_a_line_and_the_last_line_counts_them() -> None:
    """A failed check shows what it said, the others are run all the same, and the status is 1."""
    status, lines = run()
    assert 1 == status
    assert ["good       passed", "bad        failed", "fine       passed"] == [
        line for line in lines if "ed" in line[-6:]
    ][:3]
    assert any("No module named no_such_module" in line for line in lines)
    assert "2 passed, 1 failed" == lines[-1]


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["--fast"], ["good       passed", "1 passed, 0 failed"]),
        (["fine"], ["fine       passed", "1 passed, 0 failed"]),
        (["fine", "--fast"], ["0 passed, 0 failed"]),
    ],
)
def test_only_what_was_chosen_is_run(arguments: list[str], lines: list[str]) -> None:
    """A name, and --fast, leave the other checks out."""
    assert (0, lines) == run(*arguments)


def test_a_check_that_does_not_exist_is_named() -> None:
    """A wrong name ends with status 2 and the names that there are."""
    status, lines = run("typos")
    assert 2 == status
    assert "there is no check 'typos'; the checks are good, bad, fine" in lines[-1]


REPORT = """<testsuites><testsuite><testcase classname="tests.test_a" name="test_b">
<skipped type="pytest.skip" message="not installed: chromium">where</skipped></testcase></testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("allowed", "status", "said"),
    [
        ("# nothing\n", 1, "skipped, and not on ALLOWED: tests.test_a.test_b: not installed: chromium\n"),
        ("# a browser\nnot installed: chromium\n", 0, ""),
    ],
)
def test_a_skip_that_is_not_on_the_list_is_named(tmp_path: Path, allowed: str, status: int, said: str) -> None:
    """The continuous integration fails on a skipped test whose reason nobody has allowed."""
    report, listed = tmp_path / "report.xml", tmp_path / "allowed.txt"
    report.write_text(REPORT, "utf-8")
    listed.write_text(allowed, "utf-8")
    command = [sys.executable, str(SKIPS), str(report), str(listed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert (status, said) == (done.returncode, done.stdout.replace(str(listed), "ALLOWED"))
