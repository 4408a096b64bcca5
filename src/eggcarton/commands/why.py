"""Tell why a distribution is locked."""

from __future__ import annotations

import argparse

from eggcarton.buildout import asking, configs, pinning
from eggcarton.commands.call import Call
from eggcarton.core.errors import UsageProblem

HELP = "tell every chain of requirements that leads to a distribution, the shortest first, and what pins it"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument("name", metavar="NAME", help="the distribution")
    parser.add_argument("--all", action="store_true", help="every chain, not only the first ten")


def run(call: Call) -> int:
    """Print the chains."""
    name = call.options.name
    with call.session() as session:
        asking.check_offline(session)
        questions = configs.all_questions(session)
        try:
            lines = session.child.ask("why", name=name, questions=questions, everything=call.options.all)
        except UsageProblem:
            lines = pinning.told(session, name)
            if not lines:
                raise
    print("\n".join(lines))
    return 0
