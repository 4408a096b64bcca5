"""Recipes of others, unchanged: what they make under a lock is what they make without one, and it runs."""

from __future__ import annotations

import re
import shutil
import socket
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import recipes_site
from support.buildouts import Shared, Stock, copy, downloaded, locked, wait_for
from support.index import Index
from support.recipes_site import Site, differences, generated, unlike
from support.servers import running, served

PINS = Path(__file__).parent / "support/recipes-of-others.txt"
VERSION = "6.0.1"
TOOLCHAIN = ("zc.buildout", "zc.recipe.egg", "setuptools", "wheel", "pip", "packaging", "platformdirs")
ADDED = ("[buildout]", "extensions += eggcarton", "[eggcarton]", "allow-sdist = compiled")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("cc") or not shutil.which("make"), reason="there is no C compiler, or no make"),
]


@dataclass(frozen=True)
class Pair:
    """The same site, built by a stock zc.buildout and by one with the extension, and what they made."""

    stock: Site
    locked: Site
    names: dict[str, str]
    made: tuple[dict[str, str], dict[str, str]]


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, shared: Shared, stock: Stock, template: Path, wheels: Path
) -> Iterator[Pair]:
    """Both are built once more, with nothing changed, before anything is compared."""
    with locked(shared.directory / "recipes-of-others"):
        eggs = sorted(downloaded(PINS).iterdir())
    place = tmp_path_factory.mktemp("recipes")
    (place / "index").mkdir()
    toolchain = [path for path in wheels.iterdir() if path.name.partition("-")[0].replace("_", ".") in TOOLCHAIN]
    recipes_site.distributions(place / "index", PINS, [*eggs, *toolchain])
    with Index(place / "index") as index:
        program = stock.program(VERSION)
        one = Site(place / "one/site", place / "one/home", index, program)
        other = Site(place / "other/site", place / "other/home", index, place / "other/site/bin/buildout")
        one.lay()
        one.configure()
        one.fill(program.parent / "python", eggs)
        copy(template, other.root)
        other.lay()
        other.configure(*ADDED)
        for site in (one, other):
            site.build()
            site.build()
        made = generated(one.root), generated(other.root)
        yield Pair(one, other, names(program, index), made)


def names(program: Path, index: Index) -> dict[str, str]:
    """Return what is called differently in the two by its nature, as patterns."""
    own = "|".join(map(re.escape, TOOLCHAIN))
    site_packages = rf"{re.escape(str(program.parents[1]))}/lib/python[\d.]+/site-packages"
    toolchain = rf"{site_packages}|[^:'\"\s]*/eggs/v5/(?:{own})-[^/:'\"\s]+\.egg"
    return {"toolchain": toolchain, "python": r"(?<=[!'\"])[^'\"\s!]*/bin/python[\d.]*"}


def test_each_difference_has_its_reason() -> None:
    """There are ten at most, and each says why."""
    kept = differences()
    assert len(kept) <= 10
    assert [] == [difference.name for difference in kept if not difference.reason.endswith(".")]


def test_files_are_alike(pair: Pair) -> None:
    """Every file that a recipe has made is the same in both builds, but for what the kept differences say."""
    assert "" == "\n".join(unlike(*pair.made, differences(), pair.names))


def test_each_difference_is_needed(pair: Pair) -> None:
    """Without any one of the kept differences some file is not alike."""
    kept = differences()
    for difference in kept:
        others = [other for other in kept if other is not difference]
        assert list(unlike(*pair.made, others, pair.names)), difference.name


def test_nothing_changed(pair: Pair) -> None:
    """Built once more, frozen and offline, every file is as it was, and nothing is asked of the index."""
    locks = {path: path.read_bytes() for path in pair.locked.root.glob("*.toml")}
    pair.locked.index.requests.clear()
    pair.locked.build("-o", "eggcarton:policy=frozen")
    assert [] == pair.locked.index.requests
    assert locks == {path: path.read_bytes() for path in locks}
    kept = ("bin/", "etc/", "parts/", "develop-eggs/")
    before, after = (
        {path: text for path, text in found.items() if path.startswith(kept)}
        for found in (pair.made[1], generated(pair.locked.root))
    )
    assert "" == "\n".join(unlike(before, after, differences(), pair.names))


