"""Another user than the one who tests: nobody knows them, they own nothing, and they are not root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NOBODY = 54321


def python_for_anybody() -> Path:
    """Return a Python of the machine's, which any user may start; without one, or as another user than root, skip."""
    python = shutil.which("python3", path=os.defpath)
    if os.geteuid() != 0 or python is None:
        pytest.skip("only root can become another user, who needs a Python of the machine's")
    return Path(python)


def same_python_for_anybody() -> Path:
    """Return such a Python of the version that runs the tests, whose wheels suit it; where it is another, skip."""
    python = python_for_anybody()
    told = subprocess.check_output([python, "-I", "-c", "import sys; print(*sys.version_info[:2])"], text=True)
    if tuple(map(int, told.split())) != sys.version_info[:2]:
        pytest.skip(f"the machine's Python is {'.'.join(told.split())}, and another version runs the tests")
    return python


def bare_python_for_anybody(place: Path) -> Path:
    """Return a Python without pip and ensurepip in a directory, which any user may start; where there is none, skip.

    It is a copy of the machine's, which has to be of the version that runs the tests.
    """
    told = "import sys, sysconfig; print(sysconfig.get_path('stdlib'), sys.executable)"
    library, executable = subprocess.check_output([same_python_for_anybody(), "-I", "-c", told], text=True).split()
    copied = place / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (copied / "site-packages").mkdir(parents=True)
    for entry in Path(library).iterdir():
        if entry.name not in ("ensurepip", "site-packages", "dist-packages"):
            (copied / entry.name).symlink_to(entry)
    python = place / "bin" / "python3"
    python.parent.mkdir()
    shutil.copy2(Path(executable).resolve(), python)
    question = "import importlib.util as u, sys; print(u.find_spec('pip'), u.find_spec('ensurepip'), sys.prefix)"
    if f"None None {place}\n" != subprocess.check_output([python, "-I", "-c", question], text=True):
        pytest.skip("the machine's Python cannot be copied to another place")
    return python


def open_to_anybody(place: Path) -> None:
    """Let any user come as far as a directory of a test's, and no further."""
    for above in place.parents:
        if above.stat().st_uid == 0 and above.owner() == "root" and "tmp" in above.parts:
            above.chmod(above.stat().st_mode | 0o055)
