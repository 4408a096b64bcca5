"""Namespaces of all three kinds are one, in develop packages and locked ones, for our parts and those of others."""

from __future__ import annotations

import re

import pytest

from support.buildouts import Buildout
from support.distributions import wheel

pytestmark = pytest.mark.slow

DECLARED = {
    "native": None,
    "pkgutil": "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n",
    "declared": "__import__('pkg_resources').declare_namespace(__name__)\n",
}
"""What the file of the namespace itself holds in each kind; the first has none."""
# What of setuptools such a namespace needs, as setuptools had it until 82.
PKG_RESOURCES = """\
import pkgutil
import sys


def declare_namespace(name):
    module = sys.modules[name]
    module.__path__ = pkgutil.extend_path(module.__path__, name)
"""
SETUP = """\
from setuptools import setup
setup(name="space.{name}", version="1.0", packages={packages}, {more})
"""
CONFIG = """
[buildout]
extensions = eggcarton
develop = {develop}
parts = theirs ours

[theirs]
recipe = zc.recipe.egg
interpreter = theirs
eggs =
    {eggs}

[ours]
recipe = eggcarton:scripts
interpreter = ours
eggs = ${{theirs:eggs}}
"""


def locked(build: Buildout, kind: str, name: str) -> str:
    """Write a wheel with a module in the namespace, which is of one kind; return its project."""
    modules = {f"space/{name}.py": f"told = '{name} {kind}'\n"}
    if DECLARED[kind] is not None:
        modules["space/__init__.py"] = DECLARED[kind] or ""
    info = {"namespace_packages.txt": "space\n"} if kind == "declared" else None
    wheel(build.index.directory, f"space.{name}", "1.0", modules, dist_info=info)
    return f"space.{name}"


def developed(build: Buildout, kind: str, name: str, src: str) -> str:
    """Write a develop package with a module in the namespace, with its sources in a directory or without one."""
    place = f"{name}/{src}".rstrip("/")
    build.write(f"{place}/space/{name}.py", f"told = '{name} {kind}'\n")
    if DECLARED[kind] is not None:
        build.write(f"{place}/space/__init__.py", DECLARED[kind] or "")
    more = 'namespace_packages=["space"], ' if kind == "declared" else ""
    more += f'package_dir={{"": "{src}"}}' if src else ""
    build.write(f"{name}/setup.py", SETUP.format(name=name, packages=["space"], more=more))
    return f"space.{name}"


def told(build: Buildout, program: str, names: list[str]) -> list[str]:
    """Return what each module of the namespace says, imported in this order by one interpreter."""
    imports = "; ".join(f"import space.{name}; print('told', space.{name}.told)" for name in names)
    status, output = build.run("-c", imports, program=program)
    assert 0 == status, output
    # Python may warn of pkg_resources in between.
    return [line.removeprefix("told ") for line in output.splitlines() if line.startswith("told ")]


@pytest.mark.parametrize("src", ["src", ""], ids=["src", "flat"])
@pytest.mark.parametrize("kind", DECLARED)
def test_develop_beside_locked(build: Buildout, kind: str, src: str) -> None:
    """A develop package of any kind shares its namespace with locked ones of all kinds and with another develop one."""
    wheel(build.index.directory, "setuptools", "80.0", {"pkg_resources.py": PKG_RESOURCES})
    wheel(build.index.directory, "setuptools", "83.0", {"setuptools.py": ""})
    projects = [locked(build, each, f"from_{each}") for each in DECLARED]
    projects += [developed(build, kind, name, src) for name in ("one", "two")]
    build.configure(CONFIG.format(develop="one two", eggs="\n    ".join(projects)))
    build.build()
    names = [*(f"from_{each}" for each in DECLARED), "one", "two"]
    expected = [*(f"from_{each} {each}" for each in DECLARED), f"one {kind}", f"two {kind}"]
    for program in ("theirs", "ours"):
        assert expected == told(build, program, names)
        assert expected[::-1] == told(build, program, names[::-1])
    # The locked one in the style of pkg_resources brings it, the highest version that has that.
    assert re.search("/setuptools-80.0-py", (build.bin / "theirs").read_text("utf-8"))


def test_setuptools_for_a_namespace_is_locked(build: Buildout) -> None:
    """What zc.buildout adds for a namespace is locked, told by its part, there in a frozen run, and asked for once."""
    wheel(build.index.directory, "setuptools", "80.0", {"pkg_resources.py": PKG_RESOURCES})
    build.configure(CONFIG.format(develop="", eggs=locked(build, "declared", "one")))
    build.build()
    assert '"theirs" = ["setuptools<82"]' in build.lock.read_text("utf-8")
    before = build.lock.read_bytes()
    build.build()
    (build.root / ".installed.cfg").unlink()
    build.build("eggcarton:policy=frozen")
    assert before == build.lock.read_bytes()


def test_a_module_called_otherwise_than_its_file(build: Buildout) -> None:
    """A develop package whose modules no path leads to is imported by its finder, in scripts of others, too."""
    build.write("odd/sources/inner.py", "told = 'inner'\n")
    more = 'package_dir={"odd": "sources"}'
    build.write("odd/setup.py", SETUP.format(name="odd", packages=["odd"], more=more))
    build.write("odd/sources/__init__.py", "")
    build.configure(CONFIG.format(develop="odd", eggs="space.odd"))
    build.build()
    for program in ("theirs", "ours"):
        said = build.run("-c", "import odd.inner; print(odd.inner.told)", program=program).output
        assert "inner" == said.splitlines()[-1]
