"""Show what a run would write, and write nothing."""

from __future__ import annotations

import argparse

from eggcarton.buildout import last_run
from eggcarton.buildout.preview import Preview
from eggcarton.commands.call import Call
from eggcarton.core.errors import Drift

HELP = "show what a run would write where eggs have not changed, and write nothing"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these parts")


def run(call: Call) -> int:
    """Print the plan of each part as a difference against what stands."""
    with call.session() as session:
        try:
            for told in Preview(session).of(call.options.parts):
                print(told)
        except Drift as drift:
            remark = last_run.remark(session.buildout, call.options.config)
            raise Drift(f"{drift}\n{remark}") if remark else drift from drift
    return 0
