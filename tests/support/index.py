"""A package index on loopback that serves one directory, records every request, and fails on demand.

    with Index(directory) as index:
        index.fault("*.whl", "status:503", "reset:0.9", "ok")
        ...                                   # install something from index.url
        assert index.requests[0] == ("GET", "/simple/six/")

From the command line it prints its address and serves until it is ended:

    python tests/support/index.py DIRECTORY --log --fault '*.whl=status:503,reset:0.9,ok' --tls authority.pem

`--help` tells the rest; the names of faults are those of faults.py.
"""

import argparse
import base64
import functools
import hashlib
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import MISSING, dataclass, field, fields
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, final
from urllib.parse import unquote, urlsplit

# Run as a file, this module finds its neighbours as the tests find them.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.faults import NAMED, Fault, Response, deliver, read_step, reset_wanted
from support.pages import JSON, Distribution, Pages, normalized, read


class Request(tuple[str, str]):
    """A (method, path) pair that also knows its headers, the status it got and how many bytes of a body were sent."""

    headers: Mapping[str, str]
    status: int
    sent: int

    @classmethod
    def of(cls, method: str, path: str, headers: Mapping[str, str]) -> "Request":
        request = cls((method, path))
        request.headers = headers
        request.status = request.sent = 0
        return request

    @property
    def path(self) -> str:
        return self[1]


