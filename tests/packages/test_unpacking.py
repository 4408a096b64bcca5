"""Wheels that are unpacked without uv, into the same as with it."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError, IntegrityProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.packages import uv
from eggcarton.packages.eggs import LEFT_OUT
from eggcarton.packages.unpacking import unpack
from support.closed import uv_program
from support.distributions import wheel


def content(directory: Path) -> dict[str, tuple[str, bool]]:
    """Return what lies below a directory, without what only tells who installed it."""
    return {
        path.relative_to(directory).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            bool(path.stat().st_mode & 0o100),
        )
        for path in directory.rglob("*")
        if path.is_file() and path.name not in LEFT_OUT | {"RECORD", ".lock"}
    }


def test_it_is_what_uv_would_have_made(tmp_path: Path) -> None:
    """Modules, data, headers and scripts lie where uv puts them, with the same bytes and permissions."""
    made = wheel(
        tmp_path,
        "Some.Thing",
        modules={"some/__init__.py": "", "some/text.txt": "text"},
        data={"scripts/tool": "#!/bin/sh\n", "data/share/x": "x", "purelib/more.py": "", "headers/some.h": "int;"},
        console_scripts={"some": "some:main"},
    )
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    done = uv.run(
        uv_program(),
        ["pip", "install", "--target", str(theirs), "--offline", "--no-deps", "--no-index", "--quiet", str(made)],
        cache=tmp_path / "cache",
        directory=tmp_path,
    )
    assert 0 == done.status, done.output
    unpack(made, made.name, file_digest(made), ours)
    found = content(theirs)
    # A script of an entry point is made by who installs; it names a Python, and is not kept in the store.
    del found["bin/some"]
    assert found == content(ours)
    (record,) = ours.glob("*.dist-info/RECORD")
    names = {line.partition(",")[0] for line in record.read_text("utf-8").splitlines()}
    assert set(content(ours)) | {record.relative_to(ours).as_posix()} == names


def test_a_wheel_that_is_not_the_locked_one(tmp_path: Path) -> None:
    """Another sha256, and a file with another digest than RECORD tells, are refused."""
    made = wheel(tmp_path, "one")
    with pytest.raises(IntegrityProblem, match=r"one-1\.0-py3-none-any\.whl has another sha256 than is locked"):
        unpack(made, made.name, "0" * 64, tmp_path / "target")
    spoilt = wheel(tmp_path, "two", modules={"two.py": "2"}, corrupt_record=True)
    with pytest.raises(IntegrityProblem, match=r"two\.py in it has another digest than its RECORD tells"):
        unpack(spoilt, spoilt.name, file_digest(spoilt), tmp_path / "target")


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "a\\..\\evil.py", "one-1.0.data/purelib/../../evil.py"])
def test_nothing_is_written_elsewhere(tmp_path: Path, name: str) -> None:
    """A wheel with a path that leads out of the directory is refused."""
    made = wheel(tmp_path, "one", modules={name: ""})
    with pytest.raises(IntegrityProblem, match="which would be written elsewhere"):
        unpack(made, made.name, file_digest(made), tmp_path / "a/target")
    assert [] == list(tmp_path.rglob("evil.py"))


def test_what_is_no_wheel(tmp_path: Path) -> None:
    """A file that is no archive, and one without a RECORD, are told in a sentence."""
    place = tmp_path / "one-1.0-py3-none-any.whl"
    place.write_bytes(b"nothing")
    with pytest.raises(EggcartonError, match=r"any\.whl is not a valid wheel: File is not a zip file"):
        unpack(place, place.name, file_digest(place), tmp_path)
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("one.py", "")
    with pytest.raises(EggcartonError, match="it has no RECORD"):
        unpack(place, place.name, file_digest(place), tmp_path)
