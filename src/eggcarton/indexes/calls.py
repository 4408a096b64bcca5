"""Requests that another thread may end: what is slower than another route is not waited for, nor is Ctrl-C."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from eggcarton.indexes.outcomes import Outcome

Manager = TypeVar("Manager", bound=urllib3.PoolManager)


class Ended(Exception):
    """A request that was given up for reasons of ours; no route is to blame."""


class Call:
    """One request, as those see it who watch it.

    Attributes:
        connect: seconds in which there must be a connection, None where the client decides.
        began: when it began by the clock of the run, None before that.
        received: bytes of the body so far.
        is_ended: whether it was ended from outside.
        outcome: what it was ended for, None where that is no fault of the route.
    """

    def __init__(self, connect: float | None = None) -> None:
        self.connect = connect
        self.began: float | None = None
        self.received = 0
        self.is_ended = False
        self.outcome: Outcome | None = None
        self._socket: socket.socket | None = None
        self._guard = threading.Lock()

    def end(self, outcome: Outcome | None = None) -> None:
        """End it from another thread: whoever reads finds that nothing more comes."""
        with self._guard:
            if self.is_ended:
                return
            self.is_ended, self.outcome = True, outcome
            _shut(self._socket)

    def progress(self, received: int) -> None:
        """Take note of the bytes that have come."""
        self.received = received

    def holds(self, connection: HTTPConnection) -> None:
        """Take note of the connection that it goes by."""
        with self._guard:
            self._socket = connection.sock
            if self.is_ended:
                _shut(self._socket)

    def done(self) -> None:
        """Take note that its connection is no longer its own."""
        with self._guard:
            self._socket = None


def _shut(held: Any) -> None:
    # A socket of TLS may have another one inside; the one of the system is what wakes a reader.
    inner = getattr(held, "socket", held)
    if isinstance(inner, socket.socket):
        try:
            socket.socket.shutdown(inner, socket.SHUT_RDWR)
        except OSError:
            # It has ended by itself.
            return


_here = threading.local()


@contextmanager
def noted(call: Call | None) -> Iterator[None]:
    """Have a call know the connection by which a request of this thread goes in the block."""
    _here.call = call
    try:
        yield
    finally:
        _here.call = None


class _Plain(HTTPConnection):
    def request(self, *arguments: Any, **settings: Any) -> None:
        super().request(*arguments, **settings)
        if call := getattr(_here, "call", None):
            call.holds(self)


class _Secure(HTTPSConnection):
    def request(self, *arguments: Any, **settings: Any) -> None:
        super().request(*arguments, **settings)
        if call := getattr(_here, "call", None):
            call.holds(self)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


def noting(manager: Manager) -> Manager:
    """Return a manager of connections, all of which a `Call` can end."""
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return manager
