"""What is made aside gets its place once, however many processes make it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eggcarton.core.standing import give_place


def made(directory: Path, word: str) -> Path:
    """Return a directory with one file."""
    place = directory / word
    place.mkdir()
    (place / "word").write_text(word, "utf-8")
    return place


def test_the_first_one_stays(tmp_path: Path) -> None:
    """What another process has put there meanwhile stays, and the second is no error."""
    place = tmp_path / "place"
    for word in ("first", "second"):
        give_place(made(tmp_path, word), place)
    assert ("first", ["place", "second"]) == ((place / "word").read_text("utf-8"), sorted(os.listdir(tmp_path)))


def test_a_place_that_is_none(tmp_path: Path) -> None:
    """Where no directory stands afterwards, the operating system's refusal is told."""
    with pytest.raises(NotADirectoryError):
        give_place(made(tmp_path, "first"), made(tmp_path, "other") / "word")
    with pytest.raises(FileNotFoundError):
        give_place(tmp_path / "first", tmp_path / "none" / "place")
