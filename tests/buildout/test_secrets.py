"""Credentials of every kind go where they are for, and are found nowhere after a run, nor in any process during it."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.buildouts import Buildout
from support.distributions import sdist, wheel
from support.index import Index
from support.proxy import Proxy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the variables of other processes in /proc"),
]

LOGINS = {
    kind: f"{kind}-user:{kind}-p@ss-word" for kind in ("public", "address", "netrc", "variable", "keyring", "proxy")
}
SECRETS = [
    text.encode()
    for login in LOGINS.values()
    for text in (
        login.partition(":")[2],
        login.partition(":")[2].replace("@", "%40"),
        base64.b64encode(login.encode()).decode(),
    )
]

CONFIG = """
[buildout]
extensions = eggcarton
parts = app

[eggcarton]
indexes = public by-address by-netrc by-variable by-keyring
allow-sdist = lib-variable

[public]
credentials = none

[by-address]
url = {address}
projects = lib-address

[by-netrc]
url = {netrc}
projects = lib-netrc

[by-variable]
url = {variable}
projects = lib-variable
credentials = env:LIB_TOKEN

[by-keyring]
url = {keyring}
projects = lib-keyring
credentials = keyring

[app]
recipe = eggcarton:scripts
eggs =
    six
    lib-address
    lib-netrc
    lib-variable
    lib-keyring
"""


def with_login(url: str, login: str) -> str:
    return url.replace("://", f"://{login.replace('@', '%40')}@")


class Watcher:
    """Looks at all processes of one user's home whenever an index is asked: who shows a secret, and where."""

    def __init__(self, home: Path) -> None:
        self._home = f"HOME={home}".encode()
        self.seen: set[str] = set()
        self.shown: set[tuple[str, str]] = set()

    def __call__(self, line: str) -> None:
        for place in Path("/proc").glob("[0-9]*"):
            try:
                words = (place / "cmdline").read_bytes().split(b"\0")
                variables = (place / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if self._home in variables:
                name = os.path.basename(words[0].decode())
                self.seen.add(name)
                self.shown |= {(name, "command line") for word in words if any(secret in word for secret in SECRETS)}
                with_secret = (entry for entry in variables if any(secret in entry for secret in SECRETS))
                self.shown |= {(name, entry.decode().partition("=")[0]) for entry in with_secret}


def holding(*places: Path) -> list[str]:
    """Return the files below some directories in whose bytes there is a secret."""
    found = []
    for place in places:
        for directory, _, names in os.walk(place):
            for path in (Path(directory, name) for name in names):
                if path.is_file() and any(secret in path.read_bytes() for secret in SECRETS):
                    found.append(path.relative_to(place).as_posix())
    return sorted(found)


@pytest.fixture
def watched(build: Buildout, tmp_path: Path) -> Iterator[tuple[Buildout, dict[str, Index], Watcher]]:
    """A buildout whose indexes and proxy all want credentials, each told in another way."""
    indexes, watcher = dict[str, Index](), Watcher(build.home)
    wheel(build.index.directory, "six", "1.17.0")
    build.index.tell = watcher
    for kind in ("address", "netrc", "variable", "keyring"):
        (sdist if kind == "variable" else wheel)(tmp_path / kind, f"lib-{kind}", "1.0", {f"lib_{kind}.py": ""})
        indexes[kind] = Index(tmp_path / kind, credentials=LOGINS[kind], tell=watcher).start()
    urls = {kind: index.url for kind, index in indexes.items()}
    build.configure(CONFIG.format(**urls | {"address": with_login(urls["address"], LOGINS["address"])}))
    user, _, password = LOGINS["netrc"].partition(":")
    machine = f"machine 127.0.0.1:{indexes['netrc'].port} login {user} password {password}\n"
    (build.home / ".netrc").write_text(machine, "utf-8")
    user, _, password = LOGINS["keyring"].partition(":")
    program = tmp_path / "programs" / "keyring"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho {user}\necho {password}\n", "utf-8")
    program.chmod(0o755)
    with Proxy(credentials=LOGINS["proxy"]) as proxy:
        build.variables |= {
            "http_proxy": with_login(proxy.address, LOGINS["proxy"]),
            "no_proxy": "",
            "LIB_TOKEN": LOGINS["variable"],
            "PATH": f"{program.parent}{os.pathsep}{build.environment()['PATH']}",
        }
        yield build, indexes, watcher
        assert proxy.asked
    for index in indexes.values():
        index.stop()


PUT = ["buildout.cfg"]
"""Where the user put one."""


def test_no_secret_is_found_anywhere(watched: tuple[Buildout, dict[str, Index], Watcher]) -> None:
    """Locking, installing, failing and locking again leave credentials in no file, output, command line or variable."""
    build, indexes, watcher = watched
    said = [build.build()]
    said.append(build.run("lock", "--upgrade", program="eggcarton").output)
    said.append(build.run("export", "pylock", "--urls", program="eggcarton").output)
    for index in indexes.values():
        assert {"Authorization"} <= {name for request in index.requests for name in request.headers}
        index.credentials = "nobody:knows"
    status, output = build.run("lock", "--upgrade", program="eggcarton")
    assert 4 == status, output
    assert "refuses the credentials of" in output
    said.append(output)
    for text in said:
        assert [] == [secret for secret in SECRETS if secret in text.encode()]
    assert PUT == holding(build.root)
    assert [".netrc"] == holding(build.home)
    assert "uv" in watcher.seen
    # The keyring is the user's own program, run in the user's own environment; the one of this test is a shell script.
    allowed = {(name, where) for name in ("python", "sh") for where in ("http_proxy", "LIB_TOKEN")}
    assert allowed >= {(name.rstrip("0123456789."), where) for name, where in watcher.shown}
