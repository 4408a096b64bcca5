"""Brings what came of tests from several processes into one.

Each process writes a piece, a file of its own, a line for each test that begins and for each that ends; so what a
process was at when it died is known too.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .totals import DIED
from .watch import ERROR, Outcome, Watch

VARIABLE = "EGGCARTON_TEST_PIECES"
"""Names the directory of the pieces to the processes that a runner starts."""


@contextlib.contextmanager
def gathered(watch: Watch) -> Iterator[Path]:
    """Let processes that are started in the block write pieces; tell a watch of what they say in the end."""
    before, is_told = os.environ.get(VARIABLE), True
    with tempfile.TemporaryDirectory(prefix="eggcarton-tests-") as directory:
        os.environ[VARIABLE] = directory
        try:
            yield Path(directory)
        except BaseException:
            is_told = False
            raise
        finally:
            # A test may have emptied the environment.
            os.environ.pop(VARIABLE, None)
            if before is not None:
                os.environ[VARIABLE] = before
            for outcome in read(Path(directory)):
                watch.ended(outcome)
            if is_told:
                watch.gathered()


def write(watch: Watch, directory: str | None = None) -> None:
    """Let a watch, of a process that another one has started, write a piece from now on, and no reports.

    Args:
        directory: where; left out: where the variable says.
    """
    handle, _ = tempfile.mkstemp(dir=directory or os.environ[VARIABLE], suffix=".piece")
    watch.is_piece = True
    watch.on_opened.clear()

    def line(value: object) -> None:
        # One write, not kept back: the process may die at once.
        os.write(handle, f"{json.dumps(value)}\n".encode())

    watch.on_begun.append(lambda group, name: line({"group": group, "name": name}))
    watch.on_ended.append(lambda outcome: line(dataclasses.asdict(outcome)))


def read(directory: Path) -> list[Outcome]:
    """Return what the pieces in a directory say; a test that has not ended is an error."""
    found = []
    for piece in sorted(directory.glob("*.piece"), key=lambda path: path.stat().st_mtime_ns):
        running = None
        for line in piece.read_text("utf-8").splitlines():
            try:
                values = json.loads(line)
            except ValueError:
                # The process did not come to the end of its last line.
                break
            running = None if "kind" in values else values
            if "kind" in values:
                found.append(Outcome(**values))
        if running:
            found.append(Outcome(**running, kind=ERROR, seconds=0.0, message=DIED))
    return found
