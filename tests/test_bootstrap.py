"""bootstrap.py: one command makes bin/buildout from any CPython as it comes, or one sentence of what is wrong."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.buildouts import BOOTSTRAP, CHECKOUT, PYTHON, Result, Shared, environment, run, tree
from support.fakes import greeting
from support.index import Index

pytestmark = pytest.mark.slow

CONFIG = """\
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = greeting
"""
NOTHING = "[buildout]\nextensions = eggcarton\nparts =\n"


@dataclass(kw_only=True)
class Machine:
    """A user's home, a directory to build in, and the one index that can be reached."""

    home: Path
    place: Path
    index: Index
    cache: Path | None = None
    python: Path = PYTHON

    def bootstrap(self, *arguments: str | Path, **variables: str) -> Result:
        """Run bootstrap.py in the directory above the one that is built."""
        kept = {} if self.cache is None else {"EGGCARTON_CACHE": str(self.cache)}
        given = environment(self.home, **{"PIP_INDEX_URL": self.index.url, **kept, **variables})
        given = {name: value for name, value in given.items() if value}
        return run([self.python, BOOTSTRAP, *arguments], cwd=self.place.parent, variables=given)

    def builds(self, *arguments: str | Path, **variables: str) -> str:
        """Run bootstrap.py, which has to succeed, and return what it said."""
        status, output = self.bootstrap(*arguments, **variables)
        assert 0 == status, output
        return output

    def refuses(self, *arguments: str | Path, status: int, **variables: str) -> str:
        """Run bootstrap.py, which has to end with this status and one sentence, nothing half-made; return that."""
        before = tree(self.place)
        found, output = self.bootstrap(*arguments, **variables)
        assert status == found, output
        assert "Traceback" not in output, output
        assert 1 == output.count("Error: "), output
        assert before == tree(self.place)
        return output[output.index("Error: ") :]


@pytest.fixture
def index(tmp_path: Path, wheels: Path) -> Iterator[Index]:
    """An index with what the pins name, and a greeting."""
    directory = tmp_path / "on the index"
    directory.mkdir()
    for path in wheels.glob("*.whl"):
        (directory / path.name).symlink_to(path)
    greeting(directory)
    with Index(directory) as served:
        yield served


@pytest.fixture
def machine(tmp_path: Path, index: Index) -> Machine:
    """A fresh machine: nothing in any cache."""
    made = Machine(home=tmp_path / "home", place=tmp_path / "place", index=index)
    made.home.mkdir()
    made.place.mkdir()
    (made.place / "buildout.cfg").write_text(NOTHING, "utf-8")
    return made


@pytest.fixture
def used(machine: Machine, template: Path) -> Machine:
    """A machine on which another directory was bootstrapped before."""
    machine.cache = template.parent / "home/.cache/eggcarton"
    return machine


def test_it_works_and_again_it_does_nothing(machine: Machine) -> None:
    """From nothing but a directory with a buildout.cfg, it builds; again there is no request and no change."""
    (machine.place / "buildout.cfg").write_text(CONFIG, "utf-8")
    assert "Fetching the toolchain ...\n" in machine.builds("place")
    assert ["buildout", "eggcarton", "greet"] == sorted(os.listdir(machine.place / "bin"))
    assert "greeting 1.0\n" == run(["bin/greet"], cwd=machine.place, variables=environment(machine.home)).output
    egg = next((machine.place / "develop-eggs").glob("eggcarton-*.egg"))
    assert CHECKOUT / "src/eggcarton" == (egg / "eggcarton").resolve()
    machine.index.requests.clear()
    before = tree(machine.place, machine.home)
    output = machine.builds("place")
    # zc.buildout notes in its own record, at every run, which develop packages there are.
    changed = {path for path, standing in tree(machine.place, machine.home).items() if before.get(path) != standing}
    assert changed <= {str(machine.place / ".installed.cfg")}
    assert [] == machine.index.requests
    assert 1 == len(output.splitlines()), output
    # Another directory on this machine needs no index.
    other = machine.place.with_name("other")
    other.mkdir()
    (other / "buildout.cfg").write_text(NOTHING, "utf-8")
    machine.index.stop()
    machine.builds("other")


