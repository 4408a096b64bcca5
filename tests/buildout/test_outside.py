"""What recipe mirrors writes is read by the real pip and uv, which then ask where the build asks."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.buildouts import PYTHON, Buildout, Result, environment, run
from support.closed import uv_program
from support.distributions import wheel
from support.fakes import greeting
from support.index import Index

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = mirrors

[eggcarton]
indexes = public corp

[public]
url = {public}
mirrors =
    http://me:secret@127.0.0.1:9/files/ tier=1 only=files
    {mirror} tier=2

[corp]
url = {corp}
projects = corp-*

[mirrors]
recipe = eggcarton:mirrors
pip = etc/pip.conf
uv = etc/uv.toml
environment = etc/indexes.env
"""


@pytest.fixture
def corp(tmp_path: Path) -> Iterator[Index]:
    """An index of one private project."""
    wheel(tmp_path / "corp", "corp-web", "1.0")
    with Index(tmp_path / "corp") as served:
        yield served


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Index]:
    """A mirror of the public index."""
    greeting(tmp_path / "mirror")
    with Index(tmp_path / "mirror") as served:
        yield served


@pytest.fixture
def built(build: Buildout, corp: Index, mirror: Index) -> Buildout:
    """A buildout of two indexes whose part writes files for pip and uv."""
    greeting(build.index.directory)
    build.configure(CONFIG.format(public=build.index.url, corp=corp.url, mirror=mirror.url))
    build.build()
    build.index.requests.clear()
    return build


def sourced(build: Buildout, command: str) -> Result:
    """Run a command of the shell with the variables of the file that was written."""
    variables = environment(build.home, **build.variables)
    del variables["PIP_CONFIG_FILE"]
    line = f"set -a; . etc/indexes.env; set +a; {command}"
    return run(["/bin/sh", "-c", line], cwd=build.root, variables=variables)


def pip(build: Buildout, wheels: Path, arguments: str) -> Result:
    """Run pip, whatever its user has configured, with what was written for it."""
    configured = build.home / ".config" / "pip" / "pip.conf"
    configured.parent.mkdir(parents=True, exist_ok=True)
    configured.write_text("[global]\nextra-index-url = http://127.0.0.1:9/else/\n", "utf-8")
    program = next(wheels.glob("pip-*.whl"))
    return sourced(build, f"{PYTHON} -IS {program}/pip {arguments} --disable-pip-version-check")


def test_pip_reads_its_file(built: Buildout, wheels: Path, corp: Index) -> None:
    """pip takes its index from the file, and asks nobody else."""
    status, output = pip(built, wheels, "config list")
    assert (0, True) == (status, f"global.index-url='{built.index.url}'" in output.splitlines()), output
    status, output = pip(built, wheels, "download greeting --dest got --no-cache-dir")
    assert (0, ["greeting-1.0-py3-none-any.whl"]) == (status, [p.name for p in (built.root / "got").iterdir()]), output
    assert "127.0.0.1:9" not in output
    assert [] == corp.requests


def compiled(build: Buildout, *requirements: str) -> Result:
    """Resolve requirements of a project by uv, with what was written for it and what that says the project needs."""
    project = build.root / "project"
    project.mkdir(exist_ok=True)
    told = re.findall("^#     (.*)", (build.root / "etc/uv.toml").read_text("utf-8"), re.MULTILINE)
    sources = "\n".join(told).replace("NAME", "corp-web")
    named = ", ".join(f'"{line}"' for line in requirements)
    text = f'[project]\nname = "here"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = [{named}]\n{sources}'
    (project / "pyproject.toml").write_text(text, "utf-8")
    words = "pip compile --no-header --no-annotate --no-cache --quiet --python-version 3.11 project/pyproject.toml"
    return sourced(build, f"{uv_program()} {words}")


def test_uv_reads_its_file(built: Buildout, corp: Index) -> None:
    """uv asks the index itself for all names, and the other one for what a project says comes from there."""
    assert (0, "corp-web==1.0\ngreeting==1.0\n") == compiled(built, "greeting", "corp-web")
    assert [] == built.index.paths("*corp*")
    assert [] == corp.paths("*greeting*")
    assert corp.requests


def test_a_mirror(built: Buildout, mirror: Index, wheels: Path) -> None:
    """With route = mirror the first mirror that has pages is asked, and no secret is written."""
    built.build("mirrors:route=mirror")
    built.index.requests.clear()
    assert (0, "greeting==1.0\n") == compiled(built, "greeting")
    assert f"global.index-url='{mirror.url}'" in pip(built, wheels, "config list").output
    assert [] == built.index.requests
    written = [(built.root / "etc" / name).read_text("utf-8") for name in ("pip.conf", "uv.toml", "indexes.env")]
    assert "secret" not in "".join(written)


def test_without_the_extension(built: Buildout) -> None:
    """The same files are written of the same sections, and one remark says what lacks."""
    names = ("pip.conf", "uv.toml", "indexes.env")
    before = [(built.root / "etc" / name).read_text("utf-8") for name in names]
    text = (built.root / "buildout.cfg").read_text("utf-8").replace("extensions = eggcarton\n", "")
    (built.root / "buildout.cfg").write_text(text, "utf-8")
    (built.root / ".installed.cfg").unlink()
    subprocess.run(["rm", "-r", str(built.root / "etc"), str(built.root / "parts" / ".eggcarton")], check=True)
    output = built.build()
    assert before == [(built.root / "etc" / name).read_text("utf-8") for name in names]
    assert 1 == output.count("without the extension bin/buildout itself does not ask by these routes")


def test_a_part_that_is_gone(built: Buildout) -> None:
    """The files go with the part."""
    built.build("buildout:parts=")
    assert [] == list((built.root / "etc").glob("*"))
