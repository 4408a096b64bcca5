"""No file of a wheel is given out that is not safe to unpack, and none whose bytes are not those that are told."""

from __future__ import annotations

import hashlib
import io
import random
import stat
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import ZipInfo

import pytest

from eggcarton.core.errors import EggcartonError, IntegrityProblem
from eggcarton.packages.wheel_archive import opened

NAME = "one-1.0-py3-none-any.whl"


def zipped(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive with these files, the same bytes at any time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(ZipInfo(name), content, method)
    return buffer.getvalue()


def entry(name: str, mode: int) -> bytes:
    """Return an archive with one entry of a kind."""
    buffer, info = io.BytesIO(), ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def content(directory: Path, data: bytes) -> dict[str, bytes]:
    """Return all that an archive holds, read in both ways."""
    path = directory / NAME
    path.write_bytes(data)
    with opened(path, NAME, hashlib.sha256(data).hexdigest()) as archive:
        whole = {name: archive.read(info) for name, info in archive.members.items()}
        assert whole == {name: b"".join(archive.blocks(info)) for name, info in archive.members.items()}
        return whole


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_all_is_read(tmp_path: Path, method: int) -> None:
    """Files are read as they were packed, by whatever method, and empty ones."""
    files = {"a/empty.py": b"", "ä.txt": "ä".encode(), "some.bin": random.Random(1).randbytes(1 << 10) * 99}
    assert files == content(tmp_path, zipped(files, method=method))


def test_a_large_file(tmp_path: Path) -> None:
    """A file of more than can be had at once comes in pieces, and is the same."""
    files = {"large.bin": random.Random(1).randbytes(1 << 10) * (17 << 10)}
    assert files == content(tmp_path, zipped(files, method=zipfile.ZIP_STORED))


def test_directories_are_no_files(tmp_path: Path) -> None:
    """An entry for a directory says nothing: directories are made for what is in them."""
    assert {"a/b.py": b""} == content(tmp_path, zipped({"a/": b"", "a/b.py": b""}))


@pytest.mark.parametrize(
    "name", ["../evil.py", "/evil.py", "a/../../evil.py", "a\\..\\evil.py", "C:/evil.py", "a//evil.py", "./evil.py"]
)
def test_nothing_leads_elsewhere(tmp_path: Path, name: str) -> None:
    """A wheel with a path that leads out of its directory, or that spells one in a second way, is refused."""
    with pytest.raises(IntegrityProblem, match=r"any\.whl holds '.*evil\.py', which "):
        content(tmp_path, zipped({name: b""}))


def doubled() -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("one.py", "a = 1")
            archive.writestr("one.py", "a = 2")
        return buffer.getvalue()


def with_flag(flag: int) -> bytes:
    """Return an archive whose entry has a flag, in both places where it is told."""
    data = bytearray(zipped({"one.py": b"a = 1"}))
    for begin, place in ((data.index(b"PK\3\4"), 6), (data.index(b"PK\1\2"), 8)):
        data[begin + place] |= flag
    return bytes(data)


def bomb() -> bytes:
    """Return an archive whose index tells that a file will be of 300 MiB."""
    data = bytearray(zipped({"one.bin": b"0"}))
    begin = data.index(b"PK\1\2")
    data[begin + 24 : begin + 28] = (300 << 20).to_bytes(4, "little")
    return bytes(data)


REFUSED: dict[str, tuple[Callable[[], bytes], type[EggcartonError], str]] = {
    "a path twice": (doubled, IntegrityProblem, "holds one.py twice"),
    "a link": (lambda: entry("one.py", stat.S_IFLNK | 0o777), EggcartonError, "holds one.py as a link"),
    "an encrypted file": (lambda: with_flag(1), EggcartonError, "holds one.py encrypted"),
    "a name that ends early": (
        lambda: zipped({"one.py_.txt": b""}).replace(b"one.py_", b"one.py\0"),
        IntegrityProblem,
        r"holds 'one.py\\x00.txt', which is no path",
    ),
    "a bomb": (bomb, IntegrityProblem, "would fill 300 MiB, [0-9]+ times its size"),
    "no archive": (lambda: b"no archive", EggcartonError, "is not a valid wheel: File is not a zip file"),
    "nothing": (lambda: b"", EggcartonError, "is not a valid wheel: File is not a zip file"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(tmp_path: Path, case: tuple[Callable[[], bytes], type[EggcartonError], str]) -> None:
    """What no wheel may hold is told in a sentence that begins with the wheel."""
    make, kind, sentence = case
    with pytest.raises(kind, match=rf"\A{NAME} {sentence}"):
        content(tmp_path, make())


def test_another_digest(tmp_path: Path) -> None:
    """Bytes that are not those that were locked are refused before they are looked at."""
    (tmp_path / NAME).write_bytes(b"no archive")
    locked = "0" * 64
    with (
        pytest.raises(IntegrityProblem, match="has another sha256 than is locked") as caught,
        opened(tmp_path / NAME, NAME, locked),
    ):
        pass
    assert (locked, hashlib.sha256(b"no archive").hexdigest()) == (caught.value.expected, caught.value.found)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_wrong_checksum(tmp_path: Path, method: int) -> None:
    """A file whose bytes are not those that the archive's index tells is not given out."""
    data = bytearray(zipped({"one.py": b"a = 1\n"}, method=method))
    begin = data.index(b"PK\1\2")
    data[begin + 16] ^= 1
    with pytest.raises(EggcartonError, match=r"any\.whl is not a valid wheel: (?i:bad CRC-32)"):
        content(tmp_path, bytes(data))


@pytest.mark.parametrize("longer", [True, False])
def test_a_wrong_length(tmp_path: Path, longer: bool) -> None:
    """A file that is longer or shorter than the archive's index tells is not given out, nor read any further."""
    data = bytearray(zipped({"one.py": b"a = 1\n" * 100}))
    begin = data.index(b"PK\1\2")
    data[begin + 24 : begin + 26] = (599 if longer else 601).to_bytes(2, "little")
    with pytest.raises(EggcartonError, match=r"any\.whl is not a valid wheel: bad CRC-32 for file 'one.py'"):
        content(tmp_path, bytes(data))


def test_whatever_is_broken(tmp_path: Path) -> None:
    """Wherever an archive is cut off or changed, it reads as it was, or there is a sentence: never another error."""
    files = {"one/a.py": b"a = 1\n" * 50, "one/b.py": b"", "c.txt": b"c"}
    data, chance, outcomes = zipped(files), random.Random(7), {"as it was": 0, "told": 0}
    broken = [data[:length] for length in range(0, len(data), 7)]
    for _ in range(1500):
        changed = bytearray(data)
        changed[chance.randrange(len(data))] = chance.randrange(256)
        broken.append(bytes(changed))
    for one in broken:
        try:
            found = content(tmp_path, one)
        except EggcartonError as error:
            outcomes["told"] += str(error).startswith(NAME)
        else:
            outcomes["as it was"] += set(files.values()) >= set(found.values())
    assert len(broken) == sum(outcomes.values())
    assert min(outcomes.values()) > 100, outcomes
