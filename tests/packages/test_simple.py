"""A directory with static pages is an index: the real pip and uv install from it, over HTTP and from files."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from eggcarton.indexes.pages import read_page
from eggcarton.packages.simple import Link, pages, requires_python
from support.buildouts import PYTHON, environment, run
from support.closed import uv_program
from support.distributions import sdist, wheel


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with the files and the pages of an index."""
    root = tmp_path / "a mirror"
    made = [
        wheel(root / "wheels", "web", "1.0+local", requires=["six"]),
        wheel(root / "wheels", "six", "1.0"),
        wheel(root / "wheels", "six", "2.0", requires_python=">=3.90"),
    ]
    projects: dict[str, list[Link]] = {}
    for path in made:
        place = path.relative_to(root).as_posix()
        link = Link(place, hashlib.sha256(path.read_bytes()).hexdigest(), requires_python(path))
        projects.setdefault(path.name.partition("-")[0], []).append(link)
    for place, text in pages(projects).items():
        (root / "simple" / place).parent.mkdir(parents=True, exist_ok=True)
        (root / "simple" / place).write_text(text, "utf-8")
    return root


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve files as any web server does."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(directory))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("over_http", [True, False])
def test_pip_and_uv_install_from_it(directory: Path, tmp_path: Path, wheels: Path, *, over_http: bool) -> None:
    """pip and uv find each project, take the version that is for their Python, and check the sha256 of the pages."""
    pip = [PYTHON, next(wheels.glob("pip-*.whl")) / "pip"]
    uv = [uv_program(), "--no-config", "--cache-dir", tmp_path / "cache", "pip"]
    with served(directory) as address:
        index = f"{address}/simple/" if over_http else (directory / "simple").as_uri()
        for number, tool in enumerate((pip, uv)):
            target = tmp_path / str(number)
            command = [*tool, "install", "--index-url", index, "--target", target, "web"]
            command += [] if tool is pip else ["--python", PYTHON]
            done = run(command, cwd=tmp_path, variables=environment(tmp_path))
            assert 0 == done.status, done.output
            assert {"six-1.0.dist-info", "web-1.0+local.dist-info"} <= {path.name for path in target.iterdir()}
        # A byte of a file is another one.
        spoilt = directory / "wheels" / "six-1.0-py3-none-any.whl"
        spoilt.write_bytes(spoilt.read_bytes()[:-1] + b"!")
        for number, tool in enumerate((pip, uv), 2):
            command = [*tool, "install", "--no-cache-dir" if tool is pip else "--no-cache", "--index-url", index]
            command += ["--target", tmp_path / str(number), "six", *([] if tool is pip else ["--python", PYTHON])]
            done = run(command, cwd=tmp_path, variables=environment(tmp_path))
            assert 0 != done.status, done.output


def test_a_page_is_read_back(directory: Path) -> None:
    """What a page tells is the name, the sha256 and the Pythons of each file, each once, in the order of names."""
    body = (directory / "simple" / "six" / "index.html").read_bytes()
    found = read_page(body, "text/html", "https://index.example/a/simple/six/")
    digests = [hashlib.sha256((directory / "wheels" / file.name).read_bytes()).hexdigest() for file in found]
    assert digests == [file.sha256 for file in found]
    assert [(file.url, file.requires_python) for file in found] == [
        ("https://index.example/a/wheels/six-1.0-py3-none-any.whl", None),
        ("https://index.example/a/wheels/six-2.0-py3-none-any.whl", ">=3.90"),
    ]


def test_one_file_at_two_places() -> None:
    """A file that lies in the bundle twice is listed once; what no address can hold as it is, is quoted."""
    links = [Link("wheels/a&b-1+x.whl", "0"), Link("toolchain/a&b-1+x.whl", "0")]
    assert (
        '<a href="../../toolchain/a%26b-1%2Bx.whl#sha256=0">a&amp;b-1+x.whl</a>' in pages({"a": links})["a/index.html"]
    )
    assert 1 == pages({"a": links})["a/index.html"].count("<a ")


def test_the_pythons_of_a_file(tmp_path: Path) -> None:
    """Wheels and source distributions tell which Pythons they are for; what is neither tells nothing."""
    assert ">=3.8" == requires_python(wheel(tmp_path, "six", requires_python=">=3.8"))
    assert ">=3.9" == requires_python(sdist(tmp_path, "six", requires_python=">=3.9"))
    (tmp_path / "main.zip").write_bytes(b"no archive")
    assert (None, None) == (requires_python(tmp_path / "main.zip"), requires_python(tmp_path / "gone.tar.gz"))
