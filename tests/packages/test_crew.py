"""Wheels are unpacked side by side, by processes that never outlive who wanted it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError, IntegrityProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.packages.crew import Crew, Unpacker, processors
from eggcarton.packages.unpacking import Made, Order
from support.distributions import wheel

TAG = "py3.11-linux-x86_64"
# Enough for another process to be worth while.
LARGE = {"large.bin": os.urandom(5 << 20)}


def order(path: Path, directory: Path) -> Order:
    """Return an order for a wheel of version 1.0, whose egg is made in a directory."""
    return Order(path, path.name, path.name.partition("-")[0], "1.0", file_digest(path), directory / path.stem, TAG)


def ordered(directory: Path, names: Sequence[str]) -> list[Order]:
    """Return orders for large wheels, whose RECORD tells a wrong digest of the first file."""
    paths = [
        wheel(directory, name, modules={f"{name}.py": f"name = {name!r}\n", **LARGE}, corrupt_record=True)
        for name in names
    ]
    return [order(path, directory / "eggs") for path in paths]


def children() -> set[int]:
    """Return the processes that this one has started and that are not gone.

    What earlier tests have left goes whenever it likes: only those that are new tell anything.
    """
    found = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(pid) for path in found for pid in path.read_text().split()}


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_all_are_unpacked(tmp_path: Path, processes: int) -> None:
    """However many processes there are, each egg is made once, and told once."""
    orders, told = ordered(tmp_path, [f"p{n}" for n in range(6)]), list[tuple[Order, Made]]()
    with Crew(lambda *one: told.append(one), processes) as crew:
        for one in orders:
            crew.give(one)
    assert sorted(map(str, orders)) == sorted(str(one) for one, _ in told)
    for one, made in told:
        info, mistold = f"{one.name}-1.0.dist-info", (f"{one.name}.py",)
        assert Made(one.directory / f"{one.name}-1.0-{TAG}.egg", info, "1.0", mistold) == made
        assert (f"name = '{one.name}'\n", LARGE["large.bin"]) == (
            (made.egg / f"{one.name}.py").read_text(),
            (made.egg / "large.bin").read_bytes(),
        )


def test_they_are_unpacked_while_more_are_given(tmp_path: Path) -> None:
    """What was given is worked on before the block ends, where there is enough of it."""
    orders, told = ordered(tmp_path, ["a", "b", "c"]), list[str]()
    read, write = os.pipe()

    def done(one: Order, _: Made) -> None:
        told.append(one.name)
        os.write(write, b".")

    with Crew(done, 2) as crew:
        for one in orders:
            crew.give(one)
        # All three are done by the other process alone.
        assert b"..." == b"".join(os.read(read, 1) for _ in orders)
        assert ["a", "b", "c"] == sorted(told)
    os.close(read)
    os.close(write)


def test_a_small_job_starts_nothing(tmp_path: Path) -> None:
    """Few small wheels are unpacked by this process, which is done sooner than another one has begun."""
    orders, before = [order(wheel(tmp_path, f"p{n}"), tmp_path / "eggs") for n in range(20)], children()
    with Crew(lambda *_: None, 8) as crew:
        for one in orders:
            crew.give(one)
        assert set() == children() - before
    assert 20 == len(list((tmp_path / "eggs").iterdir()))


def test_the_largest_is_first(tmp_path: Path) -> None:
    """The largest wheel is begun first: it would be waited for."""
    names, told = ["a", "b", "c"], list[str]()
    paths = [
        wheel(tmp_path, name, modules={"a.bin": os.urandom(size)})
        for name, size in zip(names, (9, 999, 99), strict=True)
    ]
    with Crew(lambda one, _: told.append(one.name), 1) as crew:
        for path in paths:
            crew.give(order(path, tmp_path / "eggs"))
    assert ["b", "c", "a"] == told


@pytest.mark.parametrize("processes", [1, 3])
def test_what_goes_wrong_is_told(tmp_path: Path, processes: int) -> None:
    """An error is the same, whichever process found it, and no process is left."""
    before = children()
    wrong = wheel(tmp_path, "wrong", modules={"../wrong.py": "", **LARGE})
    orders = [order(wrong, tmp_path / "more"), *ordered(tmp_path, ["a"])]
    with pytest.raises(IntegrityProblem, match=r"\Awrong-1\.0-py3-none-any\.whl holds '\.\./wrong\.py', which "):
        give([order(wrong, tmp_path / "one")], processes)
    with pytest.raises(IntegrityProblem, match=r"\Awrong-1\.0-py3-none-any\.whl holds '\.\./wrong\.py', which "):
        give(orders, processes)
    assert set() == children() - before


def give(orders: Sequence[Order], processes: int) -> None:
    """Have all done."""
    with Crew(lambda *_: None, processes) as crew:
        for one in orders:
            crew.give(one)


def test_errors_of_every_kind(tmp_path: Path) -> None:
    """What another process finds comes as what it is, and the next order is done nevertheless."""
    (good,) = ordered(tmp_path, ["good"])
    empty = tmp_path / "empty-1.0-py3-none-any.whl"
    empty.write_bytes(b"")
    (tmp_path / "file").write_text("")
    unpacker = Unpacker()
    assert unpacker.is_ready()
    with pytest.raises(IntegrityProblem, match="has another sha256") as caught:
        unpacker.unpack(replace(good, sha256="0" * 64))
    assert ("0" * 64, good.sha256) == (caught.value.expected, caught.value.found)
    with pytest.raises(EggcartonError, match=r"\Aempty-1\.0-py3-none-any\.whl is not a valid wheel: File is not a zip"):
        unpacker.unpack(order(empty, tmp_path / "eggs"))
    with pytest.raises(NotADirectoryError) as refused:
        unpacker.unpack(replace(good, directory=tmp_path / "file" / "eggs"))
    assert str(tmp_path / "file" / "eggs" / "good-1") in str(refused.value.filename)
    with pytest.raises(RuntimeError, match=r"good-1\.0-py3-none-any\.whl: Traceback"):
        unpacker.unpack(replace(good, version=None))  # type: ignore[arg-type]
    assert unpacker.unpack(good).egg.is_dir()
    unpacker.end()


def test_an_unpacker_that_was_killed(tmp_path: Path) -> None:
    """Where a process is killed, as where there is no memory left, the wheel that it was at is told."""
    (one,) = ordered(tmp_path, ["one"])
    before, unpacker = children(), Unpacker()
    assert unpacker.is_ready()
    (pid,) = children() - before
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(EggcartonError, match=r"\Aone-1\.0-py3-none-any\.whl could not be unpacked: .* status -9; run"):
        unpacker.unpack(one)


def test_an_unpacker_that_was_killed_while_it_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an answer is none: the wheel that the process was at is told in the same words."""
    (one,) = ordered(tmp_path, ["one"])
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho '{}'\nread order\nprintf '{\"made\": [\"/e'\nkill -KILL $$\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    unpacker = Unpacker()
    assert unpacker.is_ready()
    with pytest.raises(EggcartonError, match=r"\Aone-1\.0-py3-none-any\.whl could not be unpacked: .* status -9; run"):
        unpacker.unpack(one)