def test_it_builds_where_it_is_started(used: Machine) -> None:
    """Without DIR it is the working directory that is built, and what is left of the arguments is bin/buildout's."""
    os.rename(used.place / "buildout.cfg", used.place.parent / "other.cfg")
    used.builds("-c", "other.cfg", "eggcarton:policy=update")
    assert (used.place.parent / "bin/buildout").exists()
    assert "no such policy" not in used.builds("-c", "other.cfg")


def test_it_does_again_what_was_undone(used: Machine) -> None:
    """When the store that bin/buildout starts from was removed, the next bootstrap puts it back."""
    used.builds("place")
    shutil.rmtree(used.place / "eggs")
    used.builds("place")
    assert (used.place / "eggs").is_dir()


@pytest.mark.parametrize("damaged", ["*/pip-*.whl", "*/jinja2-*.whl"])
def test_a_wrong_hash(machine: Machine, damaged: str) -> None:
    """One byte that is not what the pins name ends it with status 5, and nothing of what was fetched is kept."""
    machine.index.fault(damaged, "flip", forever=True)
    sentence = machine.refuses("place", status=5)
    assert re.search(r"another sha256 than (toolchain|closed-set)\.txt pins .*; nothing was installed", sentence)
    assert [] == [path for path in tree(machine.home) if path.endswith(".whl")]


def test_no_network(machine: Machine) -> None:
    """An index that cannot be reached ends it with status 4 and says what may be done."""
    machine.index.stop()
    sentence = machine.refuses("place", status=4)
    assert f"127.0.0.1:{machine.index.port}" in sentence
    assert "use --index URL or --from DIRECTORY" in sentence


def test_an_index_without_the_toolchain(machine: Machine, tmp_path: Path) -> None:
    """An index that lacks what the pins name ends it with status 4 and pip's own reason."""
    (tmp_path / "empty").mkdir()
    with Index(tmp_path / "empty") as empty:
        assert "toolchain.txt pins from http://127.0.0.1:" in machine.refuses("place", "--index", empty.url, status=4)


def test_a_directory_that_is_not_there(machine: Machine) -> None:
    """A DIR that does not exist, or is a file, is told by its name with status 2."""
    assert "Error: nowhere is not a directory; give one that holds a buildout.cfg\n" == machine.refuses(
        "nowhere", status=2
    )
    below = "place/buildout.cfg/below"
    assert f"Error: {below} is not a directory; give one that holds a buildout.cfg\n" == machine.refuses(
        below, status=2
    )


def test_no_configuration(machine: Machine) -> None:
    """A directory without the configuration is told with its name, and nothing is fetched for it."""
    (machine.place / "buildout.cfg").unlink()
    assert (
        f"Error: {machine.place} holds no buildout.cfg; give the directory of a buildout, or write one there\n"
        == machine.refuses("place", status=2)
    )
    assert f"Error: {machine.place} holds no other.cfg;" in machine.refuses("place", "-c", "other.cfg", status=2)
    assert [] == machine.index.requests


def test_a_configuration_that_cannot_be_read(used: Machine) -> None:
    """What zc.buildout finds wrong with the configuration is told as one sentence, before anything is written."""
    (used.place / "buildout.cfg").write_text("[buildout]\nparts = ${nowhere:at-all}\n", "utf-8")
    assert "buildout.cfg cannot be read: " in used.refuses("place", status=1)
    assert ["buildout.cfg"] == os.listdir(used.place)


