"""The tools that others use install what we lock and export, and what they lock comes in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eggcarton.child.exchange import bring_in, export
from eggcarton.packages import uv
from eggcarton.packages.lock import read
from support.buildouts import PYTHON, environment
from support.closed import uv_program
from support.distributions import wheel
from support.index import Index

pytestmark = pytest.mark.slow

HERE = f">={sys.version_info[0]}.{sys.version_info[1]}"
EXPECTED = {"colour": "1.0", "six": "1.17.0", "web": "2.0"}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The closed set is on the path, as it is in the child, and loopback is asked directly."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(uv_program().parent.parent)])
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An index with newer versions of what is locked, an extra, and what one platform alone needs."""
    place = tmp_path / "served"
    wheel(place, "web", "2.0", requires=["six", 'gone; sys_platform == "none"'], extras={"tests": ["colour<2"]})
    for version in ("1.16.0", "1.17.0"):
        wheel(place, "six", version)
    for name, version in (("colour", "1.0"), ("colour", "2.0"), ("gone", "1.0")):
        wheel(place, name, version)
    with Index(place) as serving:
        yield serving


class Tools:
    """A directory, an empty Python environment in it, and the real pip and uv."""

    def __init__(self, root: Path, index: Index, pip: Path) -> None:
        self.root, self.index, self._pip = root, index, pip
        self.python = root / "venv" / "bin" / "python"
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", root / "venv"], check=True, timeout=60)

    def pip(self, *arguments: str) -> tuple[int, str]:
        """Run pip in the environment; without an index unless the arguments name one."""
        done = subprocess.run(
            [self.python, self._pip / "pip", *arguments, "--disable-pip-version-check"],
            cwd=self.root,
            env=environment(self.root),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout

    def uv(self, *arguments: str) -> tuple[int, str]:
        """Run uv beside the environment."""
        done = uv.run(uv_program(), arguments, cache=self.root / "uv-cache", directory=self.root)
        return done.status, done.output

    def installed(self) -> dict[str, str]:
        """Return what stands in the environment."""
        script = (
            "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
        )
        found = subprocess.run([self.python, "-I", "-c", script], stdout=subprocess.PIPE, check=True, timeout=60)
        versions: dict[str, str] = json.loads(found.stdout)
        return versions

    def bring_in(self, name: str) -> list[str]:
        """Make our lock from a file, and return what was told."""
        answer = bring_in(
            file=str(self.root / name),
            lock=str(self.root / "locked" / "pylock.toml"),
            needs=[["web[tests]", "part app"]],
            pins={},
            develop=[],
            requires_python=HERE,
            terms={},
            allow_sdist=[],
            toolchain={"paths": [], "versions": {}},
            sources=self.sources(),
        )
        told: list[str] = answer["changed"]
        return told

    def sources(self) -> dict[str, object]:
        """Return where files come from."""
        return {
            "index": self.index.url,
            "find_links": [],
            "cache": str(self.root / "cache"),
            "directories": [],
            "offline": False,
        }

    def export(self, kind: str, name: str, *, urls: bool = False) -> None:
        """Write an export of our lock into a file."""
        lock = str(self.root / "locked" / "pylock.toml")
        (self.root / name).write_text(export(kind=kind, lock=lock, urls=urls, sources=self.sources()), "utf-8")

    def locked(self) -> dict[str, str]:
        """Return the versions of our lock."""
        return {package.name: package.version for package in read(self.root / "locked" / "pylock.toml").packages}


@pytest.fixture
def tools(tmp_path: Path, index: Index, wheels: Path) -> Tools:
    """The tools, and a lock of ours of web[tests]."""
    pip = next(wheels.glob("pip-*.whl"), None)
    if pip is None:
        pytest.skip("the toolchain has no pip")
    root = tmp_path / "root"
    (root / "locked").mkdir(parents=True)
    made = Tools(root, index, pip)
    (root / "constraints.txt").write_text("web==2.0\nsix==1.17.0\n", "utf-8")
    made.bring_in("constraints.txt")
    return made


def filled(tools: Tools) -> Path:
    """Put a copy of the lock beside a folder of the files it names, and return the folder."""
    folder = tools.root / "wheels"
    shutil.copytree(tools.index.directory, folder)
    tools.export("pylock", "pylock.toml")
    return folder


SYNC = ("pip", "sync", "--python", "venv")


def test_uv_installs_our_lock(tools: Tools) -> None:
    """With a filled folder of wheels ``uv pip sync pylock.toml`` installs our lock, and asks no index."""
    filled(tools)
    tools.index.requests.clear()
    status, output = tools.uv(*SYNC, "pylock.toml", "--offline")
    assert (0, EXPECTED) == (status, tools.installed()), output
    assert [] == tools.index.requests


def test_pip_installs_our_lock(tools: Tools) -> None:
    """With a filled folder of wheels ``pip install -r pylock.toml`` installs our lock, and asks no index."""
    filled(tools)
    tools.index.requests.clear()
    status, output = tools.pip("install", "-r", "pylock.toml", "--no-index")
    assert (0, EXPECTED) == (status, tools.installed()), output
    assert [] == tools.index.requests


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_a_wheel_that_was_changed(tools: Tools, tool: str) -> None:
    """A wheel in the folder that is not the one we locked is refused by the other tools too."""
    wheel(filled(tools), "web", "2.0", {"web.py": "changed = True\n"}, requires=["six"])
    if tool == "pip":
        status, output = tools.pip("install", "-r", "pylock.toml", "--no-index")
    else:
        status, output = tools.uv(*SYNC, "pylock.toml", "--offline")
    assert 0 != status
    assert "web-2.0-py3-none-any.whl" in output or "web==2.0" in output, output
    assert "hash" in output.lower() or "size" in output
    assert {} == tools.installed()


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_requirements_with_hashes(tools: Tools, tool: str) -> None:
    """What ``export requirements`` writes is installed by both, with every hash checked."""
    tools.export("requirements", "exported.txt")
    if tool == "pip":
        arguments = ("install", "--require-hashes", "--no-deps", "-r", "exported.txt", "--index-url", tools.index.url)
        status, output = tools.pip(*arguments)
    else:
        status, output = tools.uv(*SYNC, "--require-hashes", "exported.txt", "--default-index", tools.index.url)
    assert (0, EXPECTED) == (status, tools.installed()), output


def test_constraints(tools: Tools) -> None:
    """What ``export constraints`` writes holds pip to our versions."""
    tools.export("constraints", "exported.txt")
    status, output = tools.pip("install", "web[tests]", "-c", "exported.txt", "--index-url", tools.index.url)
    assert (0, EXPECTED) == (status, tools.installed()), output


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_a_pylock_with_addresses(tools: Tools, tool: str) -> None:
    """What ``export pylock --urls`` writes is installed by both from the index, with no folder beside it."""
    tools.export("pylock", "pylock.toml", urls=True)
    status, output = tools.pip("install", "-r", "pylock.toml") if tool == "pip" else tools.uv(*SYNC, "pylock.toml")
    assert (0, EXPECTED) == (status, tools.installed()), output


def foreign(tools: Tools, tool: str) -> str:
    """Have another tool lock web[tests] with an older six, and return the name of its file."""
    tools.root.joinpath("pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\ndependencies = ["web[tests]", "six<1.17"]\n'
        f'requires-python = "{HERE}"\n',
        "utf-8",
    )
    (tools.root / "needs.in").write_text("web[tests]\nsix<1.17\n", "utf-8")
    at = ("--default-index", tools.index.url, "--python", str(tools.python))
    compiled = ("pip", "compile", "needs.in", "--universal", "--generate-hashes", *at, "--output-file")
    commands = {
        "uv.lock": [("lock", *at)],
        "pylock.exported.toml": [
            ("lock", *at),
            ("export", "--format", "pylock.toml", "--no-emit-project", *at, "-o", "pylock.exported.toml"),
        ],
        "pylock.compiled.toml": [(*compiled, "pylock.compiled.toml", "--format", "pylock.toml")],
        "compiled.txt": [(*compiled, "compiled.txt")],
    }
    if tool == "pylock.pip.toml":
        status, output = tools.pip("lock", "-r", "needs.in", "--index-url", tools.index.url, "-o", tool)
        assert 0 == status, output
    for command in commands.get(tool, ()):
        status, output = tools.uv(*command)
        assert 0 == status, output
    return tool


@pytest.mark.parametrize(
    "tool", ["uv.lock", "pylock.exported.toml", "pylock.compiled.toml", "compiled.txt", "pylock.pip.toml"]
)
def test_what_others_lock_comes_in(tools: Tools, tool: str) -> None:
    """A lock by uv or pip becomes ours, with its versions and hashes, and without its addresses."""
    name = foreign(tools, tool)
    os.unlink(tools.root / "locked" / "pylock.toml")
    told = tools.bring_in(name)
    # pip locks for its own platform alone.
    number = 3 if tool == "pylock.pip.toml" else 4
    assert f"{number} distributions, {number} with the hashes of {name}" == told[0]
    expected = {**EXPECTED, "six": "1.16.0", "gone": "1.0"}
    assert expected == tools.locked()
    assert tools.index.address not in (tools.root / "locked" / "pylock.toml").read_text("utf-8")
