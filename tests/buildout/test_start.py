"""bin/buildout and bin/eggcarton begin alike: what is missing, and an early Ctrl-C, is one sentence."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from eggcarton.buildout import index_pages
from support.buildouts import CHECKOUT, PYTHON, Buildout, Result, run, stop, wait_for
from support.distributions import wheel
from support.fakes import greeting

PROGRAMS = {"buildout": "main", "eggcarton": "eggcarton"}


def started(program: str, *paths: Path, ignored: bool = False) -> subprocess.Popen[str]:
    """Start a program as its script does, with a library of zc.buildout that stands somewhere else."""
    places = [str(path) for path in (*paths, CHECKOUT / "src")]
    code = f"import sys; sys.path[:0] = {places!r}; from eggcarton.buildout.start import {PROGRAMS[program]} as f; f()"
    action = signal.SIG_IGN if ignored else signal.SIG_DFL
    return subprocess.Popen(
        [sys.executable, "-IS", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, action),
    )


@pytest.fixture
def reached(tmp_path: Path) -> Path:
    """A zc.buildout whose import goes on until the standard input ends, and the path that tells of its beginning."""
    told = tmp_path / "reached"
    (tmp_path / "zc" / "buildout").mkdir(parents=True)
    (tmp_path / "zc" / "__init__.py").write_text("", "utf-8")
    (tmp_path / "zc" / "buildout" / "__init__.py").write_text(
        f"import pathlib, sys\npathlib.Path({str(told)!r}).touch()\nsys.stdin.read()\nraise SystemExit('went on')\n",
        "utf-8",
    )
    return told


@pytest.mark.parametrize("program", PROGRAMS)
def test_interrupted_while_it_imports(tmp_path: Path, reached: Path, program: str) -> None:
    """Ctrl-C while zc.buildout is imported is one sentence and status 130."""
    process = started(program, tmp_path)
    wait_for(reached.exists, process)
    assert Result(130, "Interrupted; nothing was changed.\n") == stop(process, signal.SIGINT)


@pytest.mark.parametrize("program", PROGRAMS)
def test_ignored_interruptions_stay_ignored(tmp_path: Path, reached: Path, program: str) -> None:
    """Where Ctrl-C is ignored, as by nohup and in the background, it is ignored here."""
    process = started(program, tmp_path, ignored=True)
    wait_for(reached.exists, process)
    assert Result(1, "went on\n") == stop(process, signal.SIGINT)


@pytest.mark.parametrize("program", PROGRAMS)
def test_without_zc_buildout(tmp_path: Path, program: str) -> None:
    """Where zc.buildout is gone, that is one sentence with what puts it back."""
    output, _ = (process := started(program, tmp_path)).communicate(timeout=300)
    told = f"Error: the eggs that bin/{program} starts from are gone (zc.buildout); run bootstrap.py again\n"
    assert (1, told) == (process.returncode, output)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_without_its_eggs(build: Buildout, program: str) -> None:
    """Where the eggs were deleted, both programs say so, and so they do where develop-eggs was."""
    build.configure("[buildout]\nextensions = eggcarton\nparts =\n")
    shutil.rmtree(build.root / "eggs")
    arguments = ["plan"] if program == "eggcarton" else []
    assert f"the eggs that bin/{program} starts from are gone (zc.buildout); run bootstrap.py again" in build.fails(
        *arguments, program=program, status=1
    )
    shutil.rmtree(build.root / "develop-eggs")
    assert f"No module named 'eggcarton', which bin/{program} starts from; run bootstrap.py again" in build.fails(
        *arguments, program=program, status=1
    )


@pytest.mark.slow
def test_interrupted_while_it_works(build: Buildout) -> None:
    """Ctrl-C while bin/eggcarton waits for an index is one sentence and status 130; no lock is half-written."""
    build.configure(
        "[buildout]\nextensions = eggcarton\nparts = app\n[app]\nrecipe = eggcarton:scripts\neggs = nothing\n"
    )
    build.index.fault("*", "stall", forever=True)
    process = build.start("lock", program="eggcarton")
    wait_for(build.index.paths, process)
    status, output = stop(process, signal.SIGINT)
    assert (130, "Interrupted; what was finished before that stays.\n") == (status, output)
    assert not build.lock.exists()


@pytest.mark.slow
def test_no_pip_is_imported_where_no_page_is_read(build: Buildout) -> None:
    """A locked build and a command start without pip, which takes longer to import than all else."""
    greeting(build.index.directory)
    build.configure("[buildout]\nextensions = eggcarton\nparts = app\n[app]\nrecipe = eggcarton\neggs = greeting\n")
    build.build()
    for program, words in (("buildout", []), ("eggcarton", ["plan"])):
        command: list[str | Path] = [PYTHON, "-IS", "-X", "importtime", build.bin / program, *words]
        status, output = run(command, cwd=build.root, variables=build.environment())
        assert (0, True, False) == (status, " zc.buildout.easy_install\n" in output, "pip._vendor" in output)


@pytest.mark.slow
def test_pages_are_read_with_pip(build: Buildout, wheels: Path) -> None:
    """Where zc.buildout itself looks at an index, it heeds as always which Pythons a file is for."""
    greeting(build.index.directory, "1.0")
    wheel(build.index.directory, "greeting", "2.0", requires_python=">=4")
    shutil.copy(next(wheels.glob("setuptools-*.whl")), build.index.directory)
    # pip takes the index only where it is told in its own way.
    build.variables["PIP_INDEX_URL"] = build.index.url
    build.configure("[buildout]\nparts = app\n[app]\nrecipe = zc.recipe.egg\neggs = greeting\n")
    output = build.build()
    assert "Getting distribution for 'greeting'" in output
    assert "Got greeting 1.0" in output
    assert "could not be patched" not in output


class Pages:
    """What reads pages before it is patched."""

    def process_url(self, url: str, retrieve: bool = False) -> str:
        return f"unpatched {url}"


def test_what_others_put_over_it_stays() -> None:
    """Who replaces how pages are read before the first one is, still has his way, and calls what was there."""
    patched: list[str] = []

    def patch() -> None:
        patched.append("once")
        Pages.process_url = lambda self, url, retrieve=False: f"patched {url}"  # type: ignore[method-assign]

    index_pages._seat(patch, Pages)
    seated = Pages.process_url
    Pages.process_url = lambda self, url, retrieve=False: f"over {seated(self, url)}"  # type: ignore[method-assign]
    assert ["over patched a", "over patched b"] == [Pages().process_url("a"), Pages().process_url("b")]
    assert ["once"] == patched
