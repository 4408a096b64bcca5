"""What lies in a store is counted once, and only what no known build uses can be removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError
from eggcarton.packages import holdings, registers, seals, store_names
from eggcarton.packages.entries import StoreProblem
from eggcarton.packages.holdings import Sizes
from eggcarton.packages.registers import Build
from eggcarton.packages.store_names import HIDDEN

ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of two eggs of one file, one of another, and a closed set; what zc.buildout put there; a build."""
    store = tmp_path / "eggs"
    for entry in (f"{ONE}/six-1.0-py3.11.egg", f"{ONE}/six-1.0-py3.12.egg", f"{TWO}-compiled/web-2.0-py3.11.egg"):
        egg = store / HIDDEN / entry
        egg.mkdir(parents=True)
        (egg / "module.py").write_text("12345", "utf-8")
        Path(f"{egg}{seals.SUFFIX}").touch()
        store_names.show(store, [egg])
    (store / HIDDEN / "closed-set-12").mkdir()
    (store / "other-1.0-py3.11.egg").mkdir()
    (store / HIDDEN / "replaced").mkdir()
    (tmp_path / "app").mkdir()
    used = frozenset({f"{ONE}/six-1.0-py3.11.egg", "closed-set-13"})
    registers.note(store, Build(tmp_path / "app", "key", used))
    return store


UNUSED = [f"{ONE}/six-1.0-py3.12.egg", f"{TWO}-compiled/web-2.0-py3.11.egg", "closed-set-12"]


def test_what_lies_there(store: Path) -> None:
    """Eggs are told by their files, closed sets by their names; what zc.buildout put there is told apart."""
    assert [f"{ONE}/six-1.0-py3.11.egg", *UNUSED] == holdings.entries(store)
    assert ["other-1.0-py3.11.egg"] == holdings.strangers(store)
    assert UNUSED == holdings.unused(holdings.entries(store), registers.all_of(store))
    assert ([], []) == (holdings.entries(store / "nothing"), holdings.strangers(store / "nothing"))


def test_what_leads_elsewhere(store: Path, tmp_path: Path) -> None:
    """A link to the entries of another store is none of this one, and is left alone."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / HIDDEN).symlink_to(store / HIDDEN)
    other = tmp_path / "other" / HIDDEN
    other.mkdir(parents=True)
    for name in (ONE, "closed-set-12"):
        (other / name).symlink_to(store / HIDDEN / name)
    assert [] == holdings.entries(tmp_path / "other")
    assert [] == holdings.remove(tmp_path / "other", UNUSED)
    assert 4 == len(holdings.entries(store))


def test_shared_bytes_count_once(tmp_path: Path) -> None:
    """A file that several names lead to counts once, whoever has it first."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a/one").write_bytes(bytes(100))
    os.link(tmp_path / "a/one", tmp_path / "b/one")
    (tmp_path / "b/two").write_bytes(bytes(10))
    (tmp_path / "b/link").symlink_to("x")
    sizes = Sizes()
    assert [(1, 100), (2, 11)] == [sizes.counted(tmp_path / name) for name in "ab"]
    assert 0 == sizes.of(tmp_path / "nothing")


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    """What the operating system refuses there is told with what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreProblem, match=r"the eggs directory .*/file cannot be written: not a directory; make room"):
        holdings.remove(tmp_path / "file", UNUSED)


def test_what_is_removed(store: Path, tmp_path: Path) -> None:
    """What no known build uses goes, with its names and seals; nothing else does, and nothing lies around."""
    assert UNUSED == holdings.remove(store, UNUSED)
    assert [f"{ONE}/six-1.0-py3.11.egg"] == holdings.entries(store)
    assert ["other-1.0-py3.11.egg", "six-1.0-py3.11.egg"] == sorted(os.listdir(store))[1:]
    assert [".at-work.lock", ONE, "builds", "replaced"] == sorted(os.listdir(store / HIDDEN))
    egg = "six-1.0-py3.11.egg"
    assert [egg, f"{egg}{seals.SUFFIX}"] == sorted(os.listdir(store / HIDDEN / ONE))
    (tmp_path / "app").rmdir()
    assert [f"{ONE}/{egg}"] == holdings.remove(store, [f"{ONE}/{egg}"])
    assert ([], []) == (holdings.entries(store), registers.all_of(store))


def test_what_was_not_chosen_or_is_used_now(store: Path, tmp_path: Path) -> None:
    """What was not listed stays, and so does what a build has begun to use since it was."""
    (tmp_path / "new").mkdir()
    registers.note(store, Build(tmp_path / "new", "", frozenset({UNUSED[1]})))
    assert [UNUSED[0]] == holdings.remove(store, UNUSED[:2])
    assert [UNUSED[1], UNUSED[2]] == holdings.entries(store)[1:]


def test_while_a_build_is_at_work(store: Path) -> None:
    """While a build is at work nothing is removed: what it uses may not be known yet."""
    at_work = registers.begin(store)
    with pytest.raises(EggcartonError, match=r"a build is at work that uses .*eggs, so that nothing was removed"):
        holdings.remove(store, UNUSED)
    assert 4 == len(holdings.entries(store))
    assert at_work is not None
    at_work.close()
    assert UNUSED == holdings.remove(store, UNUSED)


def test_names_that_are_no_links(store: Path) -> None:
    """Where trees stand in the place of links, they go with what they were made of."""
    name = store / "six-1.0-py3.12.egg"
    name.unlink()
    name.mkdir()
    (name / store_names.MARK).write_text(f"{HIDDEN}/{UNUSED[0]}", "utf-8")
    assert ["other-1.0-py3.11.egg"] == holdings.strangers(store)
    assert [UNUSED[0]] == holdings.remove(store, [UNUSED[0]])
    assert not name.exists()
