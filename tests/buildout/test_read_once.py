"""What zc.buildout reads of an egg is read once in a run, and its recipes find the same, in the same order."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support.buildouts import Buildout
from support.distributions import wheel
from support.fakes import asking, greeting

pytestmark = pytest.mark.slow

# Counts what is opened, by the name of the egg's directory, and tells it when the run has ended.
COUNTING = """
import atexit
import json
import os

opened = {{}}


def heed(event, arguments):
    if event == "open" and str(arguments[0]).endswith((".dist-info/METADATA", ".dist-info/PKG-INFO")):
        name = os.path.basename(os.path.dirname(os.path.dirname(arguments[0]))).partition("-")[0]
        opened[name] = opened.get(name, 0) + 1


sys.addaudithook(heed)
atexit.register(lambda: os.write(os.open({told!r}, os.O_WRONLY | os.O_CREAT), json.dumps(opened).encode()))
"""
CHANGING = """\
import zc.recipe.egg


class Recipe(zc.recipe.egg.Scripts):
    '''Changes what it was given of each distribution, as it may: all of it is a copy of its own.'''

    def working_set(self, extra=()):
        requirements, found = super().working_set(extra)
        for dist in found:
            dist.location = "/nowhere"
        return requirements, found
"""


def parts(lines: dict[str, str]) -> str:
    """Return parts with these eggs, each with an interpreter of its own name."""
    text = ""
    for name, eggs in lines.items():
        text += f"\n[{name}]\nrecipe = zc.recipe.egg\ninterpreter = {name}\neggs =\n"
        text += "".join(f"    {egg}\n" for egg in eggs.split())
    return f"parts = {' '.join(lines)}\n{text}"


def path_of(script: Path) -> list[str]:
    """Return what a generated script puts on its path, without versions and places."""
    found: list[str] = re.findall(r"^ +'([^']+)',$", script.read_text("utf-8"), re.MULTILINE)
    return [Path(entry).name.partition("-")[0] for entry in found]


def write_distributions(directory: Path) -> None:
    """Write some distributions that lead to each other, one in a circle and one by an extra."""
    greeting(directory)
    wheel(directory, "bottom")
    wheel(directory, "left", requires=["bottom", "top"])
    wheel(directory, "right", requires=["bottom>=1"], extras={"more": ["greeting"]})
    wheel(directory, "top", requires=["right[more]", "left", "Dotted_Name"])
    wheel(directory, "dotted.name", requires=["bottom"])


LINES = {"one": "top", "two": "bottom top", "three": "greeting right", "four": "left greeting Right[more]"}


def test_the_order_of_paths(build: Buildout) -> None:
    """What scripts have on their path stands in the order in which zc.buildout alone puts it."""
    write_distributions(build.index.directory)
    links = f"find-links = {build.index.directory}\n"
    build.configure(f"[buildout]\n{links}{parts(LINES)}")
    build.build()
    # What zc.buildout has just installed itself it puts first; what matters is what it does with eggs that are there.
    (build.root / ".installed.cfg").unlink()
    build.build()
    before = {name: path_of(build.bin / name) for name in LINES}
    assert 6 == len(before["one"])
    build.configure(f"[buildout]\nextensions = eggcarton\n{links}{parts(LINES)}")
    build.build()
    assert before == {name: path_of(build.bin / name) for name in LINES}


def test_metadata_is_read_once(build: Buildout) -> None:
    """However many parts have an egg, its metadata is opened as often as for one part."""
    write_distributions(build.index.directory)
    build.configure(f"[buildout]\nextensions = eggcarton\n{parts(LINES)}")
    build.build()
    told = build.root / "told.json"
    program = (build.bin / "buildout").read_text("utf-8")
    place = program.index("\ntry:")
    build.write("bin/counted", program[:place] + COUNTING.format(told=str(told)) + program[place:]).chmod(0o755)
    counts = []
    for number in (1, 4):
        build.configure(f"[buildout]\nextensions = eggcarton\n{parts(dict(list(LINES.items())[:number]))}")
        build.build()
        told.unlink(missing_ok=True)
        assert 0 == build.run(program="counted").status
        counts.append({name: n for name, n in json.loads(told.read_text("utf-8")).items() if name in ("bottom", "top")})
    assert {"bottom", "top"} == set(counts[0])
    assert counts[0] == counts[1]


def test_what_a_recipe_changes(build: Buildout) -> None:
    """A recipe that changes a distribution that it was given changes none of another part's."""
    write_distributions(build.index.directory)
    wheel(
        build.index.directory,
        "changing",
        modules={"changing.py": CHANGING},
        requires=["zc.recipe.egg"],
        entry_points={"zc.buildout": {"default": "changing:Recipe"}},
    )
    both = parts({"first": "top", "second": "top"}).replace("recipe = zc.recipe.egg", "recipe = changing", 1)
    build.configure(f"[buildout]\nextensions = eggcarton\n{both}")
    build.build()
    assert ["nowhere"] == path_of(build.bin / "first")
    assert "right" in path_of(build.bin / "second")


def test_what_is_locked_while_it_runs(build: Buildout) -> None:
    """What is locked for a recipe that asks is found by it and by the parts after it, beside what was read before."""
    write_distributions(build.index.directory)
    wheel(build.index.directory, "late")
    asking(build.index.directory)
    more = "\n[more]\nrecipe = asking\neggs = top\nmore = late\n"
    text = parts({"first": "top", "second": "right"}).replace("parts = first second", "parts = first more second")
    build.configure(f"[buildout]\nextensions = eggcarton\n{text}{more}")
    output = build.build()
    assert "found bottom 1.0 dotted.name 1.0 greeting 1.0 late 1.0 left 1.0 right 1.0 top 1.0\n" in output
    assert ["right", "bottom"] == path_of(build.bin / "second")