@pytest.mark.parametrize("name", ["eggs", "bin", "develop-eggs"])
def test_a_place_that_cannot_be_written(used: Machine, name: str) -> None:
    """Where a regular file stands in the way of a directory, that is one sentence with its path; no script is left."""
    (used.place / name).write_text("", "utf-8")
    found, output = used.bootstrap("place")
    assert 1 == found
    assert re.fullmatch(rf"Error: .*{re.escape(str(used.place / name))}.*", output.rstrip("\n"))
    assert re.search("Not a directory|File exists", output)
    assert not (used.place / "bin").is_dir() or [] == os.listdir(used.place / "bin")


def test_a_directory_of_another_user(machine: Machine) -> None:
    """A directory that this user may not write to is told as such, before anything is fetched."""
    python = shutil.which("python3", path=os.defpath)
    if os.geteuid() != 0 or python is None:
        pytest.skip("only root can become another user, who needs a Python of the machine's")
    for place in machine.place.parents:
        if place.stat().st_uid == 0 and place.owner() == "root" and "tmp" in place.parts:
            place.chmod(place.stat().st_mode | 0o055)
    # The checkout may lie where nobody else can read.
    checkout = machine.place.parent / "checkout"
    for name in ("bootstrap.py", "toolchain.txt", "setup.py"):
        checkout.mkdir(exist_ok=True)
        shutil.copyfile(BOOTSTRAP.parent / name, checkout / name)
    shutil.copytree(BOOTSTRAP.parent / "src", checkout / "src", ignore=shutil.ignore_patterns("__pycache__"))
    status, output = run(
        [python, checkout / "bootstrap.py", machine.place],
        cwd=Path("/"),
        variables=environment(machine.home, PIP_INDEX_URL=machine.index.url),
        user=65534,
    )
    assert (1, f"Error: {machine.place} may not be written by this user; give a directory that may\n") == (
        status,
        output,
    )
    assert ["buildout.cfg"] == os.listdir(machine.place)
    assert [] == machine.index.requests


def old_pythons() -> list[str]:
    """Return the Pythons on this machine that are older than 3.10, beside ours or on the path."""
    found: dict[str, str] = {}
    for version in ("2.7", "3.6", "3.7", "3.8", "3.9"):
        beside = sorted(Path(sys.base_prefix).parent.glob(f"{version}*/bin/python{version}"))
        there = [str(path) for path in beside] + [path for path in [shutil.which(f"python{version}")] if path]
        for path in there:
            if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
                found.setdefault(version, path)
    return list(found.values())


def test_an_old_python(machine: Machine) -> None:
    """A Python before 3.10 is told in one sentence, by every Python back to 2.7 that the machine has."""
    pythons = old_pythons()
    if not pythons:
        pytest.skip("there is no Python before 3.10 on this machine")
    for python in pythons:
        machine.python = Path(python)
        sentence = machine.refuses("place", status=1)
        assert re.fullmatch(
            r"Error: this is Python [23]\.\d; bootstrap.py needs CPython 3.10 or later, such as python3.12 .*\n",
            sentence,
        )


@pytest.fixture
def bare_python(shared: Shared) -> Path:
    """A Python that has neither pip nor ensurepip, as some distributions split it."""

    def make(place: Path) -> None:
        library = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
        copied = place / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        copied.mkdir(parents=True)
        (copied / "site-packages").mkdir()
        for entry in library.iterdir():
            if entry.name not in ("ensurepip", "site-packages"):
                (copied / entry.name).symlink_to(entry)
        (place / "bin").mkdir()
        shutil.copy2(PYTHON.resolve(), place / "bin/python3")

    python = shared.once("bare python", make) / "bin/python3"
    question = "import importlib.util as u, sys; print(u.find_spec('pip'), u.find_spec('ensurepip'), sys.prefix)"
    answer = subprocess.run([python, "-I", "-c", question], capture_output=True, text=True, check=True).stdout
    if f"None None {python.parent.parent}\n" != answer:
        pytest.skip("this Python cannot be copied to another place")
    return python


