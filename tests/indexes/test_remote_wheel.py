"""What a wheel says of itself is read by ranges, and what is no such wheel is told as that."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggcarton.indexes.client import Client
from eggcarton.indexes.network import Failed, Network
from eggcarton.indexes.pages import Listed
from eggcarton.indexes.remote_wheel import SPOILT, TAIL, metadata, metadata_in
from eggcarton.indexes.routing import Route
from support.distributions import wheel
from support.faults import Response
from support.index import Index

NOISE = random.Random(7).randbytes(3 * TAIL).hex()


pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return wheel(tmp_path / "served", "six", "1.17.0", {"six.py": f"noise = {NOISE!r}"}, requires=["colour"])


@pytest.fixture
def index(path: Path) -> Iterator[Index]:
    with Index(path.parent) as serving:
        yield serving


def inside(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read("six-1.17.0.dist-info/METADATA")


def listed(index: Index) -> Listed:
    (one,) = index.distributions()
    return Listed(one.path.name, f"{index.address}/files/{one.place}", one.sha256, one.size)


def ask(index: Index, file: Listed) -> bytes:
    return metadata(Network(Client()), Route("main", index.url), file)


def test_one_request_is_enough(index: Index, path: Path) -> None:
    """Where metadata comes last in a wheel, as it should, one request for its end brings it."""
    assert path.stat().st_size > 2 * TAIL
    assert inside(path) == ask(index, listed(index))
    (request,) = index.requests
    size = path.stat().st_size
    assert f"bytes={size - TAIL}-{size - 1}" == request.headers["Range"]


def test_metadata_that_comes_first(index: Index, path: Path) -> None:
    """Where metadata does not lie at the end, a second request brings it and little else."""
    with zipfile.ZipFile(path) as archive:
        members = [(member.filename, archive.read(member)) for member in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(members, key=lambda member: "METADATA" not in member[0]):
            archive.writestr(name, content)
    assert inside(path) == ask(index, listed(index))
    assert 2 == len(index.requests)
    assert index.requests[1].headers["Range"].startswith("bytes=0-")
    assert int(index.requests[1].headers["Range"].partition("-")[2]) < 2000


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("ranges:ignored", "is not served in parts"),
        ("ranges:start", "is not served in parts"),
        ("ranges:total", "is not served in parts"),
        ("portal", "is not served in parts"),
    ],
)
def test_ranges_that_are_not_served(index: Index, fault: str, told: str) -> None:
    """A server that gives the whole, or another part, is asked once and not believed."""
    index.fault("/files/*", fault)
    with pytest.raises(Failed) as caught:
        ask(index, listed(index))
    assert told in str(caught.value)
    assert 1 == len(index.requests)


def test_wheels_that_may_as_well_be_fetched(index: Index) -> None:
    """Nothing is asked for where the size is not known, or is that of one part."""
    for size in (None, TAIL):
        with pytest.raises(Failed, match="may as well be fetched whole"):
            ask(index, replace(listed(index), size=size))
    assert [] == index.requests


def test_a_part_that_is_too_short(index: Index) -> None:
    """A part that is shorter than its header says is not believed."""
    file = listed(index)
    assert file.size is not None

    def shorten(response: Response) -> None:
        response.take_range(f"bytes={file.size - TAIL}-{file.size - 1}")
        response.body = response.body[:-9]

    index.fault("/files/*", shorten)
    with pytest.raises(Failed, match="came with another length"):
        ask(index, file)


def broken(change: Callable[[bytearray], None]) -> Callable[[bytes], bytes]:
    def changed(body: bytes) -> bytes:
        found = bytearray(body)
        change(found)
        return bytes(found)

    return changed


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: bytes(len(body)),
        lambda body: b"PK\x05\x06" * (len(body) // 4),
        broken(lambda body: body.__setitem__(slice(-6, -2), struct.pack("<I", len(body)))),
        lambda body: body.replace(b"METADATA", b"METADATO"),
    ],
    ids=["zeros", "ends alone", "a directory elsewhere", "no metadata"],
)
def test_what_is_no_wheel(index: Index, path: Path, spoil: Callable[[bytes], bytes]) -> None:
    """What cannot be read as a wheel is told as that."""
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(Failed, match="is no wheel"):
        ask(index, listed(index))


def small() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("six.py", "x" * 100)
        archive.writestr("six-1.17.0.dist-info/METADATA", "Name: six\n" * 20)
    return stream.getvalue()


@given(st.lists(st.tuples(st.integers(0, len(small()) - 1), st.integers(0, 255)), min_size=1, max_size=20))
def test_spoilt_bytes(changes: list[tuple[int, int]]) -> None:
    """Whatever bytes a wheel has, it is read, or is told to be none, and fails in no other way."""
    body = bytearray(small())
    for place, value in changes:
        body[place] = value
    with suppress(*SPOILT):
        assert isinstance(metadata_in(len(body), lambda start, end: bytes(body[start:end])), bytes)
