"""Write the lock as other tools read it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from eggcarton.buildout import asking, building
from eggcarton.buildout.needs import PARTS, RECIPES
from eggcarton.commands.call import Call
from eggcarton.core import writing
from eggcarton.core.errors import UsageProblem

_OURS = {"pylock": b'created-by = "eggcarton"'}
_HEADER = b"# Written by 'bin/eggcarton export"
HELP = "write the lock as other tools read it"
KINDS = ("requirements", "constraints", "versions", "pylock")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument("kind", choices=KINDS, help="what is written: pins with hashes for pip and uv, pins without, a "
                        "[versions] section, or a pylock.toml")  # fmt: skip
    parser.add_argument("--urls", action="store_true", help="a pylock with the address of each file on its index")
    parser.add_argument("--lock-group", default=PARTS, metavar="NAME", help="the lock of this group of parts")
    parser.add_argument("--output", metavar="FILE", help="write this file; without it, to the standard output")


def run(call: Call) -> int:
    """Export, to a file that is old or new at every moment, or to the standard output."""
    options = call.options
    if options.urls and options.kind != "pylock":
        raise UsageProblem(f"--urls is for 'export pylock'; {options.kind} never holds an address")
    if options.output and not Path(options.output).absolute().parent.is_dir():
        raise UsageProblem(f"--output {options.output}: there is no directory {Path(options.output).parent}")
    if options.output:
        _check_place(Path(options.output), options.kind)
    with call.session() as session:
        lock = session.lock_of(options.lock_group)
        if options.output:
            kept = [lock, building.lock_of(session), *map(session.lock_of, session.groups())]
            _check_lock(Path(options.output), kept)
        if not lock.exists() and options.lock_group != RECIPES:
            asking.check_group(session, options.lock_group)
        told = {"kind": options.kind, "lock": str(lock), "urls": options.urls}
        text = session.child.ask("export", **told, sources=session.sources)
    if options.output is None:
        sys.stdout.write(text)
    else:
        writing.replace(Path(options.output), text)
    return 0


def _check_place(path: Path, kind: str) -> None:
    """Let nothing be lost that no export wrote.

    Raises:
        UsageProblem: something else stands there.
    """
    if not path.exists():
        return
    if not path.is_file():
        raise UsageProblem(f"--output {path}: what stands there is no file; name another one")
    with path.open("rb") as stream:
        begin = stream.read(200)
    is_ours = _OURS[kind] in begin if kind in _OURS else begin.startswith(_HEADER)
    if not is_ours:
        raise UsageProblem(
            f"--output {path}: a file stands there that no 'export {kind}' wrote, so that it is not replaced; "
            "move it away, or name another one"
        )


def _check_lock(path: Path, locks: Iterable[Path]) -> None:
    """Let no export take the place of a lock.

    Raises:
        UsageProblem: that is asked for.
    """
    if path.resolve() in {lock.resolve() for lock in locks}:
        raise UsageProblem(f"--output {path}: that is a lock of this buildout; name another file")
