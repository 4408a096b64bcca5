"""A develop package is built anew when something that decided its metadata has changed, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eggcarton.packages.watched import fingerprint, watchable


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("setup.py", "src/own/__init__.py", "src/own/deep/er/mod.py", "README.rst"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("setup.py", True),
        ("src/own/page.html", True),
        (".", True),
        ("src/own/__pycache__/x.pyc", False),
        ("own.egg-info/PKG-INFO", False),
        ("build/lib/own.py", False),
        ("parts/web/own.py", False),
        (".git/HEAD", False),
        ("setup.py~", False),
    ],
)
def test_watchable(path: str, expected: bool) -> None:
    """A project's own files decide; what a build or a buildout leaves there does not."""
    assert expected is watchable(path)


CHANGES: dict[str, tuple[bool, Callable[[Path], object]]] = {
    "nothing": (False, lambda root: None),
    "a file that was read": (True, lambda root: (root / "setup.py").write_text("other")),
    "only its time": (False, lambda root: (root / "setup.py").touch()),
    "a file that was read is gone": (True, lambda root: (root / "README.rst").unlink()),
    "a file that nobody read": (False, lambda root: (root / "src/own/__init__.py").write_text("other")),
    "a new module": (True, lambda root: (root / "src/new.py").touch()),
    "a new package": (True, lambda root: (root / "src/own/deep").rename(root / "src/new")),
    "a new directory without modules": (False, lambda root: (root / "src/log").mkdir()),
    "a new file that is no module": (False, lambda root: (root / "src/data.db").touch()),
    "what a build leaves": (False, lambda root: (root / "src/own.egg-info").mkdir()),
    "a directory that was listed is gone": (True, lambda root: (root / "src").rename(root / "lib")),
}


@pytest.mark.parametrize(("differs", "change"), CHANGES.values(), ids=CHANGES)
def test_fingerprint(root: Path, differs: bool, change: Callable[[Path], object]) -> None:
    """The fingerprint changes with the content of files read and with the modules of directories listed."""
    before = fingerprint(root, ["setup.py", "README.rst"], ["src"])
    change(root)
    assert differs is (before != fingerprint(root, ["README.rst", "setup.py"], ["src"]))
