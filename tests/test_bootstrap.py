"""bootstrap.py: one command makes bin/buildout from any CPython as it comes, or one sentence of what is wrong."""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from support.buildouts import (
    BOOTSTRAP,
    CHECKOUT,
    PYTHON,
    Result,
    Shared,
    bootstrap_module,
    environment,
    run,
    start,
    stop,
    tree,
    wait_for,
)
from support.fakes import greeting
from support.index import Index
from support.users import NOBODY, open_to_anybody, python_for_anybody

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
    script: Path = BOOTSTRAP

    def variables(self, **more: str) -> dict[str, str]:
        """Return the variables that bootstrap.py runs with; an empty one is not set."""
        kept = {} if self.cache is None else {"EGGCARTON_CACHE": str(self.cache)}
        given = environment(self.home, **{"PIP_INDEX_URL": self.index.url, **kept, **more})
        return {name: value for name, value in given.items() if value}

    def bootstrap(self, *arguments: str | Path, **variables: str) -> Result:
        """Run bootstrap.py in the directory above the one that is built."""
        command = [self.python, self.script, *arguments]
        return run(command, cwd=self.place.parent, variables=self.variables(**variables))

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start bootstrap.py in a process group of its own, to be stopped in the middle."""
        command = [self.python, self.script, *arguments]
        return start(command, cwd=self.place.parent, variables=self.variables(**variables))

    def checkout(self) -> Path:
        """Take what bootstrap.py needs to another place, where it can be damaged, and return that."""
        place = self.place.parent / "checkout"
        place.mkdir()
        for name in ("bootstrap.py", "toolchain.txt", "setup.py", "README.rst", "LICENSE.txt"):
            shutil.copyfile(CHECKOUT / name, place / name)
        shutil.copytree(CHECKOUT / "src", place / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        self.script = place / "bootstrap.py"
        return place

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
        assert 1 == len(re.findall("^Error: ", output, re.MULTILINE)), output
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


def test_whence_the_pin_is() -> None:
    """Of the line in which pip names a file with other bytes, all up to the requirements file's own path is told."""
    name = "jinja2==3.1.6 from http://index.example/files/jinja2-3.1.6-py3-none-any.whl"
    lines = [
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
        f"    {name}#sha256={'a' * 64} (from -r {'/long' * 60}/toolchain.txt (line 3)):",
        f"        Expected sha256 {'a' * 64}",
        f"             Got        {'b' * 64}",
    ]
    bootstrap = bootstrap_module()
    with pytest.raises(bootstrap.Problem) as caught:
        bootstrap.explain("\n".join(lines), "toolchain.txt", None)
    expected = f"a file from the index has another sha256 than toolchain.txt pins ({name}); nothing was installed"
    assert (expected, 5) == (str(caught.value), caught.value.exit_code)


def test_no_network(machine: Machine) -> None:
    """An index that cannot be reached ends it with status 4 and says what may be done."""
    machine.index.stop()
    sentence = machine.refuses("place", status=4)
    assert f"127.0.0.1:{machine.index.port}" in sentence
    assert "use --index URL or --from DIRECTORY" in sentence


@pytest.mark.parametrize("arguments", [["-o"], ["-No"], ["-c", "buildout.cfg", "buildout:offline=true"]])
def test_offline_with_an_empty_cache(machine: Machine, arguments: list[str]) -> None:
    """Where bin/buildout may open no socket, neither does bootstrap.py: it asks for --from, with status 4."""
    machine.refuses("place", *arguments, status=4)
    sentence = machine.refuses("place", *arguments, "-v", status=4)
    assert "offline, and the toolchain for this Python is not in the cache " in sentence
    assert "with --from DIRECTORY" in sentence
    assert [] == machine.index.paths("*")


@pytest.mark.parametrize(
    ("arguments", "is_offline"),
    [
        (["-o", "-O"], False),
        (["-O", "offline=true"], True),
        (["-o", "buildout:offline=false"], False),
        (["-coffline.cfg"], False),
        (["-c", "-o"], False),
        (["-t", "20", "-o"], True),
        (["install", "-o"], False),
    ],
)
def test_the_last_argument_that_tells_of_offline_counts(arguments: list[str], is_offline: bool) -> None:
    """They are read as zc.buildout reads them: -O takes -o back, and the value of another option is none."""
    loaded = spec_from_file_location("bootstrap", BOOTSTRAP)
    assert loaded is not None
    assert loaded.loader is not None
    module = module_from_spec(loaded)
    loaded.loader.exec_module(module)
    assert is_offline == module.is_offline(arguments)


