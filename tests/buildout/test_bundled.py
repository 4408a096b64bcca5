"""What bootstrap.py notes of a bundle is what later runs find: its directories with files, as long as it is there."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from eggcarton.buildout.bundled import NOTE, directories, remedy
from support.buildouts import bootstrap_module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "below").mkdir(parents=True)
    return root


def bundle_at(path: Path) -> Path:
    """Make a bundle with two files of one name."""
    (path / "wheels" / "0123456789abcdef").mkdir(parents=True)
    return path


def test_nothing_is_noted(root: Path) -> None:
    """Where no bundle was named there is none; a directory of nothing but wheels is not noted."""
    (root.parent / "toolchain").mkdir()
    bootstrap_module().take_note(str(root.parent / "toolchain"), str(root), [])
    assert [] == directories(root)


def test_a_bundle_elsewhere(root: Path) -> None:
    """A bundle is found by its path, with what it has apart; when it is gone there is none; another one replaces it."""
    bundle = bundle_at(root.parent / "a bundle é")
    bootstrap_module().take_note(str(bundle), str(root), [])
    assert [bundle / "wheels", bundle / "wheels" / "0123456789abcdef"] == directories(root)
    changed = (root / NOTE).stat().st_mtime_ns
    bootstrap_module().take_note(str(bundle), str(root), [])
    assert changed == (root / NOTE).stat().st_mtime_ns
    shutil.rmtree(bundle)
    assert [] == directories(root)
    other = bundle_at(root.parent / "other")
    bootstrap_module().take_note(str(other), str(root), [])
    assert other / "wheels" == directories(root)[0]


def test_a_bundle_that_is_gone(root: Path) -> None:
    """Its path is told, with what to do; where it is there, or none was noted, there is nothing to tell."""
    bundle = bundle_at(root.parent / "bundle")
    before = remedy(root)
    bootstrap_module().take_note(str(bundle), str(root), [])
    while_there = remedy(root)
    bundle.rename(bundle.with_name("moved"))
    gone = (
        f"the bundle {bundle}, from which this was bootstrapped, is gone; where it was moved, run bootstrap.py --from "
        "with its new place"
    )
    assert (None, None, gone) == (before, while_there, remedy(root))


def test_a_bundle_in_the_checkout(root: Path) -> None:
    """A bundle that lies in the checkout is found there after both were moved."""
    bootstrap_module().take_note(str(bundle_at(root / "bundle")), str(root), [])
    moved = root.rename(root.with_name("moved"))
    assert moved / "bundle" / "wheels" == directories(moved)[0]


def test_copies_of_what_is_extended(root: Path) -> None:
    """They are put where the configuration's own run keeps them; one with other bytes than its name tells is not."""
    bundle = bundle_at(root.parent / "bundle")
    (bundle / "extends").mkdir()
    name = sha256(b"[versions]\n").hexdigest()
    (bundle / "extends" / name).write_bytes(b"[versions]\n")
    (bundle / "extends" / ("0" * 64)).write_bytes(b"[buildout]\n")
    bootstrap_module().take_note(str(bundle), str(root), ["-c", "below/production.cfg"])
    [copy] = (root / "below" / ".eggcarton" / "extends").iterdir()
    assert (name, b"[versions]\n") == (copy.name, copy.read_bytes())


def test_copies_of_a_bundle_without_files(root: Path) -> None:
    """A bundle of a configuration without distributions has no wheels, and its copies are put all the same."""
    bundle = root.parent / "bundle"
    name = sha256(b"[versions]\n").hexdigest()
    (bundle / "extends").mkdir(parents=True)
    (bundle / "extends" / name).write_bytes(b"[versions]\n")
    bootstrap_module().take_note(str(bundle), str(root), [])
    assert [name] == [path.name for path in (root / ".eggcarton" / "extends").iterdir()]
    assert [] == directories(root)
