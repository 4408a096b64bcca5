"""Wheels become eggs as zc.buildout and uv would make them, and every file of them is checked."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError, IntegrityProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.packages import uv
from eggcarton.packages.eggs import LEFT_OUT
from eggcarton.packages.unpacking import Made, Order, unpack
from support.closed import uv_program
from support.distributions import PKG_RESOURCES_NAMESPACE, wheel

TAG = "py3.11-linux-x86_64"


def made(path: Path, directory: Path, name: str = "one") -> Made:
    """Unpack a wheel of version 1.0."""
    return unpack(Order(path, path.name, name, "1.0", file_digest(path), directory, TAG))


def content(directory: Path) -> dict[str, tuple[bytes, bool]]:
    """Return what lies below a directory, and whether it may be run."""
    return {
        path.relative_to(directory).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in directory.rglob("*")
        if path.is_file()
    }


def rewritten(path: Path, files: Mapping[str, str | bytes | None]) -> Path:
    """Put other files into a wheel, or none, without a word of it in its RECORD."""
    with zipfile.ZipFile(path) as archive:
        there = {info: archive.read(info) for info in archive.infolist() if info.filename not in files}
    with zipfile.ZipFile(path, "w") as archive:
        for info, data in there.items():
            archive.writestr(info, data)
        for name, text in files.items():
            if text is not None:
                archive.writestr(name, text)
    return path


def row(path: str, text: str, algorithm: str = "sha256") -> str:
    """Return how a RECORD tells of a file."""
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, text.encode()).digest()).decode().rstrip("=")
    return f"{path},{algorithm}={digest},{len(text.encode())}\n"


def test_it_is_what_uv_would_have_made(tmp_path: Path) -> None:
    """Modules, data, headers and scripts lie where uv puts them, with the same bytes and permissions."""
    path = wheel(
        tmp_path,
        "Some.Thing",
        modules={"some/__init__.py": "", "some/text.txt": "text", "some/ä.py": "ä"},
        data={"scripts/tool": "#!/bin/sh\n", "data/share/x": "x", "purelib/more.py": "", "headers/some.h": "int;"},
        console_scripts={"some": "some:main"},
    )
    theirs = tmp_path / "theirs"
    done = uv.run(
        uv_program(),
        ["pip", "install", "--target", str(theirs), "--offline", "--no-deps", "--no-index", "--quiet", str(path)],
        cache=tmp_path / "cache",
        directory=tmp_path,
    )
    assert 0 == done.status, done.output
    found = made(path, tmp_path / "ours", "some-thing")
    expected = {
        name.replace(found.info, f"Some.Thing-1.0-{TAG}.dist-info"): told
        for name, told in content(theirs).items()
        if name.rpartition("/")[2] not in LEFT_OUT | {"RECORD", ".lock"}
    }
    # A script of an entry point is made by who installs; it names a Python, and is not kept in the store.
    del expected["bin/some"]
    ours = content(found.egg)
    own = {f"Some.Thing-1.0-{TAG}.dist-info/{name}" for name in ("RECORD", "INSTALLER")}
    assert expected == {name: told for name, told in ours.items() if name not in own}
    assert (f"Some.Thing-1.0-{TAG}.egg", "1.0", own) == (found.egg.name, found.version, own & set(ours))


def test_the_record(tmp_path: Path) -> None:
    """RECORD names every file by its digest and size, where it lies and as other installers have it, in order."""
    path = wheel(tmp_path, "one", modules={"one.py": "a = 1\n", "odd,name.py": ""}, data={"scripts/run": "#!python\n"})
    found = made(path, tmp_path / "eggs")
    with zipfile.ZipFile(path) as archive:
        inside = {name: archive.read(f"one-1.0.dist-info/{name}").decode() for name in ("METADATA", "WHEEL")}
    lines = [
        row("bin/run", "#!python\n"),
        row('"odd,name.py"', ""),
        row("one-1.0.dist-info/INSTALLER", "eggcarton\n"),
        row("one-1.0.dist-info/METADATA", inside["METADATA"]),
        "one-1.0.dist-info/RECORD,,\n",
        row("one-1.0.dist-info/WHEEL", inside["WHEEL"]),
        row("one.py", "a = 1\n"),
    ]
    record = found.egg / f"one-1.0-{TAG}.dist-info" / "RECORD"
    assert ("".join(lines), "one-1.0.dist-info") == (record.read_text("utf-8"), found.info)


@pytest.mark.parametrize(
    ("told", "expected"),
    [("sha256", "sha256"), ("sha512", "sha512"), ("md5", "sha256"), ("sha1", "sha256"), ("", "sha256")],
)
def test_digests_of_other_kinds(tmp_path: Path, told: str, expected: str) -> None:
    """What RECORD told by a strong digest it goes on to tell so; a weak one, or none, becomes a sha256."""
    path = wheel(tmp_path, "one")
    record = row("one.py", "a = 1\n", told) if told else "one.py,,\n"
    rewritten(path, {"one.py": "a = 1\n", "one-1.0.dist-info/RECORD": record})
    egg = made(path, tmp_path / "eggs").egg
    lines = (egg / f"one-1.0-{TAG}.dist-info" / "RECORD").read_text("utf-8").splitlines(keepends=True)
    assert row("one.py", "a = 1\n", expected) in lines


@pytest.mark.parametrize("told", ["sha256", "sha512", "md5"])
def test_what_record_tells_wrongly(tmp_path: Path, told: str) -> None:
    """A file with another digest than the wheel's RECORD tells is kept, told of, and named by the digest it has."""
    path = wheel(tmp_path, "one")
    rewritten(path, {"one.py": "a = 2\n", "one-1.0.dist-info/RECORD": row("one.py", "a = 1\n", told)})
    found = made(path, tmp_path / "eggs")
    lines = (found.egg / f"one-1.0-{TAG}.dist-info" / "RECORD").read_text("utf-8").splitlines(keepends=True)
    assert (("one.py",), True) == (found.mistold, row("one.py", "a = 2\n") in lines)


