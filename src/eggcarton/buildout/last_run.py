"""Which configuration the last run that succeeded was of: what stands is what that one asks for."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from eggcarton.buildout import current
from eggcarton.core import writing


def note(buildout: Any) -> None:
    """Note the configuration of a run, seen from the buildout's directory, with which it may be moved."""
    config, file = current.config(buildout), _file(buildout)
    told = os.path.relpath(config, _root(buildout)) if config else ""
    if told != _read(file):
        writing.replace(file, told)


def config(buildout: Any) -> str | None:
    """Return the real path of the configuration of the last run; None where that is not known, or is gone."""
    told = _read(_file(buildout))
    path = os.path.realpath(os.path.join(_root(buildout), told))
    return path if told and os.path.isfile(path) else None


def remark(buildout: Any, given: str) -> str | None:
    """Return a sentence that names the configuration of the last run where another one is looked at, else None.

    Args:
        given: the configuration as the command line names it.
    """
    last, here = config(buildout), current.config(buildout)
    if last is None or here is None or last == here:
        return None
    name = os.path.normpath(os.path.join(os.path.dirname(given), os.path.relpath(last, os.path.dirname(here))))
    return f"The last run was of {name}, and not of {given}: give -c {name} to look at what it has built."


def forget(buildout: Any) -> None:
    """Have no configuration be that of the last run."""
    with suppress(FileNotFoundError):
        _file(buildout).unlink()


def _root(buildout: Any) -> str:
    return os.path.realpath(str(buildout["buildout"]["directory"]))


def _file(buildout: Any) -> Path:
    return Path(buildout["buildout"]["parts-directory"], ".eggcarton", "state", "configuration")


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
