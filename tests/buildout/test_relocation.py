"""A whole build that was moved elsewhere, or is reached through links."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.buildouts import BOOTSTRAP, PYTHON, Buildout, Shared, environment, run, tree
from support.fakes import greeting
from support.index import Index

pytestmark = pytest.mark.slow

SETUPTOOLS = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "1.0"

[tool.setuptools]
{tool}
"""
CONFIG = """\
[buildout]
extensions = eggcarton
develop = source/*
relative-paths = true
parts = app

[app]
recipe = eggcarton:scripts
eggs =
    greeting
    plain
    mapped
    spaced.inner
extra-paths = lib
interpreter = py
"""
LOOK = """\
import os, sys
import extra, greeting, mapped.here, plain, spaced.inner
from importlib.metadata import version
assert ["1.0"] * 4 == [version(name) for name in ("greeting", "plain", "mapped", "spaced.inner")]
for found in (extra, greeting, mapped.here, plain, spaced.inner):
    print(os.path.realpath(found.__file__))
print(os.path.realpath(sys.prefix))
"""
LONG = "/".join(["a long name of a directory".replace(" ", "-") * 3] * 4)
PLACES = {
    "elsewhere": "elsewhere/build",
    "blanks and other letters": "a place with 'blanks'/wörking 山/build",
    "over the kernel's limit": f"{LONG}/build",
}


