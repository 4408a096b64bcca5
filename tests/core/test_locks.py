"""A file is held by one at a time, and what a process that is no more was working in goes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eggcarton.core import locks
from eggcarton.core.locks import hold, scratch, sweep

AT_WORK = """
import sys
from pathlib import Path
from eggcarton.core.locks import scratch
with scratch(Path(sys.argv[1]), ".work-") as place:
    (place / "half.py").write_text("")
    print(place, flush=True)
    sys.stdin.readline()
"""
WITHOUT_FCNTL = "import sys; sys.modules['fcntl'] = None\n"


@contextmanager
def at_work(parent: Path, before: str = "") -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Give a process that is at work in a directory of its own, and that directory."""
    code = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n{before}{AT_WORK}"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_one_at_a_time(tmp_path: Path) -> None:
    """A file that is held is refused to others until it is let go."""
    held = hold(tmp_path / "lock")
    assert held is not None
    with pytest.raises(BlockingIOError):
        hold(tmp_path / "lock")
    held.close()
    again = hold(tmp_path / "lock")
    assert again is not None
    again.close()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """Where no lock can be put, nobody is kept out."""
    (tmp_path / "file").write_text("")
    assert None is hold(tmp_path / "file" / "lock")


def test_scratch_leaves_nothing(tmp_path: Path) -> None:
    """Work that ends, well or not, leaves neither its directory nor its lock."""
    with scratch(tmp_path, ".work-") as place:
        (place / "deep").mkdir()
        assert {place, place.with_name(f"{place.name}.lock")} == set(tmp_path.iterdir())
    with pytest.raises(KeyError), scratch(tmp_path, ".work-") as place:
        raise KeyError
    assert [] == list(tmp_path.iterdir())


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    """Only the directory of the process that is no more is swept away, at once; other names stay."""
    (tmp_path / ".other-1").mkdir()
    with at_work(tmp_path) as (killed, left), at_work(tmp_path) as (_, kept):
        sweep(tmp_path, ".work-")
        assert [True, True] == [(place / "half.py").exists() for place in (left, kept)]
        killed.kill()
        killed.wait()
        sweep(tmp_path, ".work-")
        assert {tmp_path / ".other-1", kept, kept.with_name(f"{kept.name}.lock")} == set(tmp_path.iterdir())


def test_what_nothing_holds_goes_by_its_age(tmp_path: Path) -> None:
    """A directory without a lock stays for a day, or for as long as the caller says."""
    old, young = tmp_path / ".work-old", tmp_path / ".work-young"
    for directory in (old, young):
        directory.mkdir()
    two_days_ago = old.stat().st_mtime - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    sweep(tmp_path, ".work-")
    assert [young] == list(tmp_path.iterdir())
    sweep(tmp_path, ".work-", unheld=0)
    assert [] == list(tmp_path.iterdir())


def test_where_there_are_no_locks(tmp_path: Path) -> None:
    """Without fcntl, as on Windows, work goes on without a lock, and what was left goes by its age."""
    with at_work(tmp_path, WITHOUT_FCNTL) as (killed, left):
        assert [left] == list(tmp_path.iterdir())
        killed.kill()
        killed.wait()
    sweep(tmp_path, ".work-")
    assert [left] == list(tmp_path.iterdir())
    sweep(tmp_path, ".work-", unheld=0)
    assert [] == list(tmp_path.iterdir())


def test_a_lock_that_was_swept_away_in_between(tmp_path: Path) -> None:
    """A lock whose file is taken away before it is held is made anew under another name."""
    taken: list[Path] = []

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        # Just before the first lock is held; an audit hook cannot be removed, so it has to know its own place.
        if event == "fcntl.flock" and not taken and (found := list(tmp_path.glob("*.lock"))):
            taken.extend(found)
            found[0].unlink()

    sys.addaudithook(audit)
    with scratch(tmp_path, ".work-") as place:
        assert 1 == len(taken)
        assert taken != [place.with_name(f"{place.name}.lock")]
        with pytest.raises(BlockingIOError):
            hold(place.with_name(f"{place.name}.lock"))


def test_importing_needs_no_locks() -> None:
    """Everything that a run imports can be imported where there is no fcntl."""
    code = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n{WITHOUT_FCNTL}"
    code += "from eggcarton.buildout import transaction\nfrom eggcarton.packages import store\n"
    code += "from pathlib import Path\nfrom eggcarton.core.locks import hold\nprint(hold(Path('lock')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert ("None\n", "") == (done.stdout, done.stderr)
    assert locks.fcntl is not None
