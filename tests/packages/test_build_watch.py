"""Whatever decides what a build makes is known afterwards: what it read, looked for, asked and made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eggcarton.packages import builds
from eggcarton.packages.builds import Toolchain
from eggcarton.packages.watched import Watched
from support.closed import toolchain
from support.distributions import source, wheel
from support.repositories import Repository

BACKEND = """
import glob, os, socket, subprocess
from os.path import exists, isfile
from pathlib import Path
{code}
def build_editable(directory, settings=None, metadata=None):
{body}
    import shutil
    shutil.copy("own-1.0-py3-none-any.whl", directory)
    return "own-1.0-py3-none-any.whl"
"""
PROJECT = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project that builds itself, with some files."""
    place = tmp_path / "own"
    wheel(place, "own", "1.0")
    (place / "pyproject.toml").write_text(PROJECT, "utf-8")
    for name in ("setup.cfg", "data/list.txt", "src/own.py", "../beside.txt"):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).touch()
    return place


def watch(place: Path, *body: str, code: str = "") -> Watched:
    """Build a project whose hook consists of these lines."""
    lines = "".join(f"    {line}\n" for line in body)
    (place / "backend.py").write_text(BACKEND.format(body=lines, code=code), "utf-8")
    out = place.parent / "out"
    out.mkdir(exist_ok=True)
    return builds.build("editable", place, Toolchain((), {}), out).watched


READS = {
    "open": "open('setup.cfg').read()",
    "bytes": "open(b'setup.cfg', 'rb').read()",
    "a path": "Path('setup.cfg').read_text()",
    "os.open": "os.close(os.open('setup.cfg', os.O_RDONLY))",
    "by a link": "os.symlink('setup.cfg', 'link'); open('setup.cfg').read(); os.unlink('link')",
}


@pytest.mark.parametrize("line", READS.values(), ids=READS)
def test_files_that_are_read(place: Path, line: str) -> None:
    """Files are told that were read, in whatever way, and not those that nobody read."""
    watched = watch(place, line)
    assert {"setup.cfg", "pyproject.toml"} & set(watched.files) == {"setup.cfg"}
    assert () == watched.out_of_sight


def test_files_outside(place: Path) -> None:
    """Files outside of the project count as well, and what Python and the tools are made of does not."""
    watched = watch(place, "open('../beside.txt').read()", "import csv, sqlite3")
    assert {str(place.parent / "beside.txt")} == {name for name in watched.files if os.path.isabs(name)}


def test_files_that_are_not_there(place: Path) -> None:
    """What was looked for in vain is told, since it may be there the next time."""
    watched = watch(place, "exists('flag')", "Path('other').exists()", "os.access('third', os.R_OK)", "isfile('x.cfg')")
    assert {"flag", "other", "third", "x.cfg"} <= set(watched.probed)
    watched = watch(place, "try: open('flag')", "except OSError: pass")
    assert "flag" in watched.files


def test_modules_that_were_compiled_before(place: Path) -> None:
    """The source of a module is told though Python read what it had compiled of it."""
    (place / "mine.py").write_text("", "utf-8")
    for _ in range(2):
        assert "mine.py" in watch(place, "pass", code="import mine").files
    assert any((place / "__pycache__").iterdir())


def test_times_and_sizes(place: Path) -> None:
    """What had its time or size looked at by the project is told apart from what was only looked for."""
    watched = watch(place, "os.path.getmtime('setup.cfg')", "Path('data/list.txt').stat()", "exists('src/own.py')")
    assert ("data/list.txt", "setup.cfg") == watched.measured
    assert "src/own.py" in watched.probed


LISTS = {
    "os.listdir": "os.listdir('data')",
    "os.scandir": "list(os.scandir('data'))",
    "glob": "glob.glob('data/*.txt')",
    "a path": "list(Path('data').iterdir())",
    "os.walk": "list(os.walk('data'))",
}


