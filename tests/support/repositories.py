"""Real repositories of git, of projects that build themselves; the same steps give the same commits.

repository = Repository(tmp_path / "greeting")
repository.project("greeting", "1.0", requires=["six"])
first = repository.commit(tag="v1.0")
with served(tmp_path, credentials="me:secret") as address:
    f"greeting @ git+{address}/greeting/.git@v1.0"
"""

from __future__ import annotations

import base64
import functools
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support.distributions import Files, sdist

_DAY = "2020-01-01T12:00:00+00:00"


class Repository:
    """A repository with a work tree, whose first branch is `main`."""

    def __init__(self, place: Path) -> None:
        if shutil.which("git") is None:
            pytest.skip("there is no git")
        self.place = place
        place.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")

    @property
    def url(self) -> str:
        """Its address for pip, without a revision."""
        return f"git+{self.place.as_uri()}"

    def git(self, *arguments: str) -> str:
        """Run git in it and return what it wrote."""
        fixed = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(self.place)}
        who = {f"GIT_{role}_{what}": "tests" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        days = {"GIT_AUTHOR_DATE": _DAY, "GIT_COMMITTER_DATE": _DAY}
        command = ["git", "-c", "protocol.file.allow=always", *arguments]
        variables = {"PATH": os.environ["PATH"], **fixed, **who, **days}
        done = subprocess.run(command, cwd=self.place, env=variables, capture_output=True, text=True, check=False)
        assert 0 == done.returncode, done.stderr
        return done.stdout.strip()

    def write(self, files: Files, below: str = "") -> None:
        """Write files of the work tree."""
        for path, content in files.items():
            file = self.place / below / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)

    def project(
        self,
        name: str,
        version: str = "1.0",
        modules: Files | None = None,
        *,
        requires: Sequence[str] = (),
        below: str = "",
        files: Files | None = None,
    ) -> None:
        """Make the work tree, or a directory in it, a project that builds itself."""
        shutil.rmtree(self.place / below / "wheel", ignore_errors=True)
        with tempfile.TemporaryDirectory() as place:
            packed = sdist(Path(place), name, version, modules, requires=requires)
            with tarfile.open(packed) as archive:
                for member in archive.getmembers():
                    stream = archive.extractfile(member)
                    path = member.name.partition("/")[2]
                    if stream is not None and path != "PKG-INFO":
                        self.write({path: stream.read()}, below)
        self.write(files or {}, below)

    def commit(self, *, tag: str | None = None) -> str:
        """Commit the work tree, have it served, and return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        if tag:
            self.git("tag", tag)
        self.git("update-server-info")
        return self.git("rev-parse", "HEAD")


class _Handler(SimpleHTTPRequestHandler):
    credentials = ""
    asked: list[str]

    def do_GET(self) -> None:
        wanted = f"Basic {base64.b64encode(self.credentials.encode()).decode()}"
        if self.credentials and self.headers.get("Authorization") != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="repositories"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


class Served(str):
    """An address, and the paths that were asked for below it."""

    asked: list[str]


@contextmanager
def served(directory: Path, *, credentials: str = "") -> Iterator[Served]:
    """Serve a directory over HTTP on loopback while the block runs."""
    asked: list[str] = []
    handler = type("Handler", (_Handler,), {"credentials": credentials, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    address = Served(f"http://127.0.0.1:{server.server_port}")
    address.asked = asked
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
