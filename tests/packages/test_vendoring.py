"""Files put into somebody's checkout: written, replaced, removed, and never taken from whoever changed them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError, UsageProblem
from eggcarton.packages.vendoring import RECORD, Vendored, put


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


def test_what_is_put_is_recorded(tmp_path: Path) -> None:
    """The record is one that sha256sum checks; the same files again change nothing."""
    assert Vendored(("a.txt", "b.py", RECORD), (), ()) == put(tmp_path, {"b.py": b"b", "a.txt": b"a"})
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", RECORD], cwd=tmp_path, check=True, timeout=300)
    before = {path: path.stat() for path in tmp_path.iterdir()}
    assert Vendored((), (), ()) == put(tmp_path, {"a.txt": b"a", "b.py": b"b"})
    assert before == {path: path.stat() for path in tmp_path.iterdir()}


def test_what_is_newer_takes_the_place(tmp_path: Path) -> None:
    """Other content replaces what was put, a file that is put no more goes, and one that was lost comes back."""
    put(tmp_path, {"a": b"1", "old-1": b"1", "lost": b"1"})
    (tmp_path / "lost").unlink()
    assert Vendored(("a", "lost", "old-2", RECORD), ("old-1",), ()) == put(
        tmp_path, {"a": b"2", "old-2": b"2", "lost": b"1"}
    )
    assert ["a", "lost", "old-2", RECORD] == names(tmp_path)


def test_what_was_changed_by_hand_is_kept(tmp_path: Path) -> None:
    """A file that somebody changed stays, as often as it is put; removed, it comes anew."""
    put(tmp_path, {"a": b"1", "gone": b"1", "b": b"1"})
    (tmp_path / "a").write_bytes(b"mine")
    (tmp_path / "gone").write_bytes(b"mine")
    assert Vendored(("b", RECORD), (), ("a", "gone")) == put(tmp_path, {"a": b"2", "b": b"2"})
    assert Vendored((), (), ("a", "gone")) == put(tmp_path, {"a": b"2", "b": b"2"})
    assert (b"mine", b"mine") == ((tmp_path / "a").read_bytes(), (tmp_path / "gone").read_bytes())
    (tmp_path / "a").unlink()
    (tmp_path / "gone").unlink()
    assert Vendored(("a", RECORD), (), ()) == put(tmp_path, {"a": b"2", "b": b"2"})
    # What a kill has left: the file is there already, the record does not know it.
    (tmp_path / "a").write_bytes(b"3")
    assert Vendored((RECORD,), (), ()) == put(tmp_path, {"a": b"3", "b": b"2"})


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """What was there before, a link or a directory among it, is named at once, and nothing is written."""
    (tmp_path / "a").write_bytes(b"theirs")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").mkdir()
    with pytest.raises(EggcartonError, match="files of its own under the names a, b, c, so that nothing was written"):
        put(tmp_path, dict.fromkeys("abcd", b""))
    assert ["a", "b", "c"] == names(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own/same").write_bytes(b"1")
    assert Vendored((RECORD,), (), ()) == put(tmp_path / "own", {"same": b"1"})


@pytest.mark.parametrize("text", ["", "no record\n", "<<<<<<< mine\n", f"{'0' * 64}  ../outside\n"])
def test_a_record_that_is_none(tmp_path: Path, text: str) -> None:
    """What vendor has not written is refused, so that nothing is taken for changed, or removed, because of it."""
    (tmp_path / RECORD).write_text(text, "utf-8")
    with pytest.raises(UsageProblem, match="is not what bin/eggcarton vendor has written"):
        put(tmp_path, {"a": b"1"})
    assert [RECORD] == names(tmp_path)
