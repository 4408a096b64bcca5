"""Develop packages whose version comes from git: right in every run, and not built while the repository stands."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from support.buildouts import Buildout, Shared, downloaded, locked
from support.develops import IGNORED, VERSIONED
from support.fakes import GREETING
from support.repositories import Repository

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
develop = src-of/*
parts = app

[app]
recipe = eggcarton:scripts
eggs =
    {eggs}
interpreter = py
"""


@pytest.fixture(scope="session")
def versioning(shared: Shared) -> Path:
    """The wheels of what versions come from."""
    pins = Path(__file__).parents[1] / "support" / "versioning.txt"
    with locked(shared.directory / "versioning"):
        return downloaded(pins)


@pytest.fixture
def versioned(build: Buildout, backends: Path, versioning: Path) -> Buildout:
    """A buildout whose index has all that versions come from."""
    for path in (*backends.glob("*.whl"), *versioning.glob("*.whl")):
        shutil.copy(path, build.index.directory)
    return build


def repository(build: Buildout, tool: str, name: str = "greeting") -> Repository:
    """Make the repository of a project, with a tag."""
    made = Repository(build.root / "src-of" / name)
    made.write({"pyproject.toml": VERSIONED[tool].replace("NAME", name), ".gitignore": IGNORED})
    made.write({f"src/{name}/__init__.py": GREETING})
    made.commit(tag="v1.0")
    return made


def built(output: str) -> list[str]:
    """Return the names of what a run has built."""
    return sorted(Path(path).name for path in re.findall("Develop: '(.+)'$", output, re.MULTILINE))


def versions(build: Buildout) -> dict[str, str]:
    """Return the versions that ``develop-eggs`` has, by name."""
    found = (path.stem.split("-") for path in (build.root / "develop-eggs").glob("*.dist-info"))
    return {name: version for name, version in found if not name.startswith("eggcarton")}


def test_tags_of_each_tool(versioned: Buildout) -> None:
    """With each tool a tag has that one package built again; while nothing changes no package is built."""
    names = {tool: re.sub("[^a-z]", "", tool) for tool in VERSIONED}
    made = {tool: repository(versioned, tool, name) for tool, name in names.items()}
    versioned.configure(CONFIG.format(eggs="\n    ".join(names.values())))
    assert sorted(names.values()) == built(versioned.build())
    assert dict.fromkeys(names.values(), "1.0") == versions(versioned)
    assert 1 == len(versioned.build().splitlines())
    for tool, one in made.items():
        one.write({"more.txt": tool})
        one.commit(tag="v2.0")
        assert [names[tool]] == built(versioned.build())
        assert "2.0" == versions(versioned)[names[tool]]
    assert 1 == len(versioned.build().splitlines())


def test_a_commit_and_what_is_not_committed(versioned: Buildout) -> None:
    """Each commit is another version, and so is a work tree with changes; back at the tag, so is the version."""
    made = repository(versioned, "setuptools-scm")
    versioned.configure(CONFIG.format(eggs="greeting"))
    versioned.build()
    made.commit()
    assert ["greeting"] == built(versioned.build())
    assert versions(versioned)["greeting"].startswith("1.1.dev1+g")
    made.git("reset", "--quiet", "--hard", "v1.0")
    made.write({"src/greeting/__init__.py": GREETING + "# changed\n"})
    assert ["greeting"] == built(versioned.build())
    assert versions(versioned)["greeting"].startswith("1.1.dev0+g")
    made.git("checkout", "--quiet", ".")
    assert ["greeting"] == built(versioned.build())
    assert "1.0" == versions(versioned)["greeting"]


def test_a_file_that_the_build_made(versioned: Buildout) -> None:
    """A file of the version that git clean has taken away is made anew."""
    made = repository(versioned, "hatch-vcs")
    versioned.configure(CONFIG.format(eggs="greeting"))
    versioned.build()
    versioned.write("ask.py", "from greeting._version import version\nprint(version)\n")
    assert "1.0\n" == versioned.run("ask.py", program="py").output
    made.git("clean", "-qfdx")
    assert 0 != versioned.run("ask.py", program="py").status
    assert ["greeting"] == built(versioned.build())
    assert "1.0\n" == versioned.run("ask.py", program="py").output


def test_a_version_that_a_variable_tells(versioned: Buildout) -> None:
    """Where a checkout has no repository a variable tells the version, and another one has it built again."""
    made = repository(versioned, "setuptools-scm")
    shutil.rmtree(made.place / ".git")
    versioned.configure(CONFIG.format(eggs="greeting"))
    assert "could not be built" in versioned.fails(status=1)
    for version in ("3.0", "4.0"):
        versioned.variables["SETUPTOOLS_SCM_PRETEND_VERSION_FOR_GREETING"] = version
        assert ["greeting"] == built(versioned.build())
        assert version == versions(versioned)["greeting"]
        assert 1 == len(versioned.build().splitlines())


def test_work_trees_and_submodules(versioned: Buildout) -> None:
    """A work tree beside its repository and a submodule have their versions from where git keeps them."""
    origin = repository(versioned, "setuptools-scm")
    origin.place.rename(versioned.root / "origin")
    origin.place = versioned.root / "origin"
    origin.git("worktree", "add", "--quiet", "--detach", str(versioned.root / "src-of/tree"))
    above = Repository(versioned.root / "above")
    above.git("submodule", "--quiet", "add", str(origin.place), "sub")
    for develop, place in (("src-of/tree", versioned.root / "src-of/tree"), ("above/sub", above.place / "sub")):
        versioned.configure(CONFIG.format(eggs="greeting").replace("src-of/*", develop))
        versioned.build()
        assert "1.0" == versions(versioned)["greeting"]
        assert 1 == len(versioned.build().splitlines())
        inside = object.__new__(Repository)
        inside.place = place
        inside.git("commit", "--quiet", "--allow-empty", "--message", "more")
        inside.git("tag", f"v2.{len(develop)}")
        assert [place.name] == built(versioned.build())
        assert f"2.{len(develop)}" == versions(versioned)["greeting"]


def test_setup_py_that_asks_git(versioned: Buildout) -> None:
    """A setup.py that runs git on its own is asked for its answer again, and built when that is another one."""
    made = Repository(versioned.root / "src-of/greeting")
    code = "import subprocess\nfrom setuptools import setup\n"
    code += "told = subprocess.check_output(['git', 'describe', '--tags'], text=True).strip()\n"
    made.write({"setup.py": code + "setup(name='greeting', version=told, py_modules=['greeting'])\n"})
    made.write({"greeting.py": GREETING})
    made.commit(tag="1.0")
    versioned.configure(CONFIG.format(eggs="greeting"))
    versioned.build()
    assert 1 == len(versioned.build().splitlines())
    made.commit(tag="2.0")
    assert ["greeting"] == built(versioned.build())
    assert "2.0" == versions(versioned)["greeting"]
