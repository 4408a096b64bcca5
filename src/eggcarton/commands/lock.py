"""Make the lock, and the pins beside bootstrap.py, answer the configuration."""

from __future__ import annotations

import argparse

from eggcarton.buildout import pinning
from eggcarton.commands.call import Call

HELP = "make the lock, and the pins beside bootstrap.py, answer the configuration"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument(
        "--upgrade", nargs="*", metavar="NAME", help="take these distributions anew; without a name, all"
    )


def run(call: Call) -> int:
    """Lock, and say what changed."""
    upgrade = call.options.upgrade
    with call.session(writing=True) as session:
        if upgrade:
            pinning.check_names(session, upgrade)
        changed = session.lock(upgrade) + pinning.lock_toolchain(session, upgrade)
        print("\n".join(changed) if changed else f"{session.settings.lock.name} is up to date.")
    return 0
