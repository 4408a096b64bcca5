"""What zc.recipe.egg's own documents, run from the installed distribution, need at hand."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import zc.recipe.egg

from support.distributions import metadata, sdist, wheel, zipped

DOCUMENTS = Path(zc.recipe.egg.__file__).parent
_RECIPE = re.compile(r"(?<=recipe = )zc\.recipe\.egg\b(?=:\w+$|$)", re.MULTILINE)


def exchanged(text: str) -> str:
    """Return a text with the name of zc.recipe.egg's recipes exchanged for that of ours."""
    return _RECIPE.sub("eggcarton", text)


def sample_eggs(directory: Path, wheels: Path) -> None:
    """Put there what zc.buildout.tests.create_sample_eggs makes, and an index of nothing but the toolchain.

    Args:
        wheels: those of the toolchain.
    """
    needed = {"eggrecipedemoneeded.py": "y=0\ndef f():\n  pass"}
    for number, version in enumerate(("1.0", "1.1", "1.2rc1")):
        modules = {name: text.replace("y=0", f"y={number}") for name, text in needed.items()}
        sdist(directory, "demoneeded", version, modules)
    script = "#!python\nimport sys; sys.stdout.write('distutils!\\n')\n"
    wheel(directory, "other", "1.0", modules, data={"scripts/distutilsscript": script})
    python = "py{}.{}".format(*sys.version_info)
    egg = {**modules, "EGG-INFO/PKG-INFO": metadata("du_zipped", "1.0", (), None, None, ())}
    (directory / f"du_zipped-1.0-{python}.egg").write_bytes(zipped(egg))
    for number, version in enumerate(("0.1", "0.2", "0.3", "0.4rc1"), 1):
        wheel(
            directory,
            "demo",
            version,
            {"eggrecipedemo.py": DEMO.format(number)},
            requires=["demoneeded"],
            console_scripts={"demo": "eggrecipedemo:main"},
        )
    sdist(directory, "MIXEDCASE", "0.5", {"mixedcase.py": ""}, requires=["demoneeded"])
    sdist(directory, "extdemo", "1.4")
    wheel(directory, "bigdemo", "0.1", {"eggrecipebigdemo.py": "import eggrecipedemo"}, requires=["demo"])
    (directory / "index").mkdir()
    for path in wheels.glob("*.whl"):
        page = directory / "index" / path.name.partition("-")[0].replace("_", "-").replace(".", "-").lower()
        page.mkdir(exist_ok=True)
        (page / path.name).symlink_to(path)


DEMO = """\
import eggrecipedemoneeded, sys
def print_(*a):
    sys.stdout.write(" ".join(map(str, a))+"\\n")
x={}
def main():
   print_(x, eggrecipedemoneeded.y)
"""


class _Listing(SimpleHTTPRequestHandler):
    """Answers a directory with one link a line."""

    def list_directory(self, path: str | os.PathLike[str]) -> io.BytesIO:
        entries = [f"{name}/" if os.path.isdir(os.path.join(path, name)) else name for name in sorted(os.listdir(path))]
        links = "".join(f'<a href="{entry}">{entry}</a><br>\n' for entry in entries)
        page = f"<html><body>\n{links}</body></html>\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        return io.BytesIO(page)

    def log_message(self, *_: object) -> None:
        """Be silent."""


@contextlib.contextmanager
def link_server(directory: Path) -> Iterator[str]:
    """Serve a directory while the block runs, and give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Listing, directory=str(directory))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
