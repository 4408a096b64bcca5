"""Environments that work wherever their tree is moved to, and those that are made where there are no links."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from eggcarton.core.layout import CodePlace
from eggcarton.core.linking import refused
from eggcarton.packages import environment, tree, verify
from eggcarton.packages.environment import Makeup, content_of
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.member import Member
from eggcarton.packages.tree import Tokens

PYTHON = Interpreter.running()
KINDS = {"symbolic": (os.symlink, os.link), "hard": (refused, os.link), "copied": (refused, refused)}


def makeup(root: Path, python: Interpreter = PYTHON) -> Makeup:
    """Return what an environment of an egg, a develop package and an extra path consists of."""
    egg, develop = root / "eggs/one-1.0.egg", root / "develop-eggs"
    for info, name in ((egg / "one-1.0.dist-info", "one"), (develop / "two-1.0.dist-info", "two")):
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
        (info / "entry_points.txt").write_text(f"[console_scripts]\n{name} = {name}:main\n", "utf-8")
    (egg / "one.py").write_text("def main():\n    print('one', __name__)\n", "utf-8")
    (develop / "two.pth").write_text(f"{root}/source\n", "utf-8")
    for place in ("source/two.py", "lib/three.py"):
        (root / place).parent.mkdir()
        (root / place).write_text("def main():\n    print(__file__)\n", "utf-8")
    members = (
        Member("one", "1.0", egg, "a" * 64),
        Member("two", "1.0", develop, "b" * 64, ("two.pth", "two-1.0.dist-info")),
    )
    return Makeup(python=python, members=members, extra_paths=(root / "lib",), root=root)


def run(*command: str | Path) -> str:
    done = subprocess.run([str(word) for word in command], env={}, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


def findings(prefix: Path, root: Path) -> list[str]:
    """Return what is wrong with an environment."""
    locked = [("one", "a" * 64, str(root / "eggs/one-1.0.egg"))]
    return [str(finding) for finding in verify.of_environment(prefix, PYTHON, locked, [])]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_what_it_was_after_a_move(tmp_path: Path, kind: str) -> None:
    """What it notes, its digests and what it imports are those of the new place; nothing in it is found changed."""
    symlink, hardlink = KINDS[kind]
    root = tmp_path / "root"
    made, remarks = environment.ensure(root / "parts", makeup(root), root / "eggs", symlink=symlink, hardlink=hardlink)
    assert (kind == "symbolic") == (not remarks)
    assert [] == findings(made.prefix, root)
    _, entries = tree.of_environment(made.prefix, PYTHON, Tokens({str(root): "{root}"}))
    moved = root.rename(tmp_path / "moved")
    prefix = moved / made.prefix.relative_to(root)
    content = content_of(prefix, PYTHON)
    assert content is not None
    assert (moved, (moved / "lib",)) == (content.makeup.root, content.makeup.extra_paths)
    assert made.digest == content.makeup.digest(prefix.parent)
    _, found = tree.of_environment(prefix, PYTHON, Tokens({str(moved): "{root}"}))
    of_develop = [entry for entry in found if "two.pth" in entry.path]
    assert entries == found
    assert of_develop
    code = "import one, two, three; two.main(); three.main()"
    assert f"{moved}/source/two.py\n{moved}/lib/three.py\n" == run(prefix / "bin/python", "-I", "-c", code)
    assert "one one\n" == run(prefix / "bin/one")
    again, _ = environment.ensure(moved / "parts", content.makeup, moved / "eggs")
    assert (made.digest, prefix) == (again.digest, again.prefix)
    described = environment.describe(root / "parts", makeup(root), root / "eggs")
    expected = [CodePlace("two", Path("source"), is_developed=True), CodePlace("one", Path("eggs/one-1.0.egg"))]
    for found, place in ((made, root), (described, root), (again, moved)):
        assert expected == [replace(one, path=one.path.relative_to(place)) for one in found.places]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_changed_is_found(tmp_path: Path, kind: str) -> None:
    """A file, a link and a line that are not as they were made are told, of whatever kind the links are."""
    symlink, hardlink = KINDS[kind]
    root = tmp_path / "root"
    made, _ = environment.ensure(root / "parts", makeup(root), root / "eggs", symlink=symlink, hardlink=hardlink)
    changed = [made.site_packages / "one.py", made.site_packages / "two.pth"]
    for path in changed:
        path.unlink()
        path.write_text("evil = 1\n", "utf-8")
    assert [f"changed: {path}" for path in changed] == findings(made.prefix, root)


def test_without_links_python_is_in_it(tmp_path: Path) -> None:
    """Its Python is a copy that knows where it is, and whose standard library is that of the machine's."""
    root = tmp_path / "root"
    made, _ = environment.ensure(root / "parts", makeup(root), root / "eggs", symlink=refused, hardlink=refused)
    code = "import sys, json; print(sys.prefix, sys.base_prefix, sys.executable, json.__file__, sep='\\n')"
    found = run(made.python, "-I", "-c", code).splitlines()
    assert [str(made.prefix), sys.base_prefix, str(made.python), json.__file__] == found
    assert not made.python.is_symlink()


def test_a_python_inside_the_tree_moves_with_it(tmp_path: Path) -> None:
    """Where the interpreter lies in the tree, its environments find it after a move, wherever they are started."""
    root = tmp_path / "root"
    library = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
    copied = root / "python/lib" / library.name
    copied.mkdir(parents=True)
    for entry in library.iterdir():
        if entry.name != "site-packages":
            (copied / entry.name).symlink_to(entry)
    (root / "python/bin").mkdir()
    executable = root / "python/bin" / f"python{PYTHON.minor}"
    shutil.copy2(os.path.realpath(PYTHON.executable), executable)
    made, _ = environment.ensure(root / "parts", makeup(root, Interpreter(executable, PYTHON.version)), root / "eggs")
    moved = root.rename(tmp_path / "moved")
    prefix = moved / made.prefix.relative_to(root)
    found = run(prefix / "bin/python", "-I", "-c", "import sys, one; print(sys.prefix); print(sys.base_prefix)")
    assert [str(prefix), str(moved / "python")] == [os.path.realpath(line) for line in found.splitlines()]
    assert "home" not in (prefix / "pyvenv.cfg").read_text("utf-8")
