"""zc.buildout finds in the store what it asks for by name, and nothing else is looked at."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from support.buildouts import Buildout
from support.distributions import wheel
from support.fakes import asking, greeting

LOOK = """
import json
import shutil
from pathlib import Path
from zc.buildout import easy_install
import pkg_resources
from eggcarton.buildout.store_view import StoreView

looked, find = [], pkg_resources.find_distributions
pkg_resources.find_distributions = lambda path: looked.append(Path(path).name) or find(path)
store = Path({store!r})
view = StoreView([], store, lambda path: list(pkg_resources.find_distributions(path)))
names = [[str(dist) for dist in view[name]] for name in ("Dotted_Name", "greeting", "nowhere")]
seen = list(looked)
(store / "greeting-1.0-py3.egg").rename(store / "later-1.0-py3.egg")
info = store / "later-1.0-py3.egg"
(info / "greeting-1.0.dist-info").rename(info / "later-1.0.dist-info")
(info / "later-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\\nName: later\\nVersion: 1.0\\n")
view.look_again()
print(json.dumps([names, seen, [str(dist) for dist in view["later"]]]))
"""


def unpacked(store: Path, directory: str, name: str, version: str) -> None:
    """Put a distribution into a store as zc.buildout lays it out."""
    info = store / directory / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")


@pytest.mark.slow
def test_what_is_looked_at(build: Buildout, tmp_path: Path) -> None:
    """Names are compared as zc.buildout compares them; what has no egg's name is looked at once, and not lost."""
    store = tmp_path / "store"
    for version in ("1.0", "1.10", "1.9"):
        unpacked(store, f"dotted.name-{version}-py3.egg", "dotted.name", version)
    unpacked(store, "greeting-1.0-py3.egg", "greeting", "1.0")
    unpacked(store, "other-1.0-py3.egg", "other", "1.0")
    unpacked(store, "no-egg", "nowhere", "3.0")
    (store / ".eggcarton").mkdir()
    build.write("look.py", LOOK.format(store=str(store)))
    program = (build.bin / "buildout").read_text("utf-8").partition("\ntry:")[0]
    build.write("bin/look", program + f"\nexec(open({str(build.root / 'look.py')!r}).read())\n").chmod(0o755)
    status, output = build.run(program="look")
    assert 0 == status, output
    names, looked, later = json.loads(output.splitlines()[-1])
    assert [[f"dotted.name {v}" for v in ("1.10", "1.9", "1.0")], ["greeting 1.0"], ["nowhere 3.0"]] == names
    eggs = {*(f"dotted.name-{v}-py3.egg" for v in ("1.0", "1.9", "1.10")), "greeting-1.0-py3.egg"}
    assert (eggs | {"no-egg"}, ["later 1.0"]) == (set(looked), later)


@pytest.mark.slow
@pytest.mark.parametrize("offline", [False, True])
def test_recipes_of_others_find_their_eggs(build: Buildout, offline: bool) -> None:
    """zc.recipe.egg and a recipe that asks while it runs find what is in the store, with and without a network."""
    greeting(build.index.directory)
    wheel(build.index.directory, "late", "1.0")
    asking(build.index.directory)
    build.configure(
        """
        [buildout]
        extensions = eggcarton
        parts = app more
        [app]
        recipe = zc.recipe.egg
        eggs = greeting
        [more]
        recipe = asking
        eggs = greeting
        more = late
        """
    )
    assert "found greeting 1.0 late 1.0" in build.build()
    build.index.requests.clear()
    (build.root / ".installed.cfg").unlink()
    output = build.build(*(["-o"] if offline else []))
    assert ("found greeting 1.0 late 1.0" in output, []) == (True, build.index.requests)
    assert "greeting 1.0" in build.run(program="greet").output


@pytest.mark.slow
def test_a_name_in_the_store_that_is_not_ours(build: Buildout) -> None:
    """A name that is gone, or leads to what another project locked, is put right before a recipe of others looks."""
    greeting(build.index.directory)
    config = "[buildout]\nextensions = eggcarton\nparts = app\n[app]\nrecipe = zc.recipe.egg\neggs = greeting\n"
    build.configure(config)
    build.build()
    [name] = (build.root / "eggs/v5").glob("greeting-*.egg")
    ours = name.readlink()
    other = name.parent / ".eggcarton" / ("0" * 64) / name.name
    shutil.copytree(name, other)
    (other / "greeting.py").write_text("def main():\n    print('another greeting')\n", "utf-8")
    build.index.requests.clear()
    for number, target in enumerate((None, other)):
        name.unlink()
        if target:
            name.symlink_to(target)
        build.configure(f"{config}scripts = greet=greet{number}\n")
        build.build("-o")
        assert ours == name.readlink()
        assert "greeting 1.0\n" == build.run(program=f"greet{number}").output
    assert [] == build.index.requests
