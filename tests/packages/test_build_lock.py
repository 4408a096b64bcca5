"""The lock of what builds require is read strictly: what must not be obeyed is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from eggcarton.core.errors import IntegrityProblem
from eggcarton.packages import build_lock
from eggcarton.packages.build_lock import BuildLock, LockedBuild
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage
from eggcarton.packages.watched import build_digests

SHA = "a" * 64
WHEEL = LockedFile("flit_core-4.2.0-py3-none-any.whl", SHA, 5)
FLIT = LockedPackage(
    "flit-core", "4.2.0", (WHEEL,), requires=("tomli; python_version < '3.11'",), marker="os_name == 'nt'"
)
RAW = LockedPackage("raw", "1.0", sdist=LockedFile("raw-1.0.tar.gz", SHA), index="corp")
LOCKED = BuildLock(
    {"http://index.example/base.cfg": "b" * 64},
    (
        LockedBuild(("old 1.0",), ("flit-core>=4",), ("raw",), Lock(">=3.10", (FLIT, RAW), "2026-01-01T00:00:00Z")),
        LockedBuild(("greeting", "other"), ("nothing; os_name == 'no'",), (), Lock(None, ())),
    ),
    (LockedPackage("ext", "2.0", sdist=LockedFile("ext-2.0.tar.gz", "c" * 64, 7)),),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """A lock is read as it was written, and written as it was read."""
    path = tmp_path / build_lock.NAME
    build_lock.write(path, LOCKED)
    found = build_lock.read(path)
    assert (LOCKED.extends, set(LOCKED.builds), LOCKED.sources) == (found.extends, set(found.builds), found.sources)
    assert path.read_text("utf-8") == build_lock.text_of(found)
    assert [build_lock.NAME] == [entry.name for entry in tmp_path.iterdir()]


def test_without_a_lock(tmp_path: Path) -> None:
    """A lock that is not there is empty."""
    assert BuildLock() == build_lock.read(tmp_path / build_lock.NAME)


def test_digests() -> None:
    """A digest changes with what an entry locks, and not with what it is locked for."""
    text = build_lock.text_of(LOCKED)
    assert 2 == len(build_digests(text))
    assert build_digests(text) == build_digests(text.replace('for = ["greeting", "other"]', 'for = ["other"]'))
    assert 1 == len(build_digests(text) & build_digests(text.replace("4.2.0", "4.2.1")))
    assert frozenset() == build_digests(build_lock.text_of(BuildLock()))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('lock-version = "1.0"', 'lock-version = "2.0"', "its lock-version is 2.0, and this reads 1.0"),
        ("[[builds]]", "<<<<<<< mine\n[[builds]]", "it holds the conflict markers of a merge"),
        ("wheels = [\n", "wheels = [\n    {", ""),
        (
            SHA,
            "a" * 63,
            "builds[0].packages[0] (flit-core).wheels[0]: flit_core-4.2.0-py3-none-any.whl has no sha256, so its ",
        ),
        (f', sha256 = "{SHA}" }},\n', " },\n", "flit_core-4.2.0-py3-none-any.whl has no sha256"),
        ('"flit_core-4.2.0-py3', '"../flit_core-4.2.0-py3', "'../flit_core-4.2.0-py3-none-any.whl' is not a file name"),
        (
            '"flit_core-4.2.0-py3',
            '"flit_core-4.1.0-py3',
            "is version 4.2.0, and flit_core-4.1.0-py3-none-any.whl is not",
        ),
        ('"flit_core-4.2.0-py3', '"other-4.2.0-py3', "is version 4.2.0, and other-4.2.0-py3-none-any.whl is not"),
        ("-none-any.whl", ".txt", "'flit_core-4.2.0-py3.txt' is not the name of a wheel"),
        ('"flit-core>=4"', '"flit-core=>4"', "requires 'flit-core=>4', which is no requirement"),
        ("\"os_name == 'nt'\"", '"windows"', "has the marker 'windows', which is none"),
        ('requires-python = ">=3.10"', 'requires-python = "3"', "requires-python is no range of Pythons"),
        ('name = "raw"\nversion = "1.0"\n', 'name = "raw"\n', "packages[1] has no text as its version"),
        ('for = ["old 1.0"]', 'for = "old"', "builds[0].for is no list of texts"),
        ("c" * 64, "", "sources[0] (ext).sdist: ext-2.0.tar.gz has no sha256"),
        ("packages = []", "packages = 5", "builds[1].packages is no list of tables"),
        ("sdist = {", "ignored = {", "sources[0] (ext) has no file"),
    ],
)
def test_what_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """What was changed by hand, cut off or merged badly is refused with the file, the entry and what to do."""
    path, text = tmp_path / build_lock.NAME, build_lock.text_of(LOCKED)
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(IntegrityProblem) as caught:
        build_lock.read(path)
    assert str(caught.value).startswith("buildout.lock.toml is not a valid lock: ")
    assert problem in str(caught.value)
    assert str(caught.value).endswith("; restore it, or remove it and run bin/eggcarton lock")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_half_a_file(tmp_path: Path, share: float) -> None:
    """A file that ends early is never taken for a whole one."""
    path, text = tmp_path / build_lock.NAME, build_lock.text_of(LOCKED)
    path.write_text(text[: int(len(text) * share)], "utf-8")
    with pytest.raises(IntegrityProblem, match="is not a valid lock"):
        build_lock.read(path)