def test_without_pip_an_index_is_enough(machine: Machine, bare_python: Path) -> None:
    """With neither pip nor ensurepip, --index is all that is needed; a changed byte is found here too."""
    machine.python = bare_python
    sentence = machine.refuses("place", status=4, PIP_INDEX_URL="")
    assert "this Python has neither pip nor ensurepip; name an index with --index URL" in sentence
    machine.index.fault("*/uv-*.whl", "flip")
    assert "has another sha256 than the one pinned; nothing was installed" in machine.refuses(
        "place", "--index", machine.index.url, status=5
    )
    machine.builds("place", "--index", machine.index.url, PIP_INDEX_URL="")
    assert str(bare_python) in (machine.place / "bin/buildout").read_text("utf-8")


def test_from_a_directory(machine: Machine, bare_python: Path, wheels: Path) -> None:
    """--from DIRECTORY needs no index at all, and a wheel in it that is not the pinned one is refused."""
    machine.python = bare_python
    machine.index.stop()
    machine.builds("place", "--from", wheels, PIP_INDEX_URL="")
    assert (machine.place / "bin/buildout").exists()
    bad = machine.home / "bad"
    bad.mkdir()
    for path in wheels.glob("*.whl"):
        (bad / path.name).symlink_to(path)
    uv = next(bad.glob("uv-*.whl"))
    uv.unlink()
    uv.write_bytes(b"not what is pinned")
    machine.cache = machine.home / "another cache"
    shutil.rmtree(machine.place / "bin")
    assert "no wheel of uv in " in machine.refuses("place", "--from", bad, status=5)


def test_options_that_lack_their_value(machine: Machine) -> None:
    """A wrong command line is status 2 and says what is right; --help tells what there is."""
    assert "--index needs a value: --index URL or --from DIRECTORY\n" in machine.refuses("place", "--index", status=2)
    assert "--from nowhere is not a directory\n" in machine.refuses("place", "--from", "nowhere", status=2)
    assert "python3 bootstrap.py [DIR] [--index URL] [--from DIRECTORY]" in machine.builds("--help")


def test_what_the_environment_plants(machine: Machine, tmp_path: Path) -> None:
    """Pip's odder settings, an index planted beside the right one, and modules planted on PYTHONPATH change nothing."""
    planted = tmp_path / "planted"
    (planted / "zc").mkdir(parents=True)
    for name in ("zc/__init__.py", "eggcarton.py", "pip.py", "setuptools.py"):
        (planted / name).write_text("raise SystemExit('planted code was imported')\n", "utf-8")
    (tmp_path / "extra").mkdir()
    (machine.place / "buildout.cfg").write_text(CONFIG, "utf-8")
    with Index(tmp_path / "extra") as extra:
        settings = tmp_path / "pip.conf"
        settings.write_text(
            f"[global]\nindex-url = {machine.index.url}\nextra-index-url = {extra.url}\nuser = true\n", "utf-8"
        )
        machine.builds(
            "place",
            PIP_INDEX_URL="",
            PIP_CONFIG_FILE=str(settings),
            PIP_EXTRA_INDEX_URL=extra.url,
            PIP_USER="1",
            PIP_REQUIRE_VIRTUALENV="1",
            PIP_TARGET=str(tmp_path / "target"),
            PYTHONPATH=str(planted),
            PYTHONSTARTUP=str(planted / "pip.py"),
            VIRTUAL_ENV=str(tmp_path / "nowhere"),
        )
        assert [] == extra.requests
    assert machine.index.paths("*/pip-*.whl")
    assert not (tmp_path / "target").exists()
    assert "greeting 1.0\n" == run(["bin/greet"], cwd=machine.place, variables=environment(machine.home)).output


