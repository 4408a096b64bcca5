"""A lock is written whole or not at all, whatever ends the process that writes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.child.provide import written
from eggcarton.core.errors import IntegrityProblem, StagingProblem
from eggcarton.packages import lock as locks
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage

PACKAGES = tuple(
    LockedPackage(f"name-{n:03}", "1.0", wheels=(LockedFile(f"name_{n:03}-1.0-py3-none-any.whl", "a" * 64),))
    for n in range(200)
)
OLD, NEW = Lock(">=3.10", PACKAGES[:1]), Lock(">=3.10", PACKAGES)

# What writes the new lock in a process of its own, once the system has been told to let it down.
WRITING = """
import os, resource, signal, sys
from pathlib import Path
from eggcarton.child.provide import written
from eggcarton.packages import lock as locks

def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

trouble, old, new, plain = sys.argv[1:]
lock = locks.read(Path(new))
if trouble == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
elif trouble in ("replace", "fsync"):
    # As if the process were killed in this very call.
    setattr(os, trouble, killed)
try:
    if plain == "plain":
        Path(old).write_text(locks.text_of(lock), "utf-8")
    else:
        written(Path(old), None, lock)
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A lock that was written before."""
    path = tmp_path / "root" / "pylock.toml"
    path.parent.mkdir()
    written(path, None, OLD)
    return path


def write(trouble: str, old: Path, way: str = "ours") -> subprocess.CompletedProcess[str]:
    """Write the new lock over the old one in another process, our way or the plain one."""
    new = old.parent.with_name("new.toml")
    new.write_text(locks.text_of(NEW), "utf-8")
    return subprocess.run(
        [sys.executable, "-c", WRITING, trouble, str(old), str(new), way],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_process_that_is_killed(old: Path, moment: str) -> None:
    """Killed while it writes, or before it renames, the old lock stands; the next run leaves nothing beside it."""
    assert -signal.SIGKILL == write(moment, old).returncode
    assert OLD == locks.read(old)
    assert 0 == write("none", old).returncode
    assert NEW == locks.read(old)
    assert ["pylock.toml"] == os.listdir(old.parent)


def test_a_disk_that_is_full(old: Path) -> None:
    """Where the new lock finds no room the old one stands, nothing lies beside it, and the sentence says why."""
    done = write("full", old)
    assert f"StagingProblem: {old} could not be written: File too large; nothing was changed" == done.stderr.strip()
    assert OLD == locks.read(old)
    assert ["pylock.toml"] == os.listdir(old.parent)
    # A plain write leaves as much of the new lock as there was room for.
    assert "OSError: [Errno 27] File too large" == write("full", old, "plain").stderr.strip()
    with pytest.raises(IntegrityProblem):
        locks.read(old)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A lock below what is no directory is refused by name."""
    (tmp_path / "file").write_text("kept", "utf-8")
    with pytest.raises(StagingProblem) as caught:
        written(tmp_path / "file" / "pylock.toml", None, OLD)
    assert f"{tmp_path}/file/pylock.toml could not be written: Not a directory; nothing was changed" == str(
        caught.value
    )
    assert "kept" == (tmp_path / "file").read_text("utf-8")


def test_what_stands_in_the_way(old: Path) -> None:
    """A link among what a killed run may have left is removed, and what it leads to is not written."""
    target = old.with_name("target")
    target.write_text("kept", "utf-8")
    (old.parent / ".pylock.toml.left.new").symlink_to(target)
    written(old, None, NEW)
    assert ("kept", NEW) == (target.read_text("utf-8"), locks.read(old))
    assert ["pylock.toml", "target"] == sorted(os.listdir(old.parent))


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    """A lock may be named in a directory that nothing has made yet."""
    path = tmp_path / "locks" / "site" / "pylock.toml"
    written(path, None, OLD)
    assert OLD == locks.read(path)
