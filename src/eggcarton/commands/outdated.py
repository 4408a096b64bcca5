"""Tell which locked distributions have newer versions."""

from __future__ import annotations

import argparse

from eggcarton.buildout import asking, configs
from eggcarton.commands.call import Call

HELP = "tell what has newer versions on its index, what holds it back, and what was yanked; 3 where you can act"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told: nothing."""


def run(call: Call) -> int:
    """Print a line for each that is outdated; end with 3 where one can be had, or a locked one was yanked."""
    with call.session() as session:
        asking.check_offline(session)
        answer = session.child.ask(
            "outdated",
            questions=configs.all_questions(session),
            sources=session.sources,
            allow_sdist=list(session.settings.allow_sdist),
        )
    print("\n".join(answer["lines"]))
    return 3 if answer["finding"] else 0
