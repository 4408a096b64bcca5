"""What a build uses of its lock is kept between runs, for as long as everything that decided it is the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from eggcarton.core.errors import UsageProblem
from eggcarton.packages.member import Member
from eggcarton.packages.seals import SUFFIX
from eggcarton.packages.selection import Selection, current, key_of, load, save, set_key


def seal_of(egg: Path) -> Path:
    return egg.with_name(f"{egg.name}{SUFFIX}")


@pytest.fixture
def selection(tmp_path: Path) -> Selection:
    egg = tmp_path / ".eggcarton" / "ab" / "six.egg"
    egg.mkdir(parents=True)
    (tmp_path / "six.egg").symlink_to(egg)
    seal_of(egg).touch()
    distributions = {"six": {"version": "1.17.0", "sha256": "ab", "egg": str(egg)}}
    return Selection("key", distributions, {"one": ["web", "six"], "none": []})


def test_round_trip(tmp_path: Path, selection: Selection) -> None:
    """What was saved is loaded, and nothing else is left beside it."""
    save(tmp_path / "state" / "selection.json", selection)
    assert selection == load(tmp_path / "state" / "selection.json")
    assert ["selection.json"] == [path.name for path in (tmp_path / "state").iterdir()]


def test_a_surplus_is_for_frozen_runs(tmp_path: Path, selection: Selection) -> None:
    """Where the lock has what a run that may change it would drop, only frozen runs select the same."""
    kept = replace(selection, surplus=True)
    assert [(True, True), (False, True)] == [
        tuple(one.is_of("key", frozen=frozen) for frozen in (False, True)) for one in (selection, kept)
    ]
    assert not kept.is_of("other", frozen=True)
    save(tmp_path / "selection.json", kept)
    assert kept == load(tmp_path / "selection.json")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"key": "x"}', "null"])
def test_a_broken_one_is_none(tmp_path: Path, content: str) -> None:
    """A file that is no selection is as good as none."""
    path = tmp_path / "selection.json"
    assert None is load(path)
    path.write_text(content, "utf-8")
    assert None is load(path)


def test_pins_and_members(tmp_path: Path, selection: Selection) -> None:
    """It tells all versions, and the locked members of a working set without its develop packages."""
    assert {"six": "1.17.0"} == selection.pins()
    assert [Member("six", "1.17.0", tmp_path / ".eggcarton/ab/six.egg", "ab")] == selection.members(
        selection.sets["one"]
    )
    assert [] == selection.members(selection.sets["none"])


def test_it_stands_with_its_eggs(tmp_path: Path, selection: Selection) -> None:
    """It stands for as long as each egg is there."""
    assert selection.stands(str(tmp_path))
    (tmp_path / ".eggcarton/ab/six.egg").rmdir()
    assert not selection.stands(str(tmp_path))


def test_it_stands_with_its_seals(tmp_path: Path, selection: Selection) -> None:
    """It falls where an egg has lost its seal, so that it is not known to be whole."""
    seal_of(tmp_path / ".eggcarton/ab/six.egg").unlink()
    assert not selection.stands(str(tmp_path))


def test_after_the_machine_started_anew(tmp_path: Path, selection: Selection) -> None:
    """After a later start of the machine each egg is looked at once more, and that is noted with the selection."""
    earlier, path = replace(selection, start="an earlier one"), tmp_path / "selection.json"
    # The egg has no RECORD: it was cut off.
    assert (True, False) == (selection.stands(str(tmp_path)), earlier.stands(str(tmp_path)))
    info = tmp_path / ".eggcarton/ab/six.egg/six.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("six.dist-info/RECORD,,\n")
    seal_of(info.parent).unlink()
    assert earlier.stands(str(tmp_path))
    assert selection == current(path, earlier) == load(path)
    path.unlink()
    assert selection == current(path, selection)
    assert not path.exists()


@pytest.mark.parametrize("other", [None, ".eggcarton/cd/six.egg"])
def test_it_stands_with_their_names(tmp_path: Path, selection: Selection, other: str | None) -> None:
    """It falls when an egg's name in the store is gone, or leads to other bytes."""
    (tmp_path / "six.egg").unlink()
    if other:
        (tmp_path / other).mkdir(parents=True)
        (tmp_path / "six.egg").symlink_to(other)
    assert not selection.stands(str(tmp_path))


def test_it_stands_beside_another_lock(tmp_path: Path, selection: Selection) -> None:
    """It stands where the name leads to the egg that another lock of the build has under it."""
    other = tmp_path / ".eggcarton/cd/six.egg"
    other.mkdir(parents=True)
    (tmp_path / "six.egg").unlink()
    (tmp_path / "six.egg").symlink_to(other)
    assert selection.stands(str(tmp_path), [str(other), str(tmp_path / ".eggcarton/gone/six.egg")])
    assert not selection.stands(str(tmp_path), [str(tmp_path / ".eggcarton/cd/seven.egg")])


def test_the_key_of_a_lock(tmp_path: Path) -> None:
    """The key changes with the lock's bytes and with all that was asked, and with nothing else."""
    lock = tmp_path / "pylock.toml"
    missing = key_of(lock, store="a", needs=[1])
    lock.write_bytes(b"one")
    first = key_of(lock, store="a", needs=[1])
    assert first == key_of(lock, needs=[1], store="a")
    lock.write_bytes(b"two")
    assert 4 == len({missing, first, key_of(lock, store="a", needs=[1]), key_of(lock, store="a", needs=[2])})


def test_a_directory_in_the_place_of_a_lock(tmp_path: Path) -> None:
    """What cannot be read is told with the option that names it."""
    with pytest.raises(UsageProblem, match="cannot be read: Is a directory; correct that"):
        key_of(tmp_path)


def test_the_key_of_a_working_set() -> None:
    """Parts that ask for the same, in any order and more than once, share a key."""
    assert set_key(["a", "b"]) == set_key(["b", "a", "b"])
    assert 4 == len({set_key(["a", "b"]), set_key(["a"]), set_key([]), set_key(["a"], ["b"])})
