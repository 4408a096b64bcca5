"""What zc.buildout has noted, and what of a failed run's notes is kept."""

from __future__ import annotations

from pathlib import Path

from eggcarton.buildout.installed import read, with_new_parts

BEFORE = """\
[buildout]
installed_develop_eggs =
parts = old

[old]
__buildout_installed__ = parts/old
"""
NEW = """
[new]
__buildout_installed__ = parts/new
\tbin/new
recipe = maker
"""


def noted(tmp_path: Path, before: str, now: str) -> str:
    """Return what is noted after a run that found one record, left another, and was undone."""
    (tmp_path / ".installed.cfg").write_text(now, "utf-8")
    return with_new_parts(before, tmp_path / ".installed.cfg", tmp_path)


def test_a_new_part_that_is_done_stays_noted(tmp_path: Path) -> None:
    """It would find its own directory in its way if the next run installed it again."""
    now = f"{BEFORE.replace('= old', '= old new')}{NEW}"
    kept = noted(tmp_path, BEFORE, f"{now}\n[buildout]\nparts = new\n")
    (tmp_path / ".installed.cfg").write_text(kept, "utf-8")
    found = read(tmp_path / ".installed.cfg", tmp_path)
    assert found.parts == {
        "old": (tmp_path / "parts/old",),
        "new": (tmp_path / "parts/new", tmp_path / "bin/new"),
    }
    assert kept == noted(tmp_path, BEFORE, kept)


def test_a_new_part_that_took_what_another_had_is_not_noted(tmp_path: Path) -> None:
    """What the other one gave up is put back, so that nothing of the new one stands."""
    for taken in ("parts/old", "parts/old/file", "parts"):
        now = f"{BEFORE.replace('= old', '= old new')}{NEW.replace('parts/new', taken)}"
        assert BEFORE == noted(tmp_path, BEFORE, now)


def test_a_record_that_was_being_written_counts_for_nothing(tmp_path: Path) -> None:
    """A kill may leave half a line, half a file, or none."""
    now = f"{BEFORE.replace('= old', '= old new')}{NEW}"
    for half in (now.removesuffix("\n"), now.partition("[old]")[0], "parts", ""):
        assert BEFORE == noted(tmp_path, BEFORE, half)
    (tmp_path / ".installed.cfg").unlink()
    assert BEFORE == with_new_parts(BEFORE, tmp_path / ".installed.cfg", tmp_path)
