"""A run in which nothing has changed costs next to nothing: no process, no network, no lock that is read in full."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.buildouts import PYTHON, Buildout, run, tree
from support.distributions import wheel
from support.fakes import greeting, recipes

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app theirs note

[app]
recipe = eggcarton:scripts
eggs =
    greeting
    many0

[theirs]
recipe = zc.recipe.egg
eggs = greeting
scripts = greet=theirs

[note]
recipe = noting
output = note.txt
"""
WATCH = """
import json, runpy, sys

seen = []
COUNTED = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.exec", "socket.connect")


def note(event, arguments):
    if event in COUNTED:
        seen.append(event)
    elif event == "import" and arguments[0] in ("packaging.pylock", "eggcarton.packages.lock"):
        seen.append(arguments[0])


sys.addaudithook(note)
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(json.dumps(seen))
"""


@pytest.fixture
def built(build: Buildout) -> Buildout:
    """A buildout with parts of ours and of others, built under the policy that production has."""
    greeting(build.index.directory)
    recipes(build.index.directory)
    for number in range(40):
        wheel(build.index.directory, f"many{number}", requires=[f"many{number + 1}"] if number < 39 else [])
    build.configure(CONFIG)
    build.build()
    build.configure(f"{CONFIG}\n[eggcarton]\npolicy = frozen\n")
    build.build()
    build.index.requests.clear()
    return build


def watched(build: Buildout, *arguments: str) -> list[str]:
    """Run bin/buildout, which has to succeed, and return what it did that counts."""
    script = build.write("watch.py", WATCH)
    command = [PYTHON, "-IS", script, build.bin / "buildout", *arguments]
    status, output = run(command, cwd=build.root, variables=build.environment())
    assert 0 == status, output
    found: list[str] = json.loads(output.splitlines()[-1])
    return found


def test_a_frozen_run(built: Buildout) -> None:
    """A frozen run with an unchanged lock starts no process, opens no socket and parses no lock."""
    before = tree(built.root / "bin", built.root / "eggs", built.root / "parts" / ".eggcarton" / "environments")
    assert ([], []) == (watched(built), built.index.requests)
    assert ([], []) == (watched(built, "-n"), built.index.requests)
    assert ([], []) == (watched(built, "-o"), built.index.requests)
    assert before == tree(built.root / "bin", built.root / "eggs", built.root / "parts" / ".eggcarton" / "environments")
    # What is watched is seen where there is something to do.
    built.lock.write_text(built.lock.read_text("utf-8") + "\n", "utf-8")
    assert "subprocess.Popen" in watched(built)


# What makes, fetches, resolves or checks, and what only some of our own recipes need.
HEAVY = (
    "eggcarton.child",
    "eggcarton.commands",
    "eggcarton.buildout.preview",
    "eggcarton.buildout.seats",
    "eggcarton.core.matrices",
    "eggcarton.core.tested",
    "eggcarton.indexes.client",
    "eggcarton.indexes.journal",
    "eggcarton.indexes.served",
    "eggcarton.packages.crew",
    "eggcarton.packages.lock",
    "eggcarton.packages.store",
    "eggcarton.packages.tree",
    "eggcarton.packages.unpacking",
    "eggcarton.packages.verify",
    "eggcarton.recipes.coverage",
    "eggcarton.recipes.test",
    "eggcarton.recipes.wsgi",
    "ctypes",
    "packaging.pylock",
    "urllib3",
)
# What all parts of ours need, and nobody else.
OF_PARTS = (
    "eggcarton.buildout.entrypoints",
    "eggcarton.buildout.environments",
    "eggcarton.buildout.locked",
    "eggcarton.buildout.part",
    "eggcarton.buildout.unlocked",
    "eggcarton.core.apply",
    "eggcarton.core.difference",
    "eggcarton.core.editable",
    "eggcarton.core.layout",
    "eggcarton.core.pie_file",
    "eggcarton.core.plan",
    "eggcarton.core.script",
    "eggcarton.core.services",
    "eggcarton.core.staging",
    "eggcarton.packages.environment",
    "eggcarton.packages.machine",
    "eggcarton.packages.merging",
    "eggcarton.recipes.scripts",
)


@pytest.mark.parametrize(("recipe", "away"), [("zc.recipe.egg", (*HEAVY, *OF_PARTS)), ("eggcarton", HEAVY)])
def test_what_it_imports(build: Buildout, recipe: str, away: Sequence[str]) -> None:
    """A run that changes nothing imports what it uses: nothing that makes, fetches or resolves, and no other recipe."""
    greeting(build.index.directory)
    build.configure(f"[buildout]\nextensions = eggcarton\nparts = app\n[app]\nrecipe = {recipe}\neggs = greeting\n")
    command: list[str | Path] = [PYTHON, "-IS", "-X", "importtime", build.bin / "buildout"]

    def imported() -> set[str]:
        status, output = run(command, cwd=build.root, variables=build.environment())
        assert (0, True) == (status, "eggcarton: 1 distribution: " in output), output
        return {line.rpartition("|")[2].strip() for line in output.splitlines() if line.startswith("import time:")}

    first = imported()
    found = imported()
    assert {"eggcarton.buildout.session", "eggcarton.packages.selection"} <= found
    within = tuple(f"{name}." for name in away)
    assert [] == sorted(name for name in found if name in away or name.startswith(within))
    # What a part of ours needs is seen where there is one.
    assert (recipe == "eggcarton") == ("eggcarton.core.apply" in first & found)


def test_locking_once_more(built: Buildout) -> None:
    """Locking with nothing changed asks no network and leaves the locks as they are, also where nothing was built."""
    locks = [built.lock, built.root / "pylock.recipes.toml"]
    before = tree(built.root / "bin", *built.root.glob("pylock*")), [path.read_bytes() for path in locks]
    times = [path.stat().st_mtime_ns for path in locks]
    for arguments in (("lock",), ("lock", "--check"), ("lock", "eggcarton:policy=update")):
        status, output = built.run(*arguments, program="eggcarton")
        assert (0, []) == (status, built.index.requests), output
    (built.root / ".installed.cfg").unlink()
    for path in (built.root / "parts" / ".eggcarton" / "state").glob("selection-*"):
        path.unlink()
    status, output = built.run("lock", program="eggcarton")
    assert (0, []) == (status, built.index.requests), output
    assert before == (tree(built.root / "bin", *built.root.glob("pylock*")), [path.read_bytes() for path in locks])
    assert times == [path.stat().st_mtime_ns for path in locks]


LISTED = """
import os, runpy, sys

seen = []
sys.addaudithook(lambda event, arguments: event in ("os.listdir", "os.scandir") and seen.append(str(arguments[0])))
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(len([path for path in seen if "kept-files" in path]))
"""


def test_a_download_cache(built: Buildout) -> None:
    """However many files lie in a download cache or in find-links, nothing of it is read as long as none is needed.

    Source: zc.buildout issue 626.
    """
    for place in ("kept-files/dist", "links/kept-files"):
        (built.root / place).mkdir(parents=True)
        for number in range(100):
            (built.root / place / f"one{number}-1.0.tar.gz").touch()
    places = "download-cache = kept-files\nfind-links = links/kept-files\n"
    built.configure(CONFIG.replace("[buildout]\n", f"[buildout]\n{places}"))
    built.build()
    script = built.write("listed.py", LISTED)
    command = [PYTHON, "-IS", script, built.bin / "buildout"]
    status, output = run(command, cwd=built.root, variables=built.environment())
    assert (0, "0") == (status, output.splitlines()[-1]), output
