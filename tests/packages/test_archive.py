"""The bytes of an archive depend on names and content alone."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError
from eggcarton.packages.archive import Entry, read, write

ENTRIES = (
    Entry("setup.py", b"import setuptools\n", is_executable=True),
    Entry("a/gr\xfc\xdfe.txt", b"x" * 512),
    Entry("empty", b""),
    Entry("a/" + "long/" * 30 + "name", b"deep\n"),
    Entry("link", b"setup.py", is_link=True),
    Entry("far", b"long/" * 30, is_link=True),
)


def packed(*entries: Entry) -> bytes:
    stream = io.BytesIO()
    write(stream, "top", entries)
    return stream.getvalue()


def test_what_was_packed_comes_out() -> None:
    """Names that are long or not ASCII, links, modes and contents come out as they went in."""
    with tarfile.open(fileobj=io.BytesIO(packed(*ENTRIES))) as archive:
        members = {member.name.removeprefix("top/"): member for member in archive.getmembers()}
        assert {entry.path for entry in ENTRIES} == set(members)
        for entry in ENTRIES:
            member = members[entry.path]
            if entry.is_link:
                assert (True, entry.content.decode()) == (member.issym(), member.linkname)
                continue
            stream = archive.extractfile(member)
            assert stream is not None
            assert (entry.content, entry.is_executable) == (stream.read(), member.mode == 0o755)
            assert (0, 0, "", "", 315532800) == (member.uid, member.gid, member.uname, member.gname, member.mtime)


def test_the_bytes_never_change() -> None:
    """Locks hold the digests of such archives: the same entries give the same bytes in every version, in any order."""
    expected = "0b7e7e99a4b2a5de0ecf20aaed60cd29d344faa4bbb2d188db1c7e5df26fdb13"
    assert expected == hashlib.sha256(packed(*ENTRIES)).hexdigest()
    assert expected == hashlib.sha256(packed(*reversed(ENTRIES))).hexdigest()


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "zip"])
def test_archives_of_others(kind: str, tmp_path: Path) -> None:
    """Archives as others make them are read without the directory around everything."""
    path = tmp_path / f"made.{kind}"
    executable, plain = Entry("a/script", b"#!", is_executable=True), Entry("b.txt", b"text")
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as zipped:
            zipped.writestr("top/", "")
            for entry in (executable, plain):
                info = zipfile.ZipInfo(f"top/{entry.path}")
                info.external_attr = (0o755 if entry.is_executable else 0o644) << 16
                zipped.writestr(info, entry.content)
    else:
        whole = packed(executable, plain)
        path.write_bytes(gzip.compress(whole) if kind == "tar.gz" else whole)
    assert {executable, plain} == set(read(path, path.name))


def test_archives_that_are_none(tmp_path: Path) -> None:
    """What is no archive, or reaches outside of itself, is named."""
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"nothing")
    with pytest.raises(EggcartonError, match=r"broken.tar.gz cannot be unpacked: .*; ask for another file"):
        read(broken, broken.name)
    with zipfile.ZipFile(tmp_path / "outside.zip", "w") as zipped:
        zipped.writestr("../x", "")
    with pytest.raises(EggcartonError, match=r"outside.zip cannot be unpacked: ../x lies outside of it"):
        read(tmp_path / "outside.zip", "outside.zip")
