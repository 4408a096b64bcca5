"""``bin/eggcarton vendor``: a deployment checkout that has all of ours, and builds without our index or our sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from support.buildouts import CHECKOUT, PYTHON, Buildout, Result, environment, run, tree
from support.fakes import greeting

pytestmark = pytest.mark.slow

CONFIG = """\
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = greeting
"""
NAMES = ("bootstrap.py", "toolchain.txt", "vendored.sha256")


@pytest.fixture
def deployment(build: Buildout) -> Path:
    """A checkout with nothing but a configuration."""
    place = build.root.with_name("deployment")
    place.mkdir()
    (place / "buildout.cfg").write_text(CONFIG, "utf-8")
    return place


def bootstrap(build: Buildout, place: Path) -> Result:
    """Run the bootstrap.py of a place with the index of a buildout and the home of a new user."""
    home = build.home.with_name("another home")
    home.mkdir(exist_ok=True)
    variables = environment(home, PIP_INDEX_URL=build.index.url)
    return run([PYTHON, "bootstrap.py"], cwd=place, variables=variables)


def content(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir() if path.suffix in (".py", ".txt", ".whl")}


def test_a_deployment_builds_when_all_of_ours_is_gone(build: Buildout, deployment: Path, wheels: Path) -> None:
    """Vendored from a checkout that is removed then, it builds against an index that does not have eggcarton."""
    checkout, first = deployment.with_name("checkout"), deployment.with_name("first")
    shutil.copytree(CHECKOUT / "src", checkout / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("bootstrap.py", "toolchain.txt", "setup.py", "README.rst", "LICENSE.txt"):
        shutil.copyfile(CHECKOUT / name, checkout / name)
    first.mkdir()
    (first / "buildout.cfg").write_text("[buildout]\nparts =\n", "utf-8")
    home = environment(build.home)
    for command in (
        [PYTHON, checkout / "bootstrap.py", "--from", wheels],
        [first / "bin/eggcarton", "vendor", deployment],
    ):
        done = run(command, cwd=first, variables=home)
        assert 0 == done.status, done.output
    [wheel] = deployment.glob("*.whl")
    for gone in (checkout, first, build.root):
        shutil.rmtree(gone)
    for path in wheels.glob("*.whl"):
        (build.index.directory / path.name).symlink_to(path)
    greeting(build.index.directory)
    # What a checkout has linked there before.
    (deployment / "develop-eggs/eggcarton-0-py3.11.egg").mkdir(parents=True)
    done = bootstrap(build, deployment)
    assert 0 == done.status, done.output
    assert not [request for request in build.index.requests if "eggcarton" in request.path]
    assert "greeting 1.0\n" == run(["bin/greet"], cwd=deployment, variables=home).output
    assert not list((deployment / "develop-eggs").iterdir())
    # Again it only runs bin/buildout; what it has vendored itself has the same bytes.
    before = tree(deployment / "eggs", deployment / "bin")
    assert 1 == len(bootstrap(build, deployment).output.splitlines())
    assert before == tree(deployment / "eggs", deployment / "bin")
    (deployment.with_name("second")).mkdir()
    done = run(["bin/eggcarton", "vendor", "../second"], cwd=deployment, variables=home)
    assert 0 == done.status, done.output
    assert content(deployment) == content(deployment.with_name("second"))
    # A byte of the wheel that is not as it was vendored.
    data = bytearray(wheel.read_bytes())
    data[len(data) // 2] ^= 1
    wheel.write_bytes(data)
    status, output = bootstrap(build, deployment)
    assert (5, f"Error: {wheel} has another sha256 than vendored.sha256 tells; restore both\n") == (status, output)
    wheel.unlink()
    status, output = bootstrap(build, deployment)
    assert (1, True) == (
        status,
        output.startswith(f"Error: {wheel} is missing; restore it, or run bin/eggcarton vendor"),
    )


def test_what_vendor_says(build: Buildout, deployment: Path) -> None:
    """It names what it wrote, what to commit, what it kept; the second time nothing was changed."""
    status, output = build.run("vendor", str(deployment), program="eggcarton")
    assert 0 == status, output
    [wheel] = deployment.glob("eggcarton-*-py3-none-any.whl")
    assert sorted((*NAMES, wheel.name, "buildout.cfg")) == sorted(os.listdir(deployment))
    commit = f"Commit bootstrap.py, toolchain.txt, {wheel.name}, vendored.sha256; python3 bootstrap.py builds there"
    assert commit in output
    for name in NAMES[:2]:
        assert (CHECKOUT / name).read_bytes() == (deployment / name).read_bytes()
    before = tree(deployment)
    status, output = build.run("vendor", str(deployment), program="eggcarton")
    assert (0, True) == (status, output.endswith(" as it is here; nothing was changed.\n"))
    assert before == tree(deployment)
    (deployment / "toolchain.txt").write_text("mine", "utf-8")
    status, output = build.run("vendor", str(deployment), program="eggcarton")
    kept = f"kept, since it was changed by hand: {deployment / 'toolchain.txt'}; remove it and vendor again"
    assert (3, f"{kept} to have ours\n") == (status, output)
    assert "mine" == (deployment / "toolchain.txt").read_text("utf-8")


def test_a_directory_for_find_links(build: Buildout) -> None:
    """A new directory is made; that it has no buildout.cfg is right where another one names it in find-links."""
    status, output = build.run("vendor", "vendored", program="eggcarton")
    told = "vendored has no buildout.cfg: right where find-links names it; bootstrap.py needs one there.\n"
    assert (0, told) == (status, output[output.index("vendored has") :])
    assert 1 == len(list((build.root / "vendored").glob("eggcarton-*.whl")))


def test_what_vendor_refuses(build: Buildout, deployment: Path) -> None:
    """A bootstrap.py of somebody else, a directory that is not there, and our own checkout are refused."""
    (deployment / "bootstrap.py").write_text("# of zc.buildout, long ago", "utf-8")
    output = build.fails("vendor", str(deployment), status=1, program="eggcarton")
    assert f"{deployment} has files of its own under the names bootstrap.py, so that nothing was written" in output
    assert ["bootstrap.py", "buildout.cfg"] == sorted(os.listdir(deployment))
    output = build.fails("vendor", "no/where", status=2, program="eggcarton")
    assert "Error: there is no directory no/where; name the checkout of a deployment, or a new directory" in output
    build.write("a-file", "")
    output = build.fails("vendor", "a-file", status=2, program="eggcarton")
    assert "Error: there is no directory a-file;" in output
    output = build.fails("vendor", str(CHECKOUT), status=2, program="eggcarton")
    assert "is a checkout of eggcarton itself" in output


def test_the_wheel_is_whole(build: Buildout, deployment: Path) -> None:
    """It holds every file of the package that is committed, and its RECORD tells each of its files."""
    build.run("vendor", str(deployment), program="eggcarton")
    [wheel] = deployment.glob("*.whl")
    command = ["git", "ls-files", "src/eggcarton"]
    listed = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        info = next(name for name in names if name.endswith("/RECORD")).removesuffix("/RECORD")
        rows = [line.split(",")[0] for line in archive.read(f"{info}/RECORD").decode().splitlines()]
        metadata = archive.read(f"{info}/METADATA").decode()
        points = archive.read(f"{info}/entry_points.txt").decode()
        assert archive.testzip() is None
    assert sorted(name.removeprefix("src/") for name in listed) == [name for name in names if info not in name]
    assert names == sorted(rows)
    assert f"{info}/licenses/LICENSE.txt" in names
    assert "\nName: eggcarton\n" in metadata
    assert not [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert "pins = eggcarton.buildout.entrypoints:pins\n" in points
