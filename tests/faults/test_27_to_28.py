"""Faults 27 and 28: kills, disks and clocks. The control writes what plain urllib brings to the file's own name.

Runs killed while they install, and two of them at once, are in tests/buildout/test_transaction.py: urllib installs
nothing, so that there is no control, and that the kill came is seen by the status of the run. A lock for which there is
no room, or that cannot be written, is in tests/child/test_writing.py, where the control is a plain write: urllib makes
no lock.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from eggcarton.core.errors import Unavailable
from eggcarton.indexes.cache import Cache, file_digest
from support.scene import Make, Scene

CANONICAL = "canonical"
SUPPORT = Path(__file__).parents[1] / "support"

LIMIT = 120
"""Seconds for what takes a few: they only end what hangs."""


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


def control(scene: Scene, trouble: str = "", **more: Any) -> subprocess.Popen[str]:
    """Fetch the files of a scene by plain urllib into a cache of its own, in another process."""
    return start(scene, trouble, cache=str(scene.place / "plain"), plain=True, **more)


def plainly(scene: Scene) -> list[str]:
    """Tell what the cache of the control has for each file: ``right``, ``wrong`` or ``missing``."""
    told = []
    for file in scene.wanted:
        place, right = scene.place / "plain" / file.name, scene.directory / file.name
        told.append(
            "missing" if not place.exists() else "right" if file_digest(place) == file_digest(right) else "wrong"
        )
    return told


def plain_size(scene: Scene) -> int:
    """Return how many bytes the control has of the first file."""
    place = scene.place / "plain" / scene.wanted[0].name
    return place.stat().st_size if place.exists() else 0


def until(happened: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for what a process brings about, as long as it lives."""
    limit = time.monotonic() + LIMIT
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_fault_27_killed_while_downloading(large: Scene) -> None:
    """What a killed run had is no file of the cache; the next run goes on with it."""
    large.servers[CANONICAL].fault("/files/*", "stall:0.9")
    assert ["TimeoutError"] == large.control()
    with control(large) as process:
        until(lambda: plain_size(large), process)
        process.kill()
    with control(large) as process:
        assert "1 files\n" == process.communicate(timeout=LIMIT)[0]
    assert (["wrong"], {CANONICAL: 1}) == (plainly(large), large.counts())
    large.servers[CANONICAL].rewind()
    with start(large) as process:
        until(lambda: sum(large.partial.values()), process)
        process.kill()
    assert -signal.SIGKILL == process.returncode
    large.check_cache()
    (kept,) = large.partial.values()
    done = large.fetch()
    assert (None, {CANONICAL: 1}, {}) == (done.error, done.served(), large.partial)
    assert {CANONICAL: 2} == large.counts()
    assert [f"bytes={kept}-"] == [r.headers["Range"] for r in large.servers[CANONICAL].requests if "Range" in r.headers]


def test_fault_27_killed_while_renaming(large: Scene) -> None:
    """A run that is killed before a whole file gets its name leaves it to the next run, which asks for nothing."""
    for status in (-signal.SIGKILL, 0):
        with control(large, "" if status == 0 else "replace", beside=True) as process:
            assert status == process.wait(LIMIT)
    # What lay whole beside its name was asked for again.
    assert {CANONICAL: 2} == large.counts()
    large.servers[CANONICAL].rewind()
    with start(large, "replace") as process:
        assert -signal.SIGKILL == process.wait(LIMIT)
    assert {CANONICAL: 1} == large.counts()
    large.check_cache()
    assert [large.wanted[0].size] == [*large.partial.values()]
    large.servers[CANONICAL].rewind()
    done = large.fetch()
    assert (None, {CANONICAL: 0}, {}) == (done.error, large.counts("*"), large.partial)


