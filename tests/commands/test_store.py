"""bin/eggcarton store: how much lies there, and removing what no known build uses."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from eggcarton.packages.store_names import HIDDEN
from support.buildouts import WAIT, Buildout, tree, wait_for
from support.distributions import wheel
from support.fakes import greeting
from support.kept import Kept

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app
eggs-directory = {store}

[app]
recipe = eggcarton:scripts
eggs = {eggs}
"""


def configure(build: Buildout, *eggs: str, store: Path | str = "eggs") -> None:
    build.configure(CONFIG.format(store=store, eggs="".join(f"\n    {egg}" for egg in eggs)))


def make(build: Buildout) -> None:
    """Build something in a store that others may share."""
    greeting(build.index.directory)
    wheel(build.index.directory, "web", "2.0", requires=["six<2"])
    wheel(build.index.directory, "six", "1.17.0", {"six.py": f"data = '{'x' * 100_000}'\n"})
    configure(build, "greeting", "web")
    build.build()


@pytest.fixture
def built(kept: Kept) -> Buildout:
    return kept(make)


def told(build: Buildout, *arguments: str, status: int = 0) -> Any:
    """Return what the command says as JSON."""
    found, output = build.run("store", "--json", *arguments, program="eggcarton")
    assert status == found, output
    return json.loads(output)


def said(build: Buildout, *arguments: str, status: int = 0) -> list[str]:
    found, output = build.run("store", *arguments, program="eggcarton")
    assert status == found, output
    return output.splitlines()


def narrowed(build: Buildout) -> None:
    """Build with less than before."""
    configure(build, "greeting")
    build.build()
    # The last few environments are kept, for servers that run from them.
    shutil.rmtree(build.root / "parts/.eggcarton/environments")
    build.build()


def eggs(build: Buildout) -> list[str]:
    """The names of what is unpacked in the store, but for the toolchain, which is another store's here."""
    places = [place for place in (build.root / "eggs/v5" / HIDDEN).iterdir() if not place.is_symlink()]
    return sorted({path.name.partition("-")[0] for place in places for path in place.glob("*.egg")})


def test_sizes(built: Buildout) -> None:
    """It tells how much the store, the libraries and the cache hold, by the byte for programs, and changes nothing."""
    before = tree(built.root, built.home)
    found = told(built)
    assert ["greeting", "six", "web"] == eggs(built)
    (known,) = found["builds"]
    assert (str(built.root), True) == (known["directory"], known["known"])
    assert [] == found["unused"]
    assert 3 == found["eggs"]["count"]
    assert 100_000 < found["eggs"]["bytes"] < 200_000
    assert found["cache"]["bytes"] > 0
    lines = said(built)
    assert lines[0] == f"Store {found['store']}: 3 eggs, 0.1 MB"
    assert f"  {built.root}: 3 eggs" == lines[-1]
    assert before == tree(built.root, built.home)


def test_what_no_build_uses_is_removed(built: Buildout) -> None:
    """What is used no more is listed, and removed with --yes alone; the build goes on as before."""
    narrowed(built)
    listed = told(built, "--clean", status=3)
    assert ["six", "web"] == sorted(one["entry"].partition("/")[2].partition("-")[0] for one in listed["unused"])
    lines = said(built, "--clean", status=3)
    assert ["  six", "  web"] == [line.partition("-")[0] for line in lines[:2]]
    assert lines[2].startswith("2 entries, 0.1 MB, used by none of the known builds:")
    assert "Nothing was removed: there is no terminal to ask at; --yes removes them." == lines[-1]
    assert ["greeting", "six", "web"] == eggs(built)
    assert "2 entries removed." == said(built, "--clean", "--yes")[-1]
    assert ["greeting"] == eggs(built)
    assert ["Known builds use all that the store holds."] == said(built, "--clean", "--yes")
    assert "1 in the store, 0 fetched" in built.build()
    configure(built, "greeting", "web")
    assert "1 in the store, 0 fetched, 2 from the cache" in built.build()


@pytest.mark.parametrize(("answer", "left"), [("y", ["greeting"]), ("", ["greeting", "six", "web"])])
def test_it_asks_at_a_terminal(built: Buildout, answer: str, left: list[str]) -> None:
    """At a terminal it asks, and no answer is no."""
    narrowed(built)
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard:
        keyboard.write(f"{answer}\n".encode())
        done = subprocess.run(
            [built.bin / "eggcarton", "store", "--clean"],
            cwd=built.root,
            env=built.environment(),
            stdin=theirs,
            stdout=subprocess.PIPE,
            text=True,
            timeout=WAIT,
            check=False,
        )
        os.close(theirs)
    assert 0 == done.returncode
    assert "Remove them? [y/N] " in done.stdout
    assert left == eggs(built)


