"""A project whose tests zope.testrunner runs, by our script and by the bare runner."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from support.buildouts import Shared
from support.tested import Project

BARE = """\
#!{python} -I
import os
import sys

sys.path[:0] = {paths!r}
os.chdir({directory!r})
if __name__ == "__main__":
    from zope.testrunner import run

    run({defaults!r})
"""


@pytest.fixture(scope="session")
def zope_path(shared: Shared, zope_testrunner: Path) -> str:
    """A directory that zope.testrunner is imported from."""

    def make(place: Path) -> None:
        for path in zope_testrunner.glob("zope*.whl"):
            zipfile.ZipFile(path).extractall(place)

    return str(shared.once("unpacked-zope-testrunner", make))


class ZopeProject(Project):
    """A project below `lib` of it, which is a develop package."""

    def __init__(self, root: Path, path: str) -> None:
        super().__init__(root)
        self.library = root / "lib"
        self.paths = [str(self.library), path]
        self.initialization = f"sys.path[:0] = {self.paths!r}"
        self.settings: dict[str, Any] = {
            "runner": "zope.testrunner",
            "packages": [],
            "places": [[str(self.library), "", True]],
        }

    def zope(self, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        """Run the tests by our script."""
        return self.test(*arguments, **{**self.settings, **settings})

    def bare(self, *arguments: str, defaults: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run the tests by zope.testrunner as zc.recipe.testrunner would start it."""
        script = self.root / "bin/bare"
        words = [*defaults, "--test-path", str(self.library)]
        script.parent.mkdir(exist_ok=True)
        text = BARE.format(python=sys.executable, paths=self.paths, directory=str(self.root), defaults=words)
        script.write_text(text)
        command = [sys.executable, script, *arguments]
        return subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, timeout=300, check=False)


def timeless(text: str) -> str:
    """Return what was printed, without what no two runs have alike."""
    text = re.sub(r"(?:\d+ minutes )?\d+\.\d{3}(?=(?:\x1b\[\w+)? (?:seconds|s)\b)", "TIME", text)
    # The choices of one option are a set.
    text = re.sub(r"\{DEBUG_[A-Z_,\s]+\}", "{DEBUG}", text)
    # A traceback begins in the script.
    return re.sub(r"(?<=usage: )\w+|^\w+(?=: error: )|(?<=/bin/)\w+\b", "SCRIPT", text, flags=re.MULTILINE)
