"""bin/eggcarton editor: one file is written, and nothing that others wrote in it is lost."""

from __future__ import annotations

import json

import pytest

from support.buildouts import Buildout, tree
from support.fakes import greeting

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
develop = dev
parts = app more

[app]
recipe = eggcarton:scripts
eggs = greeting

[more]
recipe = eggcarton:scripts
eggs =
    greeting
    devel
scripts =
"""


@pytest.fixture
def made(build: Buildout) -> Buildout:
    """A buildout with a small part and a larger one, in which a module has another place than its name says."""
    greeting(build.index.directory)
    build.write("dev/other/__init__.py", "")
    build.write(
        "dev/setup.py",
        """
        from setuptools import setup
        setup(name="devel", version="1", packages=["devel"], package_dir={"devel": "other"})
        """,
    )
    build.configure(CONFIG)
    build.build()
    return build


def edit(build: Buildout, *arguments: str, status: int = 0) -> str:
    """Return what editor says, once it is sure that it has written nothing but its file."""
    before = tree(build.root, build.home)
    build.index.requests.clear()
    found, output = build.run("editor", *arguments, program="eggcarton")
    assert status == found, output
    after = tree(build.root, build.home)
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    assert changed <= ({str(build.root / "pyrightconfig.json")} if not status else set())
    assert [] == build.index.requests
    return output


def test_what_is_written(made: Buildout) -> None:
    """Without a part that one is taken which imports most, and said; a second time nothing is written."""
    advice = (
        "They do not find devel, whose place has another name: dev/other\n"
        "For mypy: mypy --python-executable parts/.eggcarton/by-part/more/bin/python\n"
    )
    version = (made.root / "parts/.eggcarton/by-part/more/pyvenv.cfg").read_text("utf-8").split("version = ")[1]
    minor = ".".join(version.split(".")[:2])
    sees = f"editors and pyright see what [more] imports, 2 distributions under Python {minor}."
    assert f"pyrightconfig.json written: {sees}\n{advice}" == edit(made)
    path = made.root / "pyrightconfig.json"
    assert {
        "venvPath": "parts/.eggcarton/by-part",
        "venv": "more",
        "pythonVersion": minor,
        "exclude": ["**/node_modules", "**/__pycache__", "**/.*", "develop-eggs", "eggs/v5", "parts"],
    } == json.loads(path.read_text("utf-8"))
    before = path.stat().st_mtime_ns
    assert f"pyrightconfig.json is up to date: {sees}\n{advice}" == edit(made)
    assert before == path.stat().st_mtime_ns


def test_what_was_there(made: Buildout) -> None:
    """Settings of others stay; where they could not, the lines that are to be written are told, with status 2."""
    path = made.write("pyrightconfig.json", '{"strict": ["src"], "venv": "old"}\n')
    edit(made, "app")
    found = json.loads(path.read_text("utf-8"))
    assert (["src"], "app") == (found["strict"], found["venv"])
    path.write_text('{"strict": ["src"], // mine\n}', "utf-8")
    output = edit(made, "app", status=2)
    assert f"Error: {path} cannot be changed without loss (line 1 is no plain JSON: " in output
    lines = output.splitlines()[1:]
    assert ['  "venvPath": "parts/.eggcarton/by-part",', '  "venv": "app",'] == lines[:2]
    path.write_text("\n".join(["{", *lines, '"strict": ["src"], // mine', "}"]), "utf-8")
    assert "pyrightconfig.json is up to date: " in edit(made, "app")


def test_settings_in_pyproject(made: Buildout) -> None:
    """Beside settings in pyproject.toml no file is written, since pyright would not read these any more."""
    project = made.write("pyproject.toml", "[tool.pyright]\nstrict = ['src']\n")
    output = edit(made, "app", status=2)
    assert output.startswith(f"Error: {project} has [tool.pyright], which pyright does not read where there is a ")
    assert '  venv = "app"' in output.splitlines()
    made.write("pyrightconfig.json", "{}")
    edit(made, "app")


def test_a_configuration_in_another_directory(made: Buildout) -> None:
    """The file is written beside the configuration, and leads to the build from there."""
    (made.root / "buildout.cfg").rename(made.root / "dev/there.cfg")
    text = (made.root / "dev/there.cfg").read_text("utf-8")
    inside = text.replace("[buildout]", "[buildout]\ndirectory = ${:_dir}/..\n_dir = " + str(made.root / "dev"))
    (made.root / "dev/there.cfg").write_text(inside, "utf-8")
    status, output = made.run("-c", "dev/there.cfg", "editor", "app", program="eggcarton")
    assert 0 == status, output
    found = json.loads((made.root / "dev/pyrightconfig.json").read_text("utf-8"))
    assert "../parts/.eggcarton/by-part" == found["venvPath"]
    assert ["**/node_modules", "**/__pycache__", "**/.*"] == found["exclude"]


def test_what_cannot_be_seen(made: Buildout) -> None:
    """A part that is not there is told as everywhere."""
    assert "Error: there is no part 'x'; the parts are app, more\n" == edit(made, "x", status=2)


def test_before_the_first_run(build: Buildout) -> None:
    """In a directory that was never built, nothing is written."""
    build.configure("[buildout]\nextensions = eggcarton\nparts =\n")
    assert "Error: no part has an environment yet; run bin/buildout" in edit(build, status=3)
