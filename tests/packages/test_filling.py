"""A directory that is filled keeps what is right, replaces what is wrong, and is never left."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from eggcarton.core.errors import IntegrityProblem, StagingProblem, UsageProblem
from eggcarton.packages.filling import Directory

DATA = b"what was locked"
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory.made(tmp_path / "some" / "bundle")


def test_it_is_filled(directory: Directory, source: Path) -> None:
    """A file is put at its place, and stands right there from then on; nothing was replaced."""
    directory.put("wheels/a", source, SHA256)
    assert (DATA, {"wheels/a"}) == ((directory.path / "wheels/a").read_bytes(), directory.right({"wheels/a": SHA256}))
    assert ([], ["a"]) == (directory.replaced, os.listdir(directory.path / "wheels"))


@pytest.mark.parametrize("wrong", [b"", DATA[:-1], DATA + b"!", b"what was lockee"])
def test_wrong_bytes_are_replaced(directory: Directory, source: Path, wrong: bytes) -> None:
    """A file with other bytes, truncated or longer ones among them, is not right; it is replaced, and told."""
    (directory.path / "a").write_bytes(wrong)
    assert set() == directory.right({"a": SHA256})
    directory.put("a", source, SHA256)
    assert (["a"], DATA) == (directory.replaced, (directory.path / "a").read_bytes())


def test_a_link_in_the_place_of_a_file(directory: Directory, source: Path, tmp_path: Path) -> None:
    """A link is no file of the directory's own, even to the right bytes: it is replaced, and what it leads to stays."""
    other = tmp_path / "other"
    other.write_bytes(DATA)
    (directory.path / "a").symlink_to(other)
    assert set() == directory.right({"a": SHA256})
    directory.put("a", source, SHA256)
    assert (False, True) == ((directory.path / "a").is_symlink(), other.exists())


@pytest.mark.parametrize("place", ["../a", "wheels/../../a", "", "/a"])
def test_it_is_not_left_by_a_path(directory: Directory, source: Path, place: str, tmp_path: Path) -> None:
    """No place with two dots, and no absolute one, is read or written."""
    before = sorted(tmp_path.rglob("*"))
    for act in (lambda: directory.put(place, source, SHA256), lambda: directory.digest(place)):
        with pytest.raises(UsageProblem, match="would leave"):
            act()
    assert before == sorted(tmp_path.rglob("*"))


def test_it_is_not_left_by_a_link(directory: Directory, source: Path, tmp_path: Path) -> None:
    """A directory in it that is a link to the outside is refused, and nothing is written there."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (directory.path / "wheels").symlink_to(outside)
    with pytest.raises(UsageProblem, match=r"bundle/wheels is a link that leaves .*; remove it"):
        directory.put("wheels/a", source, SHA256)
    assert [] == os.listdir(outside)


def test_a_source_that_changed(directory: Directory, source: Path) -> None:
    """What does not have the sha256 while it is copied is not put there, and nothing half is left."""
    with pytest.raises(IntegrityProblem, match=f"^a: .* not {'0' * 64}"):
        directory.put("a", source, "0" * 64)
    assert [] == os.listdir(directory.path)


def test_places_that_cannot_be_written(directory: Directory, source: Path, tmp_path: Path) -> None:
    """A file where the directory, or one in it, belongs, and a directory where a file does, are told."""
    with pytest.raises(UsageProblem, match="is not a directory; name one"):
        Directory.made(source)
    with pytest.raises(StagingProblem, match="could not be written"):
        Directory.made(source / "below")
    (directory.path / "wheels").write_text("mine", "utf-8")
    with pytest.raises(StagingProblem, match="could not be written"):
        directory.put("wheels/a", source, SHA256)
    (directory.path / "b").mkdir()
    with pytest.raises(UsageProblem, match="is a directory, where a file of that name belongs"):
        directory.put("b", source, SHA256)
    assert "mine" == (directory.path / "wheels").read_text("utf-8")
