"""What a configuration extends, and what recipes of others download, comes by our own way out."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from hashlib import md5, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from support.buildouts import Buildout
from support.distributions import wheel
from support.fakes import greeting

pytestmark = pytest.mark.slow

EXTENDING = """
[buildout]
extensions = eggcarton
extends = {}
parts =
"""
PORTAL = b"<!DOCTYPE html>\n<html><body>Please log in.</body></html>\n"

FETCHING = """\
import os
import zc.buildout
from zc.buildout.download import Download


class Recipe:
    '''Downloads the first of its urls that can be had into the part's directory.'''

    def __init__(self, buildout, name, options):
        self.section, self.options = buildout["buildout"], options
        self.place = os.path.join(self.section["parts-directory"], name)

    def install(self):
        os.makedirs(self.place)
        path = os.path.join(self.place, "file")
        *others, last = self.options["urls"].split()
        download = Download(self.section) if self.options.get("knowing") else Download()
        for url in others:
            try:
                download(url, path=path)
                return [self.place]
            except zc.buildout.UserError as error:
                print("caught", error)
        download(last, self.options.get("md5sum"), path)
        return [self.place]

    update = install
"""


class Site:
    """What is served on loopback: for each path the answers to its first requests, the last one for all others."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                left = site.answers.get(self.path, [(404, b"")])
                status, body = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def fetching(build: Buildout, site: Site) -> Buildout:
    """A buildout whose index has a recipe that downloads."""
    wheel(
        build.index.directory,
        "fetching",
        "1.0",
        {"fetching.py": FETCHING},
        entry_points={"zc.buildout": {"default": "fetching:Recipe"}},
    )
    return build


def part(urls: str, more: str = "") -> str:
    return (
        "[buildout]\nextensions = eggcarton\nparts = tool\n\n"
        f"[tool]\nrecipe = fetching\nknowing = true\nurls = {urls}\n{more}\n"
    )


def test_an_address_that_fails_at_first(build: Buildout, site: Site) -> None:
    """What is extended is asked for again where its server has a trouble that passes."""
    site.answers["/base.cfg"] = [(503, b""), (200, b"[base]\nx = 1\n")]
    build.configure(EXTENDING.format(f"{site.url}base.cfg"))
    assert f"buildout.lock.toml: {site.url}base.cfg added\n" in build.build()
    assert ["/base.cfg", "/base.cfg"] == site.asked


def test_a_login_page_is_not_extended(build: Buildout, site: Site) -> None:
    """The page of a network that wants a login is told as that, and neither locked nor kept."""
    site.answers["/base.cfg"] = [(200, PORTAL)]
    build.configure(EXTENDING.format(f"{site.url}base.cfg"))
    assert f"Error: {site.url}base.cfg: a web page came in place of the file" in build.fails(status=4)
    assert not (build.root / "buildout.lock.toml").exists()
    assert [] == list((build.root / ".eggcarton" / "extends").glob("*"))


def test_an_address_that_is_not_there(build: Buildout, site: Site) -> None:
    """An address that has nothing is told with the status, without the credentials in it, and with exit code 4."""
    build.configure(EXTENDING.format(f"{site.url.replace('://', '://me:hunter2@')}gone.cfg"))
    output = build.fails(status=4)
    assert f"Error: gone.cfg: {site.url}gone.cfg does not serve it: HTTP 404" in output
    assert "hunter2" not in output
    assert ["/gone.cfg"] == site.asked


def test_what_a_recipe_downloads(fetching: Buildout, site: Site) -> None:
    """What a recipe downloads by zc.buildout's means is asked for again, and checked as the recipe says."""
    content = b"\x1f\x8bcontent"
    site.answers["/tool.tar.gz"] = [(503, b""), (200, content)]
    fetching.configure(part(f"{site.url}tool.tar.gz", f"md5sum = {md5(content).hexdigest()}"))
    fetching.build()
    assert content == (fetching.root / "parts" / "tool" / "file").read_bytes()
    assert ["/tool.tar.gz", "/tool.tar.gz"] == site.asked


def test_a_recipe_that_tries_another_address(fetching: Buildout, site: Site) -> None:
    """A recipe that makes do with another address hears of the first one by zc.buildout's own error."""
    site.answers["/tool.zip"] = [(200, b"PK\x03\x04content")]
    fetching.configure(part(f"{site.url}gone.zip {site.url}tool.zip"))
    assert f"caught gone.zip: {site.url}gone.zip does not serve it: HTTP 404" in fetching.build()
    assert ["/gone.zip", "/tool.zip"] == site.asked


def test_a_recipe_that_finds_nothing(fetching: Buildout, site: Site) -> None:
    """Where a recipe cannot have its file, the run ends with exit code 4 and one sentence."""
    fetching.configure(part(f"{site.url}gone.zip"))
    output = fetching.fails(status=4)
    assert f"\nError: gone.zip: {site.url}gone.zip does not serve it: HTTP 404" in f"\n{output}"
    assert "Traceback" not in output


def test_a_recipe_that_does_not_know_of_offline(fetching: Buildout, site: Site) -> None:
    """Offline nothing is downloaded either for a recipe that has not told zc.buildout's means of it."""
    greeting(fetching.index.directory)
    site.answers["/tool.zip"] = [(200, b"PK\x03\x04content")]
    fetching.configure(part(f"{site.url}tool.zip"))
    fetching.build()
    fetching.configure(part(f"{site.url}other.zip").replace("knowing = true\n", ""))
    site.asked.clear()
    assert f"Error: offline, and {site.url}other.zip is not on this machine" in fetching.fails("-o", status=4)
    assert [] == site.asked


