"""Tell how each route of each index fares, or ask all of them now."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from eggcarton.buildout import asking
from eggcarton.buildout.session import Session
from eggcarton.commands.call import Call
from eggcarton.core.errors import Unavailable
from eggcarton.indexes import kept_health, overview, served

HELP = "tell each route of each index: its tier, how it fares, what it served and its last fault"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument(
        "--check",
        action="store_true",
        help="ask every route now for a project of the lock and a file of it; name what is stale, contradicts the lock "
        "or is misconfigured, and end with 3 where one needs care, with 4 where none can be reached",
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(call: Call) -> int:
    """Print the routes; what was kept of earlier runs, or what they answer now."""
    if call.options.check and call.options.offline:
        raise Unavailable("offline, and how routes fare only they can tell; leave -o or --check out")
    with call.session() as session:
        return _check(session, as_json=call.options.json) if call.options.check else _tell(session, call.options.json)


def _tell(session: Session, as_json: bool) -> int:
    known = kept_health.read(Path(session.sources["cache"]) / kept_health.NAME)
    kept = served.read(session.state / served.NAME)
    indexes = session.settings.indexes
    rows = overview.rows(indexes, kept, known, time.time(), session.settings.find_links)
    if as_json:
        _print(overview.fields(indexes, rows, kept))
    else:
        print("\n".join(overview.lines(indexes, rows, kept)))
    return 0


def _check(session: Session, *, as_json: bool) -> int:
    asking.check_offline(session)
    paths = [str(session.lock_of(group)) for group in session.groups()]
    answer = session.child.ask("check-mirrors", paths=paths, sources=session.sources)
    status: int = answer["status"]
    if as_json:
        _print(answer)
        return status
    routes = answer["routes"]
    widths = [max(len(route[key]) for route in routes) for key in ("index", "route")]
    for route in routes:
        place = f"{route['index'].ljust(widths[0])}  {route['route'].ljust(widths[1])}"
        first, *more = route["findings"] or [""]
        print(f"{place}  {route['verdict']}{': ' if first else ''}{first}")
        for finding in more:
            print(f"{'':{sum(widths) + 4}}{finding}")
    return status


def _print(value: Any) -> None:
    print(json.dumps(value, indent=1))
