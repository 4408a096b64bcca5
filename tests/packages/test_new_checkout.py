"""New checkouts: whole or not there, in nobody's way, and never over what somebody has."""

from __future__ import annotations

import argparse
import ast
import configparser
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.buildout.recipes import RECIPES
from eggcarton.core.errors import EggcartonError, UsageProblem
from eggcarton.packages import new_checkout
from eggcarton.packages.new_checkout import KINDS
from eggcarton.packages.project_names import ProjectNames
from support.buildouts import CHECKOUT, bootstrap_module

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OURS = {"bootstrap.py": b"print()", "toolchain.txt": b"", "eggcarton-1-py3-none-any.whl": b"wheel"}
CHANGES = ("os.rename", "os.mkdir", "os.remove")


def begin(directory: Path, kind: str = "wsgi", name: str | None = None) -> list[str]:
    """Make a checkout and return what is said."""
    return list(new_checkout.begin(argparse.Namespace(kind=kind, directory=str(directory), name=name), OURS))


def files(place: Path) -> dict[str, bytes]:
    """Return every file below a directory by its relative path."""
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_a_directory_named_like_a_pattern(tmp_path: Path) -> None:
    """With a name of its own a project lies in a directory of any name."""
    begin(tmp_path / "[my] **site**", name="mine")
    assert {"buildout.cfg", *OURS} <= set(files(tmp_path / "[my] **site**"))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_whole(kind: str, tmp_path: Path) -> None:
    """Every template is filled, Python and TOML are right, and each section of ours has options that are read."""
    said = begin(tmp_path / "my site", kind)
    made = files(tmp_path / "my site")
    always = {"buildout.cfg", "production.cfg", ".gitignore", "README.rst", "pyproject.toml", "vendored.sha256", *OURS}
    assert always <= set(made)
    assert sorted(made) == sorted(
        os.path.relpath(line.removeprefix("written: "), tmp_path / "my site")
        for line in said
        if line.startswith("written: ")
    )
    for name, data in made.items():
        assert not re.search("@[A-Z]+@", name + data.decode()), name
        if name.endswith(".py"):
            ast.parse(data)
    project = tomllib.loads(made["pyproject.toml"].decode())["project"]
    assert "my-site" == project["name"]
    assert any(name.startswith("src/my_site/test") for name in made), sorted(made)
    low = project["requires-python"].removeprefix(">=")
    assert f"With CPython {low} or later::" in made["README.rst"].decode()
    heading, line = made["README.rst"].decode().splitlines()[:2]
    assert len(heading) == len(line)
    for name in ("buildout.cfg", "production.cfg"):
        parser = configparser.RawConfigParser()
        parser.read_string(made[name].decode())
        for section in parser.sections():
            distribution, _, recipe = parser.get(section, "recipe", fallback="").partition(":")
            assert distribution != "eggcarton" or recipe in RECIPES
    parser = configparser.RawConfigParser()
    for name in ("buildout.cfg", "production.cfg"):
        parser.read_string(made[name].decode())
    assert {"policy": "frozen", "requires-python": f">={low}"}.items() <= dict(parser.items("eggcarton")).items()


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_is_written_is_committed(kind: str, tmp_path: Path) -> None:
    """What .gitignore leaves out is nothing that was written, whatever the user's own one says of wheels."""
    begin(tmp_path / "mine", kind)
    (tmp_path / "ignored").write_text("*.whl\n", "utf-8")

    def git(*words: str) -> str:
        command = ["git", "-c", f"core.excludesFile={tmp_path / 'ignored'}", *words]
        return subprocess.run(command, cwd=tmp_path / "mine", stdout=subprocess.PIPE, text=True, check=True).stdout

    written = sorted(files(tmp_path / "mine"))
    git("init", "--quiet")
    git("add", ".")
    assert written == sorted(git("ls-files").splitlines())


def test_the_kinds_are_those_of_bootstrap() -> None:
    """bootstrap.py, which knows nothing of ours before it has fetched something, names the same ones."""
    assert sorted(KINDS) == sorted(bootstrap_module().KINDS)
    folders = {path.name for path in (CHECKOUT / "src/eggcarton/checkouts").iterdir()}
    assert folders == {*KINDS, "common"}


