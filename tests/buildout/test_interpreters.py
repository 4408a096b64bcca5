"""The CPythons of a machine, found without being asked twice."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from eggcarton.buildout.interpreters import Finder
from eggcarton.core.errors import UsageProblem
from eggcarton.packages.interpreter import Interpreter

RUNNING = Interpreter.running()


def python(place: Path, told: str) -> Path:
    """Write a program that tells what a Python tells of itself, and counts how often it is asked."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"#!/bin/sh\necho asked >> {place}.asked\n{told}\n")
    place.chmod(0o755)
    return place


def telling(version: str, executable: Path, kind: str = "cpython") -> str:
    return f"echo '{json.dumps([kind, version, str(executable)])}'"


def test_what_is_found(tmp_path: Path) -> None:
    """The variable comes first, then PATH without stand-ins, then the newest of pyenv and uv; PyPy is none of them."""
    here = Path(sys.executable)
    named = python(tmp_path / "named/bin/python3.96", telling("3.96.1", here))
    python(tmp_path / "shims/python3.96", "exit 127")
    python(tmp_path / "shims/python3.97", telling("3.97.1", here))
    for number in ("3.97.9", "3.97.10"):
        python(tmp_path / f"pyenv/versions/{number}/bin/python3.97", telling(number, here))
    python(tmp_path / "uv/cpython-3.98.2-linux/bin/python3.98", telling("3.98.2", here))
    python(tmp_path / "uv/cpython-3.95.2-linux/bin/python3.95", telling("3.95.2", here, "pypy"))
    (tmp_path / "path").mkdir()
    (tmp_path / f"path/python{RUNNING.minor}").symlink_to(RUNNING.executable)
    variables = {
        "EGGCARTON_PYTHONS": str(tmp_path / "named"),
        "PATH": f"{tmp_path / 'shims'}{os.pathsep}{tmp_path / 'path'}",
        "PYENV_ROOT": str(tmp_path / "pyenv"),
        "UV_PYTHON_INSTALL_DIR": str(tmp_path / "uv"),
    }
    kept = tmp_path / "kept/interpreters.json"

    def found(minor: str) -> str | None:
        one = Finder(kept, variables, keep=True).find(minor)
        return one.version if one else None

    expected = {"3.96": "3.96.1", "3.97": "3.97.10", "3.98": "3.98.2", "3.95": None, RUNNING.minor: RUNNING.version}
    assert expected == {minor: found(minor) for minor in expected}
    assert expected == {minor: found(minor) for minor in expected}
    assert "asked\n" == Path(f"{named}.asked").read_text()
    python(named, telling("3.96.22", here))
    assert "3.96.22" == found("3.96")


def test_what_is_named_and_not_there(tmp_path: Path) -> None:
    """A path of the variable that is not there is told."""
    finder = Finder(tmp_path / "kept.json", {"EGGCARTON_PYTHONS": "/no/such/python"}, keep=False)
    with pytest.raises(UsageProblem, match="EGGCARTON_PYTHONS names /no/such/python, which is not there"):
        finder.find("3.12")
