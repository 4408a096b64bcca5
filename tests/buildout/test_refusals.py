"""What must not be obeyed is refused before anything is asked, built or taken away: one sentence, and what to do."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.buildouts import Buildout, Standing, copy, run, stop, tree, wait_for
from support.fakes import greeting, recipes
from support.index import Index

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app note
[app]
recipe = eggcarton:scripts
eggs = greeting
[note]
recipe = noting
output = note.txt
"""
LOCKS = {"pylock.toml": "greeting", "pylock.recipes.toml": "noting"}
RESTORE = "restore the lock, or remove it and lock again"
# The lock of recipes is read when extensions are loaded, alike by all.
WAYS = {"buildout": ("buildout",), "frozen": ("buildout", "eggcarton:policy=frozen"), "lock": ("eggcarton", "lock")}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Buildout]:
    """A buildout with a lock of parts and one of recipes, built; each test leaves it as it was."""
    place = tmp_path_factory.mktemp("refusals")
    (place / "index").mkdir()
    with Index(place / "index") as index:
        greeting(index.directory)
        recipes(index.directory)
        build = Buildout(root=place / "build", home=place / "home", index=index)
        copy(template, build.root)
        (build.home / ".buildout").mkdir(parents=True)
        (build.home / ".buildout" / "default.cfg").write_text(f"[buildout]\nindex = {index.url}\n", "utf-8")
        build.configure(CONFIG)
        build.build()
        greeting(index.directory, "2.0")
        recipes(index.directory, "2.0")
        yield build


def standing(build: Buildout) -> dict[str, Standing]:
    """Return all that a refusal must leave: scripts, parts, what is installed, the locks and the store."""
    found = tree(build.root)
    kept = {path: what for path, what in found.items() if "/state/" not in path and not path.endswith(".lock")}
    installed = str(build.root / ".installed.cfg")
    # zc.buildout's own record is written anew when a run is undone, with the same content.
    return {**kept, installed: kept[installed]._replace(changed=0)}


def refused(build: Buildout, way: str, status: int) -> str:
    """Return the one sentence of a run that must not have changed or asked anything."""
    before = standing(build)
    build.index.requests.clear()
    program, *arguments = WAYS[way]
    output = build.fails(*arguments, program=program, status=status)
    assert [] == build.index.requests
    assert before == standing(build)
    lines = output.splitlines()
    assert [output.rstrip("\n")] == [line for line in lines if line.startswith("Error: ")], output
    return lines[0]


def replaced(pattern: str, by: str) -> Callable[[str, str], str]:
    """Change the first place in a lock that a pattern finds; NAME in it stands for the distribution."""

    def change(text: str, name: str) -> str:
        changed, number = re.subn(pattern.replace("NAME", name), by.replace("NAME", name), text, count=1)
        assert 1 == number
        return changed

    return change


def twice(text: str, name: str) -> str:
    entry = text[text.index("[[packages]]") : text.index("[tool.")]
    return text.replace(entry, entry + entry.replace("1.0", "2.0"), 1)


