"""The closed set, its uv and a toolchain, as this machine has them: what bootstrap.py put into this project's store.

Where it has put none there for the running Python, what the tests themselves may import stands in for it. Neither
setuptools nor pip is imported here: once pip was, setuptools can no longer be imported in the same process.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

import packaging
import pytest

from eggcarton.packages.builds import Toolchain
from eggcarton.packages.closed import directory_name

_PROJECT = Path(__file__).resolve().parents[2]
_CONTENT = ("jinja2", "markupsafe", "packaging", "tomli", "truststore", "urllib3")


@functools.cache
def uv_program() -> Path:
    """Return uv's binary; a test is skipped where there is none."""
    found = [
        *(path for place in _stores() for path in sorted(place.glob("closed-set-*/bin/uv"))),
        *(Path(directory, "bin", "uv") for directory in sys.path),
        Path(sys.executable).with_name("uv"),
        Path(shutil.which("uv") or "uv"),
    ]
    for path in found:
        if path.is_file():
            return path
    pytest.skip("there is no uv: run bootstrap.py")


@functools.cache
def closed_set() -> Path:
    """Return a directory to import our own libraries from."""
    for place in _stores():
        if (place / directory_name()).is_dir():
            return place / directory_name()
    directory = Path(tempfile.mkdtemp(prefix="eggcarton-closed-"))
    atexit.register(shutil.rmtree, directory)
    (directory / "bin").mkdir()
    (directory / "bin" / "uv").symlink_to(uv_program())
    for name in _CONTENT:
        found = find_spec(name)
        if found is not None and found.origin is not None:
            (directory / name).symlink_to(Path(found.origin).parent)
    return directory


def toolchain() -> Toolchain:
    """Return a toolchain of setuptools, in the directory where it really lies; without it a test is skipped."""
    needs("setuptools")
    found = distribution("setuptools")
    return Toolchain((str(Path(str(found.locate_file("setuptools"))).resolve().parent),), {"setuptools": found.version})


def needs(name: str) -> None:
    """Skip a test where a distribution that it runs in another process is not there."""
    try:
        distribution(name)
    except PackageNotFoundError:
        pytest.skip(f"there is no {name}")


def _stores() -> list[Path]:
    """Return the hidden directories of the stores that this project and this process use."""
    places = [path / ".eggcarton" for path in sorted((_PROJECT / "eggs").glob("v*"))]
    places += [path for path in Path(packaging.__file__).resolve().parents if path.name == ".eggcarton"]
    return [place for place in dict.fromkeys(places) if place.is_dir()]