def test_a_home_that_cannot_be_written(machine: Machine) -> None:
    """Where the usual cache cannot be, another one below the directory is used, and that is said."""
    (machine.home / "file").write_text("", "utf-8")
    machine.home = machine.home / "file" / "home"
    (machine.place / "buildout.cfg").write_text(CONFIG, "utf-8")
    output = machine.builds("place")
    cache = machine.place / ".eggcarton/cache"
    assert f"The cache {machine.home}/.cache/eggcarton cannot be used (not a directory); {cache} is used." in output
    assert cache.is_dir()
    assert "greeting 1.0\n" == run(["bin/greet"], cwd=machine.place, variables=environment(machine.home)).output


def test_a_path_with_blanks_and_other_signs(used: Machine) -> None:
    """The directory's name may hold blanks, quotes and letters of any alphabet."""
    os.rename(used.place, used.place.with_name("place d'été $HOME"))
    used.place = used.place.with_name("place d'été $HOME")
    (used.place / "buildout.cfg").write_text(CONFIG, "utf-8")
    used.builds(used.place.name)
    assert (
        "greeting 1.0 one two\n"
        == run(["bin/greet", "one", "two"], cwd=used.place, variables=environment(used.home)).output
    )
    assert 1 == len(used.builds(used.place.name).splitlines())


def test_a_virtual_environments_python(used: Machine, tmp_path: Path) -> None:
    """Started by the Python of a virtual environment, it builds for the one below, which outlives the environment."""
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    used.python = tmp_path / "venv/bin/python"
    (used.place / "buildout.cfg").write_text(CONFIG, "utf-8")
    used.builds("place")
    shutil.rmtree(tmp_path / "venv")
    for script in ("buildout", "greet"):
        assert str(tmp_path / "venv") not in (used.place / "bin" / script).read_text("utf-8")
    assert 1 == len(run(["bin/buildout"], cwd=used.place, variables=environment(used.home)).output.splitlines())
    assert "greeting 1.0\n" == run(["bin/greet"], cwd=used.place, variables=environment(used.home)).output


def test_a_stock_buildout_is_kept(used: Machine) -> None:
    """A bin/buildout that another tool has written is kept as bin/buildout.before; ours is written over."""
    (used.place / "bin").mkdir()
    (used.place / "bin/buildout").write_text("#!/bin/sh\necho stock\n", "utf-8")
    (used.place / "bin/buildout").chmod(0o755)
    used.builds("place")
    before = used.place / "bin/buildout.before"
    assert "stock\n" == run([before], cwd=used.place, variables=environment(used.home)).output
    shutil.rmtree(used.place / "eggs")
    used.builds("place")
    assert ["buildout", "buildout.before", "eggcarton"] == sorted(os.listdir(used.place / "bin"))
    assert "echo stock" in before.read_text("utf-8")


def test_another_bin_directory(used: Machine) -> None:
    """Where the configuration puts bin, eggs and develop-eggs elsewhere, that is where they are."""
    (used.place / "buildout.cfg").write_text(
        NOTHING + "bin-directory = scripts\neggs-directory = ../store\ndevelop-eggs-directory = metadata\n", "utf-8"
    )
    used.builds("place")
    assert ["buildout", "eggcarton"] == sorted(os.listdir(used.place / "scripts"))
    assert not (used.place / "bin").exists()
    assert not (used.place / "eggs").exists()
    assert (used.place.parent / "store").is_dir()


def test_two_at_once(machine: Machine) -> None:
    """Two directories that are bootstrapped at the same time share a cache, and both work."""
    other = machine.place.with_name("other")
    other.mkdir()
    (other / "buildout.cfg").write_text(NOTHING, "utf-8")
    start = functools.partial(
        subprocess.Popen,
        cwd=machine.place.parent,
        env=environment(machine.home, PIP_INDEX_URL=machine.index.url),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    both = [start([PYTHON, BOOTSTRAP, name]) for name in ("place", "other")]
    for process in both:
        output, _ = process.communicate(timeout=240)
        assert 0 == process.returncode, output
