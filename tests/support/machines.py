"""A Python of the machine's own, whose site-packages belongs to a test, and what is installed there."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.buildouts import PYTHON, Buildout


@dataclass(frozen=True)
class Machine:
    """A Python with an empty site-packages; the standard library is that of the Python that runs the tests."""

    python: Path
    site_packages: Path

    def install(self, wheel: Path) -> None:
        """Install a wheel as pip does, but for its scripts."""
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.site_packages)

    def write(self, path: str, text: str) -> Path:
        """Write a file into site-packages."""
        place = self.site_packages / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
        return place

    def remove(self, name: str) -> None:
        """Remove whatever in site-packages begins with a name."""
        for path in self.site_packages.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def runs(self, build: Buildout) -> None:
        """Have this Python run the programs of a buildout."""
        for script in build.bin.iterdir():
            text = re.sub(re.escape(str(PYTHON)) + r"(?![\w.])", str(self.python), script.read_text("utf-8"))
            script.write_text(text, "utf-8")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Python whose site-packages a test fills."""
    minor = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    prefix, library = tmp_path / "machine", Path(sysconfig.get_path("stdlib"))
    own = prefix / "lib" / minor
    (own / "site-packages").mkdir(parents=True)
    (prefix / "bin").mkdir()
    for entry in os.listdir(library):
        if entry not in ("site-packages", "dist-packages"):
            (own / entry).symlink_to(library / entry)
    shutil.copy2(os.path.realpath(PYTHON), prefix / "bin" / minor)
    (prefix / "bin" / "python3").symlink_to(minor)
    return Machine(prefix / "bin" / minor, own / "site-packages")
