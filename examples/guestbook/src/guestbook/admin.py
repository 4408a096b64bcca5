"""guestbook-admin: look after the entries from the command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from sqlalchemy.orm import Session

from guestbook import models
from guestbook.database import open_database
from guestbook.settings import VARIABLE, SettingsProblem, read_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit code: 0 done, 1 an error that was told, 2 wrong usage."""
    command = _parser().parse_args(arguments)
    try:
        engine = open_database(read_settings({**os.environ, **command.settings}))
    except SettingsProblem as problem:
        return _fail(str(problem))
    try:
        with Session(engine) as session, session.begin():
            return _run(command, session)
    finally:
        engine.dispose()


def _run(command: argparse.Namespace, session: Session) -> int:
    if command.name == "count":
        print(models.count(session))
    elif command.name == "list":
        for entry in models.newest(session, limit=command.limit):
            print(f"{entry.id:>6}  {entry.written:%Y-%m-%d %H:%M}  {entry.name}: {_first_line(entry.message)}")
    elif not models.remove(session, command.id):
        return _fail(f"There is no entry {command.id}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="guestbook-admin", description="Look after the entries of a guestbook.")
    parser.add_argument(
        "--settings",
        metavar="FILE",
        type=lambda path: {VARIABLE: path},
        default={},
        help=f"the settings file (default: the one that {VARIABLE} names)",
    )
    commands = parser.add_subparsers(dest="name", required=True)
    commands.add_parser("count", help="print how many entries there are")
    listing = commands.add_parser("list", help="print the entries, the newest first")
    listing.add_argument("--limit", type=_positive, metavar="N", help="print the newest N only")
    delete = commands.add_parser("delete", help="delete one entry")
    delete.add_argument("id", type=_positive, metavar="ID", help="its number, as 'list' prints it")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10**18:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)


def _first_line(message: str, width: int = 60) -> str:
    """Return the beginning of a message, with an ellipsis where more follows."""
    line, _, rest = message.partition("\n")
    return line[:width] + ("…" if rest or len(line) > width else "")


def _fail(sentence: str) -> int:
    print(f"guestbook-admin: {sentence}", file=sys.stderr)
    return 1
