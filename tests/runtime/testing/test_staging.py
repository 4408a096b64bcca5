"""Facts about putting reports in place whole: real files, and processes that are killed between two renames."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.runtime.testing.staging import Staging, recover

# Before the given rename or replacement is done it kills itself, or removes the new page.
FAULTY = """
import os, shutil, signal, sys
from pathlib import Path
from eggcarton.runtime.testing.staging import Staging

root, at = Path(sys.argv[1]), int(sys.argv[2])
staging = Staging()
page = Path(staging.directory(root / "html"))
page.mkdir()
(page / "index.html").write_text("new")
Path(staging.file(root / "coverage.xml")).write_text("new")
seen = []

def fault(event, arguments):
    if event == "os.rename":
        seen.append(arguments)
        if len(seen) == at and sys.argv[3] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if len(seen) == at:
            shutil.rmtree(page)

sys.addaudithook(fault)
try:
    staging.put()
except FileNotFoundError:
    staging.drop()
    print("not put")
"""


def put(root: Path, text: str) -> None:
    staging = Staging()
    page = Path(staging.directory(root / "html"))
    page.mkdir()
    (page / "index.html").write_text(text)
    Path(staging.file(root / "coverage.xml")).write_text(text)
    staging.put()


def faulty(root: Path, at: int, what: str) -> tuple[int, str]:
    """Put reports in a process of its own, with a fault before one of its renames, and return how it ended."""
    command = [sys.executable, "-c", FAULTY, root, str(at), what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def standing(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_nothing_is_there_before_all_is_written(tmp_path: Path) -> None:
    """What is written lies beside its place until all is put; the old content goes with that, whole."""
    put(tmp_path, "old")
    (tmp_path / "html/stale.html").write_text("stale")
    staging = Staging()
    page = Path(staging.directory(tmp_path / "html"))
    page.mkdir()
    (page / "index.html").write_text("new")
    Path(staging.file(tmp_path / "coverage.xml")).write_text("new")
    assert ("old", "old") == ((tmp_path / "html/index.html").read_text(), (tmp_path / "coverage.xml").read_text())
    staging.put()
    assert {"html/index.html": "new", "coverage.xml": "new"} == standing(tmp_path)
    staging.drop()
    assert {"html/index.html": "new", "coverage.xml": "new"} == standing(tmp_path)


def test_dropped(tmp_path: Path) -> None:
    """What is dropped leaves nothing, and what was there stays."""
    put(tmp_path, "old")
    staging = Staging()
    Path(staging.directory(tmp_path / "html")).mkdir()
    Path(staging.file(tmp_path / "coverage.xml")).write_text("new")
    staging.file(tmp_path / "coverage.json")
    staging.drop()
    assert {"html/index.html": "old", "coverage.xml": "old"} == standing(tmp_path)
    assert ["coverage.xml", "html"] == sorted(os.listdir(tmp_path))


@pytest.mark.parametrize(("at", "page", "file"), [(1, "old", "old"), (2, "old", "old"), (3, "new", "old")])
def test_killed_at_each_rename(tmp_path: Path, at: int, page: str, file: str) -> None:
    """Killed before any of its renames, it leaves each report old or new, and what is left over is cleared up."""
    put(tmp_path, "old")
    assert (-9, "") == faulty(tmp_path, at, "kill")
    recover(tmp_path / "html")
    assert (page, file) == ((tmp_path / "html/index.html").read_text(), (tmp_path / "coverage.xml").read_text())
    assert [".coverage.xml.new", "coverage.xml", "html"] == sorted(os.listdir(tmp_path))
    put(tmp_path, "newest")
    assert {"html/index.html": "newest", "coverage.xml": "newest"} == standing(tmp_path)


def test_a_directory_that_cannot_be_put(tmp_path: Path) -> None:
    """Where the new page cannot take its place the old one has it again, and no file is put."""
    put(tmp_path, "old")
    assert (0, "not put\n") == faulty(tmp_path, 2, "remove")
    assert {"html/index.html": "old", "coverage.xml": "old"} == standing(tmp_path)
    assert ["coverage.xml", "html"] == sorted(os.listdir(tmp_path))


def test_permissions(tmp_path: Path) -> None:
    """Whoever may read the page may read the next one, whatever the umask of the run."""
    put(tmp_path, "old")
    (tmp_path / "html").chmod(0o2755)
    before = os.umask(0o077)
    try:
        put(tmp_path, "new")
    finally:
        os.umask(before)
    assert 0o2755 == stat.S_IMODE((tmp_path / "html").stat().st_mode)


def test_a_file_through_a_link(tmp_path: Path) -> None:
    """A report that is a link stays one, and what it leads to is replaced."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "coverage.xml").symlink_to("elsewhere/report.xml")
    put(tmp_path, "new")
    assert ("new", True) == ((tmp_path / "elsewhere/report.xml").read_text(), (tmp_path / "coverage.xml").is_symlink())


def test_nothing_to_recover(tmp_path: Path) -> None:
    """Where no run has been, or one has ended well, nothing is done."""
    recover(tmp_path / "html")
    put(tmp_path, "old")
    recover(tmp_path / "html")
    assert {"html/index.html": "old", "coverage.xml": "old"} == standing(tmp_path)
