"""What we lock of addresses the tools that others use install, and what they lock of them comes in."""

from __future__ import annotations

import json
import os
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
from support.repositories import Repository, served

pytestmark = pytest.mark.slow

HERE = f">={sys.version_info[0]}.{sys.version_info[1]}"


class Tools:
    """A directory, an empty Python environment in it, the real pip and uv, and a lock of ours."""

    def __init__(self, root: Path, index: Index, pip: Path, address: str) -> None:
        self.root, self.index, self._pip = root, index, pip
        self.python = root / "venv" / "bin" / "python"
        self.repository = Repository(root / "greeting.git")
        self.repository.project("greeting", "1.0", requires=["six"])
        self.commit = self.repository.commit(tag="v1.0")
        self.wheel = wheel(root / "files", "colour", "2.0")
        self.lines = (f"greeting @ {self.repository.url}@v1.0", f"colour @ {address}/files/{self.wheel.name}")
        self.sources = {
            "index": index.url,
            "find_links": [],
            "cache": str(root / "cache"),
            "directories": [],
            "offline": False,
        }
        (root / "locked").mkdir()
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", root / "venv"], check=True, timeout=60)

    def pip(self, *arguments: str) -> tuple[int, str]:
        command = [self.python, self._pip / "pip", *arguments, "--disable-pip-version-check"]
        done = subprocess.run(
            command, cwd=self.root, env=environment(self.root), capture_output=True, text=True, timeout=120, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def uv(self, *arguments: str) -> tuple[int, str]:
        done = uv.run(uv_program(), arguments, cache=self.root / "uv-cache", directory=self.root)
        return done.status, done.output

    def installed(self) -> dict[str, str]:
        script = (
            "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
        )
        found = subprocess.run([self.python, "-I", "-c", script], stdout=subprocess.PIPE, check=True, timeout=60)
        versions: dict[str, str] = json.loads(found.stdout)
        return versions

    @property
    def lock(self) -> Path:
        return self.root / "locked" / "pylock.toml"

    def bring_in(self, name: str, *needs: str) -> list[str]:
        answer = bring_in(
            file=str(self.root / name),
            lock=str(self.lock),
            needs=[[need, "part app"] for need in needs],
            pins={},
            develop=[],
            requires_python=HERE,
            terms={},
            allow_sdist=[],
            toolchain={"paths": [], "versions": {}},
            sources=self.sources,
        )
        told: list[str] = answer["changed"]
        return told

    def export(self, kind: str, name: str) -> None:
        text = export(kind=kind, lock=str(self.lock), urls=kind == "pylock", sources=self.sources)
        (self.root / name).write_text(text, "utf-8")


@pytest.fixture
def tools(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tools]:
    monkeypatch.setattr(sys, "path", [*sys.path, str(uv_program().parent.parent)])
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    pip = next(wheels.glob("pip-*.whl"), None)
    if pip is None:
        pytest.skip("the toolchain has no pip")
    wheel(tmp_path / "served", "six", "1.17.0")
    (tmp_path / "root").mkdir()
    with Index(tmp_path / "served") as index, served(tmp_path / "root") as address:
        yield Tools(tmp_path / "root", index, pip, address)


EXPECTED = {"colour": "2.0", "greeting": "1.0", "six": "1.17.0"}


@pytest.mark.parametrize("tool", ["pip", "uv"])
@pytest.mark.parametrize("kind", ["pylock", "requirements"])
def test_they_install_ours(tools: Tools, tool: str, kind: str) -> None:
    """pip and uv install repositories and archives from our lock with addresses, and from requirements."""
    (tools.root / "start.txt").write_text("six==1.17.0\n", "utf-8")
    # Beside the digests of a pylock.toml pip takes no repository, whoever has written it.
    lines = tools.lines[1:] if (tool, kind) == ("pip", "pylock") else tools.lines
    tools.bring_in("start.txt", *lines)
    name = "pylock.toml" if kind == "pylock" else "requirements.txt"
    tools.export(kind, name)
    if kind == "requirements" and tool == "pip":
        # As the file itself says of pip.
        text = (tools.root / name).read_text("utf-8").splitlines()
        kept = [line.rstrip("\\ ") for line in text if not line.lstrip().startswith("--hash")]
        (tools.root / name).write_text("\n".join(kept) + "\n", "utf-8")
    index = ("--default-index" if tool == "uv" else "--index-url", tools.index.url)
    if tool == "uv":
        status, output = tools.uv("pip", "sync", "--python", "venv", name, *index)
    else:
        status, output = tools.pip("install", "-r", name, *index)
    expected = EXPECTED if len(lines) == len(tools.lines) else {"colour": "2.0"}
    assert (0, expected) == (status, tools.installed()), output


@pytest.mark.parametrize("tool", ["uv.lock", "pylock.uv.toml", "pylock.pip.toml", "frozen.txt"])
def test_theirs_come_in(tools: Tools, tool: str) -> None:
    """What uv and pip lock of addresses becomes ours with the commit and the bytes that they have."""
    dependencies = ", ".join(f'"{line}"' for line in tools.lines)
    (tools.root / "pyproject.toml").write_text(
        f'[project]\nname = "app"\nversion = "1"\ndependencies = [{dependencies}]\nrequires-python = "{HERE}"\n',
        "utf-8",
    )
    (tools.root / "needs.in").write_text("".join(f"{line}\n" for line in tools.lines), "utf-8")
    at = ("--default-index", tools.index.url, "--python", str(tools.python))
    if tool == "uv.lock":
        status, output = tools.uv("lock", *at)
    elif tool == "pylock.uv.toml":
        compiled = ("--universal", "--format", "pylock.toml", "--output-file", tool)
        status, output = tools.uv("pip", "compile", "needs.in", "--generate-hashes", *compiled, *at)
    elif tool == "pylock.pip.toml":
        status, output = tools.pip("lock", "-r", "needs.in", "--index-url", tools.index.url, "-o", tool)
    else:
        assert 0 == tools.pip("install", "-r", "needs.in", "--index-url", tools.index.url)[0]
        status, output = tools.pip("freeze")
        (tools.root / tool).write_text(output, "utf-8")
    assert 0 == status, output
    tools.repository.project("greeting", "9.0")
    tools.repository.commit()
    tools.bring_in(tool, "greeting", "colour")
    locked = {package.name: package for package in read(tools.lock).packages}
    assert EXPECTED == {name: package.version for name, package in locked.items()}
    origin = locked["greeting"].origin
    assert origin is not None
    assert (tools.commit, True) == (origin.commit, origin.imported)
    assert os.path.basename(tools.wheel) == locked["colour"].wheels[0].name