def test_a_digest_that_is_none(tmp_path: Path) -> None:
    """What a wheel's RECORD tells by an algorithm that has no digest of its own length is as if it were absent."""
    path = wheel(tmp_path, "one")
    rewritten(path, {"one.py": "a = 1\n", "one-1.0.dist-info/RECORD": "one.py,shake_128=!!!!,6\n"})
    found = made(path, tmp_path / "eggs")
    assert () == found.mistold
    lines = (found.egg / f"one-1.0-{TAG}.dist-info" / "RECORD").read_text("utf-8").splitlines(keepends=True)
    assert row("one.py", "a = 1\n") in lines


def test_what_record_does_not_name(tmp_path: Path) -> None:
    """A file that a wheel's RECORD forgot is kept and named; one that is not in the wheel is named no more."""
    path = rewritten(wheel(tmp_path, "one", modules={"one.py": "", "gone.py": ""}), {"more.py": "", "gone.py": None})
    egg = made(path, tmp_path / "eggs").egg
    lines = (egg / f"one-1.0-{TAG}.dist-info" / "RECORD").read_text("utf-8").splitlines(keepends=True)
    assert (True, False) == (row("more.py", "") in lines, any(line.startswith("gone.py") for line in lines))


def test_what_told_who_had_installed_it(tmp_path: Path) -> None:
    """What tells of another installer, or signs another RECORD, is left out."""
    names = ("INSTALLER", "REQUESTED", "direct_url.json", "RECORD.jws", "RECORD.p7s", "sub/INSTALLER")
    egg = made(wheel(tmp_path, "one", dist_info=dict.fromkeys(names, "somebody")), tmp_path / "eggs").egg
    info = egg / f"one-1.0-{TAG}.dist-info"
    assert ["INSTALLER", "METADATA", "RECORD", "WHEEL", "sub"] == sorted(path.name for path in info.iterdir())
    assert ("eggcarton\n", "somebody") == ((info / "INSTALLER").read_text(), (info / "sub/INSTALLER").read_text())


def test_a_script_beside_an_entry_point(tmp_path: Path) -> None:
    """Where a wheel has a script of the same name as an entry point, the entry point's is made, as pip does."""
    data = {"scripts/one": "#!python\n", "scripts/two": "#!python\n"}
    egg = made(wheel(tmp_path, "one", data=data, console_scripts={"one": "one:main"}), tmp_path / "eggs").egg
    assert {"two": (b"#!python\n", True)} == content(egg / "bin")


def test_only_a_declaration_alone_goes(tmp_path: Path) -> None:
    """An ``__init__.py`` that declares a namespace is kept where it is not the only file of its directory."""
    modules = {f"{name}/__init__.py": PKG_RESOURCES_NAMESPACE for name in ("a", "a/b", "c")}
    egg = made(wheel(tmp_path, "one", modules={**modules, "a/b/d/e.py": "", "c/f.py": ""}), tmp_path / "eggs").egg
    assert ["a/b/d/e.py", "c/__init__.py", "c/f.py"] == sorted(n for n in content(egg) if ".dist-info" not in n)


