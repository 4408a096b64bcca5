"""A develop package is built anew when something that decided its metadata has changed, and only then."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from eggcarton.packages.watched import Question, Watched, fingerprint

WATCHED = Watched(
    files=("README.rst", "setup.py", "licences/one.txt"),
    made=("src/own/_version.py",),
    probed=("setup.cfg",),
    measured=("stamp",),
    listed=("src", "licences", "."),
    exact=("features",),
    variables=("RELEASE", "HOME"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    names = ("setup.py", "src/own/__init__.py", "src/own/deep/er/mod.py", "README.rst", "src/own/_version.py", "stamp")
    for name in (*names, "features/one.txt", "licences/one.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")
    return tmp_path


def move(root: Path, old: str, new: str) -> None:
    (root / old).rename(root / new)


CHANGES: dict[str, tuple[bool, Callable[[Path], object]]] = {
    "nothing": (False, lambda root: None),
    "a file that was read": (True, lambda root: (root / "setup.py").write_text("other")),
    "only its time": (False, lambda root: os.utime(root / "setup.py", (1, 1))),
    "a file that was read is gone": (True, lambda root: (root / "README.rst").unlink()),
    "a file that was read is a directory": (
        True,
        lambda root: (move(root, "README.rst", "x"), (root / "README.rst").mkdir()),
    ),
    "a file that nobody read": (False, lambda root: (root / "src/own/__init__.py").write_text("other")),
    "a file that the build made": (True, lambda root: (root / "src/own/_version.py").write_text("other")),
    "a file that the build made is gone": (True, lambda root: (root / "src/own/_version.py").unlink()),
    "a file that was looked for in vain": (True, lambda root: (root / "setup.cfg").touch()),
    "a time that was looked at": (True, lambda root: os.utime(root / "stamp", (1, 1))),
    "a new module": (True, lambda root: (root / "src/new.py").touch()),
    "a new package": (True, lambda root: move(root, "src/own/deep", "src/new")),
    "a new directory without modules": (False, lambda root: (root / "src/log").mkdir()),
    "a new file that is no module": (False, lambda root: (root / "src/data.db").touch()),
    "a new file beside one that was read, of the same kind": (True, lambda root: (root / "licences/two.txt").touch()),
    "a new file beside one that was read, of another kind": (False, lambda root: (root / "licences/two.db").touch()),
    "a new licence": (True, lambda root: (root / "LICENSE.md").touch()),
    "a new file where the project itself looked": (True, lambda root: (root / "features/two.db").touch()),
    "what a build leaves": (False, lambda root: (root / "src/own.egg-info").mkdir()),
    "what a buildout leaves": (False, lambda root: (root / "parts/web").mkdir(parents=True)),
    "what an editor leaves": (False, lambda root: (root / "setup.py~").touch()),
    "a directory that was listed is gone": (True, lambda root: move(root, "src", "lib")),
}


@pytest.mark.parametrize(("differs", "change"), CHANGES.values(), ids=CHANGES)
def test_files(root: Path, differs: bool, change: Callable[[Path], object]) -> None:
    """The fingerprint changes with what was read, made and looked for, and with what tools find in directories."""
    before = fingerprint(root, WATCHED, {})
    change(root)
    assert differs is (before != fingerprint(root, WATCHED, {}))


def test_new_data_files_of_a_package_of_links(root: Path) -> None:
    """Where a build has made a link for each file, any new one counts."""
    watched = Watched(made=("build/__editable__.own-1.0/own/__init__.py",), listed=("src",))
    before = fingerprint(root, watched, {})
    (root / "src/data.db").touch()
    assert before != fingerprint(root, watched, {})


@pytest.mark.parametrize(
    ("names", "variables", "differs"),
    [
        (("RELEASE",), {"RELEASE": "1", "OTHER": "2"}, False),
        (("RELEASE",), {"RELEASE": "2"}, True),
        (("RELEASE",), {}, True),
        (("RELEASE",), {"RELEASE": "1", "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_OWN": "1"}, True),
        (("*",), {"RELEASE": "1", "OTHER": "2"}, True),
        (("*",), {"RELEASE": "1", "SHLVL": "2"}, False),
    ],
)
def test_variables(root: Path, names: tuple[str, ...], variables: dict[str, str], differs: bool) -> None:
    """Of the variables those count that were read, all where all were copied, and what tells a version."""
    watched = Watched(variables=names)
    before = fingerprint(root, watched, {"RELEASE": "1"})
    assert differs is (before != fingerprint(root, watched, variables))


def test_the_home_is_compared_by_its_real_path(root: Path) -> None:
    """A home that is spelled in another way is the same one."""
    (root / "home").mkdir()
    (root / "link").symlink_to("home")
    here, there, elsewhere = (
        fingerprint(root, WATCHED, {"HOME": str(root / name)}) for name in ("home", "link", "src")
    )
    assert here == there
    assert here != elsewhere


def test_questions(root: Path) -> None:
    """The answer of now is asked for, and compared with the one that the build got."""
    question = Question(("git", "describe"), ".", (), (), "the answer")
    watched = Watched(programs=(question,))
    assert fingerprint(root, watched, {}) == fingerprint(root, watched, {}, lambda one: "the answer")
    assert fingerprint(root, watched, {}) != fingerprint(root, watched, {}, lambda one: "another")


def test_a_pipe_is_not_waited_for(root: Path) -> None:
    """What stands in the place of a file and would never end counts as gone."""
    before = fingerprint(root, WATCHED, {})
    (root / "README.rst").unlink()
    os.mkfifo(root / "README.rst")
    assert before != fingerprint(root, WATCHED, {})
