"""Throw-away buildouts: a real bin/buildout in a directory of its own, in well under a second, and no network.

def test_something(build: Buildout) -> None:
    wheel(build.index.directory, "app", console_scripts={"app": "app:main"})
    build.configure('''
        [buildout]
        extensions = eggcarton
        parts = app
        [app]
        recipe = eggcarton:scripts
        ''')
    status, output = build.run()

The toolchain is bootstrapped once a session, by bootstrap.py itself, from the wheels that the pins beside it name.
Those lie in the cache of this project's own bootstrap; where they do not, they are fetched once.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from eggcarton.indexes.configured import cache_directory
from eggcarton.packages.interpreter import Interpreter
from support.index import Index

CHECKOUT = Path(__file__).resolve().parents[2]
BOOTSTRAP = CHECKOUT / "bootstrap.py"
PYTHON = Interpreter.running().executable
NOBODY_LISTENS = "http://127.0.0.1:9/"

WAIT = 300
"""Seconds after which a command is given up; none of them needs a tenth."""


class Result(NamedTuple):
    """How a command ended, and all it said."""

    status: int
    output: str


class Standing(NamedTuple):
    """What a path is: its time of change in nanoseconds, and its content or where it leads."""

    changed: int
    content: str


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the variables of a fresh machine whose user has this home; what is not on loopback is out of reach."""
    return {
        "PATH": f"{PYTHON.parent}{os.pathsep}{os.defpath}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "http_proxy": NOBODY_LISTENS,
        "https_proxy": NOBODY_LISTENS,
        "no_proxy": "127.0.0.1",
        "PIP_CONFIG_FILE": os.devnull,
        **more,
    }