def test_who_may_run_what(tmp_path: Path) -> None:
    """What may be run in the wheel may be run in the egg."""
    path, run = wheel(tmp_path, "one"), zipfile.ZipInfo("run.sh")
    run.external_attr = 0o100740 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(run, "")
    egg = made(path, tmp_path / "eggs").egg
    assert (True, False) == (content(egg)["run.sh"][1], content(egg)["one.py"][1])


def test_two_ways_to_one_place(tmp_path: Path) -> None:
    """The same file by two ways is one; two that differ are refused."""
    path = wheel(tmp_path, "one", modules={"one.py": "a = 1\n"}, data={"purelib/one.py": "a = 1\n"})
    assert (b"a = 1\n", False) == content(made(path, tmp_path / "eggs").egg)["one.py"]
    path = wheel(tmp_path, "one", modules={"one.py": "a = 1\n"}, data={"purelib/one.py": "a = 2\n"})
    with pytest.raises(IntegrityProblem, match=r"one\.py and one-1\.0\.data/purelib/one\.py, .* at one\.py and differ"):
        made(path, tmp_path / "other")


def test_a_file_and_a_directory_of_one_name(tmp_path: Path) -> None:
    """What no file system can hold side by side is told by its path."""
    path = rewritten(wheel(tmp_path, "one", modules={"a": ""}), {"a/b.py": ""})
    with pytest.raises(EggcartonError, match=r"any\.whl holds what this file system cannot hold .*: a; nothing"):
        made(path, tmp_path / "eggs")


def test_a_wheel_that_is_not_the_locked_one(tmp_path: Path) -> None:
    """Another sha256 is refused."""
    path = wheel(tmp_path, "one")
    with pytest.raises(IntegrityProblem, match=r"one-1\.0-py3-none-any\.whl has another sha256 than is locked"):
        unpack(Order(path, path.name, "one", "1.0", "0" * 64, tmp_path / "eggs", TAG))


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "a\\..\\evil.py", "one-1.0.data/purelib/../../evil.py"])
def test_nothing_is_written_elsewhere(tmp_path: Path, name: str) -> None:
    """A wheel with a path that leads out of the directory is refused, and nothing of it is unpacked."""
    path = wheel(tmp_path, "one", modules={"one.py": "", name: ""})
    with pytest.raises(IntegrityProblem, match=r"holds .*evil"):
        made(path, tmp_path / "a/eggs")
    assert [path] == list(tmp_path.rglob("*"))


NO_WHEEL: dict[str, tuple[Mapping[str, str | bytes | None], str]] = {
    "no RECORD": ({"one-1.0.dist-info/RECORD": None}, "is not a valid wheel: it has no RECORD"),
    "no metadata": ({"one-1.0.dist-info/METADATA": None}, "has no metadata of its own name; it is not a valid wheel"),
    "metadata twice": ({"one-2.0.dist-info/METADATA": ""}, "has metadata of its own name twice"),
    "another name": ({"one-1.0.dist-info/METADATA": "Name: two\n"}, "calls itself 'two' in its metadata, not one"),
    "a name that leads elsewhere": ({"one-1.0.dist-info/METADATA": "Name: ../one\n"}, r"calls itself '\.\./one'"),
    "a later format": ({"one-1.0.dist-info/WHEEL": "Wheel-Version: 2.0\n"}, "is of the wheel format 2.0, and only 1"),
    "an unknown scheme": ({"one-1.0.data/other/a.py": ""}, r"holds one-1\.0\.data/other/a\.py, which belongs nowhere"),
    "a RECORD that is no text": ({"one-1.0.dist-info/RECORD": b"\xff"}, "is not a valid wheel: 'utf-8' codec"),
    "a RECORD that is no table": (
        {"one-1.0.dist-info/RECORD": '"' + "a" * 140_000},
        "is not a valid wheel: its RECORD",
    ),
}


@pytest.mark.parametrize("case", NO_WHEEL.values(), ids=NO_WHEEL)
def test_what_is_no_wheel(tmp_path: Path, case: tuple[Mapping[str, str | bytes | None], str]) -> None:
    """What is wrong with a wheel is told in a sentence that begins with its name."""
    files, sentence = case
    path = rewritten(wheel(tmp_path, "one"), files)
    with pytest.raises(EggcartonError, match=rf"\Aone-1\.0-py3-none-any\.whl {sentence}"):
        made(path, tmp_path / "eggs")
    assert not (tmp_path / "eggs").exists()
