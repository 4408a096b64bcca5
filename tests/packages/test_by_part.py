"""A part's environment has a path that stays."""

from __future__ import annotations

from pathlib import Path

from eggcarton.core.plan import Link
from eggcarton.packages import by_part


def test_a_link(tmp_path: Path) -> None:
    """It is relative, and is followed one step, so that the environment is told by its own path."""
    records = tmp_path / "parts" / ".eggcarton"
    prefix = records / "environments" / "0123456789abcdef"
    prefix.mkdir(parents=True)
    assert ([], None) == (by_part.parts(records), by_part.find(records, "a/b c"))
    link = by_part.link(tmp_path / "x" / ".." / "parts" / ".eggcarton", "a/b c", prefix)
    assert Link(records / "by-part" / "a%2Fb c", "../environments/0123456789abcdef") == link
    link.path.parent.mkdir()
    link.path.symlink_to(link.target)
    assert (["a/b c"], prefix) == (by_part.parts(records), by_part.find(records, "a/b c"))
    prefix.rmdir()
    assert prefix == by_part.find(records, "a/b c")