@final
@dataclass(kw_only=True)
class Index:
    """An index that serves a directory as PEP 503, 691, 658 and 700 say, each of them as far as it is asked to.

    Its files lie below `sha256/` too, by their hashes.

    Args:
        directory: holds wheels and source distributions; what is added later is served too.
        metadata: whether each wheel's METADATA is offered apart (PEP 658).
        json: whether clients that accept JSON get it (PEP 691).
        hashes: whether links carry a sha256.
        sizes: whether JSON pages tell sizes.
        ranges: whether a part of a file can be asked for.
        yanked: file names and why they were withdrawn (PEP 592).
        serial: the value of X-PyPI-Last-Serial on project pages.
        files_at: an address put before `/files/` in links; by default links are relative.
        credentials: `user:password` that every request must carry.
        most: how many requests may be in work at once; those beyond get 503.
        tls: a server's context; the address then begins with https.
        newest: how many of each project's newest files are left out of its page, as on a mirror that lags behind.
        tell: called with one line a request.
    """

    directory: Path = field(kw_only=False)
    port: int = 0
    metadata: bool = True
    json: bool = True
    hashes: bool = True
    sizes: bool = True
    ranges: bool = True
    yanked: dict[str, str] = field(default_factory=dict)
    serial: int | None = None
    files_at: str | None = None
    credentials: str | None = None
    most: int | None = None
    tls: ssl.SSLContext | None = None
    newest: int = 0
    tell: Callable[[str], None] | None = None

    requests: list[Request] = field(default_factory=list, init=False)
    peak: int = field(default=0, init=False)
    """The most requests that were in work at the same time."""

    def __post_init__(self) -> None:
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._given: list[tuple[str, list[list[Fault]], bool]] = []
        self._scripts: list[tuple[str, list[list[Fault]], bool]] = []
        self._busy = 0
        self._server: _Server | None = None
        self._held: socket.socket | None = None

    @property
    def address(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """What a client is given as its index."""
        return f"{self.address}/simple/"

    def start(self) -> "Index":
        """Listen; a stopped index comes back on the same port."""
        self.closing.clear()
        self._let_go()
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.index = self
        if self.tls:
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Refuse connections from now on, and drop those that are open."""
        self.closing.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server.drop_connections()
            self._server = None
            # Bound, and not listening: the port refuses, and no other test's server gets it meanwhile.
            self._held = socket.socket()
            self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._held.bind(("127.0.0.1", self.port))

    def begin_anew(self) -> None:
        """Forget all requests, faults and settings, and listen on the same port where it was stopped."""
        if self._server is None:
            self.start()
        for one in fields(self):
            if one.name not in ("directory", "port"):
                setattr(self, one.name, one.default if one.default_factory is MISSING else one.default_factory())
        self._scripts.clear()

    def _let_go(self) -> None:
        if self._held:
            self._held.close()
            self._held = None

    def __enter__(self) -> "Index":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._let_go()

    def fault(self, pattern: str, *steps: str | Fault, forever: bool = False) -> None:
        """Answer the next requests for paths like `pattern` with one step each, then rightly again.

        Args:
            pattern: a shell pattern for the whole path; `*` matches slashes too.
            steps: faults by name (see faults.py), several in one step with blanks between; or functions.
            forever: whether the last step stays in force.
        """
        read = [read_step(step) for step in steps]
        self._given.append((pattern, read, forever))
        self._scripts.append((pattern, [*read], forever))

    def rewind(self) -> None:
        """Forget all requests, and begin all scripts anew."""
        with self._lock:
            self.requests.clear()
            self.peak = 0
            self._scripts = [(pattern, [*steps], forever) for pattern, steps, forever in self._given]

    def paths(self, pattern: str = "*") -> list[str]:
        """Return the requested paths that are like a pattern, in their order."""
        return [request.path for request in self.requests if fnmatchcase(request.path, pattern)]

    def distributions(self) -> list[Distribution]:
        """Read the directory as it is now."""
        found = sorted(path for path in self.directory.iterdir() if path.name.endswith((".whl", ".tar.gz", ".zip")))
        return [read(path, path.stat().st_mtime_ns, path.stat().st_size) for path in found]

    def answer(self, request: Request) -> Response:
        """Make the whole response to one request, faults included."""
        with self._lock:
            self.requests.append(request)
            step = self._next_step(urlsplit(request.path).path)
        response = self._right_answer(request)
        if self.most is not None and self._busy > self.most:
            response = Response(503, b"too many at once")
        for change in step:
            change(response)
        request.status = response.status
        if self.tell:
            self.tell(f"{response.status} {request[0]} {request.path}")
        return response

    @contextmanager
    def in_work(self) -> Iterator[Callable[[], None]]:
        """Count a request as in work, and give what ends that before the block does."""
        with self._lock:
            self._busy += 1
            self.peak = max(self.peak, self._busy)
        with ExitStack() as stack:
            stack.callback(self._leave)
            # Called twice, it does nothing the second time.
            yield stack.close

    def _leave(self) -> None:
        with self._lock:
            self._busy -= 1

    def _next_step(self, path: str) -> list[Fault]:
        for pattern, steps, forever in self._scripts:
            if steps and fnmatchcase(path, pattern):
                return steps[0] if forever and len(steps) == 1 else steps.pop(0)
        return []

    def _right_answer(self, request: Request) -> Response:
        if self.credentials and not _carries(request.headers, self.credentials):
            return Response(401, b"credentials, please", {"WWW-Authenticate": 'Basic realm="index"'})
        path = unquote(urlsplit(request.path).path)
        pages = self._pages(JSON in request.headers.get("Accept", ""))
        if path == "/simple/":
            names = sorted({distribution.project for distribution in self.distributions()})
            return self._page(pages.projects(names), request, pages)
        if page := re.fullmatch(r"/simple/([^/]+)(/?)", path):
            name = normalized(page[1])
            if (name, "/") != (page[1], page[2]):
                return Response(301, b"", {"Location": f"/simple/{name}/"})
            own = [distribution for distribution in self.distributions() if distribution.project == name]
            own = own[: len(own) - self.newest]
            if not own:
                return Response(404, b"no such project")
            return self._page(pages.project(name, own), request, pages)
        if path.startswith("/sha256/"):
            return self._file(path.removeprefix("/sha256/"))
        return self._file(path.removeprefix("/files/"))

    def _pages(self, json_accepted: bool) -> Pages:
        return Pages(
            json=self.json and json_accepted,
            metadata=self.metadata,
            hashes=self.hashes,
            sizes=self.sizes,
            files_at=self.files_at,
            yanked=self.yanked,
        )

    def _page(self, body: str, request: Request, pages: Pages) -> Response:
        content = body.encode()
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept"}
        headers["Content-Type"] = JSON if pages.json else "text/html; charset=utf-8"
        if self.serial is not None:
            headers["X-PyPI-Last-Serial"] = str(self.serial)
        if request.headers.get("If-None-Match") == tag:
            return Response(304, b"", headers)
        return Response(200, content, headers)

    def _file(self, place: str) -> Response:
        for distribution in self.distributions():
            kind = {
                "Content-Type": "application/octet-stream",
                "Cache-Control": "max-age=365000000, immutable",
            }
            if place in (distribution.place, distribution.sha256):
                return Response(200, distribution.path.read_bytes(), kind, ranges=self.ranges)
            if self.metadata and place == distribution.place + ".metadata" and distribution.is_wheel:
                return Response(200, distribution.metadata, kind, ranges=self.ranges)
        return Response(404, b"no such file")


def _carries(headers: Mapping[str, str], credentials: str) -> bool:
    return headers.get("Authorization") == "Basic " + base64.b64encode(credentials.encode()).decode()


class _Server(ThreadingHTTPServer):
    index: Index
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        self._open: set[Any] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        if reset_wanted(request):
            # An orderly shutdown would send the end of the stream before the reset.
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that leave early, or refuse our certificate, are what is being tested."""

    def drop_connections(self) -> None:
        for request in list(self._open):
            super().shutdown_request(request)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        index = self.server.index
        with index.in_work() as over:
            request = Request.of(self.command, self.path, dict(self.headers))
            response = index.answer(request)
            response.take_range(self.headers.get("Range"))
            request.sent = int(len(response.body) * max(response.stop_at, 0))
            deliver(response, self, index.closing, over)

    do_HEAD = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: `tell` does."""


def arguments() -> argparse.ArgumentParser:
    """Return the command line."""
    faults = "\n".join(f"  {name:<10}{(function.__doc__ or '').splitlines()[0]}" for name, function in NAMED.items())
    parser = argparse.ArgumentParser(
        description="Serve a directory of wheels and source distributions as a package index, with faults.",
        epilog=f"faults, each as NAME or NAME:ARGUMENT, several in one step with blanks between:\n{faults}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, default=0, help="by default one that is free")
    parser.add_argument("--log", action="store_true", help="one line a request on standard error")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="PATTERN=STEP,STEP,...",
        help="answer the next requests for paths like PATTERN so, one step each, then rightly again; "
        "with '...' as the last step the one before it stays for ever",
    )
    parser.add_argument("--tls", type=Path, metavar="FILE", help="speak TLS; FILE gets the authority's certificate")
    parser.add_argument("--certificate", default="good", help="good, expired, self-signed or wrong-host")
    parser.add_argument("--credentials", metavar="USER:PASSWORD", help="what every request must carry")
    parser.add_argument("--serial", type=int, help="the value of X-PyPI-Last-Serial")
    parser.add_argument("--files-at", metavar="URL", help="what links to files begin with")
    parser.add_argument("--most", type=int, metavar="N", help="answer 503 beyond N requests at the same time")
    parser.add_argument("--newest", type=int, default=0, metavar="N", help="leave out each project's N newest files")
    for what in ("json", "metadata", "hashes", "sizes", "ranges"):
        parser.add_argument(f"--no-{what}", dest=what, action="store_false", help=f"do without {what}")
    return parser


def main() -> None:
    """Serve a directory until ended."""
    parser = arguments()
    options = vars(parser.parse_args())
    scripts, authority, certificate = options.pop("fault"), options.pop("tls"), options.pop("certificate")
    tell = functools.partial(print, file=sys.stderr, flush=True) if options.pop("log") else None
    if authority:
        # Only where it is asked for: whoever has no trustme can do all the rest.
        from support.certificates import Authority

        private = Authority()
        private.write(authority)
        options["tls"] = private.server(certificate)
    with Index(**options, tell=tell) as index:
        try:
            for script in scripts:
                pattern, _, steps = script.partition("=")
                named = steps.split(",")
                forever = named[-1] == "..."
                index.fault(pattern, *named[: len(named) - forever], forever=forever)
        except ValueError as error:
            parser.error(str(error))
        print(index.url, flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
