"""Facts about running programs: no shell, always a time limit, failures with their last words."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from eggcarton.core.errors import CommandFailed
from eggcarton.core.process import run


def test_output(tmp_path: Path) -> None:
    """What a program writes is returned; directory, environment and input are what was asked for."""
    program = """if True:
        import os, sys
        print(os.getcwd(), sorted(name for name in os.environ if name != "LC_CTYPE"), sys.stdin.read())
        print("e", file=sys.stderr)
    """
    done = run([sys.executable, "-c", program, "$HOME"], timeout=300, cwd=tmp_path, environment={"A": "b"}, input="ü")
    assert (f"{tmp_path} ['A'] ü\n", "e\n") == (done.output, done.errors)


def test_no_input() -> None:
    """A program that reads finds nothing, and never waits for a terminal."""
    assert "" == run([sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.read())"], timeout=300).output


def test_failure() -> None:
    """An exit status is an error with the command and its last 20 lines."""
    program = "import sys\nfor i in range(30): print('line', i)\nprint('why', file=sys.stderr)\nsys.exit(3)"
    with pytest.raises(CommandFailed) as caught:
        run([sys.executable, "-c", program], timeout=300)
    assert "ended with exit status 3" == caught.value.how
    assert ("line 11", "why", 20) == (
        caught.value.last_lines[0],
        caught.value.last_lines[-1],
        len(caught.value.last_lines),
    )
    assert str(caught.value).endswith("  line 29\n  why")


def test_killed() -> None:
    """A signal that ended a program is named."""
    with pytest.raises(CommandFailed, match="was killed by SIGKILL"):
        run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], timeout=300)


def test_timeout(tmp_path: Path) -> None:
    """A program that takes too long is killed with the programs it started, and its words are kept."""
    child = tmp_path / "child"
    program = f"echo before; sleep 600 & echo $! > {child}; wait"
    started = time.monotonic()
    with pytest.raises(CommandFailed, match=r"did not end within 3 seconds and was killed\n  before"):
        run(["/bin/sh", "-c", program], timeout=3.0)
    assert time.monotonic() - started < 300
    status = Path(f"/proc/{child.read_text().strip()}/status")
    deadline = time.monotonic() + 60
    while status.exists() and "zombie" not in status.read_text() and time.monotonic() < deadline:
        os.sched_yield()
    assert not status.exists() or "zombie" in status.read_text()


@pytest.mark.parametrize(
    ("command", "reason"),
    [("no-such-program", "No such file or directory"), ("/", "Permission denied"), ("a\0b", "null")],
)
def test_not_started(command: str, reason: str) -> None:
    """A program that is not there is an error of the same kind."""
    with pytest.raises(CommandFailed, match=f"could not be started: .*{reason}"):
        run([command], timeout=300)


def test_undecodable() -> None:
    """Bytes that are no text do not matter."""
    assert "\ufffd" == run(["printf", "\\377"], timeout=300).output
