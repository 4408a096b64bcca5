"""bin/buildout tells a conflict with the lines of the configuration that cannot agree."""

from __future__ import annotations

import re

import pytest

from support.buildouts import Buildout
from support.distributions import wheel
from support.kept import Kept

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extends = versions.cfg
extensions = eggcarton
parts = app tests

[app]
recipe = eggcarton:scripts
eggs = web

[tests]
recipe = eggcarton:scripts
eggs =
    colour
    six>=1.17
"""


def make(build: Buildout) -> None:
    """Put everything into place and build it."""
    for version in ("1.16.0", "1.17.0"):
        wheel(build.index.directory, "six", version)
    wheel(build.index.directory, "web", "2.0", requires=["six"], console_scripts={"web": "web:main"})
    wheel(build.index.directory, "colour", "1.0")
    build.configure(CONFIG)
    build.write("versions.cfg", "[versions]\ncolour = 1.0\nsix = 1.17.0\n")
    build.build()


@pytest.fixture
def built(kept: Kept) -> Buildout:
    """A buildout whose parts and pins agree, built."""
    return kept(make)


@pytest.mark.parametrize("program", [("buildout",), ("eggcarton", "lock")], ids=" ".join)
def test_a_conflict(built: Buildout, program: tuple[str, ...]) -> None:
    """Who asks and what pins are told with file, line and option; what stood before stands, the lock too."""
    built.write("versions.cfg", "[versions]\ncolour = 1.0\nsix = 1.16.0\n")
    before = (built.tree(), built.lock.read_bytes(), built.lock.stat().st_mtime_ns)
    output = built.fails(*program[1:], program=program[0], status=1)
    told = output[output.index("Error: ") :].splitlines()
    assert [
        "Error: no version of six answers all that is asked for:",
        "  part tests asks for six>=1.17 (buildout.cfg:14, [tests] eggs)",
        "  [versions] has six = 1.16.0 (versions.cfg:3)",
        "what would do:",
        "  change six = 1.16.0 in [versions] (versions.cfg:3) to six = 1.17.0, or to >=1.17, or take the line out",
        "  another range where part tests asks for six>=1.17: without one, six 1.16.0 would be locked",
        "in uv's words:",
    ] == told[:7]
    after = (built.tree(), built.lock.read_bytes(), built.lock.stat().st_mtime_ns)
    assert before[1:] == after[1:]
    assert {p: v for p, v in before[0].items() if "/state/" not in p} == {
        p: v for p, v in after[0].items() if "/state/" not in p
    }
    built.write("versions.cfg", "[versions]\ncolour = 1.0\nsix = >=1.17\n")
    built.build()


def test_a_name_that_nobody_has(built: Buildout) -> None:
    """Where zc.buildout could not find a distribution, who asks for it is told, and what may have been meant."""
    built.configure(CONFIG.replace("    colour\n", "    color\n"))
    output = built.fails(status=1)
    assert (
        f"Error: the index ({built.index.url}) has nothing of the name color, which is asked for:\n"
        "  part tests asks for color (buildout.cfg:13, [tests] eggs)\n"
        "what would do:\n"
        "  did you mean colour? else correct the name, or have index or find-links in [buildout] name a place that has "
        "it\n"
    ) in output


@pytest.mark.parametrize("program", [("buildout",), ("eggcarton", "lock", "--upgrade")], ids=" ".join)
def test_an_address_that_is_none_of_an_index(built: Buildout, program: tuple[str, ...]) -> None:
    """Where the index is configured without its last step, the address that was asked is told."""
    wrong = built.index.url.removesuffix("simple/")
    built.configure(CONFIG.replace("colour\n", "new\n").replace("parts = app", f"index = {wrong}\nparts = app"))
    output = built.fails(*program[1:], program=program[0], status=1)
    assert f"Error: the index ({wrong}) has nothing of the name " in output
    assert "  correct the address of the index: the names of projects must follow it, as in .../simple/\n" in output


def test_parts_that_exclude_each_other(built: Buildout) -> None:
    """Of two parts one is told to have a lock of its own, and with that both are built."""
    parts = CONFIG.replace("eggs = web", "eggs =\n    web\n    six<1.17").replace("extends = versions.cfg\n", "")
    built.configure(parts)
    output = built.fails(status=1)
    assert "  part app asks for six<1.17 (buildout.cfg:9, [app] eggs)\n" in output
    advice = "  lock-group = app in [app], which gives this part a lock of its own\n"
    assert advice in output
    built.configure(parts.replace("[app]\n", "[app]\nlock-group = app\n"))
    built.build()
    locks = [built.lock, built.lock.with_name("pylock.app.toml")]
    assert ["1.17.0", "1.16.0"] == [
        re.findall(r'"six"\nversion = "(.*)"', lock.read_text("utf-8"))[0] for lock in locks
    ]


def test_a_requirements_file_against_a_pin(built: Buildout) -> None:
    """What a requirements file asks for is told with its line."""
    built.write("requirements.txt", "# ours\nsix==1.16.0\n")
    built.configure(CONFIG + "[eggcarton]\nrequirements = requirements.txt\n")
    output = built.fails(status=1)
    assert "requirements.txt, line 2" in output
    assert "six==1.16.0" in output.partition("what would do:")[0]
