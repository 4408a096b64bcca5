"""The kept wheel has one form, which depends on its content alone."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError
from eggcarton.packages.canonical_wheel import rewrite

FILES = {
    "a-1.dist-info/RECORD": "b.py,,\na.py,,\n",
    "a-1.dist-info/METADATA": "Name: a\n",
    "b.py": "b = 1\n" * 100,
    "a-1.data/scripts/run": "#!python\n",
    "a.py": "",
}


def write(path: Path, names: list[str], day: int, mode: int, method: int) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, (2000 + day, 1, day, 0, 0, 0))
            entry.external_attr = (0o100000 | (0o755 if "/scripts/" in name else mode)) << 16
            archive.writestr(entry, FILES[name], method)
    return path


def test_one_form(tmp_path: Path) -> None:
    """Order, times, modes and compression do not count; the content and what can be executed do."""
    first = write(tmp_path / "one.whl", list(FILES), 1, 0o664, zipfile.ZIP_DEFLATED)
    second = write(tmp_path / "two.whl", list(FILES)[::-1], 2, 0o600, zipfile.ZIP_STORED)
    for path in (first, second):
        rewrite(path, path.with_suffix(".kept"))
    assert first.with_suffix(".kept").read_bytes() == second.with_suffix(".kept").read_bytes()
    with zipfile.ZipFile(first.with_suffix(".kept")) as archive:
        found = [(info.filename, oct(info.external_attr >> 16)) for info in archive.infolist()]
        assert [
            ("a-1.data/scripts/run", "0o100755"),
            ("a.py", "0o100644"),
            ("b.py", "0o100644"),
            ("a-1.dist-info/METADATA", "0o100644"),
            ("a-1.dist-info/RECORD", "0o100644"),
        ] == found
        assert FILES["b.py"].encode() == archive.read("b.py")
        assert b"a.py,,\nb.py,,\n" == archive.read("a-1.dist-info/RECORD")


def test_what_is_no_wheel(tmp_path: Path) -> None:
    """What a backend made and is no archive, or holds two files of one name, is told by its name."""
    (tmp_path / "a.whl").write_bytes(b"no archive")
    with pytest.raises(EggcartonError, match=r"the build made a\.whl, which is no wheel: "):
        rewrite(tmp_path / "a.whl", tmp_path / "kept")
    with zipfile.ZipFile(tmp_path / "b.whl", "w") as archive:
        archive.writestr("a.py", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.py", "2")
    with pytest.raises(EggcartonError, match=r"b\.whl holds two files of one name"):
        rewrite(tmp_path / "b.whl", tmp_path / "kept")
