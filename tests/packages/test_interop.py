"""The tools that others use install what we lock and export, and what they lock comes in."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.closed import uv_program
from support.distributions import wheel
from support.index import Index
from support.tools import HERE, Tools

pytestmark = pytest.mark.slow

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


@pytest.fixture
def tools(tmp_path: Path, index: Index, wheels: Path) -> Tools:
    """The tools, and a lock of ours of web[tests]."""
    made = Tools(tmp_path / "root", index, wheels)
    (made.root / "constraints.txt").write_text("web==2.0\nsix==1.17.0\n", "utf-8")
    made.bring_in("constraints.txt", "web[tests]")
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
    tools.lock.unlink()
    told = tools.bring_in(name, "web[tests]")
    # pip locks for its own platform alone.
    number = 3 if tool == "pylock.pip.toml" else 4
    assert f"{number} distributions, {number} with the hashes of {name}" == told[0]
    expected = {**EXPECTED, "six": "1.16.0", "gone": "1.0"}
    assert expected == tools.locked()
    assert tools.index.address not in tools.lock.read_text("utf-8")
