"""One index on loopback for the programs of a run: each name is asked at its own index, each file comes checked."""

from __future__ import annotations

import hmac
import re
import secrets
import shutil
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from packaging.utils import canonicalize_name

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import EggcartonError, IntegrityProblem, UsageProblem
from eggcarton.indexes import relayed_page
from eggcarton.indexes.listed_files import ListedFiles
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.pages import JSON, Listed
from eggcarton.indexes.routing import Index, Routing

FAILED = 424
"""The status for what could not be had: neither uv nor pip asks again, since every route was asked already."""

_CONTENT = "application/octet-stream"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_LINKS, _METADATA = "links", ".metadata"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered: a status, and text or a file."""

    status: int
    body: bytes | Path
    kind: str = "text/plain; charset=utf-8"


class Relay:
    """An index for programs that would open connections of their own, while the block runs.

    It listens on loopback alone, at a port and below a path that nobody can guess.

    Args:
        routing: which index a name is asked at.
        pages: what indexes and the pages of find-links list.
        files: what indexes list, brought here.
    """

    def __init__(self, routing: Routing, pages: Pages, files: ListedFiles) -> None:
        self._routing, self._pages, self._files = routing, pages, files
        self._secret = secrets.token_urlsafe(32)
        self._server: _Server | None = None
        self._failures: list[Exception] = []

    def __enter__(self) -> Relay:
        self._server = _Server(self)
        # Ending it waits for one turn of this at most.
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.drop_connections()

    @property
    def _base(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}/{self._secret}"

    @property
    def url(self) -> str:
        """What a program is given as its only index; it is told to no one else."""
        return f"{self._base}/simple/"

    @property
    def links(self) -> tuple[str, ...]:
        """What a program is given for the pages of find-links."""
        return tuple(f"{self._base}/{_LINKS}/{number}/" for number, _ in enumerate(self._pages.find_links))

    def failure(self) -> Exception | None:
        """Return why something could not be had since this was last asked, what matters most if it was several."""
        failures, self._failures = self._failures, []
        worst = (kind for kind in (IntegrityProblem, UsageProblem) if any(isinstance(e, kind) for e in failures))
        kind = next(worst, Exception)
        return next((failure for failure in failures if isinstance(failure, kind)), None)

    def original(self, url: str) -> str:
        """Return the address at which an index lists the file that has this one here; any other is left as it is."""
        if not url.startswith(f"{self._base}/"):
            return url
        steps = _steps(url.removeprefix(self._base))
        if len(steps) != 4:
            return ""
        name = steps[3].removesuffix(_METADATA)
        found = self._listed(steps[1], steps[2], name)
        return f"{found[1].url}{steps[3].removeprefix(name)}" if found else ""

    def told(self, text: str) -> str:
        """Return what a program has said with the addresses of this relay replaced by those that they stand for."""
        return re.sub(re.escape(self._base) + r"[^\s`'\")]*", lambda match: self._told(match[0]), text)

    def _told(self, url: str) -> str:
        steps = _steps(url.removeprefix(self._base))
        if steps[:1] == ["simple"]:
            project = canonicalize_name(steps[1]) if len(steps) > 1 else ""
            end = f"{project}/" if project else ""
            return without_credentials(f"{self._routing.index_of(project).url.rstrip('/')}/{end}")
        if steps[:1] == [_LINKS] and len(steps) == 2:
            return without_credentials(self._pages.find_links[int(steps[1])].url)
        return without_credentials(self.original(url)) or "a file"

    def reply(self, path: str, accept: str) -> Reply:
        """Return the answer to a request; a path without the secret leads nowhere."""
        first, _, rest = path.lstrip("/").partition("/")
        if not hmac.compare_digest(first.encode(), self._secret.encode()):
            return Reply(404, b"")
        try:
            return self._answer(_steps(rest), accept)
        except EggcartonError as error:
            self._failures.append(error)
            return Reply(FAILED, f"{error}\n".encode())
        except Exception as error:
            # A full disk, or a fault of ours: whoever started the program that asks raises it.
            self._failures.append(error)
            return Reply(FAILED, b"the run that this belongs to has failed\n")

    def _answer(self, steps: Sequence[str], accept: str) -> Reply:
        if len(steps) == 2 and steps[0] == "simple":
            project = str(canonicalize_name(steps[1]))
            return self._page(self._routing.index_of(project), project, accept)
        if len(steps) == 2 and steps[0] == _LINKS and steps[1] in map(str, range(len(self._pages.find_links))):
            return self._page(self._pages.find_links[int(steps[1])], "", "")
        if len(steps) == 4 and steps[0] == "files":
            return self._file(*steps[1:])
        return Reply(404, b"there is nothing here\n")

    def _page(self, index: Index, project: str, accept: str) -> Reply:
        page = self._pages.whole(index, project)
        if page is None:
            return Reply(404, f"index {index.name} has nothing of the name {project}\n".encode())
        return _shown(page.document, project, self._place(index, project), accept)

    def _place(self, index: Index, project: str) -> str:
        return f"{self._base}/files/{quote(index.name, safe='')}/{project or '-'}"

    def _file(self, index: str, project: str, name: str) -> Reply:
        plain = name.removesuffix(_METADATA)
        found = self._listed(index, project, plain)
        if found is None:
            return Reply(404, f"no page of index {index} lists {plain}\n".encode())
        if plain != name:
            return Reply(200, self._files.metadata(found[0], _project(project), found[1]))
        return Reply(200, self._files.file(found[0], _project(project), found[1]), _CONTENT)

    def _listed(self, index: str, project: str, name: str) -> tuple[Index, Listed] | None:
        """Return a file as the page lists it that this relay has shown, and the index of that page."""
        known = {index.name: index for index in (*self._routing.indexes, *self._pages.find_links)}
        if index not in known or (_project(project) and self._routing.index_of(project).name != index):
            return None
        page = self._pages.page(known[index], _project(project))
        return next(((known[index], file) for file in page if file.name == name), None)


def _shown(document: Mapping[str, Any], project: str, place: str, accept: str) -> Reply:
    addresses = {file["filename"]: f"{place}/{quote(file['filename'], safe='')}" for file in document["files"]}
    if JSON in accept:
        return Reply(200, relayed_page.in_json(document, project, addresses), JSON)
    return Reply(200, relayed_page.in_html(document, project, addresses), "text/html; charset=utf-8")


def _project(step: str) -> str:
    """Return the project that a step of a file's path stands for: none for a page of find-links."""
    return "" if step == "-" else step