COMMANDS = {
    "eggs, scripts, entry points, arguments": ("bin/told", "word"),
    "an interpreter": ("bin/py", "-c", "import os, developed.web; print(os.environ['OF_THE_PART'], developed.web)"),
    "relative paths": ("bin/relative-py", "-c", "import checked.out.told as told; print(told.place())"),
    "what a part developed": ("bin/native", "-c", "import inplace, compiled; print(inplace.numbers, compiled.numbers)"),
    "what a part compiled": (
        "bin/native",
        "-c",
        "import sys, glob; sys.path[:0] = glob.glob('develop-eggs/compiled-*.egg'); import compiled; "
        "print(compiled.numbers)",
    ),
    "tests": ("bin/test", "--no-color"),
    "a template": ("etc/settings",),
    "an omelette": ("bin/native", "-c", "import os; print('told.py' in os.listdir('parts/omelette/checked/out'))"),
    "configure, make, make install": ("parts/cmmi/bin/greet",),
    "mr.developer": ("bin/develop", "status"),
    "Django": ("bin/manage", "check"),
    "Django's migrations": ("bin/migrate", "--plan"),
    "a WSGI file": ("bin/native", "-c", "exec(open('etc/django.wsgi').read()); print(application)"),
    "a configuration of supervisord": ("bin/supervisord", "--version"),
    "Zope": ("bin/instance", "run", "run.py"),
    "backups": ("bin/backup", "--help"),
}
EXPECTED = {
    "eggs, scripts, entry points, arguments": r"word\nset: OF_THE_PART\nfound: developed 1.0, waitress \S+, zope.int",
    "an interpreter": "set <module 'developed.web'",
    "relative paths": "src/checked.out/src/checked/out/told.py",
    "what a part developed": r"\A30100 0\n\Z",
    "what a part compiled": r"\A30105\n\Z",
    "tests": "Ran 2 tests with 0 failures, 0 errors and 0 skipped",
    "a template": "hello from .*, 127.0.0.1:0",
    "an omelette": "True",
    "configure, make, make install": "hello",
    "mr.developer": "checked.out",
    "Django": "no issues",
    "Django's migrations": "contenttypes.0001_initial",
    "a WSGI file": "WSGIHandler object",
    "a configuration of supervisord": r"\A\d",
    "Zope": "the application: Application, of the part: set",
    "backups": "Usage: backup",
}


@pytest.mark.parametrize("what", COMMANDS)
def test_what_was_made_runs(what: str, pair: Pair) -> None:
    """What recipes have made does the same in both builds."""
    one, other = (site.run(*COMMANDS[what]) for site in (pair.stock, pair.locked))
    assert re.search(EXPECTED[what], other.output), other.output
    assert (one.status, said(one.output, pair.stock)) == (other.status, said(other.output, pair.locked))


def said(output: str, site: Site) -> str:
    """Return what was printed, without what no two runs have alike."""
    output = re.sub(r"0x[0-9a-f]+|\d+\.\d{3}(?= seconds)", "...", output)
    return re.sub(r"/\.eggcarton/[0-9a-f]{64}(?:-compiled)?(?=/)", "", output.replace(str(site.root), "{root}"))


def test_zope_answers(pair: Pair) -> None:
    """bin/instance serves at the port that it tells."""
    with served(*pair.locked.command("instance", "fg")) as address:
        assert b"Zope" in page(address)


def page(address: str) -> bytes:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{address}/", timeout=300) as response:
        assert 200 == response.status
        body: bytes = response.read()
    return body


def test_zeo_and_client(pair: Pair) -> None:
    """A client reads the database of bin/zeo."""
    with running(*pair.locked.command("zeo", "fg")) as process:
        wait_for((pair.locked.root / "var/zeo.socket").exists, process)
        status, output = pair.locked.run("bin/client", "run", "run.py")
        assert (0, True) == (status, "the application: Application" in output), output


def test_supervisord(pair: Pair) -> None:
    """supervisord starts the one program, which serves, and leaves the other one to who asks for it."""
    place = pair.locked.root / "var/web.socket"
    with running(*pair.locked.command("supervisord", "-n")) as process, socket.socket(socket.AF_UNIX) as connection:
        # The socket is there a moment before it listens.
        wait_for(lambda: connection.connect_ex(str(place)) == 0, process)
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"\r\n\r\ngreeted" in b"".join(iter(lambda: connection.recv(1 << 16), b""))
        status = pair.locked.run("bin/supervisorctl", "status").output
        assert re.search(r"^server +(STARTING|RUNNING)", status, re.MULTILINE), status
        assert re.search(r"^told +STOPPED", status, re.MULTILINE), status