ENTRY = "FILE: packages[0] (NAME)"
WHEEL = "NAME-1.0-py3-none-any.whl"
ABUSE = {
    "no hash": (replaced(r"hashes = \{[^}]*\}", "hashes = {}"), "'packages[0].wheels[0].hashes'", RESTORE),
    "md5 alone": (replaced(r'sha256 = "\w+"', 'md5 = "aa"'), f"{ENTRY}.wheels[0]: {WHEEL} has no sha256", RESTORE),
    "sha1 alone": (replaced(r'sha256 = "\w+"', 'sha1 = "aa"'), f"{ENTRY}.wheels[0]: {WHEEL} has no sha256", RESTORE),
    "a path that leaves": (
        replaced('path = "wheels/', 'path = "../wheels/'),
        f"{ENTRY}.wheels[0]: the path '../wheels/{WHEEL}' leaves the folder of the lock",
        RESTORE,
    ),
    "a path from the root": (
        replaced('path = "wheels/', 'path = "/wheels/'),
        f"{ENTRY}.wheels[0]: the path '/wheels/{WHEEL}' leaves the folder of the lock",
        RESTORE,
    ),
    "credentials": (
        replaced('path = "wheels/', 'url = "https://me:hidden@index.example/'),
        f"{ENTRY}.wheels[0]: the address of {WHEEL} holds credentials",
        "remove them from the lock, and change them where they are used",
    ),
    "credentials of an index": (
        replaced(r'\nversion = "1.0"', '\nversion = "1.0"\nindex = "https://me:hidden@index.example/simple/"'),
        f"{ENTRY}: the address of its index holds credentials",
        "remove them from the lock, and change them where they are used",
    ),
    "another major version": (
        replaced('lock-version = "1.0"', 'lock-version = "2.1"'),
        "FILE has the lock-version 2.1, written by something newer, and this reads 1",
        "run bootstrap.py of the newer eggcarton, or restore the lock",
    ),
    "two entries of one name": (
        twice,
        "FILE: packages[0] and packages[1] (NAME 1.0 and 2.0) are both for this Python and platform",
        RESTORE,
    ),
    "a version changed by hand": (
        replaced(r'\nversion = "1.0"', '\nversion = "2.0"'),
        "not consistent with package version '2.0' in 'packages[0].wheels[0]'",
        f"versions are changed in [versions]; {RESTORE}",
    ),
    "conflict markers": (
        replaced(r'\nversion = "1.0"', '\n<<<<<<< HEAD\nversion = "1.0"\n=======\nversion = "2.0"\n>>>>>>> theirs'),
        "FILE holds the conflict markers of a merge",
        "take one side whole, and run bin/eggcarton lock",
    ),
    "half a file": (lambda text, name: text[: len(text) // 2], "FILE is not a valid lock: ", RESTORE),
    "an empty file": (lambda text, name: "", "FILE is not a valid lock: ", RESTORE),
    "no text": (lambda text, name: "\udcff\udcfe" + text, "FILE is not a valid lock: ", RESTORE),
}


@pytest.mark.parametrize("file", LOCKS)
@pytest.mark.parametrize(("change", "told", "remedy"), ABUSE.values(), ids=ABUSE)
def test_a_lock_that_must_not_be_obeyed(
    built: Buildout, file: str, change: Callable[[str, str], str], told: str, remedy: str
) -> None:
    """A spoilt lock is refused with status 5, its file, its entry and what to do; the lock itself stays as it is."""
    lock, name = built.root / file, LOCKS[file]
    right = lock.read_bytes()
    lock.write_bytes(change(right.decode(), name).encode("utf-8", "surrogateescape"))
    try:
        sentences = {refused(built, way, 5) for way in (WAYS if file == "pylock.toml" else ("buildout",))}
    finally:
        lock.write_bytes(right)
    [sentence] = sentences
    assert sentence.startswith(f"Error: {file}")
    assert told.replace("FILE", file).replace("NAME", name) in sentence
    assert remedy in sentence
    assert "hidden" not in sentence


def test_the_lock_is_right_again(built: Buildout) -> None:
    """Once the lock is restored, what was refused goes on without a request, and what was built is as it was."""
    built.lock.write_text(f"<<<<<<< mine\n{(right := built.lock.read_text('utf-8'))}", "utf-8")
    refused(built, "buildout", 5)
    built.lock.write_text(right, "utf-8")
    built.index.requests.clear()
    before = built.tree("bin", "parts/app")
    built.build()
    assert ([], before) == (built.index.requests, built.tree("bin", "parts/app"))


@pytest.mark.parametrize("is_in_store", [True, False])
@pytest.mark.parametrize("file", LOCKS)
def test_a_pin_with_the_hash_of_another_version(built: Buildout, tmp_path: Path, file: str, is_in_store: bool) -> None:
    """A version that was changed by hand throughout, with the old hash, is never installed under the wrong name."""
    lock, name = built.root / file, LOCKS[file]
    right, before = lock.read_bytes(), built.tree("bin", "parts/app")
    [sha256] = re.findall(r'sha256 = "(\w+)"', right.decode())
    places = (built.root / "eggs", built.cache)
    gone = [] if is_in_store else [path for place in places for path in place.rglob(f"*{sha256}*")]
    for number, path in enumerate(gone):
        path.rename(tmp_path / str(number))
    lock.write_bytes(right.replace(b'\nversion = "1.0"', b'\nversion = "2.0"').replace(b"-1.0-", b"-2.0-"))
    wrong = lock.read_bytes()
    try:
        output = built.fails(status=5)
        assert wrong == lock.read_bytes()
    finally:
        lock.write_bytes(right)
        for number, path in enumerate(gone):
            (tmp_path / str(number)).rename(path)
    assert f"{name}-2.0-py3-none-any.whl" in output
    assert before == built.tree("bin", "parts/app")
    built.build()


SPOILT = {
    "binary": (b"six==1.17.0\n\xff\xfe\x00\x01", " is not text in the encoding utf-8; save it as UTF-8"),
    "an unknown encoding": (b"# coding: klingon\nsix\n", " is not text in the encoding klingon; save it as UTF-8"),
    "half of UTF-16": (b"\xff\xfes\x00i", " is not text in the encoding utf-16; save it as UTF-8"),
    "an unclosed quote": (
        b"six==1.17.0 --hash='sha256:aa\n",
        ', line 1: "--hash=\'sha256:aa" are no options of pip: No closing quotation',
    ),
    "a missing include": (b"six\n-r more.txt\n", ", line 2: more.txt cannot be read: No such file or directory"),
    "a circle": (b"-r wanted.txt\n", ", line 1: wanted.txt leads back to itself; take one of the lines out"),
    "conflict markers": (b"six\n<<<<<<< HEAD\nx\n", ", line 2: '<<<<<<<' is what a merge leaves; take one side of it"),
    "no requirement": (b"six\nsix is fine\n", ", line 2: 'six is fine' is not a requirement such as name>=1.0"),
    "a variable that is not set": (b"${ABSENT}==1\n", ", line 1: the environment variable ABSENT is not set"),
}


@pytest.mark.parametrize(("content", "told"), SPOILT.values(), ids=SPOILT)
def test_requirements_that_cannot_be_read(built: Buildout, content: bytes, told: str) -> None:
    """A requirements file that cannot be read, imported or live, is told with its line; nothing is changed."""
    (built.root / "wanted.txt").write_bytes(content)
    before = standing(built)
    built.index.requests.clear()
    for way in ("eggcarton import wanted.txt", "buildout eggcarton:requirements=wanted.txt"):
        program, *arguments = way.split()
        output = built.fails(*arguments, program=program, status=2)
        assert output.startswith(f"Error: wanted.txt{told}"), output
        assert ([], before, 1) == (built.index.requests, standing(built), len(output.splitlines()))


def test_killed_while_locking(built: Buildout) -> None:
    """A run that is killed while it locks leaves the lock as it was, and the next one goes on."""
    right = built.lock.read_bytes()
    built.index.requests.clear()
    built.index.fault("/simple/greeting/", "stall:0.5")
    process = built.start("lock", "--upgrade", "greeting", program="eggcarton")
    wait_for(lambda: built.index.paths("/simple/greeting/"), process)
    stop(process, signal.SIGKILL)
    assert right == built.lock.read_bytes()
    built.build()
    assert right == built.lock.read_bytes()


def test_a_full_disk_while_locking(built: Buildout) -> None:
    """Where nothing can be written a lock is not made: one sentence, and the old lock stands."""
    before = standing(built)
    command = "ulimit -f 0; exec bin/eggcarton lock --upgrade"
    status, output = run(["sh", "-c", command], cwd=built.root, variables=built.environment())
    assert (1, 1, True) == (status, len(output.splitlines()), output.startswith("Error: No usable temporary")), output
    assert before == standing(built)