def test_what_is_said_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands that come next can be pasted, and what is to be committed is told."""
    assert [
        "This is a Pyramid application; build it, test it and serve it:",
        f"  cd '{tmp_path}/my site'",
        "  python3 bootstrap.py",
        "  bin/test",
        "  bin/web    # on http://127.0.0.1:6543/",
        "Commit all that was written, and pylock.toml of the first build; .gitignore leaves out the rest: git add .",
    ] == [line for line in begin(tmp_path / "my site", "pyramid") if not line.startswith("written: ")]
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert not [line for line in begin(Path(".")) if "cd " in line]


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    """It stays the directory that it was; a repository that was begun in it is not in the way."""
    place = tmp_path / "mine"
    (place / ".git").mkdir(parents=True)
    number = place.stat().st_ino
    begin(place)
    begin(tmp_path / "other", name="mine")
    assert (number, files(tmp_path / "other")) == (place.stat().st_ino, files(place))
    assert ["mine", "other"] == sorted(os.listdir(tmp_path))


def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    """Nothing is overwritten, and nothing added to what is somebody's own."""
    place = tmp_path / "mine"
    place.mkdir()
    for name in ("buildout.cfg", "notes", "a", "b", "c", "d"):
        (place / name).write_text("mine", "utf-8")
    with pytest.raises(UsageProblem) as caught:
        begin(place)
    sentence = f"{place} holds a, b, buildout.cfg, c, d and more, which is in the way; "
    assert f"{sentence}name a new directory, or an empty one" == str(caught.value)
    assert {"a", "b", "buildout.cfg", "c", "d", "notes"} == files(place).keys()
    assert {b"mine"} == set(files(place).values())
    with pytest.raises(UsageProblem, match="notes is a file; name a new directory"):
        begin(place / "notes", name="mine")
    with pytest.raises(EggcartonError, match="notes/below cannot be made: File exists; name a place"):
        begin(place / "notes" / "below")


def test_a_link_that_stands_there_is_not_followed(tmp_path: Path) -> None:
    """A link to a file with our own content is somebody's, too."""
    begin(tmp_path / "first", name="mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/buildout.cfg").symlink_to(tmp_path / "first/buildout.cfg")
    with pytest.raises(UsageProblem, match=r"holds buildout\.cfg, which is in the way"):
        begin(tmp_path / "mine")


def test_once_more(tmp_path: Path) -> None:
    """Where all of it is there already, unchanged, nothing is written; what is changed is in the way."""
    begin(tmp_path / "mine")
    before = {path: path.lstat() for path in (tmp_path / "mine").rglob("*") if path.is_file()}
    said = begin(tmp_path / "mine")
    assert f"{tmp_path / 'mine'} has all of it already; nothing was changed." == said[0]
    assert before == {path: path.lstat() for path in (tmp_path / "mine").rglob("*") if path.is_file()}
    (tmp_path / "mine/src/mine/__init__.py").write_text("", "utf-8")
    with pytest.raises(UsageProblem, match="mine holds src, which is in the way"):
        begin(tmp_path / "mine")


def test_a_path_that_no_script_can_name(tmp_path: Path) -> None:
    """A line end in the path is refused before anything is written."""
    with pytest.raises(UsageProblem, match="holds a line end"):
        begin(tmp_path / "a\nb", name="mine")
    assert [] == os.listdir(tmp_path)


def killed(place: Path, at: int) -> bool:
    """Make a checkout in a process that ends, as by kill -9, at the Nth change of the file system; tell whether."""
    if (child := os.fork()) == 0:
        left = at

        def kill(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in CHANGES or (event == "open" and re.search("[wax]", str(arguments[1]))):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        begin(place, name="mine")
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("is_there", [False, True], ids=["new", "empty"])
def test_killed_at_any_moment(is_there: bool, tmp_path: Path) -> None:
    """Whenever kill -9 comes, the same command succeeds afterwards, and nothing of the first one is left."""
    begin(tmp_path / "wanted", name="mine")
    wanted, at, is_killed = files(tmp_path / "wanted"), 0, True
    while is_killed:
        place = tmp_path / str(at) / "site of mine"
        (place if is_there else place.parent).mkdir(parents=True)
        is_killed = killed(place, at)
        assert is_there or not place.exists() or wanted == files(place)
        begin(place, name="mine")
        assert ([place.name], wanted) == (os.listdir(place.parent), files(place))
        at += 1
    assert at > 2 * len(wanted)


def test_zope_in_a_path_with_blanks(tmp_path: Path) -> None:
    """Nothing depends on the path, and the variables have lines of their own: of a single one blanks make several."""
    begin(tmp_path / "my  own site", "plone", "my-site")
    begin(tmp_path / "mine", "plone", "my-site")
    assert files(tmp_path / "mine") == files(tmp_path / "my  own site")
    for config in (tmp_path / "mine/buildout.cfg", CHECKOUT / "examples/plone/base.cfg"):
        parser = configparser.RawConfigParser()
        parser.read(config, "utf-8")
        assert 2 == len(parser.get("instance", "environment-vars").strip().splitlines()), config


def test_the_readme_of_plone_says_when_to_verify(tmp_path: Path) -> None:
    """Plone writes into eggs when it runs: a build is verified before that."""
    begin(tmp_path / "mine", "plone")
    readme = " ".join((tmp_path / "mine/README.rst").read_text("utf-8").split())
    assert "ask it after a build, before the first test and the first start" in readme


def test_the_words_of_the_templates() -> None:
    """A name stands wherever the project is named, in paths too."""
    made = new_checkout.content("django", ProjectNames("my-site"))
    assert b'name = "my-site"' in made["pyproject.toml"]
    assert b"<h1>{{ title }}</h1>" in made["src/my_site/templates/my_site/home.html"]
    assert b"MY_SITE_DATA=${buildout:directory}/var" in made["buildout.cfg"]
