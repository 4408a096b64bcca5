"""Parts with a ``lock-group`` have a resolution of their own: sets that exclude each other live side by side."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from support.buildouts import Buildout, run
from support.distributions import source, wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = new old

[new]
recipe = eggcarton:scripts
eggs = web
interpreter = new

[old]
recipe = eggcarton:scripts
eggs =
    web
    library<2
interpreter = old
lock-group = old
"""
ASKED = "import importlib.metadata; print(importlib.metadata.version('library'))"


def versions(lock: Path) -> dict[str, str]:
    return {package["name"]: package["version"] for package in tomllib.loads(lock.read_text("utf-8"))["packages"]}


def imported(build: Buildout, script: str) -> str:
    return run([build.bin / script, "-c", ASKED], cwd=build.root, variables=build.environment()).output.strip()


@pytest.fixture
def grouped(build: Buildout) -> Buildout:
    """A buildout whose two parts want library 2 and library below 2."""
    wheel(build.index.directory, "web", "1.0", {"web.py": ""}, requires=["library"])
    for version in ("1.0", "2.0"):
        wheel(build.index.directory, "library", version, {"library.py": ""})
    build.configure(CONFIG)
    return build


def test_two_sets_that_exclude_each_other(grouped: Buildout) -> None:
    """Each group has a lock of its own; its parts import what is in there, out of one store."""
    grouped.build()
    old = grouped.root / "pylock.old.toml"
    assert {"library": "2.0", "web": "1.0"} == versions(grouped.lock)
    assert {"library": "1.0", "web": "1.0"} == versions(old)
    assert ("2.0", "1.0") == (imported(grouped, "new"), imported(grouped, "old"))
    before = {path: path.read_bytes() for path in (grouped.lock, old)}
    grouped.index.requests.clear()
    grouped.build()
    assert [] == grouped.index.requests
    assert before == {path: path.read_bytes() for path in before}


def test_recipes_of_others_in_two_groups(grouped: Buildout) -> None:
    """zc.recipe.egg finds for each part what the lock of its group has, though parts ask for the same."""
    pins = "[versions]\nlibrary = 2.0\n[versions-old]\nlibrary = 1.0\n"
    config = (
        CONFIG.replace("eggcarton:scripts", "zc.recipe.egg").replace("library<2", "").replace("    web\n", "    web")
    )
    grouped.configure(f"{config}\n{pins}")
    grouped.build()
    assert ("2.0", "1.0") == (imported(grouped, "new"), imported(grouped, "old"))


def test_other_bytes_of_one_version(grouped: Buildout) -> None:
    """Where two groups have locked other files of one version, recipes of others find their own group's bytes."""
    wheel(grouped.index.directory, "tool", "1.0", {"tool.py": "built = 'before'"})
    parts = [f"[{name}]\nrecipe = zc.recipe.egg\neggs = tool\ninterpreter = {name}\n" for name in ("new", "old")]
    head = "[buildout]\nextensions = eggcarton\nparts = "
    grouped.configure(f"{head}new\n{parts[0]}")
    grouped.build()
    wheel(grouped.index.directory, "tool", "1.0", {"tool.py": "built = 'later'"}, build="1")
    grouped.configure(f"{head}new old\n{parts[0]}{parts[1]}lock-group = old\n")
    asked = ["-c", "import tool; print(tool.built)"]
    for _ in range(2):
        grouped.build()
        assert ("before\n", "later\n") == tuple(grouped.run(*asked, program=name).output for name in ("new", "old"))
    before = grouped.tree()
    grouped.index.requests.clear()
    assert "2 parts unchanged" in grouped.build()
    assert (before, []) == (grouped.tree(), grouped.index.requests)


def test_both_sets_in_one_group(grouped: Buildout) -> None:
    """Without a group the same two parts cannot be built together, and no lock is written."""
    grouped.configure(CONFIG.replace("eggs = web\n", "eggs = library>=2\n").replace("lock-group = old\n", ""))
    assert "library<2" in grouped.fails(status=1)
    assert [] == sorted(path.name for path in grouped.root.glob("pylock*"))


@pytest.mark.parametrize("name", ["a.b", "parts", "recipes", "a b", "../x"])
def test_a_name_that_cannot_be_a_locks(grouped: Buildout, name: str) -> None:
    """A group is part of a file's name, which has no dot, and not that of another lock."""
    grouped.configure(CONFIG.replace("lock-group = old", f"lock-group = {name}"))
    assert f"Error: [old] option 'lock-group': {name!r} cannot be" in grouped.fails(status=2)


