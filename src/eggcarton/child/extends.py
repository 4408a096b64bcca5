"""The addresses that a configuration extends, in ``buildout.lock.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from eggcarton.packages import build_lock


def read(*, lock: str) -> dict[str, str]:
    """Return the sha256 of each address.

    Raises:
        IntegrityProblem: the lock must not be obeyed.
    """
    return dict(build_lock.read(Path(lock)).extends)


def write(*, lock: str, extends: Mapping[str, str]) -> None:
    """Put these addresses into the lock, beside those that it has already."""
    path = Path(lock)
    before = build_lock.read(path)
    build_lock.write(path, replace(before, extends={**before.extends, **extends}))
