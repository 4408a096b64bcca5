"""The cache holds under a digest what has that digest, whoever else writes there."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggcarton.core.errors import IntegrityProblem
from eggcarton.indexes.cache import Cache, file_digest


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def files(cache: Cache) -> list[str]:
    """The names of all files of a cache, hidden and half-made ones too."""
    return sorted(path.name for path in cache.directory.rglob("*") if path.is_file())


def test_what_was_added_is_found(cache: Cache) -> None:
    """A file that was added lies under its digest, readable for all and closed to changes by others."""
    path = cache.add(digest(b"onetwo"), [b"one", b"two"], size=6)
    assert path == cache.find(digest(b"onetwo"))
    assert b"onetwo" == path.read_bytes()
    assert 0o644 == path.stat().st_mode & 0o777


@given(st.lists(st.binary(max_size=9)))
def test_division_does_not_matter(tmp_path_factory: pytest.TempPathFactory, blocks: list[bytes]) -> None:
    """However a stream is divided, the file is the whole of it."""
    cache, whole = Cache(tmp_path_factory.mktemp("cache")), b"".join(blocks)
    assert whole == cache.add(digest(whole), blocks, size=len(whole)).read_bytes()
    assert digest(whole) == file_digest(cache.place(digest(whole)))


@pytest.mark.parametrize(
    ("wanted", "size", "message"),
    [
        (digest(b"other"), None, f"the bytes hash to {digest(b'bytes')}, not to {digest(b'other')}"),
        (digest(b"bytes"), 4, "more than the 4 bytes that the lock names arrived"),
        (digest(b"bytes"), 6, "5 bytes arrived, the lock names 6"),
    ],
    ids=["digest", "too long", "too short"],
)
def test_wrong_bytes_are_not_kept(cache: Cache, wanted: str, size: int | None, message: str) -> None:
    """Bytes of another digest or length are refused, and no part of them stays."""
    with pytest.raises(IntegrityProblem) as caught:
        cache.add(wanted, [b"by", b"tes"], size=size)
    assert message == str(caught.value)
    assert [] == files(cache)


def test_reading_stops_past_the_size(cache: Cache) -> None:
    """A stream that never ends is left as soon as it is longer than it may be."""
    taken = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield b"x"

    with pytest.raises(IntegrityProblem):
        cache.add(digest(b"xx"), endless(), size=2)
    assert 3 == len(taken)


def test_broken_stream_leaves_nothing(cache: Cache) -> None:
    """A stream that breaks, or a Ctrl-C, leaves no partial file behind."""

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.add(digest(b"halfhalf"), broken())
    assert [] == files(cache)


def test_file_is_not_there_before_it_is_whole(cache: Cache) -> None:
    """While a stream is being written, its file is not found."""
    seen = []

    def watched() -> Iterator[bytes]:
        yield b"one"
        seen.append(cache.find(digest(b"onetwo")))
        yield b"two"

    cache.add(digest(b"onetwo"), watched())
    assert [None] == seen


def test_missing_file_is_not_found(cache: Cache) -> None:
    """A cache that does not even exist finds nothing and makes nothing."""
    assert None is cache.find(digest(b"never"))
    assert not cache.directory.exists()


def test_spoilt_file_is_removed(cache: Cache) -> None:
    """A file whose bytes have changed in the cache is not found, and is gone, so that it can be added anew."""
    path = cache.add(digest(b"right"), [b"right"])
    path.write_bytes(b"wrong")
    assert None is cache.find(digest(b"right"))
    assert [] == files(cache)
    cache.add(digest(b"right"), [b"right"])
    assert path == cache.find(digest(b"right"))


def test_adding_replaces_a_spoilt_file(cache: Cache) -> None:
    """A file is added over a spoilt one of its name."""
    path = cache.add(digest(b"right"), [b"right"])
    path.write_bytes(b"wrong")
    cache.add(digest(b"right"), [b"right"])
    assert b"right" == path.read_bytes()


def test_two_add_the_same_at_once(cache: Cache) -> None:
    """Two writers of one file, each of which waits for the other in the middle, both succeed."""
    meeting = threading.Barrier(2, timeout=300)

    def blocks() -> Iterator[bytes]:
        yield b"one"
        meeting.wait()
        yield b"two"

    results: list[Path] = []
    writers = [
        threading.Thread(target=lambda: results.append(cache.add(digest(b"onetwo"), blocks()))) for _ in range(2)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(300)
    assert [cache.find(digest(b"onetwo"))] * 2 == results
    assert [digest(b"onetwo")] == files(cache)
