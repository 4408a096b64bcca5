"""zc.buildout's notes of a buildout that was moved or copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from eggcarton.buildout import moving
from eggcarton.core.errors import Drift

BEFORE = """\
[buildout]
installed_develop_eggs = {0}/develop-eggs/one.egg-link

[app]
__buildout_installed__ = {0}/bin/app
\t{0}/bin/py
\t{0}-other/bin/py
\t/elsewhere{0}/bin/py
directory = {0}
"""


def test_notes_follow_a_move(tmp_path: Path) -> None:
    """Paths below the directory of the last run become those of this one, once; others stay."""
    installed, state, old = tmp_path / ".installed.cfg", tmp_path / "state", "/bügel/one"
    installed.write_text(BEFORE.format(old), "utf-8")
    moving.settle(state, installed, Path(old))
    assert BEFORE.format(old) == installed.read_text("utf-8")
    with pytest.raises(Drift, match=f"what is noted of this build tells of {old}, where it was before; run"):
        moving.check(state, tmp_path)
    moving.settle(state, installed, tmp_path)
    expected = BEFORE.format(tmp_path).replace(f"{tmp_path}-other", f"{old}-other")
    assert expected.replace(f"/elsewhere{tmp_path}", f"/elsewhere{old}") == installed.read_text("utf-8")
    moving.check(state, tmp_path)
    before = installed.stat().st_mtime_ns
    moving.settle(state, installed, tmp_path)
    assert before == installed.stat().st_mtime_ns


def test_what_was_never_built(tmp_path: Path) -> None:
    """Without any note nothing is rewritten, and nothing is refused."""
    installed = tmp_path / ".installed.cfg"
    installed.write_text(BEFORE.format("/one"), "utf-8")
    moving.check(tmp_path / "state", tmp_path)
    moving.settle(tmp_path / "state", installed, tmp_path)
    assert BEFORE.format("/one") == installed.read_text("utf-8")


def test_a_link_to_the_directory_is_no_move(tmp_path: Path) -> None:
    """A buildout that is reached through a link is where it was."""
    (tmp_path / "root").mkdir()
    (tmp_path / "link").symlink_to("root")
    moving.settle(tmp_path / "state", tmp_path / ".installed.cfg", tmp_path / "root")
    moving.check(tmp_path / "state", tmp_path / "link")
