"""What we lock of addresses the tools that others use install, and what they lock of them comes in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from eggcarton.packages.lock import read
from support.closed import uv_program
from support.distributions import wheel
from support.index import Index
from support.repositories import Repository, served
from support.tools import HERE, Tools

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Upstream:
    """What has an address: a commit of a repository, and a wheel; ``lines`` ask for both."""

    repository: Repository
    commit: str
    wheel: Path
    lines: tuple[str, str]


@pytest.fixture
def tools(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tools]:
    """The tools, and an index of what others need; the closed set is on the path, as it is in the child."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(uv_program().parent.parent)])
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    wheel(tmp_path / "served", "six", "1.17.0")
    with Index(tmp_path / "served") as index:
        yield Tools(tmp_path / "root", index, wheels)


@pytest.fixture
def upstream(tools: Tools) -> Iterator[Upstream]:
    """A repository with a tag, and a wheel that is served."""
    repository = Repository(tools.root / "greeting.git")
    repository.project("greeting", "1.0", requires=["six"])
    commit = repository.commit(tag="v1.0")
    archive = wheel(tools.root / "files", "colour", "2.0")
    with served(tools.root) as address:
        lines = (f"greeting @ {repository.url}@v1.0", f"colour @ {address}/files/{archive.name}")
        yield Upstream(repository, commit, archive, lines)


EXPECTED = {"colour": "2.0", "greeting": "1.0", "six": "1.17.0"}


@pytest.mark.parametrize("tool", ["pip", "uv"])
@pytest.mark.parametrize("kind", ["pylock", "requirements"])
def test_they_install_ours(tools: Tools, upstream: Upstream, tool: str, kind: str) -> None:
    """pip and uv install repositories and archives from our lock with addresses, and from requirements."""
    (tools.root / "start.txt").write_text("six==1.17.0\n", "utf-8")
    # Beside the digests of a pylock.toml pip takes no repository, whoever has written it.
    lines = upstream.lines[1:] if (tool, kind) == ("pip", "pylock") else upstream.lines
    tools.bring_in("start.txt", *lines)
    name = "pylock.toml" if kind == "pylock" else "requirements.txt"
    tools.export(kind, name, urls=kind == "pylock")
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
    expected = EXPECTED if len(lines) == len(upstream.lines) else {"colour": "2.0"}
    assert (0, expected) == (status, tools.installed()), output


@pytest.mark.parametrize("tool", ["uv.lock", "pylock.uv.toml", "pylock.pip.toml", "frozen.txt"])
def test_theirs_come_in(tools: Tools, upstream: Upstream, tool: str) -> None:
    """What uv and pip lock of addresses becomes ours with the commit and the bytes that they have."""
    dependencies = ", ".join(f'"{line}"' for line in upstream.lines)
    (tools.root / "pyproject.toml").write_text(
        f'[project]\nname = "app"\nversion = "1"\ndependencies = [{dependencies}]\nrequires-python = "{HERE}"\n',
        "utf-8",
    )
    (tools.root / "needs.in").write_text("".join(f"{line}\n" for line in upstream.lines), "utf-8")
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
    upstream.repository.project("greeting", "9.0")
    upstream.repository.commit()
    tools.bring_in(tool, "greeting", "colour")
    locked = {package.name: package for package in read(tools.lock).packages}
    assert EXPECTED == {name: package.version for name, package in locked.items()}
    origin = locked["greeting"].origin
    assert origin is not None
    assert (upstream.commit, True) == (origin.commit, origin.imported)
    assert upstream.wheel.name == locked["colour"].wheels[0].name
