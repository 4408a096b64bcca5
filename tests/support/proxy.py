"""A proxy on loopback that lets nobody through and notes who came, so that a test can tell who asked the network."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import final


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