def run(
    command: Iterable[str | Path],
    *,
    cwd: Path,
    variables: Mapping[str, str],
    user: int | None = None,
    wait: float = WAIT,
) -> Result:
    """Run a command to its end, or until it is given up after so many seconds."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=wait,
        check=False,
        user=user,
    )
    return Result(done.returncode, done.stdout)


def tree(*places: Path) -> dict[str, Standing]:
    """Return everything below some directories: links are not followed, directories themselves not told."""
    found = {}
    for place in places:
        for directory, names, files in os.walk(place):
            for name in [*files, *(name for name in names if os.path.islink(os.path.join(directory, name)))]:
                path = Path(directory, name)
                content = os.readlink(path) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
                found[str(path)] = Standing(path.lstat().st_mtime_ns, content)
    return found


@dataclass(kw_only=True)
class Buildout:
    """One directory with a bin/buildout, a home that is its own, and an index that is its user's only one."""

    root: Path
    home: Path
    index: Index
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def cache(self) -> Path:
        """Where eggcarton keeps what it fetches."""
        return self.home / ".cache" / "eggcarton"

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def lock(self) -> Path:
        return self.root / "pylock.toml"

    def write(self, path: str, text: str) -> Path:
        """Write a file below the root, its common indentation taken away, and return its path."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
        return place

    def configure(self, text: str) -> None:
        """Write buildout.cfg."""
        self.write("buildout.cfg", text)

    def environment(self) -> dict[str, str]:
        """Return the variables that commands run with."""
        return environment(self.home, **self.variables)

    def run(self, *arguments: str, program: str = "buildout") -> Result:
        """Run a program of bin to its end."""
        return run([self.bin / program, *arguments], cwd=self.root, variables=self.environment())

    def build(self, *arguments: str) -> str:
        """Run bin/buildout, which has to succeed, and return what it said."""
        status, output = self.run(*arguments)
        assert 0 == status, output
        return output

    def fails(self, *arguments: str, status: int, program: str = "buildout") -> str:
        """Run a program, which has to end with this status and tell one error without a traceback; return its words."""
        found, output = self.run(*arguments, program=program)
        assert status == found, output
        assert "Traceback" not in output, output
        assert 1 == len(re.findall("^Error: ", output, re.MULTILINE)), output
        return output

    def start(self, *arguments: str, program: str = "buildout") -> subprocess.Popen[str]:
        """Start a program in a process group of its own, to be stopped in the middle."""
        return start([self.bin / program, *arguments], cwd=self.root, variables=self.environment())

    def tree(self, *names: str) -> dict[str, Standing]:
        """Return everything below some directories of the root, bin, parts, etc and develop-eggs by default."""
        return tree(*(self.root / name for name in names or ("bin", "parts", "etc", "develop-eggs")))

    def scripts(self) -> list[str]:
        """Return the names in bin that a part put there."""
        return sorted(set(os.listdir(self.bin)) - {"buildout", "eggcarton", "buildout.before"})


def start(command: Sequence[str | Path], *, cwd: Path, variables: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a command in a process group of its own, to be stopped in the middle."""
    return subprocess.Popen(
        list(map(str, command)),
        cwd=cwd,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(happened: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait until something has happened that a running process is to bring about."""
    while not happened():
        assert process.poll() is None, "".join(process.stdout or ())
        time.sleep(0.01)


def stop(process: subprocess.Popen[str], number: signal.Signals) -> Result:
    """Send a signal to a process and all that it started, and return how it ended."""
    os.killpg(process.pid, number)
    output, _ = process.communicate(timeout=WAIT)
    return Result(process.returncode, output)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Let one of the session's worker processes at a time into the block."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / ".lock", "w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Shared:
    """A directory that all worker processes of a test session share; what is in it is made once."""

    directory: Path

    def once(self, name: str, make: Callable[[Path], object]) -> Path:
        """Return a directory of this name; the first one to ask has it filled, where it stays."""
        place, done = self.directory / name, self.directory / f"{name}.done"
        with locked(self.directory / f"{name}.making"):
            if not done.exists():
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
                make(place)
                done.touch()
        return place


def module_of(path: Path) -> ModuleType:
    """Import one file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def bootstrap_module() -> ModuleType:
    """Return bootstrap.py as a module."""
    return module_of(BOOTSTRAP)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """A directory that all workers share."""
    base = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        base = base.parent
    return Shared(base / "shared")


def user_cache() -> Path:
    """Return the cache of this project's own build, in which bootstrap.py has left what the pins name."""
    return cache_directory(os.environ, Path.home(), CHECKOUT)[0]


@pytest.fixture(scope="session")
def wheels(shared: Shared) -> Path:
    """The wheels of the toolchain and the closed set, as bootstrap.py fetches them."""
    bootstrap = bootstrap_module()
    with locked(shared.directory / "wheels"):
        try:
            return Path(bootstrap.fetched(str(user_cache()), bootstrap.Settings(None)))
        except bootstrap.Problem as problem:
            pytest.skip(f"the toolchain is not in the cache: {problem}")


@pytest.fixture(scope="session")
def template(shared: Shared, wheels: Path) -> Path:
    """A bootstrapped directory, to be copied."""

    def make(place: Path) -> None:
        # A path that is told apart from any other text when the scripts are written anew.
        root = place / "template-of-buildouts"
        root.mkdir()
        (root / "buildout.cfg").write_text("[buildout]\nparts =\n", "utf-8")
        variables = environment(place / "home")
        (place / "home").mkdir()
        done = run([PYTHON, BOOTSTRAP, root, "--from", wheels], cwd=place, variables=variables)
        assert 0 == done.status, done.output
        kept = place / "home/.cache/eggcarton/bootstrap"
        kept.mkdir()
        (kept / wheels.name).symlink_to(wheels)

    return shared.once("bootstrapped", make) / "template-of-buildouts"


def copy(template: Path, root: Path) -> None:
    """Make a directory with the template's bin/buildout; the store is its own, its content that of the template."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copytree(template / "develop-eggs", root / "develop-eggs", symlinks=True)
    store = Path("eggs", "v5", ".eggcarton")
    (root / store).mkdir(parents=True)
    for entry in os.listdir(template / store):
        (root / store / entry).symlink_to(template / store / entry)
    for egg in (template / store.parent).glob("*.egg"):
        (root / store.parent / egg.name).symlink_to(os.readlink(egg))
    (root / "bin").mkdir()
    for script in (template / "bin").iterdir():
        text = re.sub(r'"[^"]*/template-of-buildouts/', f'"{root}/', script.read_text("utf-8"))
        (root / "bin" / script.name).write_text(text, "utf-8")
        (root / "bin" / script.name).chmod(0o755)


@dataclass(frozen=True)
class Stock:
    """Virtual environments with zc.buildout as pip installs it, and eggcarton beside it; each is made once."""

    shared: Shared
    wheels: Path
    template: Path

    def program(self, version: str) -> Path:
        """Return bin/buildout of the environment with this version of zc.buildout."""
        return self.shared.once(f"stock-{version}", functools.partial(self._make, version)) / "venv/bin/buildout"

    def _make(self, version: str, place: Path) -> None:
        pins = Path(__file__).with_name(f"stock-{version}.txt")
        wheels = downloaded(pins) if pins.exists() else self.wheels
        source = place / "source"
        made = shutil.ignore_patterns("*.egg-info", "__pycache__")
        shutil.copytree(CHECKOUT / "src", source / "src", ignore=made)
        for name in ("setup.py", "README.rst", "LICENSE.txt"):
            shutil.copy(CHECKOUT / name, source / name)
        (place / "home").mkdir()
        pip = [
            str(place / "venv/bin/python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-index",
            "--find-links",
            str(wheels),
        ]
        for command in (
            [str(PYTHON), "-m", "venv", str(place / "venv")],
            [*pip, f"zc.buildout=={version}", "zc.recipe.egg", "setuptools", "wheel", "pip"],
            [*pip, "--no-build-isolation", "--no-deps", str(source)],
        ):
            done = run(command, cwd=place, variables=environment(place / "home"))
            assert 0 == done.status, done.output

    def take_over(self, build: Buildout, version: str) -> None:
        """Give a buildout this stock zc.buildout in the place of its own; the closed set is there already."""
        for name in ("bin", "develop-eggs", "eggs"):
            shutil.rmtree(build.root / name)
        build.bin.mkdir()
        (build.bin / "buildout").symlink_to(self.program(version))
        store = build.root / "eggs/v5/.eggcarton"
        store.mkdir(parents=True)
        for closed_set in (self.template / "eggs/v5/.eggcarton").glob("closed-set-*"):
            os.symlink(closed_set, store / closed_set.name)


def downloaded(pins: Path) -> Path:
    """Return a directory with the wheels of a pins file, fetched once for this machine and version of Python.

    Where they are not to be had, a test is skipped.
    """
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:16]
    place = user_cache() / "bootstrap" / f"{pins.stem}-{sys.implementation.cache_tag}-{digest}"
    if not place.exists():
        bootstrap = bootstrap_module()
        staging = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            bootstrap.by_pip(bootstrap.pip(), str(pins), str(staging), bootstrap.Settings(None))
        except bootstrap.Problem as problem:
            pytest.skip(f"{pins.stem} is not in the cache: {problem}")
        try:
            staging.rename(place)
        except OSError:
            # Another session on this machine was faster.
            assert place.exists()
            shutil.rmtree(staging)
    return place


@pytest.fixture(scope="session")
def stock(shared: Shared, wheels: Path, template: Path) -> Stock:
    """Stock zc.buildouts."""
    return Stock(shared, wheels, template)


@pytest.fixture(scope="session")
def backends(shared: Shared) -> Path:
    """The wheels of build backends, and of what these need."""
    with locked(shared.directory / "backends"):
        return downloaded(Path(__file__).with_name("backends.txt"))


@pytest.fixture(scope="session")
def servers(shared: Shared) -> Path:
    """The wheels of servers, and of what these need."""
    with locked(shared.directory / "servers"):
        return downloaded(Path(__file__).with_name("servers.txt"))


@pytest.fixture(scope="session")
def zope_testrunner(shared: Shared) -> Path:
    """The wheels of zope.testrunner, what it needs, and of zc.recipe.testrunner."""
    with locked(shared.directory / "zope-testrunner"):
        return downloaded(Path(__file__).with_name("zope-testrunner.txt"))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An index that is empty at first; what is put into its directory is on it."""
    (tmp_path / "index").mkdir()
    with Index(tmp_path / "index") as served:
        yield served


def fresh(place: Path, template: Path, index: Index) -> Buildout:
    """Make a bootstrapped buildout without any part in a directory, whose user's own default is the one index."""
    made = Buildout(root=place / "build", home=place / "home", index=index)
    copy(template, made.root)
    made.home.mkdir()
    defaults = made.home / ".buildout" / "default.cfg"
    defaults.parent.mkdir()
    defaults.write_text(f"[buildout]\nindex = {index.url}\n", "utf-8")
    return made


@pytest.fixture
def build(tmp_path: Path, template: Path, index: Index) -> Buildout:
    """A bootstrapped buildout without any part."""
    return fresh(tmp_path, template, index)
