"""Pins are a requirements file that pip and uv obey, and that holds no address."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.core.errors import IntegrityProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage
from eggcarton.packages.pins import Pin, read, text_of, unpinned
from support.closed import needs
from support.distributions import wheel

A, B = "a" * 64, "b" * 64
TEXT = f"""\
# Made by a test;
# twice.
six==1.16.0 ; python_version < '3' \\
    --hash=sha256:{A}
six==1.17.0 \\
    --hash=sha256:{A} \\
    --hash=sha256:{B}
"""
LOCK = Lock(
    ">=3.10",
    (
        LockedPackage("six", "1.17.0", (LockedFile("two.whl", B), LockedFile("one.whl", A))),
        LockedPackage("six", "1.16.0", (LockedFile("old.whl", A),), marker="python_version < '3'"),
    ),
)


def test_text() -> None:
    """Pins are sorted, each with its marker and the sorted sha256 of its wheels, below a comment."""
    assert TEXT == text_of(LOCK, ["Made by a test;", "twice."])


def test_round_trip() -> None:
    """What was written is read back."""
    old = Pin("six", "1.16.0", 'python_version < "3"', frozenset({A}))
    new = Pin("six", "1.17.0", None, frozenset({A, B}))
    assert (old, new) == read(TEXT, "pins.txt")
    assert [False, True] == [old.needed, new.needed]


def test_names_are_canonical() -> None:
    """A name may be spelt as its project spells it."""
    assert "zc-buildout" == read(f"ZC.Buildout==5 --hash=sha256:{A}", "pins.txt")[0].name


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("six==1.0", "pins.txt: six needs one exact version and at least one sha256; lock again"),
        (f"six>=1.0 --hash=sha256:{A}", "pins.txt: six needs one exact version and at least one sha256; lock again"),
        (f"six --hash=sha256:{A}", "pins.txt: six needs one exact version and at least one sha256; lock again"),
        ("six==1.0 --hash=md5:aa", "pins.txt: six needs one exact version and at least one sha256; lock again"),
        ("-r other.txt", "pins.txt: '-r other.txt' is no pin; lock again"),
    ],
)
def test_what_is_no_pin(line: str, message: str) -> None:
    """A line without an exact version or without a sha256 is refused with the file and the name."""
    with pytest.raises(IntegrityProblem) as caught:
        read(line, "pins.txt")
    assert message == str(caught.value)


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
def test_pip_obeys(tmp_path: Path, right: bool) -> None:
    """pip installs what is pinned when its sha256 is right, and only then."""
    needs("pip")
    path = wheel(tmp_path, "six", "1.0")
    file = LockedFile(path.name, file_digest(path) if right else A)
    pins = tmp_path / "pins.txt"
    pins.write_text(text_of(Lock(None, (LockedPackage("six", "1.0", (file,)),)), ["Pins."]), "utf-8")
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--no-index", "--find-links", str(tmp_path)]
    command += ["--require-hashes", "--requirement", str(pins), "--target", str(tmp_path / "target")]
    done = subprocess.run(command, capture_output=True, timeout=300, check=False)
    assert right == (done.returncode == 0) == (tmp_path / "target" / "six.py").exists()


def test_what_is_not_pinned() -> None:
    """Only one exact version is a pin; names count by any spelling."""
    found = [LockedPackage(name, "1.0") for name in ("web", "zope-interface", "six", "colour")]
    pins = {"Web": "1.0", "zope.interface": "==1.0", "six": ">=1", "colour": ""}
    assert ["zope-interface", "six", "colour"] == [p.name for p in unpinned(found, pins)]
