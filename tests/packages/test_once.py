"""Builds that share a store unpack each egg once, and what ends in the middle leaves nothing that is trusted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from eggcarton.core.standing import digest_of_tree
from eggcarton.indexes.cache import file_digest
from eggcarton.packages import once, seals
from eggcarton.packages.store import Store, Unpacked
from eggcarton.packages.store_names import HIDDEN
from support.distributions import wheel

TAG = "py3.11-test"
BEGIN = """
import os, signal, sys
from pathlib import Path
from eggcarton.packages import once
from eggcarton.packages.store import Store, Unpacked
directory, tag, *wheels = sys.argv[1:]
files, items = {}, []
for argument in wheels:
    sha256, _, path = argument.partition("=")
    files[sha256] = Path(path)
    name, version = files[sha256].name.split("-")[:2]
    items.append(Unpacked(name, version, files[sha256].name, sha256))


def unpack():
    store = Store(Path(directory), tag)
    once.unpacked(store, files, items)
    return sorted(store.added)


"""
# Each work happens in a process of its own, which ends itself right before its step of this number.
STEPS = """
KINDS = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.chmod", "open")


def end_at(number):
    count = 0

    def note(event, arguments):
        nonlocal count
        path = os.fsdecode(arguments[0]) if event in KINDS and isinstance(arguments[0], (str, bytes, Path)) else ""
        if path.startswith(directory) and (event != "open" or (arguments[2] & os.O_ACCMODE) != os.O_RDONLY):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(note)


print("ready", flush=True)
for line in sys.stdin:
    number, directory = line.rstrip("\\n").split(" ", 1)
    child = os.fork()
    if not child:
        end_at(int(number))
        unpack()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
