"""Builds note what they use of a store; one whose directory is gone is no longer known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.packages import registers
from eggcarton.packages.registers import Build
from eggcarton.packages.store_names import HIDDEN


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "eggs" / HIDDEN).mkdir(parents=True)
    return tmp_path / "eggs"


def build_in(place: Path, *entries: str) -> Build:
    place.mkdir()
    return Build(place, "key", frozenset(entries), frozenset({"ab"}))


def test_what_a_build_notes(store: Path, tmp_path: Path) -> None:
    """What was noted is known, anew in the place of the old, and nothing lies beside it."""
    build = build_in(tmp_path / "app", "cd/six.egg")
    assert None is registers.of(store, build.root)
    registers.note(store, build)
    assert build == registers.of(store, build.root)
    later = Build(build.root, "other", frozenset({"ef/six.egg"}), frozenset())
    registers.note(store, later)
    assert [later] == registers.all_of(store)
    assert 1 == len(list((store / HIDDEN / "builds").iterdir()))


def test_one_directory_by_two_names(store: Path, tmp_path: Path) -> None:
    """A directory is one build, whatever links lead to it."""
    build = build_in(tmp_path / "app")
    (tmp_path / "link").symlink_to(build.root)
    registers.note(store, build)
    assert build == registers.of(store, tmp_path / "link")


NEWER = '{"format": 2, "root": "/", "key": "", "entries": [], "files": []}'


@pytest.mark.parametrize("content", ["", "{", "[]", '{"root": "/", "key": ""}', NEWER])
def test_a_broken_note(store: Path, tmp_path: Path, content: str) -> None:
    """Half a note, or one of another format, is none, and known as such."""
    build = build_in(tmp_path / "app")
    registers.note(store, build)
    (path,) = (store / HIDDEN / "builds").iterdir()
    path.write_text(content, "utf-8")
    assert [path] == registers.unreadable(store)
    assert (None, []) == (registers.of(store, build.root), registers.all_of(store))


def test_what_is_used(tmp_path: Path) -> None:
    """An egg is used by its file and name; of what builds from source require, every egg of the file is."""
    build = build_in(tmp_path / "app", "cd/six.egg", "closed-set-12")
    used = {entry: build.uses(entry) for entry in ("cd/six.egg", "cd/six-2.egg", "ab/x.egg", "ab-compiled/x.egg")}
    assert {"cd/six.egg": True, "cd/six-2.egg": False, "ab/x.egg": True, "ab-compiled/x.egg": True} == used
    assert [True, False] == [build.uses("closed-set-12"), build.uses("closed-set-13")]
    assert build.is_there
    build.root.rmdir()
    assert not build.is_there


def test_one_that_is_forgotten(store: Path, tmp_path: Path) -> None:
    """Who is forgotten is not known; it may be forgotten twice."""
    build = build_in(tmp_path / "app")
    registers.note(store, build)
    registers.forget(store, [build, build])
    assert [] == registers.all_of(store)


def test_builds_keep_cleaning_out(store: Path) -> None:
    """Any number of builds are at work at once, and none while a store is cleaned; the end of a process ends it."""
    code = "import sys; from pathlib import Path; from eggcarton.packages import registers\n"
    code += "held = registers.begin(Path(sys.argv[1])); print(1, flush=True); sys.stdin.readline()"
    path = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n"
    own = registers.begin(store)
    with subprocess.Popen(
        [sys.executable, "-c", path + code, store], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert "1\n" == other.stdout.readline()
        assert own is not None
        own.close()
        with pytest.raises(BlockingIOError):
            registers.begin_cleaning(store)
        other.kill()
        other.wait(300)
        cleaning = registers.begin_cleaning(store)
        assert cleaning is not None
        cleaning.close()


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    """Where nothing can be noted, a build goes on all the same."""
    (tmp_path / "file").write_text("")
    assert None is registers.begin(tmp_path / "file" / "eggs")
    with pytest.raises(OSError, match="Not a directory"):
        registers.note(tmp_path / "file" / "eggs", Build(tmp_path))
    assert [] == registers.all_of(tmp_path / "file" / "eggs")
