"""What went wrong on the way to an answer: errors of sockets and of urllib3 become outcomes, without credentials."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from datetime import timezone
from email.utils import parsedate_to_datetime

import urllib3

from eggcarton.core.credentials import without_credentials
from eggcarton.indexes.outcomes import Kind, Outcome

DAY = 86_400.0
PROXY_REFUSES = "the proxy wants credentials, or others (HTTP 407); write them into its address in the environment"
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21})
"""OpenSSL's numbers for a certificate that leads to no authority known here."""


def outcome_of(
    error: BaseException, host: str, *, connect: float = 0.0, read: float, is_reading: bool = False
) -> Outcome:
    """Return what an error means for the route that was asked.

    Args:
        error: as urllib3 raised it.
        host: the one that was asked, as it is told.
        connect: the seconds that a connection was waited for.
        read: the seconds that the next bytes were waited for.
        is_reading: whether the answer had begun.
    """
    causes = list(_causes(error))
    for cause in causes:
        if match := _TUNNEL.search(str(cause)):
            return _of_tunnel(int(match[1]))
    by_proxy = any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes)
    peer = "the proxy" if by_proxy else host
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and (found := _of_tls(cause, causes, peer)):
            return Outcome(Kind.INTERRUPTED if is_reading else found[0], fault=found[1])
    for cause in causes:
        if found := _of_connection(cause, peer, connect, read):
            return Outcome(Kind.UNREACHABLE if by_proxy else found[0], fault=found[1])
    told = without_credentials(str(causes[-1])) or type(causes[-1]).__name__
    if isinstance(error, urllib3.exceptions.LocationValueError):
        return Outcome(Kind.USELESS, fault=f"it is no address: {told}")
    return Outcome(Kind.INTERRUPTED, fault=f"the answer of {peer} is not one of HTTP: {told}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and all that it wraps, as urllib3 wraps errors: by cause, by context, and as arguments."""
    queue, seen = [error], set[int]()
    while queue:
        one = queue.pop(0)
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            wrapped = [getattr(one, "reason", None), one.__cause__, one.__context__, *one.args]
            queue += [inner for inner in wrapped if isinstance(inner, BaseException)]


def _of_tunnel(status: int) -> Outcome:
    if status == 407:
        return Outcome(Kind.REFUSED, status, PROXY_REFUSES)
    return Outcome(Kind.UNREACHABLE, None, f"the proxy does not let us through (HTTP {status})")


def _of_tls(cause: ssl.SSLError, causes: list[BaseException], peer: str) -> tuple[Kind, str] | None:
    """Return what a fault of TLS means, None where the connection only stood still."""
    for inner in causes:
        if isinstance(inner, ssl.SSLCertVerificationError):
            return Kind.UNTRUSTED, f"the certificate of {peer} does not hold: {_of_certificate(inner)}"
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Kind.INTERRUPTED, f"the connection to {peer} ended while it was being secured"
    if any(isinstance(inner, TimeoutError) for inner in causes):
        return None
    reason = str(getattr(cause, "reason", None) or cause).lower().replace("_", " ")
    return Kind.UNTRUSTED, f"{peer} does not speak TLS as it should: {reason}"


def _of_certificate(error: ssl.SSLCertVerificationError) -> str:
    message = str(getattr(error, "verify_message", None) or error)
    if getattr(error, "verify_code", None) in _UNKNOWN_AUTHORITY:
        return f"{message}; let SSL_CERT_FILE name the file with the authority that issued it"
    return message


def _of_connection(cause: BaseException, peer: str, connect: float, read: float) -> tuple[Kind, str] | None:
    """Return what a fault of the connection means, None where the error is of another kind."""
    waiting = (urllib3.exceptions.TimeoutError, TimeoutError)
    if isinstance(cause, socket.gaierror):
        return Kind.UNREACHABLE, f"the name of {peer} cannot be resolved: {(cause.strerror or str(cause)).lower()}"
    if isinstance(cause, urllib3.exceptions.ReadTimeoutError):
        # A handshake that never ends is one of these too, after the time for connecting.
        waited = re.search(r"timeout=([\d.]+)", str(cause))
        return Kind.INTERRUPTED, f"nothing came from {peer} for {float(waited[1]) if waited else read:g} s"
    if isinstance(cause, waiting) and not isinstance(cause, urllib3.exceptions.NewConnectionError):
        return Kind.INTERRUPTED, f"no connection to {peer} within {connect:g} s"
    if isinstance(cause, http.client.IncompleteRead):
        much = f"{cause.expected} bytes early" if cause.expected else "early"
        return Kind.INTERRUPTED, f"the answer of {peer} ended {much}"
    if isinstance(cause, http.client.RemoteDisconnected):
        return Kind.INTERRUPTED, f"the connection to {peer} ended before an answer came"
    if isinstance(cause, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
        return Kind.INTERRUPTED, f"the connection to {peer} was reset"
    if isinstance(cause, OSError) and cause.errno is not None and not isinstance(cause, ssl.SSLError):
        return Kind.UNREACHABLE, f"no connection to {peer}: {(cause.strerror or str(cause)).lower()}"
    return None


def retry_after(header: str | None, now: float) -> float | None:
    """Return the seconds after which a server wants to be asked again; a date in the past is 0.

    Args:
        header: the value of Retry-After.
        now: the time of the wall clock, in seconds of the epoch.

    Returns:
        A day where it is more than that; None where there is no such header, or it is no number and no date.

    Source: RFC 9110, section 10.2.3.

    >>> retry_after("120", 0.0)
    120.0
    >>> retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 20.0)
    40.0
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:20])
    else:
        try:
            date = parsedate_to_datetime(text)
            # The oldest of the three forms names no zone, and means UTC.
            date = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
            seconds = max(0.0, date.timestamp() - now)
        except (ValueError, TypeError, OverflowError):
            return None
    return min(seconds, DAY)
