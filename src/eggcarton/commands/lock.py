"""Make the lock, and the pins beside bootstrap.py, answer the configuration."""

from __future__ import annotations

import argparse
from pathlib import Path

from eggcarton.buildout import asking, configs, pinning
from eggcarton.commands.call import Call
from eggcarton.core.errors import Drift

HELP = "make the lock, and the pins beside bootstrap.py, answer the configuration"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--upgrade", nargs="*", metavar="NAME", help="take these distributions anew; without a name, all"
    )
    either.add_argument(
        "--check", action="store_true", help="write nothing, open no socket, and end with 3 where there is drift"
    )


def run(call: Call) -> int:
    """Lock, and say what changed."""
    if call.options.check:
        return _check(call)
    upgrade = call.options.upgrade
    with call.session(writing=True, refresh=upgrade == []) as session:
        if upgrade:
            pinning.check_names(session, upgrade)
        changed = session.lock(upgrade) + pinning.lock_toolchain(session, upgrade)
        print("\n".join(changed) if changed else f"{session.settings.lock.name} is up to date.")
    return 0


def _check(call: Call) -> int:
    """Say that the locks answer, in every entry that they have.

    Raises:
        Drift: they do not, or there is something in them that is not asked for any more.
    """
    with call.session() as session:
        asking.needs_no_network(session)
        questions = configs.all_questions(session)
        found: list[str] = session.child.ask("unanswered", questions=questions)
        found += [f"there is no {name}" for name in pinning.missing(session)]
        if found:
            raise Drift("the lock is not what this configuration asks for; run bin/eggcarton lock:", differences=found)
        names = [Path(question["lock"]).name for question in questions]
        print(f"{', '.join(names)} answer{'s' * (len(names) == 1)} the configuration.")
    return 0