HELD = """
print("ready", flush=True)
sys.stdin.readline()
print(*unpack(), flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "eggs", TAG)


@pytest.fixture
def wheels(tmp_path: Path) -> dict[str, Path]:
    """Wheels by their sha256: with modules, data files and scripts."""
    paths = [
        wheel(tmp_path / "wheels", "one", modules={"one.py": "n = 1\n", "acme/one.py": ""}),
        wheel(tmp_path / "wheels", "two", data={"data/share/two.txt": "two\n", "scripts/two": "#!python\n"}),
    ]
    return {file_digest(path): path for path in paths}


def items(wheels: Mapping[str, Path]) -> list[Unpacked]:
    return [Unpacked(*path.name.split("-")[:2], path.name, sha256) for sha256, path in wheels.items()]


def command(code: str, store: Store, wheels: Mapping[str, Path]) -> Sequence[str]:
    files = [f"{sha256}={path}" for sha256, path in wheels.items()]
    path = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n"
    return [sys.executable, "-c", path + BEGIN + code, str(store.directory), store.tag, *files]


@contextmanager
def held(store: Store, wheels: Mapping[str, Path], code: str = HELD) -> Iterator[subprocess.Popen[str]]:
    """Give a process that unpacks once a line is sent to it, and prints what it has unpacked."""
    with subprocess.Popen(
        command(code, store, wheels),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def left(store: Store) -> list[str]:
    """What lies beside the eggs and the names that they are given."""
    return sorted(path.name for path in (store.directory / HIDDEN).glob(".*") if path.name != ".claims.lock")


def digests(store: Store, wheels: Mapping[str, Path]) -> list[str]:
    fresh = Store(store.directory, store.tag)
    eggs = [fresh.find(sha256) for sha256 in wheels]
    return [digest_of_tree(egg) for egg in eggs if egg is not None]


def test_two_processes_unpack_each_once(store: Store, wheels: dict[str, Path]) -> None:
    """What one process unpacks the others wait for: together they have unpacked each egg once."""
    with held(store, wheels) as one, held(store, wheels) as two, held(store, wheels) as three:
        told: list[str] = []
        threads = [
            threading.Thread(
                target=lambda process: told.extend(process.communicate("\n", 300)[0].split()), args=(each,)
            )
            for each in (one, two, three)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [0, 0, 0] == [process.returncode for process in (one, two, three)]
    assert sorted(wheels) == sorted(told)
    assert (2, []) == (len(digests(store, wheels)), left(store))


def test_two_pythons_share_the_files(store: Store, wheels: dict[str, Path]) -> None:
    """Two processes for different Pythons wait for each other too: the second one has the same files."""
    other = Store(store.directory, "py3.12-test")
    with held(store, wheels) as one, held(other, wheels) as two:
        go_on(one)
        go_on(two)
        told = [each.communicate(timeout=300)[0].split() for each in (one, two)]
    assert sorted(wheels) == sorted(told[0] + told[1])
    for sha256 in wheels:
        eggs = [each.find(sha256) for each in (Store(store.directory, TAG), other)]
        inodes = {path.stat().st_ino for egg in eggs if egg is not None for path in egg.rglob("*.py")}
        assert len(inodes) == len(list((eggs[0] or Path()).rglob("*.py")))


@pytest.mark.slow
def test_steps_that_are_killed(store: Store, wheels: dict[str, Path], tmp_path: Path) -> None:
    """Killed before any of its steps, a process leaves eggs that are whole or not trusted; the next one makes them."""
    expected = [digest_of_tree(egg) for egg in once.unpacked(store, wheels, items(wheels)).values()]
    number = trusted = status = 0
    with held(store, wheels, STEPS) as steps:
        assert steps.stdin is not None
        assert steps.stdout is not None
        while not number or status:
            number += 1
            place = tmp_path / f"eggs{number}"
            print(number, place, file=steps.stdin, flush=True)
            status = int(steps.stdout.readline())
            assert status in (0, -signal.SIGKILL)
            found = digests(Store(place, TAG), wheels)
            assert set(found) <= set(expected), number
            trusted += len(found)
            eggs = once.unpacked(Store(place, TAG), wheels, items(wheels)).values()
            assert expected == [digest_of_tree(egg) for egg in eggs], number
            assert [True] * len(expected) == [seals.is_sealed(egg) for egg in eggs], number
    # It has got to where one egg was in place and the other one not.
    assert number > 20
    assert trusted > 2


@pytest.mark.parametrize("room", [0, 20, 200])
def test_a_full_disk(store: Store, wheels: dict[str, Path], room: int) -> None:
    """Where no file may get as long as it is, nothing is trusted; with room again all is made."""
    done = subprocess.run(
        command(f"{LIMIT}unpack()", store, wheels),
        input=f"{room}\n",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert 1 == done.returncode, done.stderr
    assert [] == digests(store, wheels)
    eggs = once.unpacked(store, wheels, items(wheels)).values()
    assert [True, True] == [seals.is_whole(egg) for egg in eggs]
    assert [] == left(store)


LIMIT = """
import resource
room = int(sys.stdin.readline())
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
"""


def test_a_cut_off_egg_is_replaced(store: Store, wheels: dict[str, Path]) -> None:
    """An egg of which a file was lost is none: it is unpacked anew in its place, and nothing of it stays."""
    before = once.unpacked(store, wheels, items(wheels))
    expected = digests(store, wheels)
    first, second = before.values()
    os.truncate(first / "one.py", 2)
    (first / "of the first").touch()
    again = Store(store.directory, TAG)
    assert before == once.unpacked(again, wheels, items(wheels))
    assert {first.parent.name} == again.added
    assert expected == digests(store, wheels)
    assert [] == left(store)
    assert seals.is_whole(second)


def test_a_directory_without_its_metadata(store: Store, wheels: dict[str, Path]) -> None:
    """What stands where an egg belongs and has nothing of one gives way."""
    sha256 = next(iter(wheels))
    (store.directory / HIDDEN / sha256 / f"one-1.0-{TAG}.egg" / "one").mkdir(parents=True)
    assert None is store.find(sha256)
    eggs = once.unpacked(store, wheels, items(wheels))
    assert not (eggs[sha256] / "one").exists()
    assert (eggs[sha256] / "one.py").is_file()
