"""Runs the rows of a matrix side by side, each by its own script, and ends with a table of them.

Rows are whole processes that share nothing: this starts them, keeps what they print, and ends them together.
"""

from __future__ import annotations

import fnmatch
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

TOTALS = "EGGCARTON_TEST_TOTALS"
ROW = "EGGCARTON_TEST_ROW"
PARALLEL = "EGGCARTON_MATRIX_PARALLEL"

_USAGE = 2
_NOT_FOUND = 127
_MISSING = "not found: run bin/buildout, which makes it"
_LINES = 400
# What a row gets before it is killed: its runner says what it was at, its services end.
_GRACE = ((signal.SIGINT, 10.0), (signal.SIGTERM, 5.0))


class Unusable(Exception):
    """The command line asks for what there is not; a finished sentence."""


@dataclass
class Outcome:
    """How one row ended; ``status`` is None where it was not run."""

    name: str
    what: str = "not run"
    status: int | None = None
    seconds: float | None = None
    totals: Mapping[str, Any] = field(default_factory=dict)

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return what the table has of it: name, tests, failures, time, and in a word what became of it."""
        tests, failures = self.totals.get("tests"), self.totals.get("failures")
        if failures is not None:
            failures += self.totals.get("errors", 0)
        took = f"{self.seconds:.1f} s" if self.seconds is not None else "-"
        counts = ["-" if number is None else str(number) for number in (tests, failures)]
        return self.name, counts[0], counts[1], took, self.what


@dataclass(frozen=True)
class Choice:
    """What the command line says."""

    rows: Sequence[str] | None
    parallel: int | None
    only_list: bool
    arguments: Sequence[str]


def main(
    arguments: Sequence[str],
    *,
    rows: Mapping[str, str],
    left_out: Mapping[str, str],
    aliases: Mapping[str, str],
    log: str,
    parallel: str,
    timeout: float | None,
    in_turn: str = "",
) -> int:
    """Run the rows and return the first status, in their order, that is not 0.

    Args:
        arguments: of these ``--rows``, ``--matrix-parallel`` and ``--list`` are ours where they come first; the others
            go to each row.
        rows: the script of each row.
        left_out: why a row of this name is not run.
        aliases: other names of rows.
        log: the directory for what they print.
        parallel: how many run at once, ``auto`` for as many as there are processors.
        timeout: how many seconds one may take.
        in_turn: why they have to run one after another; empty where they do not.
    """
    try:
        choice = chosen(arguments)
        names = _named(choice.rows, rows, left_out, aliases)
        number = choice.parallel or _number(os.environ.get(PARALLEL) or parallel, PARALLEL)
    except Unusable as error:
        print(error, file=sys.stderr)
        return _USAGE
    if choice.only_list:
        print("\n".join([*rows, *(f"{name}  left out: {why}" for name, why in left_out.items())]))
        return 0
    if in_turn and len(names) > 1:
        print(in_turn, flush=True)
    try:
        os.makedirs(log, exist_ok=True)
    except OSError as error:
        print(f"{log} is where rows keep what they print, but: {error.strerror}; let it be written", file=sys.stderr)
        return _USAGE
    run = _Run({name: rows[name] for name in names}, Path(log), choice.arguments, timeout)
    outcomes = run.all(1 if in_turn else number)
    for outcome in outcomes:
        _show(outcome, run.log_of(outcome.name))
    shown = left_out if choice.rows is None else {}
    table([*outcomes, *(Outcome(name, f"left out: {why}") for name, why in shown.items())])
    return run.interrupted or next((outcome.status for outcome in outcomes if outcome.status), 0)


def chosen(arguments: Sequence[str]) -> Choice:
    """Return what the command line says; our options end at the first word that is none, or after ``--``.

    Raises:
        Unusable: one lacks its value, or that is no number.
    """
    rows: list[str] | None = None
    parallel, only_list, rest = None, False, list(arguments)
    while rest:
        name, equals, value = rest[0].partition("=")
        if name == "--list" and not equals:
            only_list = True
        elif name in ("--rows", "--matrix-parallel"):
            if not equals and len(rest) < 2:
                raise Unusable(f"{name} lacks its value; say {name}=VALUE")
            value = value if equals else rest.pop(1)
            if name == "--rows":
                rows = [*(rows or ()), *filter(None, (word.strip() for word in value.split(",")))]
            else:
                parallel = _number(value, name)
        else:
            rest = rest[1:] if rest[0] == "--" else rest
            break
        rest.pop(0)
    return Choice(rows, parallel, only_list, rest)


def _number(text: str, name: str) -> int:
    if text == "auto":
        try:
            return len(os.sched_getaffinity(0))
        except AttributeError:
            return os.cpu_count() or 1
    if not text.isdecimal() or not int(text):
        raise Unusable(f"{name}: {text!r} is neither a number of rows nor auto")
    return int(text)


def _named(
    wanted: Sequence[str] | None, rows: Mapping[str, str], left_out: Mapping[str, str], aliases: Mapping[str, str]
) -> list[str]:
    """Return the rows that are asked for, in their own order; a name may be a pattern."""
    if wanted is None:
        return list(rows)
    found = set[str]()
    for word in wanted:
        names = {name for name in rows if fnmatch.fnmatchcase(name, word)}
        names |= {row for alias, row in aliases.items() if fnmatch.fnmatchcase(alias, word) and row in rows}
        if not names and word in left_out:
            raise Unusable(f"the row {word} is left out: {left_out[word]}")
        if not names:
            raise Unusable(f"there is no row {word}; the rows are {', '.join(rows)}")
        found |= names
    if not found:
        raise Unusable(f"--rows names no row; the rows are {', '.join(rows)}")
    return [name for name in rows if name in found]


class _Run:
    """The rows of one run, and the processes of those that are at work."""

    def __init__(self, rows: Mapping[str, str], log: Path, arguments: Sequence[str], timeout: float | None) -> None:
        self._rows, self._log, self._arguments, self._timeout = rows, log, list(arguments), timeout
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self.interrupted = 0

    def log_of(self, name: str) -> Path:
        """Return the file that keeps what a row prints."""
        return self._log / f"{name}.log"

    def all(self, number: int) -> list[Outcome]:
        """Run them, so many at once, and return how each ended; Ctrl-C ends all of them."""
        found = {name: Outcome(name) for name in self._rows}
        width, left = max(map(len, found), default=0), len(found)
        # The one kind of queue that a signal handler may use.
        told: SimpleQueue[Outcome | int] = SimpleQueue()
        waiting = deque(found)
        with _signals_told(told):
            for _ in range(min(number, len(found))):
                threading.Thread(target=self._work, args=(waiting, told), daemon=True).start()
            while left:
                item = told.get()
                if isinstance(item, int):
                    if not self.interrupted:
                        self.interrupted = 128 + item
                        self._end_all()
                    continue
                found[item.name], left = item, left - 1
                if not self.interrupted:
                    print(f"{item.name.ljust(width)}  {item.what}", flush=True)
        return list(found.values())

    def _work(self, waiting: deque[str], told: SimpleQueue[Outcome | int]) -> None:
        """Run one row after the other while any waits."""
        while True:
            try:
                name = waiting.popleft()
            except IndexError:
                return
            try:
                told.put(self._one(name))
            except OSError as error:
                told.put(Outcome(name, f"not run: {error.filename} cannot be written: {error.strerror}", 1))

    def _one(self, name: str) -> Outcome:
        log, totals = self.log_of(name), self._log / f"{name}.json"
        totals.unlink(missing_ok=True)
        begun = time.monotonic()
        # A row may be the part itself, which is also run alone.
        variables = {**os.environ, ROW: name, TOTALS: str(totals), "PYTHONUNBUFFERED": "1"}
        with log.open("wb") as stream:
            try:
                with self._lock:
                    if self.interrupted:
                        return Outcome(name)
                    process = subprocess.Popen(
                        [self._rows[name], *self._arguments],
                        stdin=subprocess.DEVNULL,
                        stdout=stream,
                        stderr=subprocess.STDOUT,
                        env=variables,
                        start_new_session=True,
                    )
                    self._running[name] = process
            except OSError as error:
                text = f"{self._rows[name]} cannot be started: {error.strerror}; run bin/buildout, which makes it\n"
                stream.write(text.encode())
                return Outcome(name, _MISSING, _NOT_FOUND)
            is_late = self._wait(process)
        seconds = time.monotonic() - begun
        status = process.returncode if process.returncode >= 0 else 128 - process.returncode
        what = _told(process.returncode)
        if is_late:
            status, what = status or 1, f"ended after {self._timeout:g} s"
        elif self.interrupted:
            what = "ended"
        return Outcome(name, what, status, seconds, _read(totals))

    def _wait(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait for the end of a row and tell whether it came too late, and was brought about."""
        try:
            process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            _end([process])
            return True
        return False

    def _end_all(self) -> None:
        with self._lock:
            running = [process for process in self._running.values() if process.poll() is None]
        _end(running)


