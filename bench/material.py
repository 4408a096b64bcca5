"""What all sides are built from: the files that the lock names, in one directory, served by one index on loopback."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import REPOSITORY, run

STOCK_TOOLCHAIN = ("zc.buildout==6.0.1", "zc.recipe.egg==6.0.0", "setuptools", "pip", "wheel")
BENCH_TOOLS = ("pip>=26", "uv", "packaging>=26.1")
PLONE = REPOSITORY / "examples/plone"
PLONE_FILES = ("versions.cfg", "pylock.toml", "pylock.recipes.toml")

SELECT = """
import json, sys, tomllib
from packaging.pylock import Pylock
lock = Pylock.from_dict(tomllib.load(open(sys.argv[1], "rb")))
print(json.dumps([
    {"name": package.name, "version": str(package.version), "sha256": file.hashes["sha256"]}
    for package, file in lock.select() if hasattr(file, "hashes")
]))
"""


@dataclass(frozen=True)
class Pin:
    """One distribution of the lock that this platform installs."""

    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class Material:
    """The tools that prepare, the pins of the application and of stock's toolchain, and a directory of wheels."""

    tools: Path
    wheels: Path
    pins: tuple[Pin, ...]
    toolchain: tuple[Pin, ...]

    @property
    def uv(self) -> Path:
        return self.tools / "bin/uv"

    @property
    def requirements(self) -> str:
        """The pins with their hashes, in pip's format."""
        return "".join(f"{pin} --hash=sha256:{pin.sha256}\n" for pin in self.pins)


def gather(work: Path, python: Path, lock: Path, bootstrap_pins: Path) -> Material:
    """Fetch once, from the machine's own index, every file that any side will ask the local index for.

    Args:
        work: a directory that may hold what an earlier run fetched.
        python: the interpreter that all sides run in.
        lock: the application's pylock.toml.
        bootstrap_pins: our toolchain in pip's format with hashes.
    """
    tools, wheels = work / "tools", work / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    if not (tools / "bin/uv").exists():
        run([python, "-m", "venv", tools], work, os.environ)
        run([tools / "bin/python", "-m", "pip", "install", "-q", "-U", *BENCH_TOOLS], work, os.environ)
    pins = tuple(Pin(**row) for row in json.loads(run([tools / "bin/python", "-c", SELECT, lock], work, os.environ)))
    material = Material(tools, wheels, pins, ())
    (work / "pins.txt").write_text(material.requirements)
    (work / "constraints.txt").write_text("".join(f"{pin}\n" for pin in pins))
    _download(material, ["--no-deps", "--require-hashes", "-r", work / "pins.txt"])
    _download(material, ["-c", work / "constraints.txt", *STOCK_TOOLCHAIN])
    _download(material, ["--no-deps", "--require-hashes", "-r", bootstrap_pins])
    names = [re.split(r"[=<>]", requirement)[0] for requirement in STOCK_TOOLCHAIN]
    ours = {normalized(pin.name) for pin in pins}
    toolchain = tuple(_pin_of(wheels, name) for name in [*names, "packaging"] if normalized(name) not in ours)
    return Material(tools, wheels, pins, toolchain)


def _download(material: Material, arguments: Sequence[str | Path]) -> None:
    """Have pip put into the directory of wheels what is not there yet."""
    pip = [str(material.tools / "bin/python"), "-m", "pip"]
    run(
        [*pip, "download", "-q", "--only-binary=:all:", "-f", material.wheels, "-d", material.wheels, *arguments],
        material.wheels,
        os.environ,
    )


def normalized(name: str) -> str:
    """Return the spelling of a name by which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _pin_of(wheels: Path, name: str) -> Pin:
    """Return the newest wheel of a name, which is the one that an index without pins would give."""
    found = [
        path.name.split("-")[1]
        for path in wheels.glob("*.whl")
        if normalized(path.name.split("-")[0]) == normalized(name)
    ]
    newest = max(found, key=lambda version: [int(number) for number in re.findall(r"\d+", version)])
    return Pin(name, newest, "")


def plone_checkout(root: Path, config: str) -> None:
    """Make a directory with a configuration, and with the versions and the locks of the example of Plone."""
    root.mkdir(parents=True)
    for name in PLONE_FILES:
        shutil.copy(PLONE / name, root)
    (root / "buildout.cfg").write_text(config)


def forget(cache: Path) -> None:
    """Take everything out of a cache but what eggcarton itself runs with."""
    for entry in cache.iterdir() if cache.is_dir() else ():
        if entry.name != "closed-set":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve the wheels from a process of their own; yield the index's address."""
    program = REPOSITORY / "tests/support/index.py"
    process = subprocess.Popen([sys.executable, program, directory], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def warm(index: str, material: Material) -> None:
    """Have the index read and hash every file before the first side asks for one."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for pin in (*material.pins, *material.toolchain):
        direct.open(f"{index}{pin.name}/", timeout=30).read()
