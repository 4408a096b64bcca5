"""The text of interpreter scripts, which take every option that the interpreter they stand for takes."""

from __future__ import annotations

from pathlib import Path

from eggcarton.core.quoting import shell
from eggcarton.core.script import Start

XOPTION = "eggcarton"
"""The option -X by which an interpreter of an environment is told which file it runs before anything else."""


def interpreter(start: Start, place: Path, first: Path | None = None) -> str:
    """Return the script of an interpreter.

    Args:
        place: where the script will stand.
        first: a file of statements that the interpreter runs first, in the namespace of what it then runs itself.
    """
    isolation = start.isolation
    lines = f"unset {' '.join(isolation.scrubbed)}\n" if isolation.scrubbed else ""
    lines += "".join(f"export {name}={shell(value)}\n" for name, value in isolation.handed_on)
    before, python = start.in_shell(place, start.python)
    words = [python, isolation.flags]
    if first is not None:
        before, file = start.in_shell(place, first)
        words.append(f"-X {XOPTION}={file}")
    return f'#!/bin/sh\n{lines}{before}exec {" ".join(filter(None, words))} "$@"\n'
