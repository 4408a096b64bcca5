"""Indexes without a network: what stands in for HTTP in tests that drive thousands of schedules of faults.

It has the interface of `eggcarton.indexes.client.Client`, and is handed to a network in its place.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from eggcarton.indexes.client import RequestFailed
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.pages import JSON

REPEATABLE = ("refused", "reset", "cut", "500")
"""Faults after which the same route is worth another request."""

FAULTS = (
    *REPEATABLE,
    *(
        "404",
        "403",
        "401",
        "511",
        "portal",
        "untrusted",
        "flip",
        "flip-cut",
        "long",
        "short",
        "no-range",
        "wrong-range",
    ),
)
"""All of them but ``later:SECONDS``."""

_BLOCK = 8192


@dataclass(frozen=True)
class Held:
    """One file of an index, and where it lies there."""

    project: str
    name: str
    body: bytes

    @classmethod
    def of(cls, project: str, size: int, seed: int) -> Held:
        """Return a file that looks like a wheel for as long as anybody looks."""
        noise = random.Random(f"{project} {seed}").randbytes(size)
        return cls(project, f"{project.replace('-', '_')}-1.0-py3-none-any.whl", b"PK\x03\x04" + noise)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @property
    def hint(self) -> str:
        return f"files/{self.sha256[:2]}/{self.name}"


@dataclass
class Host:
    """What one route serves, and what goes wrong there next."""

    files: dict[str, Held]
    script: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    """The paths that it has answered 404 to."""


class Reply:
    """An answer while it is read; `broken` is how it ends when its blocks are through."""

    first_byte = 0.01

    def __init__(self, url: str, status: int, headers: dict[str, str], body: bytes, broken: Outcome | None) -> None:
        self.url, self.status, self.headers, self.received = url, status, headers, 0
        self._body, self._broken = body, broken

    def blocks(self, size: int = _BLOCK, *, first: int | None = None, raw: bool = False) -> Iterator[bytes]:
        """Give the body in small blocks, then end as it is to end."""
        place = 0
        while place < len(self._body):
            block = self._body[place : place + min(first or size, _BLOCK)]
            place, first = place + len(block), None
            self.received += len(block)
            yield block
        if self._broken:
            raise RequestFailed(self._broken)

    def read(self) -> bytes:
        return b"".join(self.blocks())


class MemoryClient:
    """All hosts of a world, by their names."""

    def __init__(self, hosts: dict[str, Host]) -> None:
        self.hosts = hosts

    def check_host(self, url: str) -> None:
        """Let every host be asked."""

    @contextmanager
    def get(
        self,
        url: str,
        *,
        accept: str = "*/*",
        start: int = 0,
        credentials: str = "netrc",
        **_: object,
    ) -> Iterator[Reply]:
        """Answer one request as the host's script says, or rightly where it is at its end."""
        parts = urlsplit(url)
        host = self.hosts[parts.netloc]
        host.asked.append(parts.path)
        fault = host.script.pop(0) if host.script else "ok"
        if fault in ("refused", "reset", "untrusted"):
            kinds = {"refused": Kind.UNREACHABLE, "reset": Kind.INTERRUPTED, "untrusted": Kind.UNTRUSTED}
            raise RequestFailed(Outcome(kinds[fault], fault=fault))
        if fault.startswith("later:"):
            raise RequestFailed(Outcome.of_status(429, float(fault.partition(":")[2])))
        if fault == "404":
            host.denied.add(parts.path)
        if fault.isdigit():
            raise RequestFailed(Outcome.of_status(int(fault)))
        if fault == "portal":
            yield Reply(url, 200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html>log in</html>", None)
            return
        if parts.path.startswith("/simple/"):
            yield self._page(url, host, parts.path.split("/")[2], fault)
        else:
            yield self._file(url, host, parts.path.lstrip("/"), fault, start)

    def _page(self, url: str, host: Host, project: str, fault: str) -> Reply:
        own = [held for held in host.files.values() if held.project == project]
        if not own:
            raise RequestFailed(Outcome.of_status(404))
        files = [
            {"filename": h.name, "url": f"/{h.hint}", "hashes": {"sha256": h.sha256}, "size": len(h.body)} for h in own
        ]
        body = json.dumps({"meta": {"api-version": "1.1"}, "name": project, "files": files}).encode()
        cut = "cut" in fault
        broken = Outcome(Kind.INTERRUPTED, 200, "ended early") if cut else None
        kept = body[: len(body) // 2] if cut or fault == "short" else body
        return Reply(url, 200, {"Content-Type": JSON, "Content-Length": str(len(body))}, kept, broken)

    def _file(self, url: str, host: Host, place: str, fault: str, start: int) -> Reply:
        held = host.files.get(place)
        if held is None:
            raise RequestFailed(Outcome.of_status(404))
        body, status, headers = held.body, 200, {"Content-Type": "application/octet-stream"}
        total = len(body)
        if "flip" in fault:
            # Where a cut leaves it in, too.
            place_of_it = total // 4 if start <= total // 4 else (start + total) // 2
            body = body[:place_of_it] + bytes([body[place_of_it] ^ 0xFF]) + body[place_of_it + 1 :]
        if fault == "long":
            body += b"more"
        if fault == "short":
            body = body[: total // 2]
        if start and fault != "no-range":
            if start >= len(body):
                raise RequestFailed(Outcome.of_status(416))
            shift = fault == "wrong-range"
            status = 206
            headers["Content-Range"] = f"bytes {start + shift}-{len(body) - 1 + shift}/{len(body)}"
            body = body[start:]
        headers["Content-Length"] = str(len(body))
        if "cut" in fault:
            return Reply(url, status, headers, body[: len(body) * 2 // 3], Outcome(Kind.INTERRUPTED, status, "cut"))
        return Reply(url, status, headers, body, None)