def test_offline_with_what_is_there(used: Machine, wheels: Path) -> None:
    """The cache, or --from, is enough for a build that may open no socket."""
    used.builds("place")
    used.index.requests.clear()
    shutil.rmtree(used.place / "bin")
    used.builds("place", "-o")
    used.cache = used.home / "empty"
    shutil.rmtree(used.place / "bin")
    used.builds("place", "-o", "--from", wheels)
    assert [] == used.index.paths("*")


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"parts =\n", "File contains no section headers."),
        (b"[buildout]\n[broken\n", "buildout.cfg"),
        (b"[buildout]\nparts = \xff\n", "can't decode byte 0xff"),
        (b"[buildout]\nextends = nowhere.cfg\n", "nowhere.cfg"),
    ],
    ids=["no section", "half a section", "no UTF-8", "an extends file that is not there"],
)
def test_a_configuration_that_cannot_be_parsed(used: Machine, text: bytes, words: str) -> None:
    """What is no configuration is told in one line with its reason, before anything is written."""
    (used.place / "buildout.cfg").write_bytes(text)
    sentence = used.refuses("place", status=1)
    assert f"Error: {used.place}/buildout.cfg cannot be read: " in sentence
    assert words in sentence
    assert 1 == len(sentence.splitlines())


@pytest.mark.parametrize("name", ["eggs", "bin", "develop-eggs", "parts"])
def test_a_place_where_a_file_stands(used: Machine, name: str) -> None:
    """Where a regular file stands in the way of a directory, its option and its path are told; nothing is written."""
    (used.place / name).write_text("", "utf-8")
    option = f"[buildout] option '{name}-directory'"
    told = "is not a directory; move it away, or name another place\n"
    assert f"Error: {option}: {used.place / name} {told}" == used.refuses("place", status=2)
    (used.place / "file").write_text("", "utf-8")
    (used.place / "buildout.cfg").write_text(f"{NOTHING}{name}-directory = file/below\n", "utf-8")
    assert f"Error: {option}: {used.place / 'file'} {told}" == used.refuses("place", status=2)


def test_an_eggs_directory_that_cannot_be_made(used: Machine) -> None:
    """It is told as what it is, with its option, and no configuration is said not to be readable."""
    (used.place / "buildout.cfg").write_text(f"{NOTHING}eggs-directory = /proc/none\n", "utf-8")
    said = (
        "the eggs directory /proc/none/v5 cannot be made: no such file or directory; correct its path, or name another"
    )
    assert f"Error: {said} one with 'eggs-directory' in [buildout]\n" == used.refuses("place", status=2)


def as_nobody(machine: Machine, *arguments: str | Path, **variables: str) -> Result:
    """Run bootstrap.py as a user that nobody knows, who is not root and owns nothing."""
    python = python_for_anybody()
    open_to_anybody(machine.place)
    # The checkout may lie where nobody else can read.
    script = machine.checkout() / "bootstrap.py"
    given = {name: value for name, value in machine.variables(**variables).items() if value}
    return run([python, script, *arguments], cwd=Path("/"), variables=given, user=NOBODY)


def test_a_directory_of_another_user(machine: Machine) -> None:
    """A directory that this user may not write to is told as such, before anything is fetched."""
    told = f"Error: {machine.place} may not be written by this user; give a directory that may\n"
    assert Result(1, told) == as_nobody(machine, machine.place)
    assert ["buildout.cfg"] == os.listdir(machine.place)
    assert [] == machine.index.requests


def test_a_directory_that_may_not_be_entered(machine: Machine) -> None:
    """A directory without the right to enter it is not told as one that lacks its configuration."""
    machine.place.chmod(0o644)
    told = f"Error: {machine.place} may not be entered by this user; give a directory that may\n"
    assert Result(1, told) == as_nobody(machine, machine.place)


def test_a_configuration_that_may_not_be_read(machine: Machine) -> None:
    """A configuration without the right to read it is told by its path."""
    (machine.place / "buildout.cfg").chmod(0o600)
    told = f"Error: {machine.place}/buildout.cfg may not be read by this user\n"
    assert Result(1, told) == as_nobody(machine, machine.place)