def test_fault_27_two_builds_one_cache(make: Make) -> None:
    """Two runs that fill one cache at once both end well, whatever one of them finds half done by the other.

    Each asks at most once for each file: which of them comes first to a file is the system's affair, not the test's.
    """
    scene = make(*[f"web{number}" for number in range(12)], size=60_000)
    scene.route(CANONICAL)
    server = scene.servers[CANONICAL]
    server.fault("/files/*", "stall:0.5", "wait:0.05", forever=True)
    with control(scene) as one:
        until((scene.place / "plain" / scene.wanted[0].name).exists, one)
        with control(scene) as two:
            assert "12 files\n" == two.communicate(timeout=LIMIT)[0]
        one.kill()
    assert ["wrong"] + ["right"] * 11 == plainly(scene)
    # The script has gone on to its last step.
    server.requests.clear()
    with start(scene) as one, start(scene) as two:
        told = [process.communicate(timeout=LIMIT) for process in (one, two)]
    assert [("12 files\n", "")] * 2 == told
    scene.check_cache()
    assert {} == scene.partial
    assert 12 <= scene.counts()[CANONICAL] <= 24


def test_fault_27_another_build_is_stopped(large: Scene) -> None:
    """A run does not wait for another one that holds a file half done and does not go on."""
    large.servers[CANONICAL].fault("/files/*", "stall:0.5")
    with control(large) as process:
        until(lambda: plain_size(large), process)
        process.send_signal(signal.SIGSTOP)
        with control(large) as other:
            assert "1 files\n" == other.communicate(timeout=LIMIT)[0]
        process.kill()
    assert ["wrong"] == plainly(large)
    large.servers[CANONICAL].rewind()
    with start(large) as process:
        until(lambda: sum(large.partial.values()), process)
        process.send_signal(signal.SIGSTOP)
        try:
            done = large.fetch()
        finally:
            process.kill()
    assert (None, {CANONICAL: 1}, {CANONICAL: 2}) == (done.error, done.served(), large.counts())
    large.check_cache()


def test_fault_28_disk_full(large: Scene) -> None:
    """A full disk ends the run with its reason after one request: it is no route's fault."""
    for status in (1, 0):
        with control(large, "full") as process:
            assert status == process.wait(LIMIT)
    # What the full disk left has the name of the file, and the next run believes it.
    assert ["wrong"] == plainly(large)
    large.servers[CANONICAL].rewind()
    with start(large, "full") as process:
        _, told = process.communicate(timeout=LIMIT)
    reason = f"CacheProblem: the cache {large.cache.directory} cannot be written: file too large; make room or "
    assert (1, reason) == (process.returncode, told[: len(reason)])
    assert 1 == told.count("\n")
    assert {CANONICAL: 1} == large.counts()
    large.check_cache()
    assert None is large.fetch().error


def test_fault_28_cache_that_cannot_be_written(large: Scene) -> None:
    """A cache that cannot be written ends the run with its place and reason, and no route is blamed."""
    (large.place / "plain").write_text("no directory")
    with control(large) as process:
        assert "Traceback" in process.communicate(timeout=LIMIT)[1]
    large.cache.directory.write_text("no directory")
    large.cache = Cache(large.cache.directory)
    with start(large) as process:
        _, told = process.communicate(timeout=LIMIT)
    assert (1, True) == (process.returncode, str(large.cache.directory) in told)
    assert "Traceback" not in told
    assert {CANONICAL: 0} == large.counts("*")


@pytest.mark.parametrize("jump", [-10 * 365 * 86_400.0, 10 * 365 * 86_400.0], ids=["back", "forth"])
def test_fault_28_clock_jump(large: Scene, jump: float) -> None:
    """A wall clock that is years off neither hangs a run nor fails it: a date of Retry-After is bounded."""
    large.servers[CANONICAL].fault("/files/*", "status:503 header:Retry-After=Sat,_21_Nov_2026_12:00:05_GMT")
    assert ["HTTP 503"] == large.control()
    large.wall = lambda: 1_795_262_400.0 + jump
    done = large.fetch()
    if jump > 0:
        assert (None, {CANONICAL: 1}, {CANONICAL: 2}) == (done.error, done.served(), large.counts())
        assert done.waited < 5.0
    else:
        # Nobody can tell this from a server that wants to be left alone for years.
        assert (Unavailable, {CANONICAL: 1}, 0.0) == (type(done.error), large.counts(), done.waited)
