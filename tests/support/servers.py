"""Programs that serve in the foreground while a block runs."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.buildouts import start, stop

SERVING = re.compile(r"serving on (http://127\.0\.0\.1:\d+)", re.IGNORECASE)


@contextmanager
def running(command: Sequence[str | Path], cwd: Path, variables: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program while the block runs; what it starts is of its group, and is ended with it."""
    process = start(command, cwd=cwd, variables=variables)
    try:
        yield process
    finally:
        stop(process, signal.SIGTERM)


@contextmanager
def served(command: Sequence[str | Path], cwd: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """Run a server at a port that the system chooses while the block runs, and give the address that it tells."""
    said = []
    with running(command, cwd, variables) as process:
        for line in process.stdout or ():
            said.append(line)
            if told := SERVING.search(line):
                yield told[1]
                return
    pytest.fail("".join(said))