def test_a_user_without_a_home(machine: Machine) -> None:
    """Where no home is known the cache lies below the directory, and that is said; no directory is called ~."""
    machine.place.chmod(0o777)
    machine.index.stop()
    status, output = as_nobody(machine, machine.place, HOME="")
    cache = machine.place / ".eggcarton/cache"
    assert 4 == status, output
    told = f"The cache ~/.cache/eggcarton cannot be used (it is not an absolute path); {cache} is used.\n"
    assert told == output[: len(told)]
    assert "Traceback" not in output
    assert [".eggcarton", "buildout.cfg"] == sorted(os.listdir(machine.place))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: path.unlink(), "is missing; get the whole checkout again"),
        (lambda path: path.write_bytes(b"\xff"), "is not UTF-8; get the whole checkout again"),
        (lambda path: (path.unlink(), path.mkdir()), "Is a directory"),
    ],
    ids=["missing", "no UTF-8", "a directory"],
)
def test_pins_that_cannot_be_read(machine: Machine, damage: Callable[[Path], object], told: str) -> None:
    """A checkout whose pins cannot be read is told by their path."""
    pins = machine.checkout() / "toolchain.txt"
    damage(pins)
    assert re.fullmatch(f"Error: {re.escape(str(pins))}:? {told}\n", machine.refuses("place", status=1))


def test_a_checkout_that_is_not_whole(used: Machine) -> None:
    """A checkout whose setup.py cannot work is told by the last line of what it said."""
    (used.checkout() / "README.rst").unlink()
    sentence = used.refuses("place", status=1)
    assert re.fullmatch(r"Error: .*/setup.py gave no metadata: FileNotFoundError: .*'README.rst'\n", sentence)


def test_a_spoilt_cache(used: Machine) -> None:
    """Where what bootstrap.py works with was taken out of the cache, the directory to remove is told."""
    assert used.cache is not None
    cache = used.cache
    used.cache = used.home / "cache"
    shutil.copytree(cache, used.cache, symlinks=True)
    (place,) = (used.cache / "closed-set").iterdir()
    shutil.rmtree(place / "packaging")
    assert (
        f"Error: No module named 'packaging'; remove {place}, or get the whole checkout again, and run it again\n"
        in (used.refuses("place", status=1))
    )


def test_scripts_that_were_edited(used: Machine) -> None:
    """A bin/buildout, or the note of where it is, that somebody has spoilt is made again."""
    (used.place / "buildout.cfg").write_text(f"{NOTHING}bin-directory = scripts\n", "utf-8")
    used.builds("place")
    script, note = used.place / "scripts/buildout", used.place / ".eggcarton/bin"
    text = script.read_text("utf-8")
    for spoilt in (text.replace('.egg",', '\\x.egg",', 1), "\0"):
        script.write_text(spoilt, "utf-8")
        used.builds("place")
        assert text == script.read_text("utf-8")
    for content in (b"\xff", b"", b"{}", b"[1, 2, 3]", b"null"):
        note.write_bytes(content)
        used.builds("place")
        assert content != note.read_bytes()


def test_paths_that_no_script_can_name(used: Machine) -> None:
    """A directory with a line end, or with bytes that are no text, in its name is refused."""
    for name in ("one\ntwo", os.fsdecode(b"caf\xe9")):
        place = used.place.with_name(name)
        shutil.copytree(used.place, place)
        assert "no script can name such a path\n" in used.refuses(name, status=2)
        assert ["buildout.cfg"] == os.listdir(place)


@pytest.mark.parametrize("given", [True, False])
def test_a_working_directory_that_is_gone(used: Machine, given: bool) -> None:
    """In a working directory that was removed, that is told where it matters, and nothing where DIR is absolute."""
    command = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"'
    words = [used.place] if given else []
    status, output = run(
        ["sh", "-c", command, "sh", PYTHON, BOOTSTRAP, *words], cwd=used.place.parent, variables=used.variables()
    )
    if given:
        assert 0 == status, output
    else:
        assert Result(1, "Error: the working directory is gone; change to one that exists\n") == (status, output)


