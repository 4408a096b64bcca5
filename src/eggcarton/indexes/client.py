"""The one door through which requests leave: certificate authorities, proxies and time-outs are settled here."""

from __future__ import annotations

import os
import re
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import truststore
import urllib3

from eggcarton.core.errors import UsageProblem
from eggcarton.indexes import configured
from eggcarton.indexes.routes import Kind, Outcome

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
_BLOCK = 1 << 17


class RequestFailed(Exception):
    """A request that brought no usable answer; ``outcome`` says how it ended."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


def trusted_authorities() -> ssl.SSLContext:
    """Return the machine's certificate authorities, and those of a bundle that the environment names.

    Raises:
        UsageProblem: the bundle is none.
    """
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bundle = configured.authorities(os.environ)
    if bundle:
        try:
            context.load_verify_locations(cafile=bundle)
        except ssl.SSLError as error:
            raise UsageProblem(f"{bundle} holds no certificates; let SSL_CERT_FILE name a file that does") from error
    return context


class Answer:
    """The answer to one request, while it is read.

    Attributes:
        url: where it came from, redirects followed.
        status: 200, or 206 where a part was asked for.
        headers: as they were sent, found in any case.
        first_byte: seconds from the request to the first byte of the answer.
        received: bytes of the body read so far.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse, url: str, first_byte: float) -> None:
        self._response = response
        self.url, self.status, self.headers = url, response.status, response.headers
        self.first_byte, self.received = first_byte, 0

    def blocks(self, size: int = _BLOCK) -> Iterator[bytes]:
        """Give the body as it comes, in blocks of up to `size` bytes.

        Raises:
            RequestFailed: it ended early.
        """
        try:
            for block in self._response.stream(size):
                self.received += len(block)
                yield block
        except urllib3.exceptions.HTTPError as error:
            raise RequestFailed(_outcome(error)) from error

    def read(self) -> bytes:
        """Return the whole body.

        Raises:
            RequestFailed: it ended early.
        """
        return b"".join(self.blocks())


class Client:
    """Connections that are kept and shared by threads, directly or through the environment's proxy."""

    def __init__(self, *, connections: int = 8, allow_hosts: Sequence[str] = ("*",)) -> None:
        self._allow_hosts = tuple(allow_hosts)
        self._settings: dict[str, Any] = {
            "maxsize": connections,
            "ssl_context": trusted_authorities(),
            "timeout": urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
            "retries": urllib3.Retry(connect=0, read=0, status=0, other=0, redirect=5),
        }
        self._direct = urllib3.PoolManager(**self._settings)
        self._proxies: dict[str, urllib3.ProxyManager] = {}
        self._authorizations: dict[str, dict[str, str]] = {}

    def _pool(self, url: str) -> urllib3.PoolManager:
        address = configured.proxy_for(url)
        if not address:
            return self._direct
        if address not in self._proxies:
            proxy = urlsplit(address)
            known = _credentials(proxy)
            headers = urllib3.make_headers(proxy_basic_auth=known) if known else None
            self._proxies[address] = urllib3.ProxyManager(
                f"{proxy.scheme}://{proxy.hostname}:{proxy.port or 3128}",
                proxy_headers=headers,
                **self._settings,
            )
        return self._proxies[address]

    @contextmanager
    def get(
        self, url: str, *, accept: str = "*/*", start: int = 0, end: int | None = None, credentials: str = "netrc"
    ) -> Iterator[Answer]:
        """Open one GET request, follow its redirects, and give its answer while the block runs.

        Args:
            url: the address, http or https.
            accept: the Accept header.
            start: the first byte that is wanted; beyond 0 the answer may be 206, or 200 with the whole.
            end: the last byte that is wanted, where that is not the last one.
            credentials: where those of the address's origin are, as in `Index`.

        Raises:
            UsageProblem: the environment's proxy cannot be one, or the host is none of those allowed.
            RequestFailed: what is no address, no connection, a fault on the way, or a status other than 200 and 206.
                The body's own faults are raised as this too, while the block reads it.
        """
        if fault := configured.fault_of(url):
            raise RequestFailed(Outcome(Kind.USELESS, fault=f"{redacted(url)} is not an address: {fault}"))
        self.check_host(url)
        headers = {"Accept": accept, "Accept-Encoding": "identity", **self._authorization(url)}
        if start or end is not None:
            headers["Range"] = f"bytes={start}-{'' if end is None else end}"
        began = time.monotonic()
        try:
            response = self._pool(url).request("GET", url, headers=headers, preload_content=False)
            try:
                came_from = address_of(response, url)
                self.check_host(came_from)
                if response.status not in (200, 206):
                    raise RequestFailed(Outcome.of_status(response.status))
                yield Answer(response, came_from, time.monotonic() - began)
            except BaseException:
                # What was left unread would be taken for the answer to the connection's next request.
                response.close()
                raise
            response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise RequestFailed(_outcome(error)) from error

    def check_host(self, url: str) -> None:
        """Make sure that ``allow-hosts`` lets the host of an address be asked.

        Raises:
            UsageProblem: it does not.
        """
        if not configured.is_allowed(url, self._allow_hosts):
            host = urlsplit(url).netloc.rpartition("@")[2]
            raise UsageProblem(
                f"[buildout] option 'allow-hosts' keeps {host} from being asked, which {redacted(url)} leads to; "
                "add it there, or use an index whose files lie elsewhere"
            )

    def _authorization(self, url: str) -> dict[str, str]:
        """Return the header that an address's own credentials make, or those of an earlier one of the same origin.

        An index whose address holds credentials may link to its files by addresses that hold none.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        if known := _credentials(parts):
            self._authorizations[origin] = {"Authorization": urllib3.make_headers(basic_auth=known)["authorization"]}
        return self._authorizations.get(origin, {})


def address_of(answer: urllib3.BaseHTTPResponse, asked: str) -> str:
    """Return where an answer came from after its redirects; urllib3 itself tells only a path without the host."""
    for step in answer.retries.history if answer.retries else ():
        if step.redirect_location:
            asked = urljoin(asked, step.redirect_location)
    return asked


def redacted(url: str) -> str:
    """Return an address without the user name and password it may hold."""
    return re.sub(r"\A([\w+.-]*:?//)[^/?#]*@", r"\1", url)


def _credentials(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    return f"{unquote(parts.username)}:{unquote(parts.password or '')}"


def _outcome(error: urllib3.exceptions.HTTPError) -> Outcome:
    reason = getattr(error, "reason", None) or error
    broken = (urllib3.exceptions.ProtocolError, urllib3.exceptions.TimeoutError)
    kind = Kind.INTERRUPTED if isinstance(reason, broken) else Kind.UNREACHABLE
    if isinstance(reason, urllib3.exceptions.SSLError):
        kind = Kind.UNTRUSTED
    return Outcome(kind, fault=f"{type(reason).__name__}: {reason}")