def test_where_no_process_can_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no other process can be started, this one does it all."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    orders = ordered(tmp_path, ["a", "b"])
    give(orders, 4)
    assert [True, True] == [one.directory.is_dir() for one in orders]


def test_what_is_given_up(tmp_path: Path) -> None:
    """Where the block fails, as when it is interrupted, what was given is not waited for, and no process is left."""
    before, pipe = children(), tmp_path / "pipe-1.0-py3-none-any.whl"
    (large,) = ordered(tmp_path, ["large"])
    os.mkfifo(pipe)

    def interrupted() -> None:
        with Crew(lambda *_: None, 2) as crew:
            crew.give(large)
            crew.give(replace(large, wheel=pipe, directory=tmp_path / "other"))
            # The other process is at it once it has opened it.
            with pipe.open("wb"):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (set(), False) == (children() - before, (tmp_path / "other").exists())


WITH_A_CREW = """
import sys
from pathlib import Path
from eggcarton.packages.crew import Crew
from eggcarton.packages.unpacking import Order
pipe, large, sha256 = sys.argv[1:]
with Crew(lambda *_: None, 2) as crew:
    for path in (large, pipe):
        crew.give(Order(Path(path), "large.whl", "large", "1.0", sha256, Path(pipe).parent / "eggs", "tag"))
    sys.stdin.readline()
"""


def test_nothing_is_left_open(tmp_path: Path) -> None:
    """Python has nothing to tell of pipes that nobody has closed."""
    (large,), pipe = ordered(tmp_path, ["large"]), tmp_path / "pipe"
    pipe.symlink_to(large.wheel)
    code = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n{WITH_A_CREW}"
    words = [sys.executable, "-X", "dev", "-c", code, pipe, large.wheel, large.sha256]
    done = subprocess.run(words, input="\n", capture_output=True, text=True, timeout=60, check=False)
    assert "" == "\n".join(line for line in done.stderr.splitlines() if "Warning" in line)


def test_a_kill_ends_all(tmp_path: Path) -> None:
    """When a build is killed, no process of its crew goes on."""
    (large,), pipe = ordered(tmp_path, ["large"]), tmp_path / "pipe"
    os.mkfifo(pipe)
    code = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n{WITH_A_CREW}"
    build = subprocess.Popen(
        [sys.executable, "-c", code, str(pipe), str(large.wheel), large.sha256],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with pipe.open("wb") as stream:
        build.kill()
        assert -signal.SIGKILL == build.wait(300)
        # Whoever reads from the pipe has gone when nobody can be written to any more.
        ended = select.poll()
        ended.register(stream, 0)
        assert [(stream.fileno(), select.POLLERR)] == ended.poll(60_000)
    build.communicate()


def test_as_many_as_may_be_used() -> None:
    """A process that may use one processor only starts no other."""
    code = f"import os, sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n"
    code += "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
    code += "from eggcarton.packages.crew import processors\nprint(processors())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert ("1\n", len(os.sched_getaffinity(0))) == (done.stdout, processors())
