"""A run that is killed, interrupted or out of room leaves nothing but what the next one goes on with."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eggcarton.indexes.cache import Cache, CacheProblem, file_digest
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.partial import OLD, Partial, sweep
from eggcarton.indexes.routing import Index as Configured
from eggcarton.indexes.routing import Routing
from eggcarton.indexes.wanted import Wanted
from support.distributions import wheel
from support.index import Index

FETCH = """
import sys
from pathlib import Path
from eggcarton.core.errors import EggcartonError
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index, Routing
from eggcarton.indexes.wanted import Wanted

url, cache, project, name, sha256, size = sys.argv[1:]
network = Network(Client(), warn=print)
fetcher = Fetcher(Cache(Path(cache)), Pages(Routing((Index("main", url),)), network), network)
try:
    fetcher.fetch([Wanted(project, name, sha256, int(size))])
except EggcartonError as error:
    print(type(error).__name__, error)
except KeyboardInterrupt:
    print("interrupted")
"""


pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    noise = random.Random(1).randbytes(400_000).hex()
    wheel(tmp_path / "served", "six", "1.0", {"six.py": f"data = {noise!r}\n"})
    with Index(tmp_path / "served") as serving:
        yield serving


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def file(index: Index) -> Wanted:
    (six,) = index.distributions()
    return Wanted(six.project, six.path.name, six.sha256, six.size)


def started(index: Index, cache: Cache, file: Wanted, room: int | None = None) -> subprocess.Popen[str]:
    """Begin a run of its own process, whose files may have so many bytes."""

    def limit() -> None:
        if room is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    return subprocess.Popen(
        [sys.executable, "-c", FETCH, index.url, cache.directory, file.project, file.name, file.sha256, str(file.size)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
    )


def fetched(index: Index, cache: Cache, file: Wanted, patience: float = 60.0) -> Path:
    network = Network(Client())
    pages = Pages(Routing((Configured("main", index.url),)), network)
    fetcher = Fetcher(cache, pages, network, patience=patience)
    return fetcher.fetch([file])[file.sha256]


def stored(cache: Cache) -> dict[str, int]:
    """All files of the cache, half-made ones too, with their sizes."""
    return {
        str(path.relative_to(cache.directory)): path.stat().st_size
        for path in cache.directory.rglob("*")
        if path.is_file()
    }


def wait_for(cache: Cache, name: str, size: int) -> None:
    """Wait until a process has written so many bytes, or the whole file, which then lies elsewhere."""
    sha256 = Path(name).name
    while size > max(map(size_of, (cache.directory / name, cache.directory / f"sha256/{sha256[:2]}/{sha256}"))):
        signal.sigtimedwait([], 0.01)


def size_of(path: Path) -> int:
    """Return the size of a file, none where it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_an_ended_run_is_gone_on_with(index: Index, cache: Cache, file: Wanted, end: signal.Signals) -> None:
    """After a kill or Ctrl-C in the middle of a file, the next run asks for the rest alone."""
    half = int((file.size or 0) * 0.5)
    index.fault("/files/*", "stall:0.5")
    with started(index, cache, file) as process:
        wait_for(cache, f"partial/{file.sha256}", half)
        process.send_signal(end)
        told, _ = process.communicate(timeout=300)
    assert ("interrupted\n" if end == signal.SIGINT else "") == told
    assert {f"partial/{file.sha256}": half} == stored(cache)
    assert file.sha256 == file_digest(fetched(index, cache, file))
    assert f"bytes={half}-" == index.requests[-1].headers.get("Range")
    assert [f"sha256/{file.sha256[:2]}/{file.sha256}"] == list(stored(cache))


def test_a_full_disk(index: Index, cache: Cache, file: Wanted) -> None:
    """A disk without room is told in one sentence; no route is blamed, asked again or warned of."""
    with started(index, cache, file, room=100_000) as process:
        told, _ = process.communicate(timeout=300)
    assert told.startswith(f"CacheProblem the cache {cache.directory} cannot be written: file too large; make room")
    assert 1 == len(told.splitlines())
    assert 1 == len(index.paths("/files/*"))
    assert {f"partial/{file.sha256}": 100_000} == stored(cache)


def test_two_builds_fetch_a_file_once(index: Index, cache: Cache, file: Wanted) -> None:
    """While one build is at a file, others wait for it; all have it then, and it was asked for once."""
    index.fault("/files/*", f"slow:{(file.size or 0) // 2}")
    with started(index, cache, file) as process, started(index, cache, file) as other:
        wait_for(cache, f"partial/{file.sha256}", 1)
        assert file.sha256 == file_digest(fetched(index, cache, file))
        assert [("", 0), ("", 0)] == [(each.communicate(timeout=300)[0], each.returncode) for each in (process, other)]
    assert 1 == len(index.paths("/files/*"))
    assert [f"sha256/{file.sha256[:2]}/{file.sha256}"] == list(stored(cache))