def test_nobody_reads_what_is_said(machine: Machine) -> None:
    """When the reader of its output has left, it ends without a word about that."""
    command = ["sh", "-c", '{ "$@" --help; echo $? >&2; } | true', "sh", PYTHON, BOOTSTRAP]
    told = {run(command, cwd=machine.place, variables=machine.variables()).output for _ in range(3)}
    assert told <= {"0\n", "1\n"}


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(used: Machine, closed: str) -> None:
    """Started with standard streams that are closed, it builds."""
    command = ["sh", "-c", f'"$@" {closed}', "sh", PYTHON, BOOTSTRAP, "place"]
    status, output = run(command, cwd=used.place.parent, variables=used.variables())
    assert 0 == status, output
    assert (used.place / "bin/buildout").exists()


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


def test_without_pip_credentials_and_proxies_count(machine: Machine, bare_python: Path, tmp_path: Path) -> None:
    """Without pip too, credentials go to their own index only, and pip's proxy is asked."""
    machine.python = bare_python
    machine.index.credentials = "me:p@ss"
    address = machine.index.url.replace("127.0.0.1", "me:p%40ss@index.example")
    (tmp_path / "empty").mkdir()
    with Index(tmp_path / "empty") as other:
        machine.index.fault("*/zc-recipe-egg/", f"redirect:{other.url}zc-recipe-egg/")
        told = machine.refuses("place", "--index", address, status=4, PIP_PROXY=machine.index.address)
        assert "p%40ss" not in told
        assert [False] == ["Authorization" in request.headers for request in other.requests]
    machine.builds("place", "--index", address, PIP_PROXY=machine.index.address)


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


@contextmanager
def ways(machine: Machine, first: str) -> Iterator[tuple[Index, list[str]]]:
    """Give a first index that does not have it right, and the arguments that name the machine's own after it."""
    with Index(machine.index.directory) as other:
        other.credentials, machine.index.credentials = "you:secret", "me:p@ss"
        other.fault(*first.split(" ", 1), forever=True)
        addresses = [other.url.replace("//", "//you:secret@"), machine.index.url.replace("//", "//me:p%40ss@")]
        yield other, [word for address in addresses for word in ("--index", address)]


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("* status:503", "asking the next index."),
        ("*/uv-*.whl flip", "another sha256"),
        ("/simple/uv/ status:404", "asking the next index."),
    ],
)
@pytest.mark.parametrize("has_pip", [True, False])
def test_another_way_to_the_same_files(
    machine: Machine, bare_python: Path, first: str, words: str, *, has_pip: bool
) -> None:
    """The next --index serves what the one before does not, or with wrong bytes; none sees the other's secret."""
    machine.python = machine.python if has_pip else bare_python
    with ways(machine, first) as (other, arguments):
        output = machine.builds("place", *arguments, PIP_INDEX_URL="")
        assert words in output
        assert (True, True) == (bool(other.requests), bool(machine.index.requests))
        for index, own in ((other, "you:secret"), (machine.index, "me:p@ss")):
            told = {request.headers.get("Authorization") for request in index.requests} - {None}
            assert {"Basic " + base64.b64encode(own.encode()).decode()} == told
        assert "secret" not in output
        assert "p%40ss" not in output


def test_no_way_to_the_right_bytes(machine: Machine, bare_python: Path) -> None:
    """Where one index does not answer and the other has wrong bytes, the wrong bytes are what is told: exit code 5."""
    machine.python = bare_python
    machine.index.fault("*/uv-*.whl", "flip", forever=True)
    with ways(machine, "*/uv-*.whl status:503") as (_, arguments):
        assert "another sha256 than the one pinned; nothing was" in machine.refuses("place", *arguments, status=5)


def test_options_that_lack_their_value(machine: Machine) -> None:
    """A wrong command line is status 2 and says what is right; --help tells what there is."""
    assert "--index needs a value: --index URL or --from DIRECTORY\n" in machine.refuses("place", "--index", status=2)
    assert "--index needs a value: " in machine.refuses("place", "--index=", status=2)
    assert "-c needs a value: -c FILE\n" in machine.refuses("place", "-c", status=2)
    assert "--from nowhere is not a directory\n" in machine.refuses("place", "--from", "nowhere", status=2)
    assert "python3 bootstrap.py [DIR] [--index URL ...] [--from DIRECTORY]" in machine.builds("--help")


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
    before = tree(used.place / "scripts", used.place / "metadata")
    used.builds("place")
    assert before == tree(used.place / "scripts", used.place / "metadata")


