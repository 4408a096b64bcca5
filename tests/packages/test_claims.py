"""Work on an egg is claimed by one process; a claim ends with the process that made it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eggcarton.packages import claims

HOLD = """
import sys
from pathlib import Path
from eggcarton.packages import claims
with claims.taken(Path(sys.argv[1]), sys.argv[2:]) as mine:
    print(*sorted(mine), flush=True)
    sys.stdin.readline()
"""


@contextmanager
def another(directory: Path, *names: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Give another process and what it could claim."""
    code = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n{HOLD}"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(directory), *names], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        try:
            yield started, started.stdout.readline().split()
        finally:
            if started.poll() is None:
                started.communicate("\n", timeout=300)


def test_what_another_has_is_not_given(tmp_path: Path) -> None:
    """Each name is given to one process at a time; what nobody has is given at once."""
    with another(tmp_path, "a", "b") as (_, theirs):
        assert ["a", "b"] == theirs
        with claims.taken(tmp_path, ["b", "c"]) as mine:
            assert {"c"} == mine
            with another(tmp_path, "c", "d") as (_, third):
                assert ["d"] == third
    with claims.taken(tmp_path, ["a", "b", "c"]) as mine:
        assert {"a", "b", "c"} == mine
    assert [".claims.lock"] == [path.name for path in tmp_path.iterdir()]


def test_a_killed_process_claims_nothing(tmp_path: Path) -> None:
    """What a process had claimed that was killed is given to the next one, and its claim goes."""
    with another(tmp_path, "a") as (process, _):
        process.send_signal(signal.SIGKILL)
        process.wait(300)
        with claims.taken(tmp_path, ["a"]) as mine:
            assert {"a"} == mine
    assert [".claims.lock"] == [path.name for path in tmp_path.iterdir()]


def test_waiting_ends_with_the_claim(tmp_path: Path) -> None:
    """Who waits goes on when the other one has finished, or was killed; where nobody works, it goes on at once."""
    for is_killed in (False, True):
        with another(tmp_path, "a", "b") as (process, _):
            claims.wait(tmp_path, ["c"])
            waiting = threading.Thread(target=claims.wait, args=(tmp_path, ["b", "c"]), daemon=True)
            waiting.start()
            waiting.join(0.2)
            assert waiting.is_alive()
            if is_killed:
                process.kill()
            else:
                process.communicate("\n", timeout=300)
            waiting.join(300)
            assert not waiting.is_alive()


def test_threads_are_kept_apart_too(tmp_path: Path) -> None:
    """Two threads of one process claim as two processes do."""
    with claims.taken(tmp_path, ["a"]), claims.taken(tmp_path, ["a", "b"]) as mine:
        assert {"b"} == mine


def test_where_there_are_no_locks(tmp_path: Path) -> None:
    """Where nothing can be claimed, all is given, so that the work is done."""
    (tmp_path / "file").write_text("")
    with claims.taken(tmp_path / "file" / "below", ["a"]) as mine:
        assert {"a"} == mine
    claims.wait(tmp_path / "file" / "below", ["a"])