def test_who_waits_goes_on_when_the_other_dies(index: Index, cache: Cache, file: Wanted) -> None:
    """When a build is killed that others wait for, one of them goes on where it was, and the others wait for that."""
    half = int((file.size or 0) * 0.5)
    index.fault("/files/*", "stall:0.5", "ok")
    with started(index, cache, file) as first:
        wait_for(cache, f"partial/{file.sha256}", half)
        with started(index, cache, file) as second, started(index, cache, file) as third:
            assert [None, None] == [each.poll() for each in (second, third)]
            first.kill()
            assert ["", ""] == [each.communicate(timeout=300)[0] for each in (second, third)]
    ranges = [request.headers.get("Range") for request in index.requests if request.path.startswith("/files/")]
    assert [None, f"bytes={half}-"] == ranges
    assert [f"sha256/{file.sha256[:2]}/{file.sha256}"] == list(stored(cache))


def test_two_builds_and_one_cache(index: Index, cache: Cache, file: Wanted) -> None:
    """While nothing comes of a file that one build is at, another one brings it, and neither disturbs the other."""
    index.fault("/files/*", "stall:0.5", "ok")
    with started(index, cache, file) as process:
        wait_for(cache, f"partial/{file.sha256}", int((file.size or 0) * 0.5))
        assert file.sha256 == file_digest(fetched(index, cache, file, patience=0.1))
        assert 2 == len(stored(cache))
        process.kill()
    assert file.sha256 == file_digest(fetched(index, cache, file))


def test_what_an_earlier_run_left_may_be_wrong(index: Index, cache: Cache, file: Wanted) -> None:
    """Where what an earlier run left does not fit, the whole is fetched once more, and no route is to blame."""
    with Partial(cache, file.sha256) as partial:
        partial.write(b"PK\x03\x04 and other bytes", index.url)
        left = partial.size
    assert file.sha256 == file_digest(fetched(index, cache, file))
    assert [f"bytes={left}-", None] == [
        request.headers.get("Range") for request in index.requests if request.path.startswith("/files/")
    ]


def test_what_had_come_whole_is_not_asked_for(index: Index, cache: Cache, file: Wanted) -> None:
    """A file that had come whole when its run was killed costs no request."""
    with Partial(cache, file.sha256) as partial:
        partial.write((index.directory / file.name).read_bytes(), index.url)
    assert file.sha256 == file_digest(fetched(index, cache, file))
    assert [] == index.requests


def test_a_partial_file_has_one_writer(cache: Cache) -> None:
    """Who comes second writes a file of its own, of which nothing stays."""
    with Partial(cache, 64 * "a") as first, Partial(cache, 64 * "a") as second:
        first.write(b"one", "http://index.example/")
        second.write(b"two", "http://index.example/")
        assert 2 == len(stored(cache))
    assert {f"partial/{64 * 'a'}": 3} == stored(cache)


def test_old_partial_files_are_removed(cache: Cache) -> None:
    """What nobody goes on with for a day is removed, and what is being written is not."""
    for name in ("a", "b", "c"):
        with Partial(cache, 64 * name) as partial:
            partial.write(b"half", "http://index.example/")
    for name, age in (("a", OLD + 9), ("b", OLD - 999), ("c", OLD + 9)):
        path = cache.partial / (64 * name)
        os.utime(path, (1_000_000_000 - age, 1_000_000_000 - age))
    with Partial(cache, 64 * "c"):
        sweep(cache, 1_000_000_000)
    assert [f"partial/{64 * 'b'}", f"partial/{64 * 'c'}"] == sorted(stored(cache))


def test_leftovers_of_killed_runs_are_removed(cache: Cache) -> None:
    """A file that only the killed run itself could have gone on with is removed by the next one."""
    cache.partial.mkdir(parents=True)
    leftover = cache.partial / f"{64 * 'a'}.x"
    leftover.write_bytes(b"half")
    os.utime(leftover, (1, 1))
    sweep(cache)
    assert {} == stored(cache)


def test_an_unwritable_cache(index: Index, file: Wanted, tmp_path: Path) -> None:
    """A cache below a file is told of before anything is asked."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CacheProblem):
        fetched(index, Cache(tmp_path / "file"), file)
    assert [] == index.requests
