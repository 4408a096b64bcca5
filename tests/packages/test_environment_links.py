"""The links, paths and finders of an environment in a tree that may be moved."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import pytest

from eggcarton.core.linking import refused
from eggcarton.packages.environment_links import Links

FINDER = '''\
"""A finder."""
from __future__ import annotations
MAPPING: dict[str, str] = {{'one': '{root}/source/one', 'two': "{root}/söurce/two", 'far': '/far/away'}}
SPACES: dict[str, list[str]] = {{'space': ['{root}/a', '{root}/b'],
    'long': ["""{root}/c"""]}}
'''


def links(root: Path, *developed: Path, prefix: str = "parts/env", movable: bool = True) -> Links:
    """Return what makes the links of an environment below a root, which is prepared beside its place."""
    (root / "staging").mkdir(parents=True, exist_ok=True)
    return Links(root / "staging", root / prefix, root if movable else None, developed)


def test_only_what_lies_in_the_tree_is_relative(tmp_path: Path) -> None:
    """A link into the tree starts from where the environment is to stand; one that leads out of it is absolute."""
    root = tmp_path / "root"
    made = links(root)
    (root / "staging/bin").mkdir()
    made(root / "store/one", root / "staging/bin/one")
    made(tmp_path / "other/two", root / "staging/bin/two")
    assert "../../../store/one" == os.readlink(root / "staging/bin/one")
    assert str(tmp_path / "other/two") == os.readlink(root / "staging/bin/two")
    still = links(root, movable=False)
    still(root / "store/one", root / "staging/three")
    assert str(root / "store/one") == os.readlink(root / "staging/three")
    outside = Links(root / "staging", tmp_path / "elsewhere/env", root, ())
    outside(root / "store/one", root / "staging/four")
    assert str(root / "store/one") == os.readlink(root / "staging/four")


def test_links_to_directories_on_the_way(tmp_path: Path) -> None:
    """Where a directory on the way is itself a link, a link starts from, and leads to, where things really lie."""
    root, store = tmp_path / "root", tmp_path / "shared"
    (root / "deep/down/parts").mkdir(parents=True)
    (root / "parts").symlink_to("deep/down/parts")
    (store / "egg").mkdir(parents=True)
    (root / "eggs").symlink_to(store)
    (root / "lib").mkdir()
    made = links(root)
    made(root / "lib", root / "staging/lib")
    made(root / "eggs/egg", root / "staging/egg")
    (root / "staging").rename(root / "parts/env")
    assert os.path.samefile(root / "lib", root / "parts/env/lib")
    root.rename(tmp_path / "moved")
    assert os.path.samefile(tmp_path / "moved/lib", tmp_path / "moved/parts/env/lib")
    # The store lies outside of the tree, and stays where it is.
    assert str(root / "eggs/egg") == os.readlink(tmp_path / "moved/parts/env/egg")


def test_a_line_of_a_pth_file(tmp_path: Path) -> None:
    """Python joins it to site-packages; where that may be reached by a link, the line looks for its real place."""
    root = tmp_path / "root"
    line = links(root).pth_line(root / "lib", root / "staging/site")
    assert "../../../lib" == line
    assert "/elsewhere/lib" == links(root).pth_line(Path("/elsewhere/lib"), root / "staging/site")
    (root / "deep/down").mkdir(parents=True)
    (root / "parts").symlink_to("deep/down")
    (root / "lib").mkdir()
    line = links(root).pth_line(root / "lib", root / "staging/site")
    (root / "parts/env/site").mkdir(parents=True)
    path: list[str] = []

    class System:
        """Stands for the module sys, whose path a line adds to."""

        def __init__(self) -> None:
            self.path = path

    assert line.startswith("import os, sys; ")
    exec(line.replace("import os, sys; ", ""), {"os": os, "sys": System(), "sitedir": str(root / "parts/env/site")})
    assert [str(root / "lib")] == path


def test_a_finder_finds_from_where_it_lies(tmp_path: Path) -> None:
    """Each absolute path of the tree in a develop package's finder is one from the finder's own place after a move."""
    root = tmp_path / "röot"
    root.mkdir()
    finder = root / "develop-eggs/finder.py"
    finder.parent.mkdir()
    finder.write_text(FINDER.format(root=root), "utf-8")
    made = links(root, finder)
    made(finder, root / "staging/finder.py")
    (root / "parts").mkdir()
    (root / "staging").rename(root / "parts/env")
    now = root.rename(tmp_path / "moved")
    found = runpy.run_path(str(now / "parts/env/finder.py"))
    assert {"one": f"{now}/source/one", "two": f"{now}/söurce/two", "far": "/far/away"} == found["MAPPING"]
    assert {"space": [f"{now}/a", f"{now}/b"], "long": [f"{now}/c"]} == found["SPACES"]
    assert [] == made.remarks


def test_paths_of_a_develop_package(tmp_path: Path) -> None:
    """Its .pth file is written anew; remarks and code in it stay, and so does a file that names nothing of the tree."""
    root = tmp_path / "root"
    pth, other = root / "develop-eggs/one.pth", root / "develop-eggs/other.pth"
    pth.parent.mkdir(parents=True)
    pth.write_text(f"# one\n{root}/src\nimport os\n/far/away\n", "utf-8")
    other.write_text("import os\n", "utf-8")
    made = links(root, pth, other)
    made(pth, root / "staging/one.pth")
    made(other, root / "staging/other.pth")
    assert "# one\n../../src\nimport os\n/far/away\n" == (root / "staging/one.pth").read_text("utf-8")
    assert "../../develop-eggs/other.pth" == os.readlink(root / "staging/other.pth")


@pytest.mark.parametrize("text", ['ROOT = f"%s/{1}"', "not python: %s/x", "import finder; finder.install('%s/x')"])
def test_what_cannot_be_moved_is_told(tmp_path: Path, text: str) -> None:
    """An absolute path in a form that cannot be made relative is told in a remark, and left as it is."""
    root = tmp_path / "root"
    finder = root / ("finder.pth" if text.startswith("import") else "finder.py")
    root.mkdir()
    finder.write_text(f"{text % root}\n", "utf-8")
    made = links(root, finder)
    made(finder, root / "staging/finder")
    (remark,) = made.remarks
    assert remark.startswith(f"finder is not found after {root} is moved, until bin/buildout has run there: {finder} ")
    assert (root / "staging/finder").is_symlink()


def test_a_tree_of_absolute_links_is_told(tmp_path: Path) -> None:
    """The links that setuptools makes for a strict editable installation are its own, and absolute."""
    root = tmp_path / "root"
    built = root / "source/build/__editable__.one-1.0-py3"
    built.mkdir(parents=True)
    (built / "one.py").symlink_to(root / "source/one.py")
    pth = root / "__editable__.one-1.0.pth"
    pth.write_text(f"{built}\n", "utf-8")
    made = links(root, pth)
    made(pth, root / "staging/one.pth")
    (remark,) = made.remarks
    assert remark.startswith("one-1.0 is not found after ")
    assert remark.endswith(f"its build made links to absolute paths in {built}")


def test_without_links_nothing_that_python_compiled_is_taken(tmp_path: Path) -> None:
    """Hard links and copies of a package leave out what Python wrote there while it ran."""
    root = tmp_path / "root"
    (root / "store/one/__pycache__").mkdir(parents=True)
    (root / "store/one/module.py").write_text("", "utf-8")
    (root / "staging").mkdir()
    made = Links(root / "staging", root / "env", root, (), refused)  # type: ignore[arg-type]
    made(root / "store/one", root / "staging/one")
    assert (["module.py"], {"hard"}) == (os.listdir(root / "staging/one"), made.kinds)
