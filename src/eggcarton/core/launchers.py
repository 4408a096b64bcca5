"""The files by which a person starts something: a script, and on Windows a command beside it.

Windows is best effort: what is planned for it is tested as a plan, and was never run there.
"""

from __future__ import annotations

import ntpath
from pathlib import Path

from eggcarton.core.interpreter_script import XOPTION, interpreter
from eggcarton.core.isolation import Isolation
from eggcarton.core.layout import Layout
from eggcarton.core.plan import File
from eggcarton.core.script import Start, program, script


def launcher(layout: Layout, start: Start, name: str, body: str, *, window: bool = False) -> tuple[File, ...]:
    """Return the files of one script in the bin directory.

    Args:
        body: its statements.
        window: whether it opens windows of its own, and needs no console.
    """
    place = layout.bin / name
    if not layout.windows:
        return (File(place, script(start, place, body), 0o755),)
    text = layout.bin / f"{name}-script.py{'w' if window else ''}"
    python = start.python.with_name("pythonw.exe") if window else start.python
    words = [_named(start, place, python), start.isolation.flags, _named(start, place, text)]
    return (File(text, program(start, body)), _command(place, words))


def interpreter_launcher(layout: Layout, start: Start, name: str, first: Path | None) -> tuple[File, ...]:
    """Return the files of an interpreter in the bin directory.

    Args:
        first: a file of statements that it runs first.
    """
    place = layout.bin / name
    if not layout.windows:
        return (File(place, interpreter(start, place, first), 0o755),)
    words = [_named(start, place, start.python), start.isolation.flags]
    if first is not None:
        words += ["-X", f"{XOPTION}={_named(start, place, first)}"]
    return (_command(place, words, start.isolation),)


def _command(place: Path, words: list[str], isolation: Isolation | None = None) -> File:
    """Return a command file, which ends with the exit status of what it starts."""
    lines = ["@echo off", "setlocal"]
    if isolation is not None:
        lines += [f'set "{name}="' for name in isolation.scrubbed]
        lines += [f'set "{name}={value}"' for name, value in isolation.handed_on]
    lines.append(f"{' '.join(filter(None, words))} %*")
    return File(place.with_name(f"{place.name}.cmd"), "".join(f"{line}\r\n" for line in lines))


def _named(start: Start, place: Path, target: Path) -> str:
    """Return how a command file names a path: in quotes, and by the way from itself where the tree may be moved."""
    if start.is_beside(place, target):
        way = ntpath.relpath(str(target), str(place.parent))
        return f'"%~dp0{way.replace("%", "%%")}"'
    return f'"{str(target).replace("%", "%%")}"'
