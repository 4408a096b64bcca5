"""Faults 27 to 30: kills, disks, clocks, offline, and locks that must not be obeyed."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from eggcarton.child.door import Sources
from eggcarton.core.errors import Unavailable
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.routing import Index as Configured
from support.scene import Make, Scene

MIRROR, CANONICAL = "mirror", "canonical"
SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture
def large(make: Make) -> Scene:
    """A file that is worth going on with, by the canonical route only."""
    made = make(size=400_000)
    made.route(CANONICAL)
    return made


def start(scene: Scene, trouble: str = "", **more: Any) -> subprocess.Popen[str]:
    """Fetch the files of a scene in another process."""
    order: dict[str, Any] = {
        "routes": [*scene.addresses.values()],
        "cache": str(scene.cache.directory),
        "trouble": trouble,
    }
    order["files"] = [asdict(file) for file in scene.wanted]
    return subprocess.Popen(
        [sys.executable, SUPPORT / "fetching.py", json.dumps(order | more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "no_proxy": "127.0.0.1"},
    )


def until(happened: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for what a process brings about, as long as it lives."""
    limit = time.monotonic() + 60
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_fault_27_killed_while_downloading(large: Scene) -> None:
    """What a killed run had is no file of the cache; the next run goes on with it."""
    large.servers[CANONICAL].fault("/files/*", "stall:0.9")
    assert ["TimeoutError"] == large.control()
    with start(large, read=60.0) as process:
        until(lambda: sum(large.partial.values()), process)
        process.kill()
    assert -signal.SIGKILL == process.returncode
    large.check_cache()
    (kept,) = large.partial.values()
    done = large.fetch()
    assert (None, {CANONICAL: 1}, {}) == (done.error, done.served(), large.partial)
    assert [f"bytes={kept}-"] == [r.headers["Range"] for r in large.servers[CANONICAL].requests if "Range" in r.headers]


def test_fault_27_killed_while_renaming(large: Scene) -> None:
    """A run that is killed before a whole file gets its name leaves it to the next run, which asks for nothing."""
    with start(large, "replace") as process:
        assert -signal.SIGKILL == process.wait(60)
    large.check_cache()
    assert [large.wanted[0].size] == [*large.partial.values()]
    large.servers[CANONICAL].rewind()
    done = large.fetch()
    assert (None, {CANONICAL: 0}, {}) == (done.error, large.counts("*"), large.partial)


def test_fault_27_two_builds_one_cache(make: Make) -> None:
    """Two runs that fill one cache at once both end well, whatever one of them finds half done by the other."""
    scene = make(*[f"web{number}" for number in range(12)], size=60_000)
    scene.route(CANONICAL)
    scene.servers[CANONICAL].fault("/files/*", "wait:0.05", forever=True)
    with start(scene) as one, start(scene) as two:
        told = [process.communicate(timeout=60) for process in (one, two)]
    assert [("12 files\n", "")] * 2 == told
    scene.check_cache()
    assert {} == scene.partial
    assert scene.counts()[CANONICAL] <= 24


def test_fault_27_another_build_is_stopped(large: Scene) -> None:
    """A run does not wait for another one that holds a file half done and does not go on."""
    large.servers[CANONICAL].fault("/files/*", "stall:0.5")
    with start(large, read=60.0) as process:
        until(lambda: sum(large.partial.values()), process)
        process.send_signal(signal.SIGSTOP)
        try:
            done = large.fetch()
        finally:
            process.kill()
    assert (None, {CANONICAL: 1}) == (done.error, done.served())
    large.check_cache()


def test_fault_28_disk_full(large: Scene) -> None:
    """A full disk ends the run with its reason after one request: it is no route's fault."""
    with start(large, "full") as process:
        _, told = process.communicate(timeout=60)
    reason = f"CacheProblem: the cache {large.cache.directory} cannot be written: file too large; make room or "
    assert (1, reason) == (process.returncode, told[: len(reason)])
    assert 1 == told.count("\n")
    assert {CANONICAL: 1} == large.counts()
    large.check_cache()
    assert None is large.fetch().error


def test_fault_28_cache_that_cannot_be_written(large: Scene) -> None:
    """A cache that cannot be written ends the run with its place and reason, and no route is blamed."""
    large.cache.directory.write_text("no directory")
    large.cache = Cache(large.cache.directory)
    with start(large) as process:
        _, told = process.communicate(timeout=60)
    assert (1, True) == (process.returncode, str(large.cache.directory) in told)
    assert "Traceback" not in told
    assert large.counts()[CANONICAL] <= 1


@pytest.mark.parametrize("jump", [-10 * 365 * 86_400.0, 10 * 365 * 86_400.0], ids=["back", "forth"])
def test_fault_28_clock_jump(large: Scene, jump: float) -> None:
    """A wall clock that is years off neither hangs a run nor fails it: a date of Retry-After is bounded."""
    large.servers[CANONICAL].fault("/files/*", "status:503 header:Retry-After=Sat,_21_Nov_2026_12:00:05_GMT")
    assert ["HTTP 503"] == large.control()
    large.wall = lambda: 1_795_262_400.0 + jump
    done = large.fetch()
    if jump > 0:
        assert (None, {CANONICAL: 1}) == (done.error, done.served())
        assert done.waited < 5.0
    else:
        # Nobody can tell this from a server that wants to be left alone for years.
        assert (Unavailable, 0.0) == (type(done.error), done.waited)


