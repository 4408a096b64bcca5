"""The names of eggs in the store, where there are links and where there are none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.core.linking import refused
from eggcarton.packages.store_names import HIDDEN, MARK, leads_to, show

KINDS = {"symbolic": (os.symlink, os.link), "hard": (refused, os.link), "copied": (refused, refused)}


def egg(store: Path, sha256: str, text: str) -> Path:
    """Return an egg of one module in a store."""
    made = store / HIDDEN / sha256 / "one-1.0-py3.egg"
    (made / "__pycache__").mkdir(parents=True)
    (made / "one.py").write_text(text, "utf-8")
    (made / "__pycache__" / "one.cpython-311.pyc").write_text("", "utf-8")
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_leads_to_an_egg(tmp_path: Path, kind: str) -> None:
    """A name has the egg's content, stays as it is when it is given again, and leads elsewhere when that is asked."""
    symlink, hardlink = KINDS[kind]
    one, other = egg(tmp_path, "a", "one"), egg(tmp_path, "b", "other")
    name = tmp_path / "one-1.0-py3.egg"
    remarks = show(tmp_path, [one], symlink=symlink, hardlink=hardlink)
    assert ("one", True, False) == ((name / "one.py").read_text("utf-8"), leads_to(name, one), leads_to(name, other))
    assert (kind == "symbolic", kind != "symbolic") == (not remarks, (name / MARK).exists())
    before = name.lstat()
    assert [] == show(tmp_path, [one], symlink=symlink, hardlink=hardlink)
    assert before == name.lstat()
    show(tmp_path, [other], symlink=symlink, hardlink=hardlink)
    assert ("other", True) == ((name / "one.py").read_text("utf-8"), leads_to(name, other))
    assert [HIDDEN, name.name] == sorted(os.listdir(tmp_path))
    assert ["a", "b"] == sorted(os.listdir(tmp_path / HIDDEN))


@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_is_moved_aside(tmp_path: Path, kind: str) -> None:
    """What stands under a right name and did not come from the lock is kept elsewhere, and told."""
    symlink, hardlink = KINDS[kind]
    one, name = egg(tmp_path, "a", "one"), tmp_path / "one-1.0-py3.egg"
    name.mkdir()
    (name / "one.py").write_text("a stranger's", "utf-8")
    assert not leads_to(name, one)
    remark = show(tmp_path, [one], symlink=symlink, hardlink=hardlink)[0]
    assert remark.startswith(f"{name} had not come from the lock and was moved to ")
    assert "one" == (name / "one.py").read_text("utf-8")
    (kept,) = (tmp_path / HIDDEN / "replaced").rglob("one.py")
    assert "a stranger's" == kept.read_text("utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_what_python_compiled_is_not_part_of_a_name(tmp_path: Path, kind: str) -> None:
    """Hard links and copies hold what was unpacked, not what Python wrote beside it since."""
    symlink, hardlink = KINDS[kind]
    show(tmp_path, [egg(tmp_path, "a", "one")], symlink=symlink, hardlink=hardlink)
    assert (kind == "symbolic") == (tmp_path / "one-1.0-py3.egg" / "__pycache__").exists()


def test_a_name_of_an_egg_that_is_gone(tmp_path: Path) -> None:
    """A name leads nowhere when its egg is gone, or when there is none."""
    one, name = egg(tmp_path, "a", "one"), tmp_path / "one-1.0-py3.egg"
    assert not leads_to(name, one)
    show(tmp_path, [one])
    (tmp_path / HIDDEN / "a").rename(tmp_path / HIDDEN / "c")
    assert not leads_to(name, one)


def test_the_links_of_names_are_relative(tmp_path: Path) -> None:
    """A store may be moved as a whole."""
    show(tmp_path, [egg(tmp_path, "a", "one")])
    assert f"{HIDDEN}/a/one-1.0-py3.egg" == os.readlink(tmp_path / "one-1.0-py3.egg")


def test_many_strangers(tmp_path: Path) -> None:
    """Of the eggs that another installer had put there one remark tells, however many they are."""
    eggs = [egg(tmp_path, digest, digest).rename(tmp_path / HIDDEN / f"{digest}-1.0-py3.egg") for digest in "abcd"]
    for one in eggs:
        (tmp_path / one.name).mkdir()
    (remark,) = show(tmp_path, eggs)
    names = ", ".join(one.name for one in eggs[:3])
    aside = tmp_path / HIDDEN / "replaced"
    assert f"4 eggs in {tmp_path} had not come from the lock and were moved to {aside}: {names}, ..." == remark
    assert {one.name for one in eggs} == {path.name for path in aside.glob("*/*")}


SHOWING = """
import sys
from pathlib import Path
from eggcarton.packages.store_names import show
store = Path(sys.argv[1])
eggs = [egg for place in sorted((store / ".eggcarton").iterdir()) for egg in place.iterdir()]
print("ready", flush=True)
sys.stdin.readline()
show(store, eggs)
"""


def test_two_builds_at_once(tmp_path: Path) -> None:
    """Where two first builds find the same strangers in a store, each is moved aside once, and neither build fails."""
    names = [f"n{number}-1.0-py3.egg" for number in range(400)]
    for number, name in enumerate(names):
        (tmp_path / HIDDEN / f"{number:064}" / name).mkdir(parents=True)
        (tmp_path / name).mkdir()
    code = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n{SHOWING}"
    builds = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    assert ["ready\n", "ready\n"] == [build.stdout.readline() for build in builds if build.stdout is not None]
    for build in builds:
        assert build.stdin is not None
        build.stdin.write("\n")
        build.stdin.flush()
    for build in builds:
        build.communicate(timeout=60)
    assert [0, 0] == [build.returncode for build in builds]
    aside = [path for path in (tmp_path / HIDDEN / "replaced").glob("*/*") if not path.is_symlink()]
    assert sorted(names) == sorted(path.name for path in aside)
    assert [] == [name for name in names if not (tmp_path / name).is_symlink()]
