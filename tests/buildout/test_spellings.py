"""A name is the same however it is spelt: in eggs, pins, requirements, develop packages and what a recipe asks for."""

from __future__ import annotations

import re

import pytest

from eggcarton.core.layout import canonical_name
from support.buildouts import Buildout
from support.distributions import wheel
from support.fakes import asking

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
develop = developed
parts = theirs ours more

[versions]
FOO.bar = 1.0

[theirs]
recipe = zc.recipe.egg
interpreter = theirs
eggs =
    Foo_Bar
    dev.pack

[ours]
recipe = eggcarton:scripts
interpreter = ours
eggs =
    foo-bar
    DEV-Pack

[more]
recipe = asking
eggs = foo.BAR
more = Dev_pack foo_bar
"""
SETUP = """\
from setuptools import setup
setup(name="Dev_Pack", version="1.0", py_modules=["dev_pack"], install_requires=["FOO-Bar", "Other.One"])
"""


def test_every_spelling(build: Buildout) -> None:
    """One distribution is locked, at the pinned version, and everybody who spells its name otherwise has it."""
    for version in ("1.0", "2.0"):
        wheel(build.index.directory, "Foo.Bar", version, {"foo_bar.py": f"told = '{version}'\n"})
    wheel(build.index.directory, "other-one", requires=["Foo__bar"])
    asking(build.index.directory)
    build.write("developed/setup.py", SETUP)
    build.write("developed/dev_pack.py", "import other_one\nfrom foo_bar import told\n")
    build.configure(CONFIG)
    [found] = [line for line in build.build().splitlines() if line.startswith("found ")]
    assert ["dev-pack", "foo-bar", "other-one"] == sorted(
        canonical_name(name) for name in re.findall(r"(\S+) 1\.0", found)
    )
    lock = build.lock.read_text("utf-8")
    assert ["foo-bar", "other-one"] == [line[8:-1] for line in lock.splitlines() if line.startswith("name = ")]
    assert "tool.eggcarton.asked" not in lock
    for program in ("theirs", "ours"):
        assert (
            "1.0" == build.run("-c", "import dev_pack; print(dev_pack.told)", program=program).output.splitlines()[-1]
        )
    build.build("eggcarton:policy=frozen")
    assert lock == build.lock.read_text("utf-8")
