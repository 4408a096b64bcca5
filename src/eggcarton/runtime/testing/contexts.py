"""Tells coverage which test runs, in whatever process of a run that is."""

from __future__ import annotations

import os
import sys

from .processes import CONTEXT, VARIABLE

# A test may empty the environment.
_is_wanted: bool | None = None


def begun(group: str, name: str) -> None:
    """Have the lines that run from now on counted as those of a test, also in the processes that it starts."""
    _switch(f"{group}.{name}")


def over() -> None:
    """Have the lines that run from now on counted as those of no test."""
    _switch("")


def _switch(context: str) -> None:
    global _is_wanted
    if _is_wanted is None:
        _is_wanted = VARIABLE in os.environ and CONTEXT in os.environ
    coverage = sys.modules.get("coverage")
    if not _is_wanted or coverage is None:
        return
    os.environ[CONTEXT] = context
    measured = coverage.Coverage.current()
    if measured is not None:
        measured.switch_context(context)
