"""A buildout that was moved, or copied: zc.buildout's notes of it name absolute paths, which are made those of now.

Otherwise it would take away what stands where the directory was: in a copy, the files of the one that was copied.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from eggcarton.core.errors import Drift

_NOTE = "directory"


def settle(state: Path, installed: Path, root: Path) -> None:
    """Make ``.installed.cfg`` name paths below the directory that it lies in now, and note which one that is.

    Args:
        state: where it is noted which one it was in the last run.
        installed: ``.installed.cfg``.
        root: the buildout's directory.
    """
    note, before = state / _NOTE, _noted(state)
    if before == str(root):
        return
    if before and installed.is_file():
        text = installed.read_text("utf-8", "surrogateescape")
        _write(installed, rewritten(text, before, str(root)))
    state.mkdir(parents=True, exist_ok=True)
    _write(note, str(root))


def check(state: Path, root: Path) -> None:
    """Refuse to look at a buildout that was not built since it was moved: its notes tell of another directory.

    Raises:
        Drift: it was moved, or copied.
    """
    before = _noted(state)
    if before and os.path.realpath(before) != os.path.realpath(root):
        raise Drift(f"what is noted of this build tells of {before}, where it was before; run bin/buildout")


def _noted(state: Path) -> str:
    try:
        return (state / _NOTE).read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def rewritten(text: str, before: str, now: str) -> str:
    """Return a text in which each path below one directory is one below another.

    >>> rewritten("paths = /a/b /a/b/c /a/bc /x/a/b", "/a/b", "/new")
    'paths = /new /new/c /a/bc /x/a/b'
    """
    return re.sub(rf"(?<![\w./-]){re.escape(before)}(?![\w.-])", lambda match: now, text)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text, "utf-8", "surrogateescape")
    os.replace(temporary, path)
