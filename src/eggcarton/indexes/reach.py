"""How far the way to an address goes: its proxy, its name, and a connection; nothing is asked."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from eggcarton.indexes import configured

WITHIN = 5.0
"""Seconds in which a connection must be there."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The way to an address.

    Attributes:
        peer: host and port of what is connected to: the address's own, or the proxy's.
        by_proxy: whether that is a proxy.
        name_fault: why its name does not lead anywhere, None where it does.
        connection_fault: why there is no connection, None where there is one, or there could be none.
    """

    peer: str
    by_proxy: bool = False
    name_fault: str | None = None
    connection_fault: str | None = None


def reach(url: str, *, within: float = WITHIN) -> Reach:
    """Try the way to an address.

    Args:
        url: the address, http or https.
        within: seconds to wait for a connection.

    Raises:
        UsageProblem: what the environment names cannot be a proxy.
    """
    proxy = configured.proxy_for(url)
    parts = urlsplit(proxy or url)
    host = parts.hostname or ""
    port = parts.port or (3128 if proxy else {"http": 80}.get(parts.scheme, 443))
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return Reach(shown, proxy is not None, name_fault=_told(error))
    try:
        socket.create_connection((host, port), timeout=within).close()
    except OSError as error:
        return Reach(shown, proxy is not None, connection_fault=_told(error))
    return Reach(shown, proxy is not None)


def _told(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "nothing answers"
    return (getattr(error, "strerror", None) or str(error)).lower()
