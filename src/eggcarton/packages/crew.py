"""Wheels are unpacked by as many processes as there are processors, as soon as there is enough to do."""

from __future__ import annotations

import heapq
import json
import os
import queue
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from eggcarton.core.errors import EggcartonError, IntegrityProblem
from eggcarton.packages.unpacking import Made, Order, unpack

_WORTH = 4 << 20
"""How many bytes of wheels wait for each process before one more is started, which takes as long as unpacking half."""

_EACH = 16 << 10
"""What a wheel costs beyond its bytes, in bytes."""

_SOURCES = Path(__file__).resolve().parents[2]
_START = """\
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.path.insert(0, sys.argv[1])
from eggcarton.packages.crew import serve
serve()
"""


def processors() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


@dataclass(order=True, slots=True)
class _Waiting:
    """An order that nobody has begun; the largest is the first to be taken, since it takes longest."""

    weight: int
    number: int
    order: Order = field(compare=False)


class Crew:
    """Unpacks wheels while more are given: in processes of its own, and at the end in this one too.

    A block of ``with`` ends when all that was given is done. Where that, or the block, fails, what others are at is
    left undone, and the processes are gone. They end, too, when this one does, be it killed.

    Args:
        done: called for each egg, in any thread.
        processes: how many there may be, this one among them.

    Raises:
        EggcartonError: a wheel could not be unpacked; the first one that was given of those that could not.
    """

    def __init__(self, done: Callable[[Order, Made], None], processes: int | None = None) -> None:
        self._done = done
        self._most = (processors() if processes is None else processes) - 1
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._weight = self._given = self._busy = 0
        self._is_over = False
        self._failures: list[tuple[int, BaseException]] = []
        self._threads: list[threading.Thread] = []
        self._started: list[Unpacker] = []

    def __enter__(self) -> Crew:
        return self

    def give(self, order: Order) -> None:
        """Have a wheel unpacked, some time until the block ends.

        Raises:
            OSError: there is no such file.
        """
        weight = order.wheel.stat().st_size + _EACH
        with self._changed:
            self._given += 1
            heapq.heappush(self._waiting, _Waiting(-weight, self._given, order))
            self._weight += weight
            if len(self._threads) < self._most and self._weight > _WORTH * (len(self._threads) + 1):
                self._threads.append(threading.Thread(target=self._have_done, daemon=True))
                self._threads[-1].start()
            self._changed.notify()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._work(unpack)
        finally:
            with self._changed:
                # Whoever is at something still, as where all else has failed, is not waited for.
                self._is_over = True
                self._changed.notify_all()
            for process in self._started:
                process.end()
            for thread in self._threads:
                thread.join()
        if error is None and self._failures:
            raise min(self._failures, key=lambda failure: failure[0])[1]

    def _have_done(self) -> None:
        """Have a process of its own do what there is, until all is done."""
        try:
            process = Unpacker()
        except OSError:
            # Then this process does it all.
            return
        with self._changed:
            self._started.append(process)
            is_over = self._is_over
        if is_over:
            process.end()
        elif process.is_ready():
            self._work(process.unpack, is_last=False)
        process.close()

    def _work(self, one: Callable[[Order], Made], *, is_last: bool = True) -> None:
        """Do what waits, until nothing does and nobody is at anything, or something has failed.

        Args:
            is_last: whether nothing more will be given.
        """
        while (waiting := self._next(is_last)) is not None:
            try:
                self._done(waiting.order, one(waiting.order))
            except BaseException as error:
                with self._changed:
                    if not self._is_over:
                        self._failures.append((waiting.number, error))
                if not isinstance(error, Exception):
                    raise
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def _next(self, is_last: bool) -> _Waiting | None:
        with self._changed:
            while not self._is_over and not self._failures:
                if self._waiting:
                    found = heapq.heappop(self._waiting)
                    self._weight += found.weight
                    self._busy += 1
                    return found
                if is_last and not self._busy:
                    return None
                self._changed.wait()
            return None


class Unpacker:
    """One process that unpacks what it is told, a line of JSON each; it ends with its standard input."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-IS", "-c", _START, str(_SOURCES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def is_ready(self) -> bool:
        """Wait until it takes orders, and tell whether it does: until then others may do what there is."""
        return bool(self._told())

    def _told(self) -> bytes:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def unpack(self, order: Order) -> Made:
        """Have it unpack a wheel.

        Raises:
            EggcartonError: that cannot be unpacked, or the process has ended.
        """
        assert self._process.stdin is not None
        fields = {name: getattr(order, name) for name in Order.__slots__}
        answer = b""
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(fields, default=str).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._told()
        # One that is killed while it tells may have told half.
        if not answer.endswith(b"\n"):
            raise EggcartonError(
                f"{order.filename} could not be unpacked: the process that was at it ended with status "
                f"{self._process.wait()}; run again"
            )
        return _read(order, json.loads(answer))

    def end(self) -> None:
        """End the process, be it at something or not."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Close the pipes to it, by whoever has used them; the process ends then."""
        for pipe in (self._process.stdin, self._process.stdout):
            # What a process that was killed has not read is of no use any more.
            with suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()


def _read(order: Order, answer: dict[str, Any]) -> Made:
    """Return what a process has made, or raise what it had to tell."""
    kind, told = answer.popitem()
    if kind == "made":
        egg, info, version, mistold = told
        return Made(Path(egg), info, version, tuple(mistold))
    if kind == "integrity":
        raise IntegrityProblem(told[0], expected=told[1], found=told[2])
    if kind == "problem":
        raise EggcartonError(told)
    if kind == "system":
        raise OSError(*told)
    raise RuntimeError(f"{order.filename}: {told}")


def _answer(order: Order) -> dict[str, object]:
    try:
        made = unpack(order)
    except IntegrityProblem as error:
        return {"integrity": [error.sentence, error.expected, error.found]}
    except EggcartonError as error:
        return {"problem": error.sentence}
    except OSError as error:
        return {"system": [error.errno, error.strerror, error.filename]}
    except Exception:
        return {"fault": traceback.format_exc()}
    return {"made": [str(made.egg), made.info, made.version, made.mistold]}


def serve() -> None:
    """Unpack what the standard input tells, a line each, and answer each by a line; end at once when it ends."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin.buffer:
            lines.put(line)
        # Whoever wanted it is gone: not another file.
        os._exit(0)

    def tell(answer: dict[str, object]) -> None:
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()

    threading.Thread(target=listen, daemon=True).start()
    tell({"ready": True})
    while True:
        fields = json.loads(lines.get())
        order = Order(**{**fields, "wheel": Path(fields["wheel"]), "directory": Path(fields["directory"])})
        tell(_answer(order))
