"""Make the lock, and the pins beside bootstrap.py, answer the configuration."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import Any

from eggcarton.buildout import asking, configs, pinning
from eggcarton.buildout.session import Session
from eggcarton.commands.call import Call
from eggcarton.core.errors import Drift

_OURS = b'created-by = "eggcarton"'
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
        found += [f"{name} is a lock that nothing asks for; remove it" for name in _left_over(session, questions)]
        if found:
            raise Drift("the lock is not what this configuration asks for; run bin/eggcarton lock:", differences=found)
        names = [Path(question["lock"]).name for question in questions]
        print(f"{', '.join(names)} answer{'s' * (len(names) == 1)} the configuration.")
    return 0


def _left_over(session: Session, questions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of our locks that no configuration asks anything of, such as that of a group given up."""
    lock, asked = session.settings.lock, {question["lock"] for question in questions}
    beside = sorted(lock.parent.glob(f"{escape(lock.stem)}.*{escape(lock.suffix)}"))
    others = [path for path in beside if str(path) not in asked and path != lock]
    return [path.name for path in others if _OURS in path.read_bytes()[:200]]
