"""What each run of a part has covered, one line of JSON a run."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import say

LONGEST = 5000
"""How many runs are kept: the nightly ones of thirteen years, in about a megabyte."""

_WIDTH = 25
_SHOWN = 50


def path(directory: Path) -> Path:
    """Return the file that the history of a part is in."""
    return directory / "history.jsonl"


def append(file: Path, run: Mapping[str, Any]) -> None:
    """Add a run, with the time in UTC and the revision that is checked out, to those before.

    A line that a killed run has left half written stays alone.
    """
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = json.dumps({"date": now, "revision": _revision(), **run}) + "\n"
    try:
        before = file.read_bytes()
    except FileNotFoundError:
        before = b""
    if before.count(b"\n") >= LONGEST:
        staging = file.with_name(f".{file.name}.new")
        kept = before.splitlines()[-(LONGEST - LONGEST // 10) :]
        staging.write_bytes(b"\n".join(kept) + b"\n")
        os.replace(staging, file)
    elif before and not before.endswith(b"\n"):
        line = f"\n{line}"
    with open(file, "ab", buffering=0) as stream:
        stream.write(line.encode())


def read(file: Path) -> list[dict[str, Any]]:
    """Return the runs of all tests, the oldest first; runs of a choice of tests are left out."""
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [run for line in lines if (run := _run(line))]


def _run(line: bytes) -> dict[str, Any] | None:
    try:
        run = json.loads(line)
        datetime.strptime(run["date"], "%Y-%m-%dT%H:%M:%SZ")
        is_whole = run["whole"] is True and 0 <= float(run["total"]) <= 100
    except (ValueError, KeyError, TypeError):
        return None
    return run if is_whole else None


def show(directory: Path) -> int:
    """Print the history of a part, and draw it beside the file."""
    from .trend import drawn

    file = path(directory)
    try:
        runs = read(file)
    except OSError as error:
        return say(f"{file} cannot be read: {error.strerror}", 1)
    if not runs:
        return say(f"{file} knows of no run of all tests yet: each one adds a line", 1)
    print(table(runs[-_SHOWN:]))
    if len(runs) > _SHOWN:
        print(f"These are the last {_SHOWN} of {len(runs)} runs; the picture shows all of them.")
    picture = directory / "history.svg"
    staging = directory / ".history.svg.new"
    try:
        staging.write_text(drawn(runs), "utf-8")
        os.replace(staging, picture)
    except OSError as error:
        return say(f"{picture} cannot be written: {error.strerror}", 1)
    print(f"coverage trend: {picture}")
    return 0


def table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return a line a run, with a bar from the least that any of them has covered to all."""
    least = min(float(run["total"]) for run in runs)
    least = max(0.0, least - 5) // 5 * 5
    rows = [("date (UTC)", "revision", "covered", "lines", "branches", "tests", f"from {least:g} to 100 %")]
    for run in runs:
        share = (float(run["total"]) - least) / (100 - least)
        rows.append(
            (
                str(run["date"])[:16].replace("T", " "),
                printable(run.get("revision") or "-")[:12],
                f"{_rounded_down(float(run['total'])):.2f} %",
                _counts(run.get("lines")),
                _counts(run.get("branches")),
                printable(run.get("tests", "-")),
                "#" * max(1, int(share * _WIDTH)),
            )
        )
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if 1 < number < 6 else cell.ljust(width)
        for number, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def printable(value: object) -> str:
    """Return a value of a damaged line too as a text that harms neither a terminal nor a picture."""
    return "".join(filter(str.isprintable, str(value)))


def _counts(counts: object) -> str:
    return printable(f"{counts[0]}/{counts[1]}") if isinstance(counts, list) and len(counts) == 2 else "-"


def _rounded_down(total: float) -> float:
    """Return a percentage that is 100 only where nothing is missing."""
    return int(total * 100) / 100


def _revision() -> str | None:
    """Return the commit of the working directory; None where there is none, or no git."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
