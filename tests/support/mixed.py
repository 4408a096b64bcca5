"""A buildout with parts of ours and one of another recipe, for commands that look at what was built."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout
from support.fakes import greeting
from support.kept import Kept

CONFIG = """
[buildout]
extensions = eggcarton
parts = text app theirs

[text]
recipe = eggcarton:template
input = text.in
output = etc/text.ini
name = world

[app]
recipe = eggcarton:scripts
eggs = greeting
interpreter = py

[theirs]
recipe = zc.recipe.egg
eggs = greeting
scripts = greet=theirs
"""


def make(build: Buildout) -> None:
    """Build one part of each kind."""
    greeting(build.index.directory)
    build.configure(CONFIG)
    build.write("text.in", "hello {{ name }}\nand good bye\n")
    build.build()


@pytest.fixture
def built(kept: Kept) -> Buildout:
    """A buildout with parts of ours and one of another recipe, built once."""
    return kept(make)
