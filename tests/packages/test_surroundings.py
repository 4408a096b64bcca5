"""What a build sees besides its source is the same, whoever builds it, where and when."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eggcarton.packages.surroundings import apart, same_place, variables


def test_what_is_inherited(tmp_path: Path) -> None:
    """What steers a build, or tells whose it is, is left out; programs of its own come first, compilers stay chosen."""
    inherited = {"PIP_INDEX_URL": "x", "UV_INDEX": "x", "PYTHONPATH": "x", "LC_TIME": "x", "USER": "x", "TZ": "x"}
    expected = {"PATH": f"{tmp_path}{os.pathsep}/bin", "CC": "clang", "SOURCE_DATE_EPOCH": "315532800", "TZ": "UTC"}
    expected |= {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    assert expected == variables(inherited | {"PATH": "/bin", "CC": "clang"}, tmp_path)
    assert f"{tmp_path}{os.pathsep}{os.defpath}" == variables({}, tmp_path)["PATH"]


@pytest.mark.parametrize("known", ["-ffile-prefix-map", "-fdebug-prefix-map", ""])
def test_what_the_compiler_knows(tmp_path: Path, known: str) -> None:
    """A compiler is told to write other paths by the option that it knows, and given none where it knows none."""
    compiler = tmp_path / "cc"
    compiler.write_text(f'#!/bin/sh\ncase "$1" in {known or "none"}=*) exit 0;; esac\nexit 1\n', "utf-8")
    compiler.chmod(0o755)
    place = tmp_path / "a place"
    place.mkdir()
    found = apart({"CC": str(compiler), "CFLAGS": "-O1"}, place, {tmp_path / "tools": "/environment"})
    ours = f" '{known}={place}=/build' {known}={tmp_path}/tools=/environment"
    if known:
        assert (f"-O1{ours}", ours.strip()) == (found["CFLAGS"], found["CXXFLAGS"])
    else:
        assert ("-O1", False) == (found["CFLAGS"], "CXXFLAGS" in found)
    assert (str(place / "home"), str(place / "temporary")) == (found["HOME"], found["TMPDIR"])
    assert (place / "home").is_dir()
    assert (place / "temporary").is_dir()


def test_the_same_place(tmp_path: Path) -> None:
    """The same gets the same path, empty and its owner's alone; what is at work there is left alone."""
    key = f"{os.getpid():016x}"
    with same_place(key) as first:
        (first / "left").mkdir()
        assert 0o700 == first.stat().st_mode & 0o777
        with same_place(key) as second:
            assert first != second
        assert (first / "left").is_dir()
    assert not first.exists()
    (first / "killed" / "inner").mkdir(parents=True)
    first.chmod(0o700)
    with same_place(key) as third:
        assert (first, []) == (third, list(third.iterdir()))
    first.mkdir()
    first.chmod(0o777)
    with same_place(key) as fourth:
        assert first != fourth
    first.rmdir()
    first.symlink_to(tmp_path)
    with same_place(key) as fifth:
        assert first != fifth
    first.unlink()
