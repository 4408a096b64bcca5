"""Make the lock from what another tool has locked."""

from __future__ import annotations

import argparse
from pathlib import Path

from eggcarton.buildout.needs import PARTS
from eggcarton.commands.call import Call

HELP = "make the lock from requirements.txt, constraints.txt, uv.lock or another tool's pylock.toml"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument(
        "file", metavar="FILE", help="the file, whose versions and hashes are taken for what the configuration needs"
    )
    parser.add_argument("--lock-group", default=PARTS, metavar="NAME", help="the lock of this group of parts")


def run(call: Call) -> int:
    """Import, and say what was trusted, left out and resolved."""
    file = Path(call.options.file).absolute()
    with call.session(writing=True) as session:
        print("\n".join(session.lock_from(file, call.options.lock_group)))
    return 0
