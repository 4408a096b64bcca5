"""How origins fared, kept for the next run: a file that may be missing, garbage or from another day at any time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from eggcarton.core import writing
from eggcarton.core.errors import StagingProblem
from eggcarton.core.locks import hold
from eggcarton.indexes.health import KEPT

NAME = "health.json"
_TRIES, _BETWEEN = 200, 0.01


def read(path: Path) -> dict[str, Any]:
    """Return what is kept, by origin; nothing where there is no such file."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_text("utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def merged(kept: Mapping[str, Any], new: Mapping[str, Any], wall: float) -> dict[str, Any]:
    """Return what of two is worth keeping: of each origin what was seen last, but nothing old or from the future."""
    found: dict[str, Any] = {}
    for known in (kept, new):
        for origin, told in known.items():
            at = _seen(told)
            if 0 <= wall - at <= KEPT and (origin not in found or _seen(found[origin]) <= at):
                found[origin] = told
    return dict(sorted(found.items()))


def add(path: Path, new: Mapping[str, Any], wall: float) -> None:
    """Keep what a run has found beside what others have kept meanwhile; where that cannot be, it is lost.

    Args:
        path: the file.
        new: what `Health.kept` returns.
        wall: the time by the wall clock.
    """
    with suppress(OSError, StagingProblem):
        if not new or not path.parent.is_dir():
            return
        with _turn(path.with_name(f".{path.name}.lock")):
            kept = read(path)
            if (together := merged(kept, new, wall)) != kept:
                writing.replace(path, json.dumps(together, indent=1) + "\n")


def _seen(told: object) -> float:
    try:
        return float(told["at"])  # type: ignore[index]
    except (KeyError, TypeError, ValueError, OverflowError):
        return float("nan")


@contextmanager
def _turn(lock: Path) -> Iterator[None]:
    """Wait until no other build writes; one that takes two seconds for it is not waited for any longer."""
    held = None
    for _ in range(_TRIES):
        with suppress(BlockingIOError):
            held = hold(lock)
            break
        time.sleep(_BETWEEN)
    try:
        yield
    finally:
        if held is not None:
            held.close()
