"""Keeps services up for another process: starts them, awaits each, and stops all when that no longer wants them.

It is a process in a session of its own, told what to start by one line of its standard input. When that input ends,
be it because the other process was killed, everything is stopped, the last one first. Where the keeper itself is
killed, the system kills the services, on Linux, and the other process what these have started.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from .. import ports
from .service import NotUp, Service

# What the system may take to end what is killed.
_KILLED = 5.0
_STEP, _LONGEST_STEP, _WATCH = 0.01, 0.1, 0.5
# Below those that systems choose for connections that go out, which could take one before its service does.
_PORTS = range(20000, 32000)
_DIE_WITH_PARENT, _BECOME_REAPER = 1, 36
# Tells of a service which process keeps it, and for which other one.
_KEPT = "EGGCARTON_KEPT"
_DEFAULTS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class _NotWanted(Exception):
    """Nobody wants the services any longer."""


def main() -> None:
    """Keep the services that a line of standard input tells, until that ends."""
    order = json.loads(sys.stdin.buffer.readline())
    keeper = _Keeper(order["wanted_by"])
    try:
        keeper.keep(order["services"])
    except NotUp as problem:
        _tell("not up", str(problem))
    except _NotWanted:
        pass
    except Exception:
        _tell("not up", f"this is a fault in eggcarton itself: please report it\n{traceback.format_exc()}")
    keeper.stop()


def _tell(event: str, value: object) -> None:
    # The other process may be gone.
    with suppress(OSError):
        os.write(1, json.dumps([event, value]).encode() + b"\n")


class _Keeper:
    """What has been started, and who wants it."""

    def __init__(self, wanted_by: int) -> None:
        self._wanted_by, self._is_told_to_stop = wanted_by, False
        self._services, self._processes = list[Service](), list[subprocess.Popen[bytes]]()
        self._ended, self._known = dict[int, int](), set[int]()
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        if self._libc is not None:
            # What the children of services leave behind becomes this process's own children.
            self._libc.prctl(_BECOME_REAPER, 1, 0, 0, 0)
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)

    def _end(self, number: int, frame: object) -> None:
        self._is_told_to_stop = True

    def keep(self, wanted: Sequence[Mapping[str, Any]]) -> None:
        """Start all, tell when they are up, and watch them until nobody wants them.

        Raises:
            NotUp: one does not come up.
            _NotWanted: in the end.
        """
        taken = {told["port"] for told in wanted if told["port"]}
        for told in wanted:
            self._await_port(told)
        variables = {_KEPT: f"{os.getpid()} {self._wanted_by}"}
        for told in wanted:
            port = told["port"]
            if port == 0:
                port = _free_port(taken)
                taken.add(port)
            service = Service(told, port)
            self._services.append(service)
            self._start(service, variables)
            variables |= service.variables()
        del variables[_KEPT]
        _tell("up", variables)
        while True:
            self._pause(_WATCH)
            self._tell_of_ended()

    def _await_port(self, told: Mapping[str, Any]) -> None:
        """Make sure that nobody has a port; one that a run that was killed is about to give up is waited for."""
        port, deadline = told["port"], time.monotonic() + told["timeout"]
        while port and not ports.is_free(port):
            waits = time.monotonic() < deadline and any(map(_is_orphan, ports.holders(port)))
            if not waits and not ports.is_free(port):
                raise NotUp(
                    f"[{told['name']}] option 'port': {port} is held by {ports.held_by(port)}; end that, or write 'port"
                    " = auto', which has a free one chosen; nothing was started"
                )
            self._pause(_LONGEST_STEP)

    def _tell_of_ended(self) -> None:
        """Tell of each service, once, that has ended on its own."""
        self._reap()
        for service in self._services:
            if service.group in self._ended and service.group not in self._known:
                self._known.add(service.group)
                how = _how_it_ended(self._ended[service.group])
                _tell("ended", f"[{service.name}] it {how} before it was told to{service.last_lines()}")

    def _start(self, service: Service, variables: Mapping[str, str]) -> None:
        keeper = os.getpid()

        def before() -> None:
            # What ignores a signal, such as a shell's background, has its children ignore it.
            for number in _DEFAULTS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            if self._libc is not None:
                self._libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
                if os.getppid() != keeper:
                    os._exit(1)

        self._processes.append(service.start(variables, before))
        _tell("group", service.group)
        timeout, step = service.told["timeout"], _STEP
        deadline = time.monotonic() + timeout
        while awaited := service.awaited():
            self._pause(step)
            step = min(2 * step, _LONGEST_STEP)
            if service.group in self._ended:
                break
            if time.monotonic() >= deadline:
                raise service.problem(f"it was not up within {timeout:g} seconds: {awaited}{service.last_lines()}")
        self._reap()
        if service.group in self._ended:
            self._known.add(service.group)
            how = _how_it_ended(self._ended[service.group])
            advice = ", though a service stays in the foreground" if not self._ended[service.group] else ""
            raise service.problem(f"it {how} before it was up{advice}{service.last_lines()}")

    def _pause(self, seconds: float) -> None:
        """Wait, and find out who has ended.

        Raises:
            _NotWanted: nobody wants the services any longer.
        """
        readable, _, _ = select.select([0], [], [], seconds)
        if readable or self._is_told_to_stop or os.getppid() != self._wanted_by:
            raise _NotWanted
        self._reap()

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                self._ended[pid] = os.waitstatus_to_exitcode(status)
        for process in self._processes:
            # Its own way to wait would find nobody.
            process.returncode = self._ended.get(process.pid)

    def stop(self) -> None:
        """Stop all, the last one first, with all that they have started."""
        self._tell_of_ended()
        for service in reversed(self._services):
            self._stop(service)
            if service.directory:
                shutil.rmtree(service.directory, ignore_errors=True)
        deadline = time.monotonic() + _KILLED
        while (left := _children()) and time.monotonic() < deadline:
            for pid in left:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_STEP)
            self._reap()

    def _stop(self, service: Service) -> None:
        name, timeout = service.told["stop_signal"], service.told["stop_timeout"]
        if self._is_gone(service):
            return
        self._send(service, signal.Signals[f"SIG{name}"])
        if self._wait(service, timeout):
            return
        self._send(service, signal.SIGKILL)
        how = "was killed" if self._wait(service, _KILLED) else "cannot even be killed"
        _tell("killed", f"[{service.name}] it did not end within {timeout:g} seconds of SIG{name}, and {how}")

    def _send(self, service: Service, number: int) -> None:
        with suppress(OSError):
            os.killpg(service.group, number)

    def _wait(self, service: Service, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._is_gone(service):
            if time.monotonic() >= deadline:
                return False
            time.sleep(_STEP)
        return True

    def _is_gone(self, service: Service) -> bool:
        """Tell whether nothing is left of its process group."""
        self._reap()
        if not service.group:
            return True
        try:
            os.killpg(service.group, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False


def _free_port(taken: set[int]) -> int:
    free = (port for port in random.sample(_PORTS, len(_PORTS)) if port not in taken and ports.is_free(port))
    found = next(free, None)
    if found is None:
        raise NotUp(f"none of the ports from {_PORTS.start} to {_PORTS.stop - 1} is free")
    return found


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def _is_orphan(pid: int) -> bool:
    """Tell whether a process is a service that nobody wants any longer, on Linux."""
    with suppress(OSError, ValueError), open(f"/proc/{pid}/environ", "rb") as stream:
        known = dict(line.partition(b"=")[::2] for line in stream.read().split(b"\0"))
        keeper, wanted_by = map(int, known.get(_KEPT.encode(), b"").split())
        return _parent(keeper) != wanted_by
    return False


def _children() -> list[int]:
    """Return the processes that this one is the parent of, on Linux."""
    return [pid for pid in ports.processes() if _parent(pid) == os.getpid()]


def _parent(pid: int) -> int:
    """Return the parent of a process; 0 where it has ended."""
    with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as stream:
        # The name before may hold anything.
        return int(stream.read().rpartition(b")")[2].split()[1])
    return 0