def test_frozen_names_the_lock_that_drifted(grouped: Buildout) -> None:
    """Under frozen the drift of one group is told by its lock's name, and the other lock stands."""
    grouped.build()
    grouped.configure(CONFIG.replace("library<2", "library<1.0") + "\n[eggcarton]\npolicy = frozen\n")
    output = grouped.fails(status=3)
    assert "pylock.old.toml does not answer" in output
    assert "part old needs library<1.0, the lock has library 1.0" in output


def test_other_versions_for_one_group(grouped: Buildout) -> None:
    """A section named like that of versions, with the group's name behind, says what is pinned otherwise there."""
    pins = "\n[versions]\nlibrary = 2.0\nweb = 1.0\n"
    grouped.configure(CONFIG + pins)
    told = grouped.fails(status=1)
    assert "  [versions] has library = 2.0 (buildout.cfg:" in told
    advice = "  in [versions-old], which pins for this lock alone, say library = 1.0, or library = <2, or 'library ="
    assert f"{advice}' without a value\n" in told
    assert "change library" not in told
    grouped.configure(CONFIG + pins + "\n[versions-old]\nLibrary = 1.0\n")
    grouped.build()
    assert ("2.0", "1.0") == (imported(grouped, "new"), imported(grouped, "old"))
    grouped.configure(CONFIG + pins + "\n[versions-old]\nlibrary = 2.0\n")
    told = grouped.fails(status=1)
    assert "  [versions-old] has library = 2.0 (buildout.cfg:" in told
    assert advice in told
    grouped.configure(CONFIG + pins + "\n[versions-old]\nlibrary =\n")
    grouped.build("-N")
    assert ("2.0", "1.0") == (imported(grouped, "new"), imported(grouped, "old"))


def test_a_develop_package_that_only_one_group_leads_to(grouped: Buildout) -> None:
    """What is developed, and only another group's parts use, is no need of the lock of the parts without one."""
    source(grouped.root, "plugin", "0.1", {"plugin.py": ""}, requires=["library<2"])
    grouped.configure(
        CONFIG.replace("parts = new old", "parts = new old\ndevelop = plugin").replace("    library<2", "    plugin")
    )
    grouped.build()
    assert {"library": "2.0", "web": "1.0"} == versions(grouped.lock)
    assert {"library": "1.0", "web": "1.0"} == versions(grouped.root / "pylock.old.toml")
    assert "1.0" == imported(grouped, "old")
    assert not [path for path in grouped.index.requests if "plugin" in path]


def test_a_part_of_another_recipe(grouped: Buildout) -> None:
    """A group is a matter of the section: zc.recipe.egg gets the versions of the lock that its part names.

    zc.buildout does not take the option for a typing error, although the recipe never reads it.
    """
    grouped.configure(CONFIG.replace("recipe = eggcarton:scripts\neggs =\n", "recipe = zc.recipe.egg\neggs =\n"))
    assert "unused" not in grouped.build()
    assert ("2.0", "1.0") == (imported(grouped, "new"), imported(grouped, "old"))


def test_commands_know_groups(grouped: Buildout) -> None:
    """Each command looks at all locks, or at the one of the group that it is told."""
    grouped.build()
    answered = "pylock.toml, pylock.old.toml answer the configuration.\n"
    assert (0, answered) == grouped.run("lock", "--check", program="eggcarton")
    status, output = grouped.run("export", "constraints", "--lock-group", "old", program="eggcarton")
    assert 0 == status
    assert re.search("^library==1.0$", output, re.MULTILINE)
    status, output = grouped.run("why", "library", program="eggcarton")
    assert 0 == status
    assert {"library 1.0", "library 2.0"} == set(re.findall(r" : (.*)$", output, re.MULTILINE))
    status, output = grouped.run("verify", program="eggcarton")
    assert 0 == status, output
    wheel(grouped.index.directory, "library", "1.1", {"library.py": ""})
    assert (0, "pylock.old.toml: library 1.0 -> 1.1\n") == grouped.run(
        "lock", "--upgrade", "library", program="eggcarton"
    )
    for command in (("import", "x.txt"), ("export", "versions")):
        told = grouped.fails(*command, "--lock-group", "none", status=2, program="eggcarton")
        assert "no part has lock-group = none; there is old" in told


def test_a_lock_that_is_left_over(grouped: Buildout) -> None:
    """The lock of a group that no part names any more is a finding; a file of another tool is not."""
    grouped.build()
    grouped.write("pylock.theirs.toml", 'lock-version = "1.0"\ncreated-by = "uv"\npackages = []\n')
    grouped.configure(CONFIG.replace("lock-group = old\n", "").replace("    library<2\n", ""))
    output = grouped.fails("lock", "--check", status=3, program="eggcarton")
    assert "pylock.old.toml is a lock that nothing asks for; remove it" in output
    assert "theirs" not in output