def test_builds_that_share_a_store(built: Buildout, tmp_path: Path) -> None:
    """What another build uses stays, until its directory is gone or it is forgotten."""
    other = Buildout(root=tmp_path / "other", home=built.home, index=built.index, variables=built.variables)
    shutil.copytree(built.root, other.root, symlinks=True)
    for name in ("buildout", "eggcarton"):
        script = other.bin / name
        script.write_text(script.read_text("utf-8").replace(str(built.root), str(other.root)), "utf-8")
    configure(other, "web", store=built.root / "eggs")
    other.build()
    narrowed(built)
    shutil.rmtree(other.root / "parts/.eggcarton/environments")
    other.build()
    assert [str(built.root), str(other.root)] == sorted(build["directory"] for build in told(built)["builds"])
    assert [] == told(built, "--clean")["unused"]
    assert ["six", "web"] == sorted(
        {one["entry"].partition("/")[2].partition("-")[0] for one in told(built, "--forget", str(other.root))["unused"]}
    )
    other.build()
    assert [] == told(built, "--clean")["unused"]
    shutil.rmtree(other.root)
    assert f"  {other.root}: gone, and no longer known" in said(built)
    assert "2 entries removed." == said(built, "--clean", "--yes")[-1]
    assert [str(built.root)] == [build["directory"] for build in told(built)["builds"]]


def test_what_it_runs_from_is_left(built: Buildout) -> None:
    """The toolchain of the build that cleans stays where that was forgotten, which is said; the build goes on."""
    for place in (built.root / "eggs/v5" / HIDDEN).iterdir():
        if place.is_symlink() and place.is_dir():
            there = place.resolve()
            place.unlink()
            shutil.copytree(there, place, symlinks=True)
    lines = said(built, "--forget", ".", "--clean", "--yes")
    assert "used by this command alone, and left: clean from another build" in lines[0]
    assert "3 entries removed." == lines[-1]
    assert "3 from the cache" in built.build()
    assert [] == told(built)["running"]


def test_while_a_build_is_at_work(built: Buildout) -> None:
    """While a build runs nothing is removed; one that was killed is in nobody's way."""
    narrowed(built)
    wheel(built.index.directory, "slow", "1.0")
    built.index.fault("/files/*.whl", "stall:0.5", forever=True)
    configure(built, "greeting", "slow")
    with built.start() as process:
        wait_for(lambda: list((built.cache / "partial").glob("*")), process)
        output = built.fails("store", "--clean", "--yes", program="eggcarton", status=1)
        assert "a build is at work that uses" in output
        assert ["greeting", "six", "web"] == eggs(built)
        os.killpg(process.pid, 9)
    assert "2 entries removed." == said(built, "--clean", "--yes")[-1]


def test_a_build_of_which_nothing_can_be_read(built: Buildout) -> None:
    """While what a build uses cannot be read nothing is removed."""
    narrowed(built)
    (note,) = (built.root / "eggs").rglob("builds/*.json")
    newer = note.with_name("newer.json")
    newer.write_text('{"format": 2}', "utf-8")
    output = built.fails("store", "--clean", "--yes", program="eggcarton", status=2).replace("\n", " ")
    assert f"{newer} tells of a build that uses the store, in a way that cannot be read here" in output
    assert ["greeting", "six", "web"] == eggs(built)
    newer.unlink()
    assert "2 entries removed." == said(built, "--clean", "--yes")[-1]


def test_what_makes_no_sense(built: Buildout) -> None:
    """--yes alone, and a directory that no build is in, are told."""
    assert "--yes answers the question of --clean" in built.fails("store", "--yes", program="eggcarton", status=2)
    output = built.fails("store", "--forget", "elsewhere", program="eggcarton", status=2)
    assert f"no build in that directory uses {built.root / 'eggs/v5'}" in output
    assert str(built.root) in output


def test_a_full_register_is_not_written_again(built: Buildout) -> None:
    """A run in which nothing has changed notes nothing."""
    (note,) = (built.root / "eggs").rglob("builds/*.json")
    before = note.stat().st_mtime_ns
    built.build()
    assert before == note.stat().st_mtime_ns
    assert HIDDEN == note.parent.parent.name
