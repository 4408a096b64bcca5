"""The example as it stands when it was built: a copy outside the checkout, from its committed lock."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.buildouts import BOOTSTRAP, CHECKOUT, PYTHON, Result, Shared, environment, locked, run, user_cache

MADE = ("bin", "parts", "eggs", "develop-eggs", "etc", "var", "*.egg-info", "__pycache__", ".*")
NO_NETWORK = 4


class Example:
    """A copy of the example in a directory of its own."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home = root, home

    def run(self, program: str, *arguments: str) -> Result:
        """Run a program of bin."""
        return run([self.root / "bin" / program, *arguments], cwd=self.root, variables=environment(self.home))

    def build(self, command: Sequence[str | Path]) -> None:
        """Run a command that builds it; where the files that this takes are not to be had, a test is skipped."""
        cache = {"EGGCARTON_CACHE": str(user_cache())}
        # First from what this machine has fetched before; where that is not all, from the index that it knows.
        for variables in (environment(self.home, **cache), {**os.environ, **cache}):
            status, output = run(command, cwd=self.root, variables=variables)
            if status != NO_NETWORK:
                break
        else:
            pytest.skip(f"the example's files are neither in the cache nor to be had: {output.splitlines()[-1]}")
        assert 0 == status, output

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve it at a port that the system chooses, and give its address."""
        process = subprocess.Popen(
            [self.root / "bin/web", "--listen", "127.0.0.1:0"],
            cwd=self.root,
            env=environment(self.home),
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            told = re.fullmatch(r"serving on (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
            assert told is not None
            yield told[1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=300)
        assert 0 == process.returncode


def build_example(place: Path, shared: Shared) -> Example:
    """Build a copy of the example below a directory."""
    root, home = place / "guestbook", place / "home"
    shutil.copytree(CHECKOUT / "examples/guestbook", root, ignore=shutil.ignore_patterns(*MADE))
    home.mkdir()
    lock = (root / "pylock.toml").read_bytes()
    example = Example(root, home)
    with locked(shared.directory / "example"):
        example.build([PYTHON, BOOTSTRAP, root])
    assert lock == (root / "pylock.toml").read_bytes()
    return example
