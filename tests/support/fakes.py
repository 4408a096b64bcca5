"""Tiny distributions that buildouts of the tests install: an application, and recipes from elsewhere."""

from __future__ import annotations

from pathlib import Path

from support.distributions import wheel

GREETING = """\
import sys
from importlib.metadata import version

def main(*given):
    print("greeting", version("greeting"), *given, *sys.argv[1:])
"""

RECIPES = """\
import os
import sys
import time


class Note:
    '''Writes what an option says, into a file or into a directory; fails or pauses when it is told to.'''

    def __init__(self, buildout, name, options):
        self.name, self.options = name, options
        options.setdefault("text", "noted")
        options["path"] = os.path.join(buildout["buildout"]["directory"], options["output"])

    def install(self):
        path = self.options["path"]
        if self.options.get("directory"):
            os.mkdir(path)
            path = os.path.join(path, "note")
        with open(path, "w") as stream:
            stream.write(self.options["text"])
        self.act("installing")
        return [self.options["path"]]

    def update(self):
        self.act("updating")

    def act(self, when):
        if os.environ.get("FAIL_WHEN") == f"{when} {self.name}":
            raise ValueError("told to fail")
        if os.environ.get("PAUSE_WHEN") == f"{when} {self.name}":
            print("paused", flush=True)
            time.sleep(600)
"""

ASKING = """\
import zc.recipe.egg


class Recipe:
    '''Asks, while it runs, for what its option `more` says, and says what it found; no section tells of it.'''

    def __init__(self, buildout, name, options):
        self.egg, self.more = zc.recipe.egg.Scripts(buildout, name, options), options["more"].split()

    def install(self):
        _, found = self.egg.working_set(self.more)
        print("found", *sorted(f"{dist.project_name} {dist.version}" for dist in found))
        return ()

    update = install
"""


def greeting(directory: Path, version: str = "1.0") -> Path:
    """Write the wheel of an application whose script `greet` says its version and what it was given."""
    return wheel(directory, "greeting", version, {"greeting.py": GREETING}, console_scripts={"greet": "greeting:main"})


def recipes(directory: Path, version: str = "1.0", requires: tuple[str, ...] = ()) -> Path:
    """Write the wheel of a recipe that writes a note; it fails or pauses when an environment variable says so."""
    return wheel(
        directory,
        "noting",
        version,
        {"noting.py": RECIPES},
        requires=requires,
        entry_points={"zc.buildout": {"default": "noting:Note"}},
    )


def asking(directory: Path) -> Path:
    """Write the wheel of a recipe that asks for distributions that only it knows of."""
    files = {"asking.py": ASKING}
    return wheel(directory, "asking", "1.0", files, entry_points={"zc.buildout": {"default": "asking:Recipe"}})


def pytest_stand_in(directory: Path) -> Path:
    """Write the wheel of something named pytest, for parts that are built and never run."""
    return wheel(directory, "pytest", "9.0", {"pytest.py": "def main(*_):\n    return 0\n"})


FAULTY = """\
import os
import sys
from dataclasses import dataclass
from functools import partial

from eggcarton.buildout.part import Part
from eggcarton.core.plan import File, Plan

@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    '''No option at all.'''

class Faulty(File):
    '''A file whose content fails when it is told to.'''

    @property
    def data(self):
        if os.environ.get("FAULT") == "fault":
            raise RuntimeError("told to fail")
        return b"whole"

def plan(options, layout, environment):
    if os.path.dirname(os.environ.get("FAULT", "")):
        open(os.environ["FAULT"])
    return Plan((Faulty(layout.root / "faulty" / "file", ""),))

Recipe = partial(Part, sys.modules[__name__])
"""


def faulty(directory: Path) -> Path:
    """Write the wheel of a recipe of our kind that has a fault, or reads a file, when told to."""
    return wheel(
        directory, "faulty", "1.0", {"faulty.py": FAULTY}, entry_points={"zc.buildout": {"default": "faulty:Recipe"}}
    )
