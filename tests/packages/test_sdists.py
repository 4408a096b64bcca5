"""A source distribution, where it is allowed, is built once, closed, and kept as a wheel."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError
from eggcarton.indexes.cache import file_digest
from eggcarton.packages.builds import Toolchain
from eggcarton.packages.sdists import Builder, is_allowed, refusal
from support.closed import toolchain
from support.distributions import sdist, tarred

NOTHING = Toolchain((), {})


def build(archive: Path, cache: Path, toolchain: Toolchain = NOTHING) -> Path:
    return Builder(toolchain, cache).wheel(archive, file_digest(archive), archive.name)


@pytest.mark.parametrize(
    ("patterns", "expected"), [([], False), (["six"], True), (["si"], False), (["s*"], True), (["a", "*"], True)]
)
def test_what_is_allowed(patterns: Sequence[str], expected: bool) -> None:
    """A name is allowed by itself or by a pattern, and not by a part of it."""
    assert expected is is_allowed("six", patterns)


@pytest.mark.parametrize("compiler", [True, False])
def test_refusal_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: bool) -> None:
    """A refusal names all distributions and has the lines that allow them; where there is no compiler it says so."""
    if compiler:
        (tmp_path / "cc").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    lame = "" if compiler else " (there is no compiler here, which some of them may need)"
    assert (
        f"a, b: there is no wheel, and building one runs its author's code{lame}; pin a version that has a wheel, "
        "or allow it:\n"
        "[eggcarton]\nallow-sdist =\n    z*\n    a\n    b"
    ) == refusal(["b", "a"], ["z*"])


@pytest.mark.parametrize("compiler", [True, False])
@pytest.mark.parametrize("code", ["native.c", "native.py"])
def test_a_build_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, *, compiler: bool) -> None:
    """Where a build fails that has C in it, and there is no compiler, that is said too."""
    if compiler:
        (tmp_path / "cc").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    archive = sdist(tmp_path, "old", files={code: "", "backend.py": "def build_wheel(*given):\n    raise OSError\n"})
    with pytest.raises(EggcartonError, match="could not be built:") as raised:
        build(archive, tmp_path / "cache")
    assert (code == "native.c" and not compiler) == ("\nThere is no C compiler here, which it" in str(raised.value))


def test_a_wheel_is_made(tmp_path: Path) -> None:
    """A source distribution becomes a wheel with its modules and metadata."""
    wheel = build(sdist(tmp_path, "old", "2.0", {"old.py": "answer = 42\n"}, requires=["six"]), tmp_path / "cache")
    assert "old-2.0-py3-none-any.whl" == wheel.name
    with zipfile.ZipFile(wheel) as archive:
        assert b"answer = 42\n" == archive.read("old.py")
        assert b"Requires-Dist: six" in archive.read("old-2.0.dist-info/METADATA")


def test_it_is_kept(tmp_path: Path) -> None:
    """The wheel is built once: it is found again by what decided it, without unpacking the source."""
    archive = sdist(tmp_path, "old")
    wheel = build(archive, tmp_path / "cache")
    digest = file_digest(archive)
    archive.unlink()
    assert wheel == Builder(NOTHING, tmp_path / "cache").wheel(archive, digest, archive.name)


def test_other_tools_build_it_anew(tmp_path: Path) -> None:
    """With another toolchain, or from other bytes, another wheel is built."""
    archive, cache = sdist(tmp_path, "old"), tmp_path / "cache"
    places = {build(archive, cache), build(archive, cache, Toolchain((), {"setuptools": "99"}))}
    places.add(build(sdist(tmp_path, "old", modules={"old.py": "changed = 1\n"}), cache))
    assert 3 == len(places)


@pytest.mark.parametrize("backend", ["own", "setuptools"])
def test_the_same_bytes_twice(tmp_path: Path, backend: str) -> None:
    """Built twice, in different places, the wheel is the same byte for byte."""
    tools = toolchain() if backend == "setuptools" else NOTHING
    archive = sdist(tmp_path, "old", "1.0", {"old.py": "a = 1\n", "more/__init__.py": ""}, backend=backend)
    assert file_digest(build(archive, tmp_path / "one", tools)) == file_digest(
        build(archive, tmp_path / "elsewhere" / "two", tools)
    )


def test_foreign_build_requirements(tmp_path: Path) -> None:
    """What the toolchain cannot build is told by its file and what it is built with; nothing is kept."""
    archive = sdist(tmp_path, "old", build_requires=["flit-core"])
    with pytest.raises(EggcartonError) as caught:
        build(archive, tmp_path / "cache")
    assert (
        "old-1.0.tar.gz is built with flit-core, which the toolchain does not hold; pin a version that has a wheel"
        == str(caught.value)
    )
    assert [] == list((tmp_path / "cache" / "built").iterdir())


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    """A build that fails is told, and the next one starts from nothing."""
    archive = sdist(tmp_path, "old", files={"backend.py": "raise RuntimeError('broken here')\n"})
    with pytest.raises(EggcartonError, match="broken here"):
        build(archive, tmp_path / "cache")
    assert [] == list((tmp_path / "cache" / "built").iterdir())


def test_zip_archives(tmp_path: Path) -> None:
    """A source distribution may be a zip archive."""
    packed = sdist(tmp_path, "old", "1.0")
    archive = tmp_path / "old-1.0.zip"
    with tarfile.open(packed) as source, zipfile.ZipFile(archive, "w") as target:
        for member in source:
            stream = source.extractfile(member)
            assert stream is not None
            target.writestr(member.name, stream.read())
    assert "old-1.0-py3-none-any.whl" == build(archive, tmp_path / "cache").name


@pytest.mark.parametrize("name", ["../outside.py", "old-1.0/../../outside.py"])
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    """A member that leads out of the archive stops the build."""
    archive = tmp_path / "old-1.0.tar.gz"
    archive.write_bytes(tarred({"old-1.0/pyproject.toml": "", name: "x"}))
    with pytest.raises(EggcartonError, match=r"old-1\.0\.tar\.gz"):
        build(archive, tmp_path / "cache")
    assert [] == list(tmp_path.rglob("outside.py"))


def test_links_out_of_the_archive(tmp_path: Path) -> None:
    """A link that leads out of the archive stops the build."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        link = tarfile.TarInfo("old-1.0/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    archive = tmp_path / "old-1.0.tar.gz"
    archive.write_bytes(buffer.getvalue())
    with pytest.raises(EggcartonError, match=r"old-1\.0\.tar\.gz"):
        build(archive, tmp_path / "cache")


@pytest.mark.parametrize("name", ["old-1.0.tar.gz", "old-1.0.zip"])
@pytest.mark.parametrize("content", [b"", b"<html>login</html>", b"\x1f\x8b\x08\x00short"])
def test_what_is_no_archive(tmp_path: Path, name: str, content: bytes) -> None:
    """A file that is no archive is told by its name."""
    archive = tmp_path / name
    archive.write_bytes(content)
    with pytest.raises(EggcartonError, match=f"{name} cannot be unpacked: .*; pin a version that has a wheel"):
        build(archive, tmp_path / "cache")
