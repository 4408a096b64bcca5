"""Builds that failed: what they said last, and where the rest of it is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from eggcarton.core.errors import EggcartonError

_MOST_LINES, _LEAST_LINES = 20, 4


class BuildFailed(EggcartonError):
    """A build backend ended with an error; its last lines are in the message, and ``output`` is all that it said."""

    output: str = ""


def failed(source: Path, output: str, *, lines: int = _MOST_LINES, log: Path | None = None) -> BuildFailed:
    """Return the error of a build.

    Args:
        source: the project's directory.
        output: what the build said.
        lines: how many of the last lines are told.
        log: where the output is kept.
    """
    last = output.strip().splitlines()[-lines:]
    rest = f"  all that it said is in {log}" if log is not None else ""
    error = BuildFailed(
        "\n".join(filter(None, [f"{source} could not be built:", rest, *(f"  {line}" for line in last)]))
    )
    error.output = output
    return error


def log_of(logs: Path, source: Path) -> Path:
    """Return where the output of a project's build is kept when it fails; projects of one name are told apart."""
    return logs / f"{source.name}-{hashlib.sha256(os.fsencode(source)).hexdigest()[:8]}.log"


def all_of(failures: Mapping[Path, EggcartonError], builds: int, logs: Path | None) -> EggcartonError:
    """Return one error for all builds of a run that failed, with the logs that were written for it.

    Args:
        failures: the error of each project that has one.
        builds: how many builds there were.
        logs: the directory for logs; nothing is written where it is None.
    """
    lines = max(_LEAST_LINES, _MOST_LINES // len(failures))
    told = list[EggcartonError]()
    for source, error in failures.items():
        if not isinstance(error, BuildFailed):
            told.append(error)
            continue
        log = log_of(logs, source) if logs is not None else None
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(error.output, "utf-8")
        told.append(failed(source, error.output, lines=lines, log=log))
    if len(told) == 1:
        return told[0]
    # The code that says most is that of the first: all of them have to be mended.
    heading = f"{len(told)} of {builds} develop packages could not be built:"
    return type(told[0])("\n".join([heading, *map(str, told)]))
