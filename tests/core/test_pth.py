"""What .pth files name is what Python itself would add to its path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from eggcarton.core.pth import named_in


def test_as_python_reads_them(tmp_path: Path) -> None:
    """Directories are given in the order in which Python adds them; code, remarks and hidden files add nothing."""
    site_packages = tmp_path / "site packages"
    names = ["plain", "with blank", "größe", "last"]
    for place in [site_packages, *(tmp_path / name for name in names)]:
        place.mkdir()
    (site_packages / "b.pth").write_text(f"# a remark\n\nimport sys\nimport\tos\n  \n{tmp_path}/plain\n", "utf-8")
    (site_packages / "c.pth").write_text("../with blank  \r\n../größe", "utf-8")
    (site_packages / ".a.pth").write_text("../hidden\n", "utf-8")
    (site_packages / "d.pth").write_text("\ufeff../last\n", "utf-8")
    (site_packages / "e.txt").write_text("../text\n", "utf-8")
    code = "import site, sys; sys.path.clear(); site.addsitedir(sys.argv[1]); print(*sys.path[1:], sep='\\n')"
    command = [sys.executable, "-X", "utf8", "-ISc", code, str(site_packages)]
    added = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300, check=True).stdout.splitlines()
    assert [str(tmp_path / name) for name in names] == list(map(str, named_in(site_packages)))
    # Python before 3.13 takes the mark at a file's beginning for a part of its first line.
    assert [str(tmp_path / name) for name in names][: len(added)] == added
    assert len(added) >= 3


def test_what_is_not_there(tmp_path: Path) -> None:
    """A directory that does not exist is named all the same, and one without .pth files, or none at all, names none."""
    (tmp_path / "a.pth").write_text("absent\n", "utf-8")
    assert [tmp_path / "absent"] == list(named_in(tmp_path))
    assert [] == list(named_in(tmp_path / "absent"))


def test_bytes_of_another_encoding(tmp_path: Path) -> None:
    """A name that is not UTF-8 is the name that the file system knows."""
    (tmp_path / "a.pth").write_bytes(b"gr\xf6sse\n")
    assert [b"gr\xf6sse"] == [bytes(path.relative_to(tmp_path)) for path in named_in(tmp_path)]
