"""Every recipe works without the extension too, through zc.recipe.egg, and says once what that lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.buildouts import Buildout
from support.distributions import source, wheel
from support.fakes import GREETING, faulty, greeting, pytest_stand_in

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
parts = app tests covered web text

[app]
recipe = eggcarton:scripts
eggs = greeting
interpreter = py

[tests]
recipe = eggcarton:test
eggs = greeting

[covered]
recipe = eggcarton:coverage
eggs = greeting
source = greeting

[web]
recipe = eggcarton:wsgi
eggs = greeting
application = greeting:main

[text]
recipe = eggcarton:template
input = inline: {{ place }} {{ 6 * 7 }}
output = text.txt
place = ${app:bin-directory}
"""
LACKING = "eggcarton's extension is not in force, so what is installed is neither locked nor verified"


def test_each_recipe_builds_without_the_extension(build: Buildout) -> None:
    """Scripts, tests, coverage, a server and a template are there; there is no lock, and one line says what lacks."""
    greeting(build.index.directory)
    pytest_stand_in(build.index.directory)
    wheel(build.index.directory, "coverage", "9.0")
    wheel(build.index.directory, "waitress", "9.0")
    build.configure(CONFIG)
    output = build.build()
    assert 1 == output.count(LACKING)
    assert "'extensions = eggcarton' in [buildout] changes that" in output
    assert ["covered", "greet", "py", "tests", "web"] == build.scripts()
    assert not list(build.root.glob("pylock*"))
    assert "greeting 1.0\n" == build.run(program="greet").output
    assert f"{build.bin} 42\n" == (build.root / "text.txt").read_text("utf-8")
    before = build.tree("bin", "parts")
    output = build.build("-N")
    assert 1 == output.count(LACKING)
    assert before == build.tree("bin", "parts")
    build.configure(CONFIG.replace("parts = app tests", "parts = app"))
    build.build("-N")
    assert ["covered", "greet", "py", "web"] == build.scripts()


def test_a_develop_package_without_the_extension(build: Buildout, wheels: Path) -> None:
    """What is developed here is imported from here, and first, its own scripts included, as pip builds it."""
    wheel(build.index.directory, "library", "1.0", {"greeting.py": "main = None\n", "library.py": ""})
    source(
        build.root,
        "greeting",
        "2.0",
        {"greeting.py": GREETING},
        requires=["library"],
        console_scripts={"greet": "greeting:main"},
    )
    for path in wheels.glob("setuptools-*.whl"):
        (build.index.directory / path.name).symlink_to(path)
    build.variables["PIP_INDEX_URL"] = build.index.url
    build.configure("[buildout]\ndevelop = greeting\nparts = app\n[app]\nrecipe = eggcarton:scripts\neggs = greeting\n")
    output = build.build("-N")
    hidden = f"greeting of library cannot be imported: the develop package in {build.root}/greeting has it, and comes"
    assert (True, True) == (LACKING in output, hidden in output), output
    assert "greeting 2.0\n" == build.run(program="greet").output


def test_the_extension_can_be_taken_out_again(build: Buildout) -> None:
    """A build goes on without the extension from what it made with it, and with it again."""
    greeting(build.index.directory)
    config = "[buildout]\nextensions = eggcarton\nparts = app\n[app]\nrecipe = eggcarton:scripts\neggs = greeting\n"
    build.configure(config)
    build.build()
    build.configure(config.replace("extensions = eggcarton\n", ""))
    assert LACKING in build.build()
    assert "greeting 1.0\n" == build.run(program="greet").output
    build.configure(config)
    assert LACKING not in build.build()
    assert "greeting 1.0\n" == build.run(program="greet").output


def test_an_error_without_the_extension_is_told_once(build: Buildout) -> None:
    """A wrong option is one sentence and its exit code here too."""
    build.configure(CONFIG.replace("interpreter", "interpretr"))
    sentence = "Error: [app] option 'interpretr' is not known: did you mean 'interpreter'?\n"
    assert sentence == build.fails(status=2)[-len(sentence) :]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("no-such/file", "Error: [faulty] no-such/file: No such file or directory; put that right, then run again\n"),
        ("fault", "Error: [faulty] this is a fault in eggcarton itself: please report it, with the lines above; what"),
    ],
)
@pytest.mark.parametrize("version", [None, "5.2.0"], ids=["own bin/buildout", "stock 5.2.0"])
def test_a_part_that_fails_unexpectedly(
    request: pytest.FixtureRequest, build: Buildout, version: str | None, fault: str, told: str
) -> None:
    """zc.buildout deletes the files of a part whose update fails; ours keeps them, whatever fails and when."""
    if version:
        request.getfixturevalue("stock").take_over(build, version)
    faulty(build.index.directory)
    build.configure("[buildout]\nparts = faulty\n[faulty]\nrecipe = faulty\n")
    build.build()
    before = build.tree("bin", "faulty")
    build.variables["FAULT"] = fault
    status, output = build.run("-N")
    assert (1, True) == (status, told in output), output
    assert (fault == "fault") == ("RuntimeError: told to fail\n" in output)
    assert (int(fault == "fault"), 1) == (output.count("Traceback"), output.count("Error: ["))
    assert before == build.tree("bin", "faulty")
    del build.variables["FAULT"]
    build.build("-N")
    assert before == build.tree("bin", "faulty")