ASKING = """\
from zc.buildout import easy_install
from zc.buildout.easy_install import pkg_resources


class Recipe:
    '''Looks itself for a distribution on the index.'''

    def __init__(self, buildout, name, options):
        self.url = buildout["buildout"].get("index") or options["index"]

    def install(self):
        index = easy_install._get_index(self.url, [], ("*",))
        print("found", index.obtain(pkg_resources.Requirement.parse("six")))
        return ()

    update = install
"""


def test_a_recipe_that_asks_an_index_itself(build: Buildout) -> None:
    """zc.buildout's own way to an index is closed while a run goes on: what is in no lock is asked nowhere."""
    directory = build.index.directory
    points = {"zc.buildout": {"default": "asking:Recipe"}}
    wheel(directory, "asking", "1.0", {"asking.py": ASKING}, entry_points=points)
    wheel(directory, "six", "1.17.0")
    url = build.index.url.replace("://", "://me:hunter2@")
    build.configure(f"[buildout]\nextensions = eggcarton\nparts = tool\n\n[tool]\nrecipe = asking\nindex = {url}\n")
    output = build.fails(status=1)
    assert f"\nError: zc.buildout would ask {build.index.url}six/ itself, past the lock" in f"\n{output}"
    assert "hunter2" not in output
    assert [] == build.index.paths("*six*")


TEMPLATE = """
[buildout]
{extensions}
parts = settings

[settings]
recipe = eggcarton:template
url = {url}
sha256 = {sha256}
output = etc/settings.ini
listen = 127.0.0.1:6543
"""
SETTINGS = b"listen = {{ listen }}\n"


@pytest.mark.parametrize("extensions", ["extensions = eggcarton", ""], ids=["locked", "without the extension"])
def test_a_template_from_an_address(build: Buildout, site: Site, extensions: str) -> None:
    """A template is fetched by its sha256 and filled in; it is asked for once, and then serves offline, too."""
    site.answers["/settings.ini.in"] = [(503, b""), (200, SETTINGS)]
    text = TEMPLATE.format(extensions=extensions, url=f"{site.url}settings.ini.in", sha256=sha256(SETTINGS).hexdigest())
    build.configure(text)
    build.build()
    assert "listen = 127.0.0.1:6543\n" == (build.root / "etc" / "settings.ini").read_text()
    assert ["/settings.ini.in", "/settings.ini.in"] == site.asked
    build.configure(text.replace("6543", "8080"))
    site.asked.clear()
    build.build("-o")
    assert "listen = 127.0.0.1:8080\n" == (build.root / "etc" / "settings.ini").read_text()
    assert [] == site.asked


def test_a_template_with_other_bytes(build: Buildout, site: Site) -> None:
    """A template with another sha256 is refused before anything is written, with exit code 5."""
    site.answers["/settings.ini.in"] = [(200, SETTINGS)]
    build.configure(
        TEMPLATE.format(extensions="extensions = eggcarton", url=f"{site.url}settings.ini.in", sha256="0" * 64)
    )
    output = build.fails(status=5)
    where, begin = f"{site.url}settings.ini.in", "Error: [settings] option 'url': settings.ini.in"
    sentence = (
        f"{begin}: {where} serves other bytes than option 'sha256' tells, and nothing was installed; if the file was "
        "replaced on purpose, change that option:"
    )
    assert sentence in output.splitlines()
    assert f"{where} needs care: settings.ini.in: the bytes hash to" in output
    assert "index http" not in output
    assert sha256(SETTINGS).hexdigest() in output
    assert not (build.root / "etc" / "settings.ini").exists()


def test_a_template_that_is_nowhere_offline(build: Buildout, site: Site) -> None:
    """Offline a template that was never fetched is told by its name, and nothing is asked."""
    text = TEMPLATE.format(extensions="extensions = eggcarton", url=f"{site.url}settings.ini.in", sha256="0" * 64)
    build.configure(text.replace("parts = settings", "parts ="))
    build.build()
    build.configure(text)
    told = f"  settings.ini.in: {site.url}settings.ini.in, which [settings] option 'url' names"
    output = build.fails("-o", status=4)
    assert ["Error: offline, and 1 file is neither in the store nor in the cache:", told] == output.splitlines()[-2:]
    assert [] == site.asked


def test_all_that_is_missing_offline(build: Buildout, site: Site) -> None:
    """Offline the templates of all parts are told with the distributions that are missing, and without them."""
    wheel(build.index.directory, "six", "1.17.0")
    text = TEMPLATE.format(extensions="extensions = eggcarton", url=f"{site.url}a.in", sha256="0" * 64)
    other = "\n[other]\nrecipe = eggcarton:template\nurl = http://127.0.0.1:9/b.in\noutput = b\n"
    app = "\n[app]\nrecipe = eggcarton:scripts\neggs = six\n"
    text = text.replace("parts = settings", "parts = settings other app") + other + f"sha256 = {'1' * 64}\n" + app
    build.configure(text.replace("parts = settings other", "parts ="))
    build.build()
    build.configure(text)
    told = [
        f"  a.in: {site.url}a.in, which [settings] option 'url' names",
        "  b.in: http://127.0.0.1:9/b.in, which [other] option 'url' names",
    ]
    output = build.fails("-o", status=4)
    assert ["Error: offline, and 2 files are neither in the store nor in the cache:", *told] == output.splitlines()[-3:]
    shutil.rmtree(build.cache)
    for egg in build.root.glob("eggs/v5/.eggcarton/*/six-1.17.0*.egg"):
        shutil.rmtree(egg.parent)
    output = build.fails("-o", status=4)
    assert [*told, "  six-1.17.0-py3-none-any.whl"] == output.splitlines()[-3:]
    assert [] == site.asked
