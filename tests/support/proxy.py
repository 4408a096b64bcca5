"""Proxies on loopback: one that lets nobody through, and one that works, wants credentials and fails on demand."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import final
from urllib.parse import urlsplit


@final
class ClosedProxy:
    """Every connection is noted by the first line that it sends, and ended.

    with ClosedProxy() as proxy:
        run(command, cwd=root, variables=environment(home, **proxy.variables))
        assert [] == proxy.asked
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"

    @property
    def variables(self) -> dict[str, str]:
        """The variables by which clients of all kinds take this proxy for every address."""
        names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        return {**dict.fromkeys(names, self.address), "no_proxy": "", "NO_PROXY": ""}

    def __enter__(self) -> ClosedProxy:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A thread that waits in accept holds the socket open: shutting it down wakes that thread.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            # Noted before anything is read, since a client may send nothing at all.
            self.asked.append("")
            with connection:
                connection.settimeout(5)
                try:
                    self.asked[-1] = connection.recv(4096).decode("latin-1").partition("\r\n")[0]
                except OSError:
                    continue


@final
@dataclass
class Proxy:
    """A proxy that forwards requests of HTTP and tunnels those of HTTPS, each by the next step of a script.

    with Proxy(hosts={"index.example:443": ("127.0.0.1", index.port)}, script=["drop", "ok"]) as proxy:
        monkeypatch.setenv("https_proxy", proxy.address)

    Args:
        hosts: where names lead that no resolver knows, by ``HOST:PORT``.
        credentials: ``user:password`` that every request must carry.
        script: what happens to each connection in turn, then ``ok`` for all others: ``drop`` ends it without an answer,
            ``cut`` ends a tunnel once it stands, ``status:NUMBER`` refuses it.
    """

    hosts: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    credentials: str | None = None
    script: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list, init=False)
    """The first line of each request."""
    heads: list[str] = field(default_factory=list, init=False)
    """All that each request says before its body."""

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = self._socket.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in (self._socket, *self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                block = client.recv(4096)
                if not block:
                    return
                head += block
            self._answer(client, head.decode("latin-1"))

    def _answer(self, client: socket.socket, head: str) -> None:
        line, _, rest = head.partition("\r\n")
        self.asked.append(line)
        self.heads.append(head)
        step, _, status = (self.script.pop(0) if self.script else "ok").partition(":")
        if step == "drop":
            return
        if step == "ok" and self.credentials and not self._carries(rest):
            step, status = "status", "407"
        if step == "status":
            client.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        method, target, _ = line.split(" ")
        parts = urlsplit(target if "://" in target else f"//{target}")
        place = f"{parts.hostname}:{parts.port or 80}"
        with socket.create_connection(self.hosts.get(place, (parts.hostname or "", parts.port or 80))) as server:
            self._open.append(server)
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                if step == "cut":
                    return
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()
                return
            kept = [text for text in rest.split("\r\n") if text and not text.lower().startswith("proxy-")]
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            lines = [f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""]
            server.sendall("\r\n".join(lines).encode("latin-1"))
            _copy(server, client)

    def _carries(self, headers: str) -> bool:
        wanted = base64.b64encode((self.credentials or "").encode()).decode()
        return f"proxy-authorization: basic {wanted}".lower() in headers.lower() and wanted in headers


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(1 << 16):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