@pytest.mark.parametrize("line", LISTS.values(), ids=LISTS)
def test_directories_that_the_project_lists(place: Path, line: str) -> None:
    """A directory that the project's own code lists is told as one where any file counts."""
    assert "data" in watch(place, line).exact


def test_what_is_made(place: Path) -> None:
    """What the build has written is told as its own, not as what it read; what it threw away is not told."""
    body = (
        "open('made.txt', 'w').write('x')",
        "open('made.txt').read()",
        "open('gone.txt', 'w')",
        "os.unlink('gone.txt')",
    )
    watched = watch(place, *body, "open('x.tmp', 'w').write('y')", "os.rename('x.tmp', 'moved.txt')")
    assert ("made.txt", "moved.txt") == watched.made
    assert not {"made.txt", "gone.txt", "moved.txt"} & set(watched.files)


def test_temporary_files(place: Path) -> None:
    """What a build keeps in a temporary directory of its own decides nothing."""
    watched = watch(
        place,
        "import tempfile",
        "place = tempfile.mkdtemp()",
        "Path('there').write_text(place)",
        "Path(place, 'x').write_text('y'); Path(place, 'x').read_text(); os.listdir(place); exists(place + '/z')",
        "shutil = __import__('shutil'); shutil.rmtree(place)",
    )
    there = (place / "there").read_text("utf-8")
    told = (*watched.files, *watched.probed, *watched.exact, *watched.listed, *watched.measured)
    assert ([], ()) == ([name for name in told if name.startswith(there)], watched.out_of_sight)
    assert not {"TMPDIR", "TEMP", "TMP"} & set(watched.variables)


VARIABLES = {
    "os.environ": "os.environ['RELEASE']",
    "os.getenv": "os.getenv('RELEASE')",
    "in": "'RELEASE' in os.environ",
    "bytes": "os.environb.get(b'RELEASE')",
    "a copy": "os.environ.copy().get('RELEASE')",
}


@pytest.mark.parametrize("line", VARIABLES.values(), ids=VARIABLES)
def test_variables(place: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Variables that were read are told by name."""
    monkeypatch.setenv("RELEASE", "1")
    monkeypatch.setenv("ANOTHER", "1")
    assert {"RELEASE"} == {"RELEASE", "ANOTHER", "*"} & set(watch(place, line).variables)


@pytest.mark.parametrize("line", ["dict(os.environ)", "list(os.environ.items())", "sorted(os.environ)"])
def test_all_variables(place: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Where all variables were copied any of them may have been looked at, and which is not known."""
    monkeypatch.setenv("RELEASE", "1")
    assert {"*"} == {"RELEASE", "*"} & set(watch(place, line).variables)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("subprocess.run(['true'])", "runs true"),
        ("subprocess.run('git describe', shell=True)", "runs sh"),
        ("subprocess.run(['git', 'gc'])", "runs git"),
        ("os.system('true')", "runs a program by os.system"),
        ("socket.socket().connect_ex(('127.0.0.1', 9))", "opens a connection"),
        ("os.waitpid(os.fork() or os._exit(0), 0)", "forks"),
        ("__import__('datetime').datetime.now()", "uses now"),
        ("__import__('uuid').uuid4()", "uses uuid4"),
        ("open('/proc/uptime').read()", "reads /proc/uptime"),
        ("__import__('ctypes').CDLL(None)", "calls a library by ctypes"),
        ("__import__('sqlite3').connect(':memory:')", "reads a database"),
    ],
)
def test_what_cannot_be_watched(place: Path, line: str, reason: str) -> None:
    """What a build does beyond its own process, or by the clock or by chance, is named."""
    assert (reason,) == watch(place, line).out_of_sight


def test_what_changes_meanwhile(place: Path) -> None:
    """A file that somebody else changes while the build goes on may not be what it has read."""
    script = place.parent / "change"
    script.write_text(f"#!/bin/sh\necho more >> {place}/setup.cfg\n", "utf-8")
    script.chmod(0o755)
    watched = watch(place, "open('setup.cfg').read()", f"subprocess.run([{str(script)!r}], check=True)")
    assert ("reads setup.cfg, which was changed meanwhile", "runs change") == watched.out_of_sight