def test_a_bin_directory_that_changes(used: Machine) -> None:
    """A bin directory that the command line or an extends file names is found again, and left when it is not named."""
    (used.place / "base.cfg").write_text("[buildout]\nbin-directory = one\n", "utf-8")
    (used.place / "buildout.cfg").write_text(f"{NOTHING}extends = base.cfg\n", "utf-8")
    for arguments, name in (([], "one"), (["buildout:bin-directory=two"], "two"), ([], "one")):
        used.builds("place", *arguments)
        script = used.place / name / "buildout"
        made = script.stat().st_ino
        used.builds("place", *arguments)
        assert made == script.stat().st_ino
        shutil.rmtree(used.place / ("one" if name == "two" else "two"), ignore_errors=True)


def test_two_at_once(machine: Machine) -> None:
    """Two directories that are bootstrapped at the same time share a cache, and both work."""
    other = machine.place.with_name("other")
    other.mkdir()
    (other / "buildout.cfg").write_text(NOTHING, "utf-8")
    both = [machine.start(name) for name in ("place", "other")]
    for process in both:
        output, _ = process.communicate(timeout=240)
        assert 0 == process.returncode, output


def half_made(*places: Path) -> list[str]:
    """Return what begins with a dot below some directories, but for the hidden directories that are to be there."""
    found = (path for place in places for path in place.rglob(".*"))
    return [str(path) for path in found if path.name not in (".eggcarton", ".cache", ".installed.cfg", ".lock")]


INTERRUPTED = "Interrupted; nothing half-made is left: run it again to go on.\n"