def fill(root: Path, home: Path, index: Index) -> None:
    """Write a buildout whose develop packages enter by a path and by a finder, and its user's defaults."""
    (home / ".buildout").mkdir(parents=True)
    (home / ".buildout/default.cfg").write_text(f"[buildout]\nindex = {index.url}\n", "utf-8")
    files = {
        "buildout.cfg": CONFIG,
        "lib/extra.py": "",
        "source/plain/pyproject.toml": SETUPTOOLS.format(name="plain", tool='package-dir = { "" = "src" }'),
        "source/plain/src/plain.py": "",
        "source/mapped/pyproject.toml": SETUPTOOLS.format(
            name="mapped", tool='packages = ["mapped"]\npackage-dir = { mapped = "odd/place" }'
        ),
        "source/mapped/odd/place/__init__.py": "",
        "source/mapped/odd/place/here.py": "",
        "source/spaced/pyproject.toml": SETUPTOOLS.format(
            name="spaced.inner", tool='packages = ["spaced.inner"]\npackage-dir = { "spaced.inner" = "inner" }'
        ),
        "source/spaced/inner/__init__.py": "",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


@pytest.fixture(scope="session")
def movable(shared: Shared, wheels: Path, template: Path) -> Path:
    """A build that may be moved, and was: nothing stands any more where it was made."""

    def make(place: Path) -> None:
        (place / "index").mkdir()
        greeting(place / "index")
        with Index(place / "index") as index:
            fill(place / "build", place / "home", index)
            done = run(
                [PYTHON, BOOTSTRAP, place / "build", "--from", wheels], cwd=place, variables=variables(template, place)
            )
        assert 0 == done.status, done.output
        (place / "build").rename(place / "moved")

    return shared.once("movable", make) / "moved"


def variables(template: Path, place: Path) -> dict[str, str]:
    """Return the variables of a user whose home is there, and who has the toolchain in the cache."""
    return environment(place / "home", XDG_CACHE_HOME=str(template.parent / "home/.cache"))


def copied(movable: Path, place: Path) -> Path:
    """Copy a build as a move to another file system does."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(movable, place, symlinks=True)
    return place


def prefix_of(root: Path) -> Path:
    (found,) = (path for path in (root / "parts/.eggcarton/environments").iterdir() if path.is_dir())
    return found


def look(python: Path, root: Path, cwd: Path) -> None:
    """Assert that an interpreter imports everything from below a root, as a user would start it with no variables."""
    status, output = run([python, "-c", LOOK], cwd=cwd, variables={})
    assert 0 == status, output
    found = [os.path.relpath(line, os.path.realpath(root)) for line in output.splitlines()]
    store, prefix = found.pop(1), found.pop()
    assert ["lib/extra.py", "source/mapped/odd/place/here.py", "source/plain/src/plain.py"] == found[:3]
    assert ["source/spaced/inner/__init__.py"] == found[3:]
    assert store.startswith("eggs/v5/.eggcarton/")
    assert prefix == os.path.relpath(prefix_of(root), root)


def works(root: Path, cwd: Path) -> None:
    """Assert that all scripts work and stay inside the tree, as a user would start them with no variables."""
    prefix = prefix_of(root)
    look(prefix / "bin/python", root, cwd)
    look(root / "bin/py", root, cwd)
    for script in (root / "bin/greet", prefix / "bin/greet"):
        assert (0, "greeting 1.0 you\n") == run([script, "you"], cwd=cwd, variables={})
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import sys; print(sys.prefix)'])"
    status, output = run([root / "bin/py", "-c", code], cwd=cwd, variables={})
    assert (0, True) == (status, os.path.samefile(output.removesuffix("\n"), prefix)), output


@pytest.mark.parametrize("place", PLACES)
def test_a_tree_that_was_moved(movable: Path, tmp_path: Path, place: str) -> None:
    """Its scripts and its environment import from where it is now: eggs, extra paths, develop packages of any kind."""
    root = copied(movable, tmp_path / PLACES[place])
    works(root, tmp_path)


@pytest.mark.parametrize("place", PLACES)
def test_links_to_what_was_moved(movable: Path, tmp_path: Path, place: str) -> None:
    """Through a link to the tree, to its bin or to a script all works as without one."""
    root = copied(movable, tmp_path / PLACES[place])
    (tmp_path / "tree").symlink_to(root)
    works(tmp_path / "tree", tmp_path)
    (tmp_path / "programs").symlink_to("tree/bin")
    (tmp_path / "chosen name").symlink_to("programs/greet")
    for script in (tmp_path / "programs/greet", tmp_path / "chosen name"):
        assert (0, "greeting 1.0\n") == run([script], cwd=tmp_path, variables={})
    (tmp_path / "python").symlink_to("programs/py")
    look(tmp_path / "python", root, tmp_path)
    found = run(["greet"], cwd=tmp_path, variables={"PATH": f"{tmp_path / 'programs'}{os.pathsep}{os.defpath}"})
    assert (0, "greeting 1.0\n") == found


def test_a_tree_that_is_mounted_elsewhere(movable: Path, tmp_path: Path) -> None:
    """Mounted in another place, and that one for reading only, it works there."""
    mounted, inside = tmp_path / "mounted here", 'mount --bind -- "$1" "$2" && mount -o remount,bind,ro -- "$2"'
    mounted.mkdir()
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    tried = subprocess.run([*command, inside, "sh", movable, mounted], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"nothing can be mounted here: {tried.stderr.strip()}")
    prefix = prefix_of(movable).relative_to(movable)
    script = f'{inside} && "$2/bin/greet" && "$2/bin/py" -c "$3" && "$2/{prefix}/bin/greet"'
    status, output = run([*command, script, "sh", movable, mounted, LOOK], cwd=tmp_path, variables={"PATH": os.defpath})
    lines = output.splitlines()
    assert (0, "greeting 1.0", "greeting 1.0") == (status, lines[0], lines[-1]), output
    assert [] == [line for line in lines[1:-1] if not line.startswith(f"{mounted}/")]


def test_another_run_after_a_move(movable: Path, template: Path, tmp_path: Path) -> None:
    """bin/buildout and bin/eggcarton start where they were moved to, and find all as it was, without a network."""
    root = copied(movable, tmp_path / "elsewhere/build")
    before = prefix_of(root)
    for command in ("verify", "plan"):
        status, output = run([root / "bin/eggcarton", command], cwd=root, variables=variables(template, tmp_path))
        assert (3, True) == (status, "run bin/buildout" in output), output
    status, output = run([root / "bin/buildout"], cwd=root, variables=variables(template, tmp_path))
    assert 0 == status, output
    assert "0 fetched" in output
    assert before == prefix_of(root)
    status, output = run([root / "bin/eggcarton", "verify"], cwd=root, variables=variables(template, tmp_path))
    assert 0 == status, output
    assert [] == naming(root, movable.with_name("build"))


def test_a_copy_takes_nothing_from_what_was_copied(movable: Path, template: Path, tmp_path: Path) -> None:
    """What zc.buildout noted of one tree is not taken away there when a copy of it is built."""
    one, other = copied(movable, tmp_path / "one"), tmp_path / "other"
    status, output = run([one / "bin/buildout"], cwd=one, variables=variables(template, tmp_path))
    assert 0 == status, output
    copied(one, other)
    (other / "buildout.cfg").write_text(CONFIG.replace("interpreter = py", "interpreter = snake"), "utf-8")
    before = tree(one)
    status, output = run([other / "bin/buildout"], cwd=other, variables=variables(template, tmp_path))
    assert 0 == status, output
    assert (before, True, False) == (tree(one), (other / "bin/snake").exists(), (other / "bin/py").exists())


BACKENDS = {
    "hatch": ("hatchling", "hatchling.build", ""),
    "exact": ("hatchling", "hatchling.build", "[tool.hatch.build]\ndev-mode-exact = true\n"),
    "flit": ("flit-core>=3.4", "flit_core.buildapi", ""),
    "pdm": ("pdm-backend", "pdm.backend", ""),
    "poetry": ("poetry-core>=2", "poetry.core.masonry.api", ""),
    "old": ("setuptools<80", "setuptools.build_meta", '[tool.setuptools]\npackage-dir = { old = "src/old" }\n'),
}


def test_develop_packages_of_other_backends(build: Buildout, backends: Path, tmp_path: Path) -> None:
    """Whatever builds a develop package, it is imported from where the tree was moved to, and found by its metadata."""
    for path in backends.glob("*.whl"):
        shutil.copy(path, build.index.directory)
    for name, (requires, backend, more) in BACKENDS.items():
        head = f'[build-system]\nrequires = ["{requires}"]\nbuild-backend = "{backend}"\n'
        project = f'[project]\nname = "{name}"\nversion = "1.0"\ndescription = "One."\n'
        needs = 'dependencies = ["editables"]\n' if name == "exact" else ""
        build.write(f"source/{name}/pyproject.toml", f"{head}\n{project}{needs}\n{more}")
        build.write(f"source/{name}/src/{name}/__init__.py", "")
        build.write(f"source/{name}/src/{name}/inner.py", "")
    eggs = "".join(f"\n    {name}" for name in BACKENDS)
    part = f"[app]\nrecipe = eggcarton:scripts\neggs ={eggs}\ninterpreter = py\n"
    head = "[buildout]\nextensions = eggcarton\ndevelop = source/*\nrelative-paths = true\nparts = app\n"
    build.configure(f"{head}\n{part}")
    output = build.build()
    assert "is not found after" not in output
    root = tmp_path / "moved"
    build.root.rename(root)
    names = ", ".join(f"{name}.inner" for name in BACKENDS)
    code = (
        f"import {names}, importlib.metadata as m\n"
        f"for name in {list(BACKENDS)}: print(sys.modules[name].inner.__file__, m.version(name))"
    )
    status, output = run([root / "bin/py", "-c", f"import sys\n{code}"], cwd=tmp_path, variables={})
    assert 0 == status, output
    assert [f"{root}/source/{name}/src/{name}/inner.py 1.0" for name in BACKENDS] == output.splitlines()


def naming(root: Path, gone: Path) -> list[str]:
    """Return the files below a root that name a directory that is gone."""
    found = [path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return [str(path) for path in found if os.fsencode(gone) in path.read_bytes()]