def test_a_program_that_is_not_there(place: Path) -> None:
    """A program that could not be started is a question: whether it is there now."""
    watched = watch(place, "try: subprocess.run(['no-such-program', 'x'])", "except OSError: pass")
    ((question),) = watched.programs
    assert (("no-such-program", "x"), "absent", ()) == (question.words, question.told, watched.out_of_sight)


def test_what_git_is_asked(tmp_path: Path) -> None:
    """What a build asks git is told, with the answer; it is another one as soon as the repository differs."""
    repository = Repository(tmp_path / "own")
    wheel(repository.place, "own", "1.0")
    repository.write({"pyproject.toml": PROJECT})
    body = (
        "subprocess.run(['git', '-c', 'a.b=c', 'describe', '--tags'], check=True, env={**os.environ, 'MORE': '1'})",
    )
    (repository.place / "backend.py").write_text(BACKEND.format(body=f"    {body[0]}\n", code=""), "utf-8")
    repository.commit(tag="v1.0")
    watched = watch(repository.place, *body)
    (question,) = watched.programs
    assert (("git", "-c", "a.b=c", "describe", "--tags"), (("MORE", "1"),)) == (question.words, question.given)
    assert () == watched.out_of_sight
    assert question.told == question.ask(repository.place, os.environ)
    repository.git("tag", "v2.0")
    repository.git("tag", "-d", "v1.0")
    assert question.told != question.ask(repository.place, os.environ)


def test_what_tools_do_above(place: Path, tmp_path: Path) -> None:
    """That tools look for a repository in the directories above counts only by what they do not find there."""
    tools = tmp_path / "tools"
    tools.mkdir()
    code = "import os\ndef look():\n    for name in os.listdir('..'): os.path.exists('../' + name)\n"
    (tools / "looking.py").write_text(code + "    os.path.exists('../.git')\n", "utf-8")
    (place / "backend.py").write_text(BACKEND.format(body="    looking.look()\n", code="import looking"), "utf-8")
    (tmp_path / "out").mkdir()
    watched = builds.build("editable", place, Toolchain((str(tools),), {}), tmp_path / "out").watched
    assert str(tmp_path / ".git") in watched.probed
    assert str(tmp_path / "beside.txt") not in watched.probed
    assert str(tmp_path) not in watched.listed


@pytest.fixture
def setuptools() -> Toolchain:
    """A toolchain of nothing but setuptools."""
    return toolchain()


def test_setup_py(tmp_path: Path, setuptools: Toolchain) -> None:
    """What setup.py does is its own doing, though setuptools runs it and reads it as a text."""
    place = source(tmp_path, "own", "1.0", {"own/__init__.py": ""})
    (place / "features").mkdir()
    code = "import glob, os, time\nglob.glob('features/*.txt')\nos.environ.get('RELEASE')\nos.path.exists('flag')\n"
    (place / "setup.py").write_text(code + (place / "setup.py").read_text("utf-8"), "utf-8")
    (tmp_path / "out").mkdir()
    watched = builds.build("editable", place, setuptools, tmp_path / "out").watched
    assert {"setup.py"} <= set(watched.files)
    assert ("features",) == watched.exact
    assert {".", "own"} <= set(watched.listed)
    assert "flag" in watched.probed
    assert "RELEASE" in watched.variables
    assert "*" not in watched.variables
    assert ("uses time",) == watched.out_of_sight


def test_it_is_not_watched_where_nobody_asks(place: Path) -> None:
    """The build of a source distribution is not watched: its archive decides it."""
    (place / "backend.py").write_text(BACKEND.format(body="    open('setup.cfg')", code=""), "utf-8")
    with (place / "backend.py").open("a", encoding="utf-8") as stream:
        stream.write("build_wheel = build_editable\n")
    out = place.parent / "out"
    out.mkdir()
    assert Watched() == builds.build("wheel", place, Toolchain((), {}), out).watched
