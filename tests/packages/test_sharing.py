"""Facts about eggs of one file for several Pythons."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eggcarton.packages import eggs, sharing

OLD, NEW = "py3.11-linux-x86_64", "py3.12-linux-x86_64"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory of a file's eggs, with the one for 3.11."""
    base = f"my_library-1.0.post1-{OLD}"
    egg = tmp_path / "store" / f"{base}.egg"
    for name, text in (("library/__init__.py", "x = 1\n"), (f"{base}.dist-info/METADATA", "Name: my-library\n")):
        (egg / name).parent.mkdir(parents=True, exist_ok=True)
        (egg / name).write_text(text)
    (egg / "library/run.sh").write_text("exit\n")
    (egg / "library/run.sh").chmod(0o755)
    lines = [f"{name},,\n" for name in ("library/__init__.py", "library/run.sh", "x-1.dist-info/METADATA")]
    (egg / f"{base}.dist-info/RECORD").write_text("".join([*lines, "x-1.dist-info/RECORD,,\n"]))
    eggs.write_record(egg, "x-1.dist-info")
    (egg / "library/__pycache__").mkdir()
    (egg / "library/__pycache__/__init__.cpython-311.pyc").write_bytes(b"compiled")
    return tmp_path / "store"


def content(egg: Path) -> dict[str, tuple[bytes, int]]:
    files = [path for path in egg.rglob("*") if path.is_file()]
    return {path.relative_to(egg).as_posix(): (path.read_bytes(), path.stat().st_mode & 0o777) for path in files}


@pytest.mark.parametrize("hardlink", [os.link, lambda source, target: (_ for _ in ()).throw(OSError(18, "no"))])
def test_shared(place: Path, tmp_path: Path, hardlink: object) -> None:
    """The egg has the other one's files under its own names, without what was compiled; they are links where can be."""
    old = place / f"my_library-1.0.post1-{OLD}.egg"
    new = sharing.made(place, NEW, tmp_path / "staging", hardlink=hardlink)  # type: ignore[arg-type]
    assert new == tmp_path / "staging" / f"my_library-1.0.post1-{NEW}.egg"
    expected = {name.replace(OLD, NEW): what for name, what in content(old).items() if "__pycache__" not in name}
    assert expected == content(new)
    assert eggs.recorded(new).keys() == expected.keys()
    is_same = (old / "library/__init__.py").stat().st_ino == (new / "library/__init__.py").stat().st_ino
    assert (hardlink is os.link) == is_same


def test_not_shared(place: Path, tmp_path: Path) -> None:
    """What is not as its RECORD says, is of another platform, or is not there, is not shared."""
    assert sharing.made(place, "py3.12-macosx-14.0-arm64", tmp_path / "a") is None
    assert sharing.made(place / "nowhere", NEW, tmp_path / "b") is None
    added = place / f"my_library-1.0.post1-{OLD}.egg" / "library/more.py"
    added.write_text("")
    assert sharing.made(place, NEW, tmp_path / "c") is None
    added.unlink()
    (added.parent / "__init__.py").write_text("x = 2\n")
    assert sharing.made(place, NEW, tmp_path / "d") is None
