"""The one door through which requests leave: certificate authorities, proxies and time-outs are settled here."""

from __future__ import annotations

import os
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import truststore
import urllib3

from eggcarton.core.errors import UsageProblem
from eggcarton.indexes import configured
from eggcarton.indexes.calls import Call, noted, noting
from eggcarton.indexes.credentials import Credentials, Login, login_of
from eggcarton.indexes.faults import PROXY_REFUSES, outcome_of, retry_after
from eggcarton.indexes.kept_pages import Kept
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.routing import origin_of

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BLOCK = 1 << 17
_SHORT = 1 << 14


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
    bundle = configured.authorities(os.environ, _home())
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
        status: 200, or 206 where a part was asked for, or 304 where what was kept still holds.
        headers: as they were sent, found in any case.
        first_byte: seconds from the request to the first byte of the answer.
        received: bytes of the body read so far.
    """

    def __init__(
        self,
        response: urllib3.BaseHTTPResponse,
        url: str,
        first_byte: float,
        within: float,
        kept: Kept | None = None,
    ) -> None:
        self._response, self._within, self._kept = response, within, kept
        self.url, self.status, self.headers = url, response.status, response.headers
        if kept is not None:
            self.headers = urllib3.HTTPHeaderDict(kept.headers)
        self.first_byte, self.received = first_byte, 0

    def blocks(self, size: int = _BLOCK, *, first: int | None = None, raw: bool = False) -> Iterator[bytes]:
        """Give the body as it comes, without waiting until a block is full.

        Args:
            size: the most bytes of a block.
            first: the most bytes of the first one.
            raw: whether it is given as it was sent, whatever encoding the answer tells.

        Raises:
            RequestFailed: it ended early.
        """
        if self._kept is not None:
            yield self._kept.body
            return
        try:
            while block := self._response.read1(first or size, decode_content=False if raw else None):
                self.received, first = self.received + len(block), None
                yield block
        except urllib3.exceptions.HTTPError as error:
            raise RequestFailed(outcome_of(error, host_of(self.url), read=self._within, is_reading=True)) from error

    def read(self) -> bytes:
        """Return the whole body.

        Raises:
            RequestFailed: it ended early.
        """
        return b"".join(self.blocks())


class Client:
    """Connections that are kept and shared by threads, directly or through the environment's proxy.

    Args:
        connections: how many are kept for each origin.
        allow_hosts: patterns for the hosts that may be asked.
        credentials: knows what origins are asked with; by default what addresses hold and ``~/.netrc`` has.
        connect: seconds in which there must be a connection, secured where it is by TLS.
        read: seconds in which the answer, and then each next piece of it, must come.
        wall: the clock that dates are compared with, in seconds of the epoch.
    """

    def __init__(
        self,
        *,
        connections: int = 8,
        allow_hosts: Sequence[str] = ("*",),
        credentials: Credentials | None = None,
        connect: float = CONNECT_TIMEOUT,
        read: float = READ_TIMEOUT,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._allow_hosts, self._wall = tuple(allow_hosts), wall
        self._connect, self._read = connect, read
        self._credentials = credentials or Credentials()
        self._settings: dict[str, Any] = {
            "maxsize": connections,
            "ssl_context": trusted_authorities(),
            "timeout": urllib3.Timeout(connect=connect, read=read),
        }
        self._direct = noting(urllib3.PoolManager(**self._settings))
        self._proxies: dict[str, urllib3.ProxyManager] = {}
        self._proxy_of_pip = configured.proxy_of_pip(os.environ, _home())

    def look_up(self, url: str, credentials: str) -> None:
        """Find what an address is asked with, so that no request waits for it: a keyring may ask its user."""
        self._credentials.of(url, credentials)

    def _pool(self, url: str) -> urllib3.PoolManager:
        address = configured.proxy_for(url, preferred=self._proxy_of_pip)
        if not address:
            return self._direct
        if address not in self._proxies:
            proxy = urlsplit(address)
            known = login_of(proxy)
            headers = {"Proxy-Authorization": known.header} if known else None
            self._proxies[address] = noting(
                urllib3.ProxyManager(
                    f"{proxy.scheme}://{proxy.hostname}:{proxy.port or 3128}",
                    proxy_headers=headers,
                    **self._settings,
                )
            )
        return self._proxies[address]

    @contextmanager
    def get(
        self,
        url: str,
        *,
        accept: str = "*/*",
        start: int = 0,
        end: int | None = None,
        credentials: str = "netrc",
        call: Call | None = None,
        kept: Kept | None = None,
    ) -> Iterator[Answer]:
        """Open one GET request, follow its redirects, and give its answer while the block runs.

        Args:
            url: the address, http or https.
            accept: the Accept header.
            start: the first byte that is wanted; beyond 0 the answer may be 206, or 200 with the whole.
            end: the last byte that is wanted, where that is not the last one.
            credentials: where those of the address's origin are, as in `Index`.
            call: by which another thread may end it.
            kept: for a page, what is kept of it, which the answer is where that has not changed; a page may come
                compressed, and is unpacked while it is read.

        Raises:
            UsageProblem: the environment's proxy cannot be one, or the host is none of those allowed.
            RequestFailed: what is no address, no connection, a fault on the way, or a status other than 200 and 206.
                The body's own faults are raised as this too, while the block reads it.
        """
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        if kept is not None:
            headers |= {"Accept-Encoding": "gzip", **kept.conditions}
        if start or end is not None:
            headers["Range"] = f"bytes={start}-{'' if end is None else end}"
        began = time.monotonic()
        response, came_from, login = self._follow(url, headers, credentials, call)
        try:
            if response.status in (401, 403, 407):
                raise RequestFailed(_refused(response.status, url, came_from, login, credentials))
            is_same = response.status == 304 and kept is not None and bool(kept.conditions)
            if response.status not in (200, 206) and not is_same:
                later = retry_after(response.headers.get("Retry-After"), self._wall())
                raise RequestFailed(Outcome.of_status(response.status, later))
            yield Answer(response, came_from, time.monotonic() - began, self._read, kept if is_same else None)
        except BaseException:
            # What was left unread would be taken for the answer to the connection's next request.
            response.close()
            raise
        response.release_conn()

    def _follow(
        self, url: str, headers: Mapping[str, str], setting: str, call: Call | None
    ) -> tuple[urllib3.BaseHTTPResponse, str, Login | None]:
        """Return the first answer that is no redirect, where it came from, and what that was asked with.

        Credentials go to the origin that was asked first, and never follow to another one.
        """
        here, first = url, origin_of(url) if configured.fault_of(url) is None else None
        for _ in range(1 + REDIRECTS):
            if fault := configured.fault_of(here, configured.PROXIES):
                raise RequestFailed(Outcome(Kind.USELESS, fault=f"{redacted(here)} is not an address: {fault}"))
            self.check_host(here)
            login = self._credentials.of(here, setting) if origin_of(here) == first else None
            response = self._send(here, {**headers, **({"Authorization": login.header} if login else {})}, call)
            onward = response.headers.get("Location") if response.status in _REDIRECTS else None
            if onward is None:
                return response, here, login
            _leave(response)
            # What credentials an answer would have us send elsewhere is not for it to say.
            there = redacted(urljoin(here, onward))
            if here.startswith("https:") and there.startswith("http:"):
                fault = f"it leads from https to http, to {redacted(there)}, where anybody could change what comes"
                raise RequestFailed(Outcome(Kind.UNTRUSTED, fault=fault))
            here = there
        raise RequestFailed(Outcome(Kind.USELESS, fault=f"too many redirects, the last one to {redacted(here)}"))

    def _send(self, url: str, headers: Mapping[str, str], call: Call | None) -> urllib3.BaseHTTPResponse:
        connect = self._connect if call is None or call.connect is None else min(call.connect, self._connect)
        try:
            with noted(call):
                return self._pool(url).request(
                    "GET",
                    redacted(url),
                    headers=headers,
                    preload_content=False,
                    retries=False,
                    redirect=False,
                    timeout=urllib3.Timeout(connect=connect, read=self._read),
                )
        except urllib3.exceptions.HTTPError as error:
            raise RequestFailed(outcome_of(error, host_of(url), connect=connect, read=self._read)) from error

    def check_host(self, url: str) -> None:
        """Make sure that ``allow-hosts`` lets the host of an address be asked.

        Raises:
            UsageProblem: it does not.
        """
        if not configured.is_allowed(url, self._allow_hosts):
            raise UsageProblem(
                f"[buildout] option 'allow-hosts' keeps {host_of(url)} from being asked, which {redacted(url)} leads "
                "to; add it there, or use an index whose files lie elsewhere"
            )


def _refused(status: int, asked: str, came_from: str, login: Login | None, setting: str) -> Outcome:
    """Return what a refusal means, told with what was sent and with what would be."""
    if status == 407:
        return Outcome(Kind.REFUSED, status, PROXY_REFUSES)
    if login is not None:
        fault = f"{host_of(came_from)} refuses the credentials of {login.source} (HTTP {status})"
    elif origin_of(asked) != origin_of(came_from):
        fault = (
            f"{host_of(came_from)}, which {host_of(asked)} leads to, refuses (HTTP {status}): credentials go to their "
            "own origin and no further; name that address itself"
        )
    else:
        where = {"none": "'credentials = none' lets none be looked for"}.get(setting, f"{setting} has none for it")
        what = "wants credentials" if status == 401 else "refuses to answer"
        fault = f"{host_of(came_from)} {what} (HTTP {status}), and {where}"
    return Outcome(Kind.REFUSED, status, fault)


def _home() -> Path:
    # Path.home() raises where the account is unknown.
    return Path(os.path.expanduser("~"))


def _leave(response: urllib3.BaseHTTPResponse) -> None:
    """Give the connection of a redirect back, if what there is to read before that is short."""
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) <= _SHORT:
        response.drain_conn()
        response.release_conn()
    else:
        response.close()


def host_of(url: str) -> str:
    """Return the host and the port of an address, without credentials."""
    return urlsplit(url).netloc.rpartition("@")[2]


def redacted(url: str) -> str:
    """Return an address without the user name and password it may hold."""
    return re.sub(r"\A([\w+.-]*:?//)[^/?#]*@", r"\1", url)
