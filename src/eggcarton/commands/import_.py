"""Make the lock from what another tool has locked."""

from __future__ import annotations

import argparse
from pathlib import Path

from eggcarton.commands.call import Call

HELP = "make the lock from requirements.txt, constraints.txt, uv.lock or another tool's pylock.toml"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument(
        "file", metavar="FILE", help="the file, whose versions and hashes are taken for what the configuration needs"
    )


def run(call: Call) -> int:
    """Import, and say what was trusted, left out and resolved."""
    file = Path(call.options.file).absolute()
    with call.session(writing=True) as session:
        print("\n".join(session.lock(None, foreign=file)))
    return 0
