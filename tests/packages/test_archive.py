"""The bytes of an archive depend on names and content alone."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

from eggcarton.packages.archive import Entry, of_directory, write

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


def test_a_directory(tmp_path: Path) -> None:
    """A directory is packed with its links, and without what is no file in it."""
    (tmp_path / "inner" / "empty").mkdir(parents=True)
    (tmp_path / "inner" / "script").write_bytes(b"#!")
    (tmp_path / "inner" / "script").chmod(0o700)
    (tmp_path / "link").symlink_to("inner")
    assert {
        Entry("inner/script", b"#!", is_executable=True),
        Entry("link", b"inner", is_link=True),
    } == set(of_directory(tmp_path))
