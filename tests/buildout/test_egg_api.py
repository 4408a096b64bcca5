"""Recipes of others ask zc.recipe.egg's classes for the eggs of our sections, and get what is locked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eggcarton.indexes.cache import file_digest
from support.buildouts import Buildout
from support.distributions import wheel
from support.fakes import greeting

pytestmark = pytest.mark.slow

RECIPE = '''
import os

import zc.recipe.egg


class Ask:
    """Tells in a file what zc.recipe.egg answers for the section that `of` names."""

    def __init__(self, buildout, name, options):
        self.options, self.section = options, buildout[options["of"]]
        self.egg = getattr(zc.recipe.egg, options["class"])(buildout, options["of"], self.section)

    def install(self):
        requirements, working_set = self.egg.working_set(self.options.get("extra", "").split())
        lines = [" ".join(requirements)]
        lines += sorted(f"{dist} {os.path.realpath(dist.location)}" for dist in working_set)
        with open(self.options["output"], "w") as stream:
            stream.write("\\n".join(lines))
        return [self.options["output"]]

    update = install


class Late(Ask):
    """Asks only while it is installed, with names and sections of its own choice."""

    def __init__(self, buildout, name, options):
        self.buildout, self.options = buildout, options

    def install(self):
        self.egg = zc.recipe.egg.Egg(self.buildout, self.options["of"], self.buildout[self.options["of"]])
        return super().install()

    update = install
'''
SECTIONS = {
    "scripts": "eggs = greeting\ninterpreter = py",
    "eggs": "eggs = greeting",
    "test": "eggs = greeting",
    "coverage": "eggs = greeting\nsource = greeting",
    "wsgi": "eggs = greeting\napplication = greeting:main",
}
CONFIG = """
[buildout]
{extension}
parts = asked app
{more}

[app]
recipe = eggcarton:{recipe}
{options}

[asked]
recipe = asking:{entry}
of = app
class = {kind}
extra = {extra}
output = ${{buildout:directory}}/asked.txt
"""


@pytest.fixture
def asking(build: Buildout) -> Buildout:
    """A buildout with somebody's recipe that asks zc.recipe.egg."""
    wheel(
        build.index.directory,
        "asking",
        "0.1",
        {"asking.py": RECIPE},
        requires=["zc.recipe.egg"],
        entry_points={"zc.buildout": {"ask": "asking:Ask", "late": "asking:Late"}},
    )
    greeting(build.index.directory)
    for name in ("coverage", "waitress", "pytest", "more"):
        wheel(build.index.directory, name, "9.0")
    return build


def config(
    recipe: str, *, extension: bool = True, kind: str = "Egg", entry: str = "ask", extra: str = "", more: str = ""
) -> str:
    return CONFIG.format(
        recipe=recipe,
        options=SECTIONS[recipe],
        extension="extensions = eggcarton" if extension else "",
        kind=kind,
        entry=entry,
        extra=extra,
        more=more,
    )


def told(build: Buildout) -> list[str]:
    """Return what the recipe was told; of places the sha256 under which they lie in the store."""
    text = (build.root / "asked.txt").read_text("utf-8")
    return re.sub(r" /\S*?(?:/\.eggcarton/(\w+))?/[^/]+\.egg$", r" \1", text, flags=re.MULTILINE).splitlines()


def egg(build: Buildout, name: str, version: str, *, extension: bool = True) -> str:
    """Return the line that tells of an egg: where it is locked, it is the one of its wheel's bytes."""
    digest = file_digest(build.index.directory / f"{name}-{version}-py3-none-any.whl") if extension else ""
    return f"{name} {version} {digest}"


@pytest.mark.parametrize("extension", [True, False], ids=["with the extension", "without the extension"])
@pytest.mark.parametrize("recipe", SECTIONS)
def test_a_working_set_of_our_section(asking: Buildout, recipe: str, extension: bool) -> None:
    """Requirements and working set are those of the section; that somebody asks neither warns nor installs it again."""
    asking.configure(config(recipe, extension=extension))
    output = asking.build()
    assert "not known" not in output
    assert ["greeting", egg(asking, "greeting", "1.0", extension=extension)] == told(asking)
    before = asking.tree("bin")
    output = asking.build()
    assert "not known" not in output
    assert [] == re.findall(r"(?:Uni|I)nstalling app", output)
    assert before == asking.tree("bin")


