"""What recipes asked for while they ran is a table of the lock, in one order, that is read without the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggcarton.core.errors import IntegrityProblem
from eggcarton.packages import lock as locks
from eggcarton.packages import while_running
from eggcarton.packages.lock import Lock

NAMES = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


def test_order() -> None:
    """Parts and their requirements are sorted, each once."""
    assert (("a", ("x", "y")), ("b", ("x",)), ("c", ())) == while_running.table_of(
        {"b": ["x"], "a": ["y", "x", "x"], "c": []}
    )


def test_together() -> None:
    """What several configurations know of one part is all asked for."""
    one, other = (("a", ("x",)),), (("a", ("y",)), ("b", ("z",)))
    assert (("a", ("x", "y")), ("b", ("z",))) == while_running.together(one, other)


def test_settled() -> None:
    """A part that asks for nothing any more is left out; one that the configuration does not have stays."""
    locked, asked = (("a", ("x",)), ("b", ("y",)), ("c", ("z",))), (("a", ("w",)), ("b", ()))
    assert (("a", ("w",)), ("c", ("z",))) == while_running.settled(locked, asked)
    assert ["x", "y"] == while_running.given_up(locked, asked)


@given(st.dictionaries(NAMES, st.lists(NAMES.map(str.strip), min_size=1)))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, asked: dict[str, list[str]]) -> None:
    """Whatever parts are called, both readers of a lock find what was written."""
    table, path = while_running.table_of(asked), tmp_path_factory.mktemp("lock") / "pylock.toml"
    path.write_text(locks.text_of(Lock(">=3.10", (), while_running=table)), "utf-8")
    assert table == locks.read(path).while_running
    assert table == while_running.table_of(while_running.read(path))


def test_no_table(tmp_path: Path) -> None:
    """A lock without it, and none at all, tell nothing."""
    path = tmp_path / "pylock.toml"
    assert {} == while_running.read(path)
    path.write_text(locks.text_of(Lock(">=3.10", ())), "utf-8")
    assert {} == while_running.read(path)
    assert () == locks.read(path).while_running


@pytest.mark.parametrize("table", ["asked = 1", "[tool.eggcarton.asked]\nmore = 1", "asked = {more = [1]}"])
def test_no_lists_of_requirements(tmp_path: Path, table: str) -> None:
    """A table that is something else is refused."""
    path = tmp_path / "pylock.toml"
    path.write_text(f'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n[tool.eggcarton]\n{table}\n', "utf-8")
    with pytest.raises(IntegrityProblem, match=r"pylock.toml: \[tool.eggcarton.asked\] must name lists"):
        locks.read(path)
