"""The real pip and uv beside an empty Python environment, and a lock of ours that they are held against."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.child.exchange import bring_in, export
from eggcarton.packages import uv
from eggcarton.packages.lock import read
from support.buildouts import PYTHON, environment
from support.closed import uv_program
from support.index import Index

HERE = f">={sys.version_info[0]}.{sys.version_info[1]}"
"""The Pythons that locks are made for."""

_INSTALLED = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"


class Tools:
    """A directory with an empty Python environment in it; without a pip in the toolchain the test is skipped.

    Args:
        root: the directory, which is made.
        index: what everything comes from.
        wheels: the toolchain's wheels, pip's among them.
    """

    def __init__(self, root: Path, index: Index, wheels: Path) -> None:
        pip = next(wheels.glob("pip-*.whl"), None)
        if pip is None:
            pytest.skip("the toolchain has no pip")
        self.root, self.index, self._pip = root, index, pip
        self.python = root / "venv" / "bin" / "python"
        self.lock = root / "locked" / "pylock.toml"
        self.lock.parent.mkdir(parents=True)
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", root / "venv"], check=True, timeout=300)

    def pip(self, *arguments: str) -> tuple[int, str]:
        """Run pip in the environment; without an index unless the arguments name one."""
        done = subprocess.run(
            [self.python, self._pip / "pip", *arguments, "--disable-pip-version-check"],
            cwd=self.root,
            env=environment(self.root),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout

    def uv(self, *arguments: str) -> tuple[int, str]:
        """Run uv beside the environment."""
        done = uv.run(uv_program(), arguments, cache=self.root / "uv-cache", directory=self.root)
        return done.status, done.output

    def installed(self) -> dict[str, str]:
        """Return what stands in the environment."""
        command = [self.python, "-I", "-c", _INSTALLED]
        found = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300)
        versions: dict[str, str] = json.loads(found.stdout)
        return versions

    def bring_in(self, name: str, *needs: str) -> list[str]:
        """Make our lock of what a part needs from a file, and return what was told."""
        answer = bring_in(
            file=str(self.root / name),
            lock=str(self.lock),
            needs=[[need, "part app"] for need in needs],
            pins={},
            develop=[],
            requires_python=HERE,
            terms={},
            allow_sdist=[],
            toolchain={"paths": [], "versions": {}},
            sources=self._sources(),
        )
        told: list[str] = answer["changed"]
        return told

    def _sources(self) -> dict[str, object]:
        return {
            "index": self.index.url,
            "find_links": [],
            "cache": str(self.root / "cache"),
            "directories": [],
            "offline": False,
        }

    def export(self, kind: str, name: str, *, urls: bool = False) -> None:
        """Write an export of our lock into a file."""
        text = export(kind=kind, lock=str(self.lock), urls=urls, sources=self._sources())
        (self.root / name).write_text(text, "utf-8")

    def locked(self) -> dict[str, str]:
        """Return the versions of our lock."""
        return {package.name: package.version for package in read(self.lock).packages}