@pytest.mark.parametrize("extension", [True, False], ids=["with the extension", "without the extension"])
def test_what_is_asked_for_beside_a_section(asking: Buildout, extension: bool) -> None:
    """What a recipe adds while it runs is in the working set, and locked; the next run knows of it."""
    asking.configure(config("scripts", extension=extension, kind="Scripts", extra="more"))
    asking.build()
    eggs = [egg(asking, name, version, extension=extension) for name, version in (("greeting", "1.0"), ("more", "9.0"))]
    assert ["greeting", *eggs] == told(asking)
    if extension:
        assert 'name = "more"' in asking.lock.read_text("utf-8")
        asking.index.requests.clear()
        before = asking.lock.read_bytes()
        asking.build()
        assert (before, []) == (asking.lock.read_bytes(), asking.index.requests)


@pytest.mark.parametrize("extension", [True, False], ids=["with the extension", "without the extension"])
def test_a_recipe_that_asks_late(asking: Buildout, extension: bool) -> None:
    """What is written into our section while another part is installed does not have it installed again."""
    paths = {"scripts": "eggs = greeting\nextra-paths = lib\nfind-links =\n    links"}
    text = config("scripts", extension=extension, entry="late").replace(SECTIONS["scripts"], paths["scripts"])
    asking.configure(text)
    asking.build()
    assert ["greeting", egg(asking, "greeting", "1.0", extension=extension)] == told(asking)
    output = asking.build()
    assert [] == re.findall(r"(?:Uni|I)nstalling app", output)


@pytest.mark.parametrize("extension", [True, False], ids=["with the extension", "without the extension"])
@pytest.mark.parametrize("recipe", SECTIONS)
def test_what_our_sections_publish(asking: Buildout, recipe: str, extension: bool) -> None:
    """Others read where scripts, eggs and the part itself are, though nobody has asked zc.recipe.egg."""
    names = ("bin-directory", "eggs-directory", "develop-eggs-directory")
    text = config(recipe, extension=extension).replace("parts = asked app", "parts = text")
    references = " ".join(f"${{app:{name}}}" for name in (*names, "location"))
    asking.configure(
        f"{text}\n[text]\nrecipe = eggcarton:template\ninput = inline: {{{{ published }}}}\noutput = published.txt\n"
        f"published = {references}\n"
    )
    asking.build()
    *found, location = (asking.root / "published.txt").read_text("utf-8").split()
    assert [str(asking.bin), str(asking.root / "eggs" / "v5"), str(asking.root / "develop-eggs")] == found
    assert (asking.root / "parts") in Path(location).parents


@pytest.mark.parametrize("own", ["", "relative-paths =\n"])
def test_a_section_that_can_be_moved(asking: Buildout, own: str) -> None:
    """Recipes of others can ask for a section whose paths are relative, also where it leaves that open in words."""
    text = config("scripts", kind="Scripts", more="relative-paths = true").replace("[app]\n", f"[app]\n{own}")
    asking.configure(text)
    asking.build()
    assert ["greeting", egg(asking, "greeting", "1.0")] == told(asking)


@pytest.mark.parametrize("section", ["buildout", "app"])
def test_a_spelling_that_zc_recipe_egg_does_not_know(asking: Buildout, section: str) -> None:
    """relative-paths is true or false, wherever it stands; anything else is told before anything is done."""
    text = config("eggs").replace(f"[{section}]\n", f"[{section}]\nrelative-paths = yes\n")
    asking.configure(text)
    told = f"[{section}] option 'relative-paths': 'yes' is neither 'true' nor 'false', the only two spellings"
    assert told in asking.fails(status=2)


def test_credentials_are_not_noted(asking: Buildout) -> None:
    """The address of an index that holds a password is not written into what zc.buildout notes of our parts."""
    address = asking.index.url.replace("http://", "http://me:secret@")
    asking.configure(config("scripts", more=f"index = {address}").replace("parts = asked app", "parts = app"))
    assert "holds credentials" in asking.build()
    assert "secret" not in (asking.root / ".installed.cfg").read_text("utf-8")
