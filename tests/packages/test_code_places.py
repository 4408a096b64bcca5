"""Where the code of a distribution lies is told by what its build or its installer left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eggcarton.core.layout import CodePlace
from eggcarton.packages.code_places import of_member
from eggcarton.packages.member import OF_MACHINE, Member

FINDER = "MAPPING: dict[str, str] = {mapping!r}\n"


def put(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def member(place: Path, *files: str, identity: str = "a" * 64) -> Member:
    return Member("dev", "1.0", place, identity, files)


def test_an_egg(tmp_path: Path) -> None:
    """An egg of the store is its own directory, and nothing of it is developed."""
    assert (CodePlace("dev", tmp_path),) == of_member(member(tmp_path))


def test_a_path(tmp_path: Path) -> None:
    """A develop package with a path is in the directories of that."""
    put(tmp_path / "project/src/dev/__init__.py")
    put(tmp_path / "eggs/__editable__.dev.pth", f"{tmp_path}/project/src\n")
    found = of_member(member(tmp_path / "eggs", "__editable__.dev.pth", "dev-1.0.dist-info"))
    assert (CodePlace("dev", tmp_path / "project/src", is_developed=True),) == found


def test_a_finder(tmp_path: Path) -> None:
    """With a finder it is where its packages would be imported from; one that lies otherwise is a place by itself."""
    mapping = {
        "dev": str(put(tmp_path / "project/dev/__init__.py").parent),
        "acme.dev": str(put(tmp_path / "project/acme/dev/__init__.py").parent),
        "single": str(put(tmp_path / "project/single.py").with_suffix("")),
        "other": str(put(tmp_path / "lib/__init__.py").parent),
    }
    put(tmp_path / "eggs/__editable___dev_finder.py", FINDER.format(mapping=mapping))
    found = of_member(member(tmp_path / "eggs", "__editable___dev_finder.py", "dev-1.0.dist-info"))
    expected = CodePlace("dev", tmp_path / "project", is_developed=True)
    assert (expected, CodePlace("dev", tmp_path / "lib", "other", is_developed=True)) == found


def test_by_record(tmp_path: Path) -> None:
    """The metadata of a develop package as zc.buildout itself makes it records the files beside it."""
    put(tmp_path / "project/dev/__init__.py")
    put(tmp_path / "eggs/_editable_impl_dev.pth", f"{tmp_path}/project\n")
    put(tmp_path / "eggs/other.pth", f"{tmp_path}/eggs\n")
    put(tmp_path / "eggs/dev-1.0.dist-info/RECORD", "_editable_impl_dev.pth,,\ndev-1.0.dist-info/RECORD,,\n")
    found = of_member(member(tmp_path / "eggs", "dev-1.0.dist-info"))
    assert (CodePlace("dev", tmp_path / "project", is_developed=True),) == found


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"url": "file://{root}/my%20project", "dir_info": {"editable": True}}, "my project"),
        ({"url": "file://{root}/my%20project", "dir_info": {}}, "eggs"),
        ({"url": "https://index.example/dev", "dir_info": {"editable": True}}, "eggs"),
        ([], "eggs"),
        (None, "eggs"),
    ],
)
def test_by_address(tmp_path: Path, told: object, expected: str) -> None:
    """Where nothing else tells, it is the directory that was installed editably, or where the metadata lies."""
    text = json.dumps(told).replace("{root}", str(tmp_path)) if told is not None else "not JSON"
    put(tmp_path / "eggs/dev-1.0.dist-info/direct_url.json", text)
    found = of_member(member(tmp_path / "eggs", "dev-1.0.dist-info"))
    assert (CodePlace("dev", tmp_path / expected, is_developed=True),) == found


def test_by_link(tmp_path: Path) -> None:
    """What zc.buildout notes of a develop package is asked where its build left code of another kind."""
    put(tmp_path / "eggs/Dev.egg-link", f"{tmp_path}/project\n.")
    put(tmp_path / "eggs/hook.pth", "import hook\n")
    found = of_member(member(tmp_path / "eggs", "hook.pth", "dev-1.0.dist-info"))
    assert (CodePlace("dev", tmp_path / "project", is_developed=True),) == found


@pytest.mark.parametrize("identity", [f"{OF_MACHINE}1", "/usr/lib 1.0"])
def test_a_shared_directory(tmp_path: Path, identity: str) -> None:
    """Of a directory that it shares with others, a distribution has its own packages only."""
    for name in ("dev", "acme/dev", "other"):
        put(tmp_path / name / "__init__.py")
    put(tmp_path / "dev-1.0.dist-info/METADATA")
    put(tmp_path / "single.py")
    found = of_member(member(tmp_path, "dev", "acme/dev", "single.py", "dev-1.0.dist-info", identity=identity))
    assert (CodePlace("dev", tmp_path / "dev", "dev"), CodePlace("dev", tmp_path / "acme/dev", "acme.dev")) == found
