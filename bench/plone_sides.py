"""The sides that build Plone: stock recipes under eggcarton, under zc.buildout alone, parts of our own, and uv."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from material import Material, gather, plone_checkout
from measure import REPOSITORY, Runner, run
from sides import Ours, Side, Stock, Uv

sys.path.insert(0, str(REPOSITORY / "tests"))

from support.distributions import wheel

PARTS = 10
MORE = tuple(f"addon{number}" for number in range(PARTS))
"""Distributions that Plone does not need, one for each of ten parts."""

IMPORT_ALL = "import Products.CMFPlone, plone.restapi"
HEAD = """\
[buildout]
extends = versions.cfg
parts = {parts}
"""
IMPORTTIME = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)")


def config(parts: int, recipe: str) -> str:
    """Return a configuration with one part of Plone, or with ten that have an egg more each."""
    if parts == 1:
        return HEAD.format(parts="py") + part("py", recipe, "Plone")
    names = [f"py{number}" for number in range(parts)]
    sections = [part(name, recipe, f"Plone\n    {more}") for name, more in zip(names, MORE, strict=True)]
    return HEAD.format(parts=" ".join(names)) + "".join(sections)


def part(name: str, recipe: str, eggs: str) -> str:
    """Return the section of a part that makes an interpreter, and no script."""
    # zc.recipe.egg makes no interpreter where ``scripts`` is empty; it takes a name that no distribution has.
    scripts = "" if recipe.startswith("eggcarton") else name
    return f"\n[{name}]\nrecipe = {recipe}\neggs =\n    {eggs}\ninterpreter = {name}\nscripts = {scripts}\n"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a side builds."""

    locked: Path
    """A directory with the lock and the versions."""
    parts: int = 1
    recipe: str = "zc.recipe.egg"

    def check_out(self, root: Path) -> None:
        """Make the directory of what is to be built, with the lock and without a configuration."""
        root.mkdir(parents=True)
        for name in ("versions.cfg", "pylock.toml"):
            shutil.copy(self.locked / name, root)


@dataclass(frozen=True, kw_only=True)
class OursOfPlone(Ours):
    """eggcarton, from this checkout, with recipes of others or its own."""

    shape: Shape

    def check_out(self) -> None:
        self.shape.check_out(self.application)
        text = config(self.shape.parts, self.shape.recipe)
        text = text.replace("parts =", f"extensions = eggcarton\nindex = {self.index}\nparts =", 1)
        (self.application / "buildout.cfg").write_text(text)

    def check(self) -> None:
        check_imports(self)

    def forget_checkout(self) -> None:
        """Bring back the state after bootstrap, but for the store and the home."""
        for path in self.application.iterdir():
            if path.name != "eggs":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        kept = self.place / "kept/application"
        aside = shutil.ignore_patterns("eggs")
        shutil.copytree(kept, self.application, symlinks=True, ignore=aside, dirs_exist_ok=True)


@dataclass(frozen=True, kw_only=True)
class StockOfPlone(Stock):
    """zc.buildout and zc.recipe.egg in a virtual environment."""

    shape: Shape

    def check_out(self) -> None:
        self.shape.check_out(self.application)

    def config(self) -> str:
        versions = "".join(f"{pin.name} = {pin.version}\n" for pin in self.pins)
        (self.application / "versions.cfg").write_text(f"[versions]\n{versions}")
        text = config(self.shape.parts, self.shape.recipe)
        return text.replace("parts =", f"index = {self.index}\nallow-picked-versions = false\nparts =", 1)

    def check(self) -> None:
        check_imports(self)

    def take_eggs(self, other: Side) -> None:
        """Take what another side has installed, so that ten parts need not be waited for from nothing."""
        eggs = self.application / "eggs"
        shutil.copytree(other.application / "eggs", eggs, symlinks=True, dirs_exist_ok=True)


@dataclass(frozen=True, kw_only=True)
class UvOfPlone(Uv):
    """`uv pip install --target` of the same files."""

    def check_out(self) -> None:
        self.application.mkdir(parents=True)

    def make_tools(self) -> None:
        """Write the requirements, without those of the ten parts."""
        pins = tuple(pin for pin in self.material.pins if pin.name not in MORE)
        (self.place / "requirements.txt").write_text(replace(self.material, pins=pins).requirements)

    @property
    def build(self) -> tuple[str | Path, ...]:
        wanted = ("--no-deps", "--require-hashes", "-r", self.place / "requirements.txt")
        into = ("--python", self.python, "--target", self.application / "target")
        return (self.material.uv, "pip", "install", "-q", *into, *wanted)

    def check(self) -> None:
        target = {"PYTHONPATH": str(self.application / "target")}
        run([self.python, "-c", IMPORT_ALL], self.place, {**self.environment, **target})


def check_imports(side: Side) -> None:
    """See that the first interpreter imports Plone."""
    name = next(name for name in ("py", "py0") if (side.application / "bin" / name).exists())
    run([side.application / "bin" / name, "-c", IMPORT_ALL], side.place, side.environment)


def prepare(work: Path, python: Path) -> tuple[Material, Path]:
    """Lock Plone and an egg more for each of ten parts, and fetch every file; return these and the lock's directory.

    Plone's pins are those of the example. What is there from an earlier run is not locked again.
    """
    locked, more = work / "locked", work / "more"
    if not (locked / "pylock.toml").is_file():
        for path in (locked, more):
            shutil.rmtree(path, ignore_errors=True)
        more.mkdir(parents=True)
        for name in MORE:
            wheel(more, name, "1.0", {f"{name}.py": f"{name} = 1\n"})
        text = config(PARTS, "zc.recipe.egg")
        plone_checkout(locked, text.replace("parts =", f"extensions = eggcarton\nfind-links = {more}\nparts =", 1))
        variables = {**os.environ, "EGGCARTON_CACHE": str(work / "cache")}
        nothing = ["buildout:parts="]
        run([python, REPOSITORY / "bootstrap.py", locked, *nothing], work, variables)
        run([locked / "bin/eggcarton", "lock"], locked, variables)
    (work / "wheels").mkdir(exist_ok=True)
    for path in more.iterdir():
        shutil.copy(path, work / "wheels")
    return gather(work, python, locked / "pylock.toml", REPOSITORY / "toolchain.txt"), locked


def imported(runner: Runner, python: Path, *options: str) -> Mapping[str, int]:
    """Run a generated script by ``-X importtime``; return the microseconds that each module itself took."""
    command = [str(word) for word in (python, *options, "-X", "importtime", *runner.command)]
    done = subprocess.run(
        command, cwd=runner.directory, env=dict(runner.environment), capture_output=True, text=True, check=True
    )
    return {name: int(taken) for taken, name in IMPORTTIME.findall(done.stderr)}