@contextmanager
def connections() -> Iterator[list[object]]:
    """Note every address that this process connects to or looks up."""
    asked: list[object] = []
    is_noting = [True]

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if is_noting[0] and event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
            asked.append((event, arguments[1:]))

    # A hook cannot be taken away.
    sys.addaudithook(note)
    yield asked
    is_noting[0] = False


def offline(scene: Scene, *directories: Path) -> Sources:
    """What a run without a network has."""
    index = Configured("main", scene.addresses[CANONICAL])
    return Sources((index,), (), scene.cache.directory, directories, offline=True)


@pytest.fixture
def dozen(make: Make) -> Scene:
    """Twelve files."""
    made = make(*[f"web{number:02}" for number in range(12)], size=1000)
    made.route(CANONICAL)
    return made


def test_fault_29_offline_and_complete(dozen: Scene) -> None:
    """Offline, all files come from the cache, and no socket is opened; the hook that says so sees one that is."""
    with connections() as asked:
        assert None is dozen.fetch().error
        assert asked
    dozen.servers[CANONICAL].rewind()
    with connections() as asked:
        found = offline(dozen).open().fetch(dozen.wanted)
    assert ({file.sha256 for file in dozen.wanted}, []) == ({*found}, asked)
    assert {CANONICAL: 0} == dozen.counts("*")


def test_fault_29_offline_with_three_missing(dozen: Scene) -> None:
    """Offline, all that is missing is named at once, and no socket is opened."""
    dozen.fetch(dozen.wanted[3:])
    with connections() as asked, pytest.raises(Unavailable) as caught:
        offline(dozen).open().fetch(dozen.wanted)
    assert ([], 4) == (asked, caught.value.exit_code)
    told = str(caught.value)
    assert [True] * 3 + [False] * 9 == [file.name in told for file in dozen.wanted]
    assert "3 files" in told


def test_fault_29_a_bundle_with_a_bad_byte(dozen: Scene, tmp_path: Path) -> None:
    """A file of a bundle that has one wrong byte is as if it were missing, and is named."""
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for file in dozen.wanted:
        (bundle / file.name).write_bytes((dozen.directory / file.name).read_bytes())
    assert 12 == len(offline(dozen, bundle).open().fetch(dozen.wanted))
    body = bytearray((bundle / dozen.wanted[5].name).read_bytes())
    body[len(body) // 2] ^= 1
    (bundle / dozen.wanted[5].name).write_bytes(body)
    with pytest.raises(Unavailable) as caught:
        offline(dozen, bundle).open().fetch(dozen.wanted)
    assert [5] == [n for n, file in enumerate(dozen.wanted) if file.name in str(caught.value)]


def test_fault_29_a_link_out_of_the_bundle(dozen: Scene, tmp_path: Path) -> None:
    """A link in a bundle that leads to other bytes is as if the file were missing; bytes decide, not places."""
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / dozen.wanted[0].name).symlink_to(dozen.directory / dozen.wanted[1].name)
    (bundle / dozen.wanted[1].name).symlink_to(bundle)
    (bundle / dozen.wanted[2].name).symlink_to(bundle / "nowhere")
    for file in dozen.wanted[:3]:
        with pytest.raises(Unavailable, match=file.name):
            offline(dozen, bundle).open().fetch([file])


ELSEWHERE = {
    "27, killed while installing": ("buildout/test_transaction.py", "test_a_kill_leaves_what_the_next_run_puts_right"),
    "27, killed while fetching": (
        "buildout/test_transaction.py",
        "test_a_run_killed_while_it_fetches_leaves_nothing_half_made",
    ),
    "27, two runs": ("buildout/test_transaction.py", "test_two_runs_at_once"),
    "28, lock on a full disk": ("child/test_writing.py", "test_a_disk_that_is_full"),
    "28, place that cannot be written": ("child/test_writing.py", "test_a_place_that_cannot_be_written"),
    "29, a name with ../": ("packages/test_lock.py", "test_what_is_refused"),
    "30, lock abuse": ("buildout/test_refusals.py", "test_a_lock_that_must_not_be_obeyed"),
}


@pytest.mark.parametrize("where", ELSEWHERE.values(), ids=ELSEWHERE)
def test_fault_27_28_30_elsewhere(where: tuple[str, str]) -> None:
    """What else belongs to these faults is tested where it lives, under these names."""
    module = ast.parse((Path(__file__).parents[1] / where[0]).read_text("utf-8"))
    assert where[1] in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


def test_fault_30_a_lock_with_the_hash_of_other_bytes(dozen: Scene) -> None:
    """A lock that names another sha256 for a file is not obeyed with the file's own bytes."""
    file = dozen.wanted[0]
    body = (dozen.directory / file.name).read_bytes()
    assert ["right"] == dozen.control()
    changed = replace(file, sha256=hashlib.sha256(body + b"x").hexdigest())
    done = dozen.fetch([changed])
    assert 5 == getattr(done.error, "exit_code", None)
    assert [] == [path for path in dozen.cache.directory.rglob("*") if path.is_file()]
