"""Facts about the directory of one run: real processes that hold it, die, and come again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.runtime.testing.run_directory import Busy, held

HOLDS = """
import sys
from pathlib import Path
from eggcarton.runtime.testing.run_directory import held

with held(Path(sys.argv[1])) as place:
    (place / "data").touch()
    print(place, flush=True)
    sys.stdin.read()
"""


def holding(directory: Path) -> tuple[subprocess.Popen[str], Path]:
    """Start a process that holds a directory until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    return process, Path(process.stdout.readline().rstrip("\n"))


def test_it_goes_with_the_run(tmp_path: Path) -> None:
    """The directory is new, below that of the part, which is made; it goes with the run, whatever is in it."""
    directory = tmp_path / "var/my part"
    with held(directory) as place:
        assert (directory, []) == (place.parent, os.listdir(place))
        (place / "below").mkdir()
        (place / "below/data").touch()
    assert ["run.lock"] == os.listdir(directory)
    with pytest.raises(ZeroDivisionError), held(directory) as place:
        raise ZeroDivisionError
    assert ["run.lock"] == os.listdir(directory)


def test_another_run(tmp_path: Path) -> None:
    """While one process holds it another one is refused, which leaves all as it is, and may hold it after that."""
    process, place = holding(tmp_path)
    with pytest.raises(Busy) as problem, held(tmp_path):
        pass
    assert f"another run is being measured here, by process {process.pid}" == str(problem.value)
    assert (place / "data").exists()
    assert ("", None) == process.communicate("")
    with held(tmp_path):
        pass
    assert ["run.lock"] == os.listdir(tmp_path)


def test_after_a_kill(tmp_path: Path) -> None:
    """A killed run holds nothing, though its lock is there; what it has left goes with the next one's beginning."""
    process, left = holding(tmp_path)
    process.kill()
    process.communicate()
    assert ((left / "data").exists(), f"{process.pid}\n") == (True, (tmp_path / "run.lock").read_text())
    (tmp_path / "run-removed-over").mkdir()
    (tmp_path / "run-a-file").touch()
    with held(tmp_path) as place:
        assert sorted(["run-a-file", "run.lock", place.name]) == sorted(os.listdir(tmp_path))
        assert f"{os.getpid()}\n" == (tmp_path / "run.lock").read_text()


FORKS = """
import os, sys
from pathlib import Path
from eggcarton.runtime.testing.run_directory import held

directory = Path(sys.argv[1])
go, end = os.pipe()
with held(directory) as place:
    process = os.fork()
    if process:
        assert os.waitpid(process, 0)[1] == 0
        assert place.exists()
        process = os.fork()
        if not process:
            os.close(end)
            os.read(go, 1)
            os._exit(0)
if not process:
    # It has left the block as the first process does.
    os._exit(0)
with held(directory):
    print("again")
os.close(end)
assert os.waitpid(process, 0)[1] == 0
"""


def test_what_forks_off(tmp_path: Path) -> None:
    """A process that forks off neither removes the directory where it leaves the block, nor keeps the lock after it."""
    done = subprocess.run([sys.executable, "-c", FORKS, tmp_path], capture_output=True, text=True, check=False)
    assert (0, "again\n") == (done.returncode, done.stdout), done.stderr


def test_what_cannot_be_written(tmp_path: Path) -> None:
    """A directory that cannot be made or written is an error of the system with its name."""
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError) as problem, held(tmp_path / "file/var"):
        pass
    assert str(tmp_path / "file/var") == str(problem.value.filename)
    (tmp_path / "var/run.lock").mkdir(parents=True)
    with pytest.raises(IsADirectoryError) as problem_of_lock, held(tmp_path / "var"):
        pass
    assert str(tmp_path / "var/run.lock") == str(problem_of_lock.value.filename)
