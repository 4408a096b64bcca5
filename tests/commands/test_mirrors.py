"""bin/eggcarton mirrors: what each route has served in real runs, and what they answer now."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from support.buildouts import Buildout, tree
from support.fakes import greeting

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = greeting
"""


@pytest.fixture
def buildout(build: Buildout) -> Buildout:
    """A buildout that wants one distribution from the index."""
    greeting(build.index.directory)
    build.configure(CONFIG)
    return build


def lose_files(build: Buildout) -> None:
    """Take away what was unpacked, and what was fetched, as on another machine."""
    for path in list((build.root / "eggs/v5/.eggcarton").iterdir()):
        if not path.is_symlink():
            path.rename(build.home / path.name)
    (build.cache / "sha256").rename(build.home / "lost")


def mirrors(build: Buildout, *arguments: str, status: int = 0) -> str:
    """Return what the command says, once it is sure that nothing was changed."""
    before = tree(build.root, build.home)
    offline = [word for word in arguments if word == "-o"]
    found, output = build.run(*offline, "mirrors", *arguments[len(offline) :], program="eggcarton")
    assert status == found, output
    assert before == tree(build.root, build.home)
    return output


def routes(build: Buildout) -> list[dict[str, Any]]:
    """Return what is told of all routes."""
    told = json.loads(mirrors(build, "--json"))
    return [{**route, "runs": told["runs"]} for index in told["indexes"] for route in index["routes"]]


def test_what_was_served(buildout: Buildout) -> None:
    """A run tells where its files came from, and the command what each route did by then."""
    assert re.search(r"1 fetched \(0\.0 MB from [\w. ]+\); 1 installed", buildout.build())
    first, *_ = found = routes(buildout)
    assert (buildout.index.url, "canonical", "well", 1) == (
        first["route"],
        first["kind"],
        first["health"],
        first["runs"],
    )
    assert (1, 0) == tuple(sum(route["served"][name] for route in found) for name in ("files", "faults"))
    assert first["served"] == first["last-run"]
    requests = len(buildout.index.requests)
    assert f"all other names\n  last  {buildout.index.url}" in mirrors(buildout)
    assert requests == len(buildout.index.requests)
    buildout.build()
    assert 1 == routes(buildout)[0]["runs"]


def test_a_fault(buildout: Buildout) -> None:
    """A run that fails leaves what it met, and the route that needs care is named in it."""
    buildout.build()
    lose_files(buildout)
    buildout.index.fault("*.whl", "status:401", forever=True)
    output = buildout.fails(status=4)
    assert 1 == len(re.findall("needs care: .*HTTP 401", output)), output
    [found] = [route for route in routes(buildout) if route["last-fault"]]
    assert ("HTTP 401" in found["last-fault"], 2) == (True, found["runs"])
    assert "misconfigured: " in mirrors(buildout, "--check", status=3)


def test_files_from_another_route(buildout: Buildout) -> None:
    """Where the first route fails the last line says which one took over, and for how many files."""
    indexes = "[eggcarton]\nindexes = public\n\n[public]\nmirrors = http://127.0.0.1:9/simple/ only=files\n"
    buildout.configure(f"{CONFIG}\n{indexes}url = {buildout.index.url}\n")
    output = buildout.build()
    assert " 1 fetched (0.0 MB from public); 1 file from public after 127.0.0.1:9 failed; 1 installed; " in output
    mirror, itself, *_ = routes(buildout)
    assert ("http://127.0.0.1:9/simple/", "files") == (mirror["route"], mirror["only"])
    assert (0, 1) == (mirror["served"]["files"], itself["served"]["files"])
    assert mirror["served"]["faults"] >= 1
    lose_files(buildout)
    assert "1 file from public after 127.0.0.1:9 failed" in buildout.build()


def test_check(buildout: Buildout) -> None:
    """Routes that answer with what is locked are well; one that has other bytes is not, nor is one that is down."""
    buildout.build()
    assert f"default  {buildout.index.url}  well\n" == mirrors(buildout, "--check")
    buildout.index.fault("*.whl", "flip", forever=True)
    assert "equivocating: it serves other bytes for greeting-1.0" in mirrors(buildout, "--check", status=3)
    buildout.index.stop()
    assert "unreachable" in mirrors(buildout, "--check", status=4)


def test_check_offline(buildout: Buildout) -> None:
    """Offline nobody is asked, and status 4 says why."""
    buildout.build()
    buildout.index.requests.clear()
    expected = "Error: offline, and how routes fare only they can tell; leave -o or --check out\n"
    assert expected == mirrors(buildout, "-o", "--check", status=4)
    assert [] == buildout.index.requests
