"""Who works on which eggs of a store: each is unpacked by one process, and the others wait for it, or for its end."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO

from eggcarton.core import locks

_GATE, _PREFIX = ".claims.lock", ".claim-"


@contextmanager
def taken(directory: Path, names: Collection[str]) -> Iterator[set[str]]:
    """Give those of some names that nobody else works on, and keep others from these while the block runs.

    Nobody who holds names waits for others, so that no two can wait for each other. The claim of a process that is no
    more holds nothing. Where a place has no locks, all names are given.

    Args:
        directory: where claims lie.
    """
    with ExitStack() as stack:
        with _gate(directory):
            others = {name for path in _claims(directory) for name in _claimed(path)}
            mine = {name for name in names if name not in others}
            if mine:
                stack.enter_context(_claim(directory, mine))
        yield mine


def wait(directory: Path, names: Collection[str]) -> None:
    """Wait until somebody who works on any of these names has finished, or has ended; at once where nobody does."""
    with _gate(directory):
        found = next((path for path in _claims(directory) if not set(names).isdisjoint(_claimed(path))), None)
    if found is not None:
        with suppress(FileNotFoundError):
            held = locks.hold(found, wait=True, make=False)
            if held is not None:
                held.close()


@contextmanager
def _gate(directory: Path) -> Iterator[None]:
    """Let one process or thread at a time look at claims, and make its own."""
    held = locks.hold(directory / _GATE, wait=True)
    try:
        yield
    finally:
        if held is not None:
            held.close()


@contextmanager
def _claim(directory: Path, names: Collection[str]) -> Iterator[None]:
    path = directory / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    held = locks.hold(path)
    try:
        if held is not None:
            held.write("\n".join(sorted(names)))
            held.flush()
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        if held is not None:
            held.close()


def _claims(directory: Path) -> Iterator[Path]:
    """Give the claims that somebody holds, and remove those of processes that are no more."""
    for path in sorted(directory.glob(f"{_PREFIX}*")):
        if _is_left(path):
            with suppress(OSError):
                path.unlink()
        else:
            yield path


def _is_left(path: Path) -> bool:
    try:
        held: TextIO | None = locks.hold(path, make=False)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return True
    if held is not None:
        held.close()
    return True


def _claimed(path: Path) -> set[str]:
    try:
        return set(path.read_text("utf-8").splitlines())
    except OSError:
        return set()
