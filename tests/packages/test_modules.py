"""Where the modules of a develop package are is read from what its build left, and nothing of that is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from eggcarton.packages import modules
from eggcarton.packages.modules import Modules

SETUPTOOLS = """
from __future__ import annotations
import sys
raise RuntimeError("a finder is not run")
MAPPING: dict[str, str] = {mapping!r}
NAMESPACES: dict[str, list[str]] = {{}}
"""
EDITABLES = """
from editables.redirector import RedirectingFinder as F
F.install()
F.map_module('dev', {dev!r})
F.map_module('single', {single!r})
"""


def put(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_a_path(tmp_path: Path) -> None:
    """A .pth file leads to directories; lines that are code, and directories that are not there, do not count."""
    put(tmp_path / "src/dev/__init__.py")
    put(tmp_path / "eggs/_dev.pth", f"import sys\n../src\n{tmp_path}/nowhere\n")
    found = modules.find(tmp_path / "eggs", ["_dev.pth", "dev-1.dist-info"])
    assert Modules((tmp_path / "src",)) == found
    assert ["dev"] == modules.names_of(found, tmp_path / "eggs", ["_dev.pth"])


def test_the_finder_of_setuptools(tmp_path: Path) -> None:
    """It names packages by their directory, and modules by their file without its end."""
    place = put(tmp_path / "lib/dev/__init__.py").parent
    single = put(tmp_path / "lib/single.py")
    mapping = {"acme.dev": str(place), "single": str(tmp_path / "lib/single")}
    put(tmp_path / "eggs/__editable___dev_1_finder.py", SETUPTOOLS.format(mapping=mapping))
    found = modules.find(tmp_path / "eggs", ["__editable___dev_1_finder.py"])
    assert {"acme.dev": place, "single": single} == found.found
    assert (tmp_path / "lib",) == found.sources
    assert ["acme.dev", "single"] == modules.names_of(found, tmp_path / "eggs", [])


def test_the_finder_of_editables(tmp_path: Path) -> None:
    """The finder that other build backends write names files."""
    package, single = put(tmp_path / "dev/__init__.py"), put(tmp_path / "single.py")
    put(tmp_path / "eggs/_editable_impl_dev.py", EDITABLES.format(dev=str(package), single=str(single)))
    found = modules.find(tmp_path / "eggs", ["_editable_impl_dev.py"])
    assert {"dev": package.parent, "single": single} == found.found


@pytest.mark.parametrize(
    "text", ["MAPPING = 1", "MAPPING = {1: 2}", "MAPPING = make()", "x.map_module(y, z)", "x.map_module()", "]"]
)
def test_what_is_no_finder(tmp_path: Path, text: str) -> None:
    """What looks like a finder and is none leads nowhere."""
    put(tmp_path / "_dev.py", text)
    assert Modules() == modules.find(tmp_path, ["_dev.py"])


def test_a_link_of_buildout(tmp_path: Path) -> None:
    """Where nothing else tells, the link that zc.buildout knows a develop package by does."""
    put(tmp_path / "src/dev.py")
    put(tmp_path / "eggs/Some.Dev.egg-link", f"{tmp_path}/src\n..")
    assert Modules((tmp_path / "src",)) == modules.find_or_source(
        "some-dev", tmp_path / "eggs", ["some_dev-1.dist-info"]
    )
    assert Modules() == modules.find_or_source("dev", tmp_path / "eggs", ["dev-1.dist-info"])


def test_names_in_an_egg(tmp_path: Path) -> None:
    """Packages, modules and stubs are names, those below a namespace by dotted ones; data and metadata are none."""
    for name in (
        "ns/a/__init__.py",
        "ns/a/inner.py",
        "ns/deep/b.py",
        "ns/__pycache__/c.py",
        "plain/__init__.py",
        "one.py",
        "fast.abi3.so",
        "plain-stubs/__init__.pyi",
        "bin/script.py",
        "share/data/x.py",
        "etc/__init__.py",
        "x-1.dist-info/METADATA",
        "empty/data.txt",
        "no-name.py",
    ):
        put(tmp_path / name)
    expected = ["etc", "fast", "ns.a", "ns.deep.b", "one", "plain", "plain-stubs"]
    assert expected == modules.names_in_egg(tmp_path)


def test_names_beside_others(tmp_path: Path) -> None:
    """Of a whole project's directory only that counts which the metadata declares; without that no setup.py."""
    for name in ("dev/__init__.py", "tests/__init__.py", "setup.py"):
        put(tmp_path / "project" / name)
    found = Modules((tmp_path / "project",))
    assert ["dev", "tests"] == modules.names_of(found, tmp_path, [])
    put(tmp_path / "dev-1.dist-info/top_level.txt", "dev\n")
    assert ["dev"] == modules.names_of(found, tmp_path, ["dev-1.dist-info"])
    put(tmp_path / "own/__init__.py")
    assert ["own"] == modules.names_of(Modules(), tmp_path, ["own", "own-1.dist-info"])
