"""A whole build: moved elsewhere, reached through links, and made where there are no links."""

from __future__ import annotations

import pytest

from support import denied
from support.buildouts import Buildout, Result, run
from support.distributions import wheel
from support.fakes import greeting

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app theirs

[app]
recipe = eggcarton:scripts
eggs = greeting
interpreter = py

[theirs]
recipe = zc.recipe.egg
eggs = greeting
scripts = greet=theirs
"""
WITHOUT = {"symbolic": "hard links, and copies where those cannot be made either,", "symbolic,hard": "copies"}


@pytest.mark.parametrize("kinds", sorted(WITHOUT))
def test_a_build_without_links(build: Buildout, kinds: str) -> None:
    """Where the system refuses links a build works as ever, says so, is found as it was, and verifies."""
    if why := denied.reason():
        pytest.skip(why)
    greeting(build.index.directory)
    wheel(
        build.index.directory, "other", modules={"greetings/one.py": ""}, data={"scripts/tool": "#!python\nprint(1)\n"}
    )
    build.configure(CONFIG.replace("eggs = greeting\ninterp", "eggs = greeting\n    other\ninterp"))

    def within(program: str, *arguments: str) -> Result:
        command = [*denied.command(kinds), build.bin / program, *arguments]
        return run(command, cwd=build.root, variables=build.environment())

    status, output = within("buildout")
    assert 0 == status, output
    print(output)
    assert 1 == output.count(f"environments: symbolic links cannot be made here; {WITHOUT[kinds]} are made instead")
    assert (0, "greeting 1.0 here\n") == within("greet", "here")
    assert (0, "greeting 1.0\n") == within("theirs")
    before = build.tree()
    status, output = within("buildout")
    assert (0, 1) == (status, len(output.splitlines())), output
    assert before == build.tree()
    status, output = within("eggcarton", "verify")
    assert 0 == status, output
