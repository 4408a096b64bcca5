"""What develop packages have besides the metadata of their wheels."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from eggcarton.packages import editable_metadata
from support.distributions import source


def written(directory: Path, text: str = "Name: Own.Pack\nVersion: 1.0\n") -> Path:
    """Write what setuptools leaves where it was told to, and return it."""
    info = directory / "own_pack.egg-info"
    info.mkdir(parents=True)
    (info / "PKG-INFO").write_text(text, "utf-8")
    names = ["setup.py", "own/a.py", *(f"{info}/{name}" for name in ("PKG-INFO", "SOURCES.txt"))]
    (info / "SOURCES.txt").write_text("\n".join(names), "utf-8")
    return info


@pytest.mark.parametrize(("layout", "beside"), [("", "own_pack.egg-info"), ("src", "src/own_pack.egg-info")])
def test_put_beside(layout: str, beside: str, tmp_path: Path) -> None:
    """It lies where an .egg-link leads, and its list of files names it there."""
    project = tmp_path / "project"
    (project / layout).mkdir(parents=True)
    written(tmp_path / "made")
    assert beside == editable_metadata.put_beside(tmp_path / "made", project)
    expected = sorted([f"{beside}/PKG-INFO", f"{beside}/SOURCES.txt", "own/a.py", "setup.py"])
    assert expected == sorted((project / beside / "SOURCES.txt").read_text("utf-8").split("\n"))
    assert editable_metadata.stands(project, beside)
    (project / beside / "PKG-INFO").unlink()
    assert not editable_metadata.stands(project, beside)


def test_put_beside_again(tmp_path: Path) -> None:
    """What is there is replaced if it says something else, and not touched if it says the same."""
    project = tmp_path / "project"
    project.mkdir()
    place = project / "own_pack.egg-info"
    numbers = []
    for number, version in enumerate(("1.0", "1.0", "2.0")):
        written(tmp_path / str(number), f"Name: own.pack\nVersion: {version}\n")
        editable_metadata.put_beside(tmp_path / str(number), project)
        numbers.append(place.stat().st_ino)
        assert version in (place / "PKG-INFO").read_text("utf-8")
    assert (True, False) == (numbers[0] == numbers[1], numbers[1] == numbers[2])
    assert [place] == list(project.iterdir())


def test_nothing_to_put(tmp_path: Path) -> None:
    """Other backends write none; and where nothing can be written there is none either."""
    (tmp_path / "made").mkdir()
    assert "" == editable_metadata.put_beside(tmp_path / "made", tmp_path)
    written(tmp_path / "made")
    below_a_file = tmp_path / "file" / "project"
    below_a_file.parent.write_text("", "utf-8")
    assert "" == editable_metadata.put_beside(tmp_path / "made", below_a_file)
    assert editable_metadata.stands(below_a_file, "")


def test_complete(tmp_path: Path) -> None:
    """The metadata tells where the source is, and all files of the distribution, without a digest."""
    project = source(tmp_path, "own")
    info = tmp_path / "place" / "own-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: own\nVersion: 1.0\n", "utf-8")
    (info.parent / "a, b.pth").write_text(str(project), "utf-8")
    editable_metadata.complete(info.parent, info, project)
    found = importlib.metadata.Distribution.at(info)
    names = {"METADATA", "RECORD", "direct_url.json"}
    assert {"a, b.pth", *(f"{info.name}/{name}" for name in names)} == set(map(str, found.files or ()))
    assert {None} == {file.hash for file in found.files or ()}
    told = json.loads(found.read_text("direct_url.json") or "")
    assert {"dir_info": {"editable": True}, "url": project.as_uri()} == told


def test_anywhere(tmp_path: Path) -> None:
    """Metadata is the same in each directory, also where an address spells that in its own way."""
    texts = []
    for name in ("a", "with ä and blank"):
        root = tmp_path / name
        root.mkdir()
        texts.append(editable_metadata.anywhere(f"{root}/src {(root / 'src').as_uri()}".encode(), root))
    assert texts[0] == texts[1] == b"{root}/src file://{root}/src"
