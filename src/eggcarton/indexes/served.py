"""What came from where, kept from run to run beside the build: ``parts/.eggcarton/state/mirrors.json``.

The file is JSON: ``format`` is 1; ``last-run`` has ``ended`` and ``routes``, of the last run that asked the network;
``total`` has ``since``, ``runs`` and ``routes``, of all of them. Each of ``routes`` has ``index``, ``route`` (its
address, without credentials), ``kind``, ``tier``, the numbers of requests that served (``pages``, ``files``,
``metadata``, ``other``), ``bytes``, ``resumed``, ``hedged``, ``absent`` (asked for what it does not have), ``faults``,
``last-fault``, ``last-fault-at`` and ``state`` (``ready``, ``unsteady``, ``embargoed``, ``resting`` or ``out``, as the
run left it).
Times are in UTC. It may be deleted at any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from eggcarton.core import writing
from eggcarton.indexes.journal import Tally, summed

NAME = "mirrors.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Served:
    """What the routes did in the last run that asked the network, and in all such runs; times in seconds."""

    ended: float | None = None
    last: tuple[Tally, ...] = ()
    since: float | None = None
    runs: int = 0
    total: tuple[Tally, ...] = ()

    def after(self, run: Iterable[Tally], ended: float) -> Served:
        """Return this with one run more."""
        last = summed(run)
        total = summed([*self.total, *last])
        return Served(ended, tuple(last), self.since or ended, self.runs + 1, tuple(total))

    def fields(self) -> dict[str, Any]:
        """Return all of it as the file has it."""
        return {
            "format": _FORMAT,
            "last-run": {"ended": moment(self.ended), "routes": [_told(tally) for tally in self.last]},
            "total": {
                "since": moment(self.since),
                "runs": self.runs,
                "routes": [_told(tally) for tally in self.total],
            },
        }


def read(path: Path) -> Served:
    """Return what the file says; nothing where it is not there, or is none."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        told = json.loads(path.read_text("utf-8"))
        if told["format"] == _FORMAT:
            last, total = told["last-run"], told["total"]
            return Served(
                _seconds(last["ended"]),
                tuple(map(_tally, last["routes"])),
                _seconds(total["since"]),
                int(total["runs"]),
                tuple(map(_tally, total["routes"])),
            )
    return Served()


def write(path: Path, served: Served) -> None:
    """Write the file.

    Raises:
        StagingProblem: it cannot be written; the old one stands.
    """
    writing.replace(path, json.dumps(served.fields(), indent=1) + "\n")


def moment(seconds: float | None) -> str | None:
    """Return a time in UTC as ISO 8601 has it, to the second.

    >>> moment(0.0)
    '1970-01-01T00:00:00Z'
    """
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()


def _told(tally: Tally) -> dict[str, Any]:
    return {**tally.fields(), "last-fault-at": moment(tally.last_fault_at)}


def _tally(told: dict[str, Any]) -> Tally:
    return Tally.of({**told, "last-fault-at": _seconds(told.get("last-fault-at"))})
