"""Tells of the ports of this machine's own addresses: whether one is free, whether one answers, and who has it."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import suppress

LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))

_LISTENS = "0A"


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port."""
    return all(_can_be_bound(family, host, port) for family, host in LOOPBACK)


def accepts(port: int) -> bool:
    """Tell whether connections to a port are accepted."""
    return any(_is_accepted(family, host, port) for family, host in LOOPBACK)


def holders(port: int) -> list[int]:
    """Return the processes that listen on a port, as far as this one may know: on Linux, mostly those of its user."""
    sockets = set[str]()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError), open(table, encoding="ascii") as stream:
            rows = [line.split() for line in stream][1:]
            sockets |= {f"socket:[{row[9]}]" for row in rows if row[3] == _LISTENS and row[1][-4:] == f"{port:04X}"}
    return [pid for pid in processes() if not sockets.isdisjoint(_open_files(pid))] if sockets else []


def held_by(port: int) -> str:
    """Return who listens on a port that is not free, for a sentence."""
    names = [f"{_name(pid)} (process {pid})" for pid in holders(port)]
    return " and ".join(names) or "another process"


def processes() -> list[int]:
    """Return all processes, on Linux."""
    with suppress(OSError):
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return []


def _is_accepted(family: int, host: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.settimeout(1)
            return tried.connect_ex((host, port)) == 0
    except OSError:
        return False


def _can_be_bound(family: int, host: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            # Connections of a service that has ended are no service.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host, port))
    except OSError as error:
        # Not every machine has both families, and some ports only root may take.
        return error.errno != errno.EADDRINUSE
    return True


def _open_files(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                yield os.readlink(f"/proc/{pid}/fd/{name}")


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return "a process that has ended"