def _steps(path: str) -> list[str]:
    return [unquote(step) for step in urlsplit(path).path.strip("/").split("/")]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self._open: set[Any] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a program that was ended leaves its connections."""

    def drop_connections(self) -> None:
        """End the connections that programs have kept, and with them their threads."""
        for request in list(self._open):
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        reply = self.server.relay.reply(self.path, self.headers.get("Accept", ""))
        body = reply.body
        total = len(body) if isinstance(body, bytes) else body.stat().st_size
        status, headers, start, end = _part(reply, total, self.headers.get("Range"))
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(end - start)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if isinstance(body, bytes):
            self.wfile.write(body[start:end])
            return
        with body.open("rb") as stream:
            stream.seek(start)
            left = end - start
            if left == total:
                shutil.copyfileobj(stream, self.wfile, 1 << 18)
            else:
                while left and (block := stream.read(min(left, 1 << 18))):
                    self.wfile.write(block)
                    left -= len(block)

    do_HEAD = do_GET

    def version_string(self) -> str:
        """Tell nothing of what answers."""
        return "relay"

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: the path is a secret."""


def _part(reply: Reply, total: int, wanted: str | None) -> tuple[int, Mapping[str, str], int, int]:
    """Return status, headers, first byte and end of what is sent, as RFC 9110 says of one range."""
    headers = {"Content-Type": reply.kind}
    if reply.status == 200:
        # Nothing here changes while the relay is there, so that uv need not ask twice.
        headers["Cache-Control"] = "max-age=86400"
    if reply.status != 200 or not isinstance(reply.body, Path):
        return reply.status, headers, 0, total
    headers["Accept-Ranges"] = "bytes"
    match = _RANGE.fullmatch(wanted or "")
    if match is None or match[0] == "bytes=-":
        return 200, headers, 0, total
    if match[1]:
        start, end = int(match[1]), min(int(match[2] or total), total - 1) + 1
    else:
        start, end = max(total - int(match[2]), 0), total
    if start >= end:
        return 416, {**headers, "Content-Range": f"bytes */{total}"}, 0, 0
    return 206, {**headers, "Content-Range": f"bytes {start}-{end - 1}/{total}"}, start, end