def _told(status: int) -> str:
    """Return in a word what became of a row that ended by itself."""
    if status < 0:
        return f"crashed ({signal.Signals(-status).name})" if -status in set(signal.Signals) else "crashed"
    return {0: "passed", 1: "failed", _NOT_FOUND: _MISSING}.get(status, f"failed with status {status}")


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End rows with all that they have started: asked first, then made to."""
    for number, seconds in _GRACE:
        left = [process for process in processes if process.poll() is None]
        for process in left:
            _send(process, number)
        until = time.monotonic() + seconds
        for process in left:
            try:
                process.wait(max(until - time.monotonic(), 0.01))
            except subprocess.TimeoutExpired:
                continue
    for process in processes:
        # What a runner has started may have outlived it.
        _send(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()


def _send(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except AttributeError:
        process.terminate()
    except (ProcessLookupError, PermissionError):
        pass


@contextmanager
def _signals_told(told: SimpleQueue[Any]) -> Iterator[None]:
    """Tell of the signals that end a run while the block runs; one that is ignored stays so."""
    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number in numbers:
            if before[number] != signal.SIG_IGN:
                signal.signal(number, lambda number, frame: told.put(number))
        yield
    finally:
        for number in numbers:
            signal.signal(number, before[number])


def _read(path: Path) -> Mapping[str, Any]:
    """Return the totals that a runner has left, none where it did not come so far."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _show(outcome: Outcome, log: Path) -> None:
    if not outcome.status or not log.is_file():
        return
    lines = log.read_bytes().decode("utf-8", "replace").splitlines()
    left = f", the last {_LINES} of {len(lines)} lines" if len(lines) > _LINES else ""
    print(f"\n{outcome.name}: {outcome.what} ({log}{left})\n")
    print("\n".join(lines[-_LINES:]))


def table(outcomes: Sequence[Outcome]) -> None:
    """Print one line a row."""
    lines = [("row", "tests", "failures", "time", ""), *(outcome.cells() for outcome in outcomes)]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    print()
    for name, tests, failures, took, what in lines:
        numbers = (cell.rjust(width) for cell, width in zip((tests, failures, took), widths[1:], strict=True))
        print("  ".join([name.ljust(widths[0]), *numbers, what]).rstrip())
    sys.stdout.flush()
