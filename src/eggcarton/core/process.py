"""Programs are run without a shell, always with a time limit, and their failure is told with their last words."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from eggcarton.core.errors import CommandFailed

_LAST_LINES = 20


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program that ended well wrote."""

    command: tuple[str, ...]
    output: str
    errors: str


def run(
    command: Sequence[str | Path],
    *,
    timeout: float,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    input: str | None = None,
) -> Completed:
    """Run a program to its end and return what it wrote.

    Args:
        timeout: seconds; then the program and all that it started are killed.
        environment: all of its environment variables; None hands on ours.
        input: its standard input; None means none.

    Raises:
        CommandFailed: when it cannot be started, does not end with 0, or takes too long.
    """
    words = tuple(str(word) for word in command)
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            # A session of its own, so that a time-out reaches the grandchildren too.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CommandFailed(words, f"could not be started: {reason}") from error
    try:
        output, errors = process.communicate(input, timeout)
    except subprocess.TimeoutExpired as error:
        output, errors = _kill(process)
        how = f"did not end within {timeout:g} seconds and was killed"
        raise CommandFailed(words, how, _last_lines(output, errors)) from error
    except BaseException:
        _kill(process)
        raise
    if process.returncode:
        raise CommandFailed(words, _how_it_ended(process.returncode), _last_lines(output, errors))
    return Completed(words, output, errors)


def _kill(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Kill a program with its children and return what it had written."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    try:
        return process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        # A grandchild in yet another session still holds the pipes.
        return "", ""


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def _last_lines(output: str, errors: str) -> list[str]:
    return (output.splitlines() + errors.splitlines())[-_LAST_LINES:]
