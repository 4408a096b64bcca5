"""What a recipe asks for while it runs is locked when it asks; the lock tells it, so that no checkout asks again."""

from __future__ import annotations

import json
import shutil

import pytest

from eggcarton.packages import while_running
from support.buildouts import Buildout
from support.distributions import wheel
from support.fakes import asking, greeting

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = more

[more]
recipe = asking
eggs =
more = greeting
"""

OPENING = """\
class Recipe:
    def __init__(self, buildout, name, options):
        buildout[options["opens"]]

    def install(self):
        return ()

    update = install
"""


@pytest.fixture
def asked(build: Buildout) -> Buildout:
    """A buildout whose one recipe asked for greeting while it ran."""
    greeting(build.index.directory)
    asking(build.index.directory)
    build.configure(CONFIG)
    assert "found greeting 1.0\n" in build.build()
    build.index.requests.clear()
    return build


def waiting(build: Buildout) -> list[str]:
    """Return the parts that asked for something that no lock has yet."""
    kept = build.root / "parts/.eggcarton/state/asked.json"
    return sorted(json.loads(kept.read_text("utf-8"))) if kept.exists() else []


def fresh(build: Buildout) -> None:
    """Take away all but what a checkout has: the configuration, the lock and bin."""
    shutil.rmtree(build.root / "parts")
    (build.root / ".installed.cfg").unlink(missing_ok=True)


def test_the_next_run(asked: Buildout) -> None:
    """The lock holds it, and the next run neither asks an index nor starts the process that locks and fetches."""
    assert 'name = "greeting"' in asked.lock.read_text("utf-8")
    for closed_set in (asked.root / "eggs/v5/.eggcarton").glob("closed-set-*"):
        closed_set.rename(asked.home / closed_set.name)
    assert "found greeting 1.0\n" in asked.build()
    assert [] == asked.index.requests


def test_an_extra(build: Buildout) -> None:
    """An extra of what is locked already is locked when a recipe asks for it, and never fetched past the lock."""
    wheel(build.index.directory, "horn")
    wheel(build.index.directory, "greeting", extras={"loud": ["horn"]})
    asking(build.index.directory)
    build.configure(CONFIG.replace("eggs =", "eggs = greeting").replace("more = greeting", "more = greeting[loud]"))
    assert "found greeting 1.0 horn 1.0\n" in build.build()
    assert 'name = "horn"' in build.lock.read_text("utf-8")


def test_locking_anew(asked: Buildout) -> None:
    """bin/eggcarton lock --upgrade keeps it, and a frozen run then finds it."""
    greeting(asked.index.directory, "2.0")
    assert "greeting 1.0 -> 2.0\n" == asked.run("lock", "--upgrade", program="eggcarton").output
    assert "found greeting 2.0\n" in asked.build("eggcarton:policy=frozen")


def test_a_fresh_checkout(asked: Buildout) -> None:
    """The lock tells it by part, so that a frozen run of another checkout has it from the beginning."""
    assert '\n[tool.eggcarton.asked]\n"more" = ["greeting"]\n' in asked.lock.read_text("utf-8")
    before = asked.lock.read_bytes()
    fresh(asked)
    output = asked.build("eggcarton:policy=frozen")
    assert "found greeting 1.0\n" in output
    assert "eggcarton: 2 distributions: 2 in the store, 0 fetched; 1 installed;" in output
    fresh(asked)
    assert "found greeting 1.0\n" in asked.build()
    assert before == asked.lock.read_bytes()
    assert "part more, while it runs," in asked.run("why", "greeting", program="eggcarton").output


def test_it_is_asked_for_no_more(asked: Buildout) -> None:
    """A part that was installed anew without asking again is believed, and its lock is pruned in the same run."""
    assert {"more": ["greeting"]} == while_running.read(asked.lock)
    asked.configure(CONFIG.replace("more = greeting", "more ="))
    output = asked.build()
    assert "found\n" in output
    assert "pylock.toml: greeting 1.0 removed" in output
    assert {} == while_running.read(asked.lock)
    assert "tool.eggcarton.asked" not in asked.lock.read_text("utf-8")
    assert 0 == asked.run("lock", "--check", program="eggcarton").status


def test_a_section_that_only_code_leads_to(asked: Buildout) -> None:
    """A recipe may open a section that no option names; what its recipe asks for is locked as that of no part."""
    wheel(asked.index.directory, "horn")
    points = {"zc.buildout": {"default": "opening:Recipe"}}
    wheel(asked.index.directory, "opening", "1.0", {"opening.py": OPENING}, entry_points=points)
    outer = "\n[outer]\nrecipe = opening\nopens = hidden\n"
    hidden = "\n[hidden]\nrecipe = asking\neggs =\nmore = horn\n"
    asked.configure(CONFIG.replace("parts = more", "parts = more outer") + outer + hidden)
    assert "found horn 1.0\n" in asked.build()
    assert {"": ["horn"], "more": ["greeting"]} == while_running.read(asked.lock)
    before = asked.lock.read_bytes()
    fresh(asked)
    assert "found horn 1.0\n" in asked.build("eggcarton:policy=frozen")
    assert "found horn 1.0\n" in asked.build()
    assert before == asked.lock.read_bytes()


def test_a_part_that_is_gone(asked: Buildout) -> None:
    """What it asked for stays in the lock, as all that another configuration may need, until it is pruned."""
    asked.configure("[buildout]\nextensions = eggcarton\nparts =\n")
    looked = asked.run("lock", "--check", program="eggcarton")
    assert 3 == looked.status
    assert "the lock has what part more asked for while it ran, and it is no part" in looked.output
    asked.build()
    assert {"more": ["greeting"]} == while_running.read(asked.lock)
    assert "greeting 1.0 removed\n" == asked.run("lock", program="eggcarton").output
    assert {} == while_running.read(asked.lock)


def test_frozen_and_asked_for_no_more(asked: Buildout) -> None:
    """A frozen run leaves the lock as it is; the next one that may change it prunes it."""
    before = asked.lock.read_bytes()
    asked.configure(CONFIG.replace("more = greeting", "more ="))
    assert "found\n" in asked.build("eggcarton:policy=frozen")
    assert "found\n" in asked.build("eggcarton:policy=frozen")
    assert before == asked.lock.read_bytes()


def test_the_part_of_another_configuration(asked: Buildout) -> None:
    """Where several configurations share a lock, what a part of another one asked for stays."""
    both = "\n[eggcarton]\nconfigs = buildout.cfg other.cfg\n"
    (asked.root / "other.cfg").write_text(CONFIG + both, "utf-8")
    asked.configure(CONFIG.replace("parts = more", "parts =") + both)
    asked.build()
    assert {"more": ["greeting"]} == while_running.read(asked.lock)
    fresh(asked)
    assert "found greeting 1.0\n" in asked.build("-c", "other.cfg", "eggcarton:policy=frozen")


def test_a_frozen_lock_without_it(asked: Buildout) -> None:
    """A frozen run names the part that asked, and the command it advises then knows what to lock."""
    wheel(asked.index.directory, "horn")
    asked.configure(CONFIG.replace("more = greeting", "more = greeting horn"))
    refused = asked.run("eggcarton:policy=frozen")
    assert 3 == refused.status
    assert "part more, while it runs, needs horn, which the lock does not have" in refused.output
    assert ["more"] == waiting(asked)
    assert "horn 1.0 added\n" == asked.run("lock", program="eggcarton").output
    assert "found greeting 1.0 horn 1.0\n" in asked.build("eggcarton:policy=frozen")
    assert [] == waiting(asked)


def test_a_section_that_was_corrected(asked: Buildout) -> None:
    """What a run was refused for is forgotten once the section of its part is another."""
    asked.configure(CONFIG.replace("more = greeting", "more = greeting nowhere-to-be-found"))
    assert "part more, while it runs, needs nowhere-to-be-found" in asked.run("eggcarton:policy=frozen").output
    assert "part more, while it runs," in asked.run().output
    asked.configure(CONFIG + "\ncorrected = yes\n")
    assert "found greeting 1.0\n" in asked.build("eggcarton:policy=frozen")


def test_another_version_than_the_lock_has(asked: Buildout) -> None:
    """A recipe that cannot use what was locked has the lock answer it too, and who was built before is told."""
    greeting(asked.index.directory, "2.0")
    asked.run("lock", "--upgrade", program="eggcarton")
    asked.configure(
        CONFIG.replace("parts =", "parts = app").replace("more = greeting", "more = greeting<2")
        + "[app]\nrecipe = eggcarton:scripts\neggs = greeting\n"
    )
    output = asked.build()
    assert "found greeting 1.0\n" in output
    assert "greeting changed while parts were being built; run bin/buildout again" in output
    asked.build()
    assert "greeting 1.0\n" == asked.run(program="greet").output