@pytest.mark.parametrize("send", [os.killpg, os.kill], ids=["to all", "to the first process"])
def test_interrupted_while_it_fetches(machine: Machine, tmp_path: Path, send: Callable[[int, int], None]) -> None:
    """Ctrl-C while pip fetches is one sentence and status 130; what was fetched by then is cleared away."""
    (tmp_path / "tmp").mkdir()
    machine.index.fault("*.whl", "ok", "stall:0.5", forever=True)
    process = machine.start("place", TMPDIR=str(tmp_path / "tmp"))
    wait_for(lambda: 2 <= len(machine.index.paths("*.whl")), process)
    send(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert (130, f"Fetching the toolchain ...\n{INTERRUPTED}") == (process.returncode, output)
    assert ([], []) == (half_made(machine.home), os.listdir(tmp_path / "tmp"))
    assert [] == os.listdir(machine.home / ".cache/eggcarton/bootstrap")
    assert ["buildout.cfg"] == os.listdir(machine.place)


@pytest.mark.parametrize("send", [os.killpg, os.kill], ids=["to all", "to the first process"])
@pytest.mark.parametrize("name", ["setup.py", "src/eggcarton/core/script.py", "src/eggcarton/packages/uv.py"])
def test_interrupted_in_the_next_step(
    used: Machine, tmp_path: Path, name: str, send: Callable[[int, int], None]
) -> None:
    """Ctrl-C in the process that does the rest, while it imports and while it works, is the same sentence."""
    told = tmp_path / "reached"
    path = used.checkout() / name
    wait = f"import pathlib, signal; pathlib.Path({str(told)!r}).touch(); signal.pause()\n"
    text = path.read_text("utf-8")
    future = "from __future__ import annotations\n"
    path.write_text(text.replace(future, f"{future}{wait}", 1) if future in text else wait + text, "utf-8")
    (tmp_path / "tmp").mkdir()
    process = used.start("place", TMPDIR=str(tmp_path / "tmp"))
    wait_for(told.exists, process)
    send(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert (130, INTERRUPTED) == (process.returncode, output)
    assert [] == os.listdir(tmp_path / "tmp")
    assert ["buildout.cfg"] == os.listdir(used.place)


def test_interrupted_while_it_imports(machine: Machine, tmp_path: Path) -> None:
    """Ctrl-C before its own imports are done is the same sentence."""
    told = tmp_path / "reached"
    script = machine.checkout() / "bootstrap.py"
    script.with_name("configparser.py").write_text(
        f"import pathlib, signal; pathlib.Path({str(told)!r}).touch(); signal.pause()\n", "utf-8"
    )
    process = machine.start("place")
    wait_for(told.exists, process)
    assert Result(130, INTERRUPTED) == stop(process, signal.SIGINT)


def test_no_command_line_holds_a_password(machine: Machine) -> None:
    """What the index is asked with is told to pip in a way that other users of the machine cannot read."""
    machine.index.fault("*", "stall", forever=True)
    process = machine.start("place", PIP_INDEX_URL=machine.index.url.replace("://", "://me:secret@"))
    wait_for(machine.index.paths, process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        stop(process, signal.SIGINT)
        pytest.skip("the command lines of processes are read from /proc")
    (pip,) = children.read_text("utf-8").split()
    line = Path(f"/proc/{pip}/cmdline").read_text("utf-8")
    stop(process, signal.SIGINT)
    assert ("download" in line, "secret" in line) == (True, False)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("htp:/x", "it does not begin with http:// or https:// or file://"),
        ("index.example/simple", "it does not begin with http:// or https:// or file://"),
        ("http://me:secret@[bad/simple/", "its host is none"),
        ("http://me:secret@index.example:99999/", "its port is not a number up to 65535"),
        ("http://index.example:port/", "its port is not a number up to 65535"),
        ("http://index.example:0/", "no port is 0"),
        ("http:///simple/", "it names no host"),
        ("http://index.example/a b", "it holds a blank"),
    ],
)
def test_an_address_that_is_none(machine: Machine, tmp_path: Path, address: str, reason: str) -> None:
    """What cannot be the address of an index is told without credentials, and with where it comes from."""
    shown = address.replace("me:secret@", "")
    end = f"{shown} is not the address of an index: {reason}; mend it, or leave it out\n"
    assert f"Error: --index: {end}" == machine.refuses("place", "--index", address, status=2)
    assert f"Error: PIP_INDEX_URL: {end}" == machine.refuses("place", PIP_INDEX_URL=address, status=2)
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nindex-url = {address}\n", "utf-8")
    told = machine.refuses("place", status=2, PIP_INDEX_URL="", PIP_CONFIG_FILE=str(settings))
    assert f"Error: index-url in {settings}: {end}" == told


@pytest.mark.parametrize("variable", ["PIP_PROXY", "http_proxy", "all_proxy"])
def test_a_proxy_that_is_none(machine: Machine, variable: str) -> None:
    """What cannot be the address of a proxy is told without credentials, and with where it comes from."""
    given = {"http_proxy": "", "no_proxy": "", variable: "http://me:secret@proxy:port"}
    assert (
        f"Error: {variable}: http://proxy:port is not the address of a proxy: its port is not a number up to 65535; "
        "mend it, or leave it out\n"
    ) == machine.refuses("place", status=2, **given)
    assert [] == machine.index.requests


def test_a_certificate_that_is_not_there(machine: Machine) -> None:
    """A bundle of certificates that is not there is told by its path and where it comes from."""
    told = machine.refuses("place", status=2, PIP_CERT="nowhere.pem")
    assert "Error: PIP_CERT: there is no nowhere.pem; name a file that is there\n" == told


def test_a_directory_as_an_index(machine: Machine, wheels: Path) -> None:
    """A directory that is laid out as an index is one, as it is for pip."""
    for path in wheels.glob("*.whl"):
        project = machine.home / "index" / path.name.partition("-")[0].lower().replace("_", "-").replace(".", "-")
        project.mkdir(parents=True, exist_ok=True)
        (project / path.name).symlink_to(path)
        with open(project / "index.html", "a", encoding="utf-8") as stream:
            stream.write(f'<a href="{path.name}">{path.name}</a>\n')
    machine.builds("place", "--index", machine.home / "index")
    assert [] == machine.index.requests


def test_a_directory_without_the_wheels(machine: Machine, wheels: Path) -> None:
    """--from a directory that lacks some or all of what is needed is one error."""
    some = machine.home / "some"
    some.mkdir()
    assert "no wheel of uv in " in machine.refuses("place", "--from", some, status=5)
    (some / "uv-1-py3-none-any.whl").mkdir()
    assert "Is a directory" in machine.refuses("place", "--from", some, status=1)
    (some / "uv-1-py3-none-any.whl").rmdir()
    for path in [*wheels.glob("uv-*.whl"), *wheels.glob("packaging-*.whl")]:
        (some / path.name).symlink_to(path)
    assert "could not be unpacked from " in machine.refuses("place", "--from", some, status=1)
