"""No part takes a distribution from the toolchain's or the machine's site-packages, be it the very version it wants."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from support.buildouts import Buildout, Stock
from support.distributions import wheel
from support.fakes import asking
from support.machines import Machine

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = theirs more ours

[theirs]
recipe = zc.recipe.egg
eggs = app
interpreter = theirs

[more]
recipe = asking
eggs = app
more = wheel

[ours]
recipe = eggcarton:scripts
eggs = app
interpreter = ours
"""
NAMES = ("packaging", "setuptools", "wheel")


def write_distributions(directory: Path, versions: dict[str, str]) -> None:
    """Write an application, and what has the names and versions of the toolchain but says that it is the index's."""
    for name, version in versions.items():
        wheel(directory, name, version, {f"{name}/__init__.py": "own = 'locked'\n"})
    wheel(directory, "app", requires=["packaging", "setuptools"])
    asking(directory)


def path_of(script: Path) -> list[str]:
    """Return what a generated script puts on its path."""
    return re.findall(r"^ +'([^']+)',?$", script.read_text("utf-8"), re.MULTILINE)


def check(build: Buildout, places: list[str]) -> None:
    """Check that parts have what is locked, from the store alone."""
    output = build.build()
    for name in ("packaging", "setuptools"):
        statement = f"import {name}; print({name}.own)"
        assert "locked" == build.run("-c", statement, program="theirs").output.splitlines()[-1]
        assert "locked" == build.run("-c", statement, program="ours").output.splitlines()[-1]
    store = f"{build.root}/eggs/"
    entries = path_of(build.bin / "theirs")
    assert 3 == len(entries)
    assert [] == [entry for entry in entries if not entry.startswith(store) or entry in places]
    assert "found app 1.0 packaging" in output
    assert 'name = "wheel"' in build.lock.read_text("utf-8")
    assert '"more" = ["wheel"]' in build.lock.read_text("utf-8")


@pytest.mark.parametrize("version", ["6.0.1", "5.2.0"])
def test_a_stock_buildout(build: Buildout, stock: Stock, version: str) -> None:
    """Under a zc.buildout that pip installed its site-packages serves no part."""
    stock.take_over(build, version)
    python = stock.program(version).parent / "python"
    tell = "import json; from importlib.metadata import version as v; print(json.dumps({n: v(n) for n in %r}))"
    told = subprocess.run([python, "-c", tell % (NAMES,)], check=True, capture_output=True, text=True).stdout
    write_distributions(build.index.directory, json.loads(told))
    build.configure(CONFIG)
    check(build, [])


def test_our_own_toolchain(build: Buildout) -> None:
    """Of what bin/buildout itself runs on no part has anything but what is locked for it."""
    program = (build.bin / "buildout").read_text("utf-8")
    versions = {name: re.search(rf"/{name}-([\d.]+)-py", program) for name in NAMES}
    write_distributions(build.index.directory, {name: found[1] for name, found in versions.items() if found})
    build.configure(CONFIG)
    check(build, re.findall(r'^    "(.*)",$', program, re.MULTILINE))


def test_a_machine_with_strangers(build: Buildout, machine: Machine) -> None:
    """What the machine's own Python has installed, newer than what is locked, serves no part and no recipe."""
    machine.runs(build)
    for name in ("packaging", "setuptools", "wheel", "app", "zc.recipe.egg", "asking"):
        machine.install(wheel(build.home, name, "99.0", {f"{name.replace('.', '_')}.py": "own = 'the machine'\n"}))
    write_distributions(build.index.directory, {"packaging": "1.0", "setuptools": "1.0", "wheel": "1.0"})
    build.configure(CONFIG)
    check(build, [str(machine.site_packages)])
