"""The option pie: what it writes another Python can load, and what an administrator made of it is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.buildouts import PYTHON, Buildout, run
from support.distributions import source, wheel
from support.kept import Kept

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
develop = shop
parts = app other

[versions]
till = 1.0

[app]
recipe = eggcarton:scripts
eggs = shop
scripts =
pie = shop.pie
extra-paths = lib

[other]
recipe = eggcarton:template
input = inline: ${app:pie}
output = etc/other.ini
"""


def make(build: Buildout) -> None:
    """Put everything into place and build it."""
    for version in ("1.0", "2.0"):
        wheel(build.index.directory, "till", version, {"till.py": f"version = {version!r}\n"})
    wheel(build.index.directory, "acme.box", "1.0", {"acme/box.py": ""})
    wheel(build.index.directory, "acme.bag", "1.0", {"acme/bag.py": ""})
    source(
        build.root, "shop", modules={"shop.py": "import till, acme.box\n"}, requires=["till", "acme.box", "acme.bag"]
    )
    build.write("lib/extra.py", "value = 1\n")
    build.configure(CONFIG)
    build.build()


@pytest.fixture
def built(kept: Kept) -> Buildout:
    """A buildout with a develop package, a namespace and an extra path, listed in a PIE file."""
    return kept(make)


def imported(build: Buildout, code: str = "import shop, extra, acme.bag; print(shop.till.version)") -> str:
    """Return what a plain Python says that has loaded the file."""
    module = build.root / "parts/app"
    start = f"import sys; sys.path.append({str(module)!r}); import pie; sys.path.pop();"
    load = f"pie.load_isolated_environment({str(build.root / 'etc/shop.pie')!r}); {code}"
    return run([PYTHON, "-I", "-S", "-c", start + load], cwd=build.root, variables=build.environment()).output


def text(path: Path) -> str:
    return path.read_text("utf-8")


def test_a_plain_python_imports_all_of_the_part(built: Buildout) -> None:
    """Develop packages, namespaces and extra paths are imported by a Python that is given the file alone."""
    assert (
        f"{built.root}/parts/app/site-packages\n# What part [app] imports.\n"
        "acme-bag == 1.0\nacme-box == 1.0\nshop == 1.0\ntill == 1.0\n"
    ) == text(built.root / "etc/shop.pie")
    assert "1.0\n" == imported(built)
    assert f"{built.root}/etc/shop.pie" == text(built.root / "etc/other.ini").strip()


@pytest.mark.parametrize("more", ["", "relative-paths = true\n"])
def test_what_is_developed_comes_first(build: Buildout, more: str) -> None:
    """Of a name that a develop and a locked package have, the file's Python imports the one that the scripts do."""
    wheel(build.index.directory, "till", "1.0", {"till.py": "version = '1.0'\n"})
    project = "[project]\nname = 'shop'\nversion = '1.0'\ndependencies = ['till']\n"
    for name, content in (("pyproject.toml", project), ("src/shop.py", ""), ("src/till.py", "version = 'shop'\n")):
        build.write(f"shop/{name}", content)
    build.configure(CONFIG.replace("scripts =\n", f"scripts =\ninterpreter = py\n{more}"))
    build.build()
    code = "import shop, till; print(till.version)"
    assert "shop\n" == build.run("-c", code, program="py").output
    assert "shop\n" == imported(build, code)
    path = build.root / "etc/shop.pie"
    path.write_text(text(path).replace("shop == 1.0\n", ""), "utf-8")
    assert "1.0\n" == imported(build, "import till; print(till.version)")


def test_a_file_that_nobody_edited_is_replaced(built: Buildout) -> None:
    """It says nothing of its own, and lays nothing beside it."""
    built.configure(CONFIG.replace("till = 1.0", "till = 2.0"))
    assert "edited" not in built.build()
    assert "till == 2.0\n" in text(built.root / "etc/shop.pie")
    assert ["other.ini", "shop.pie"] == sorted(os.listdir(built.root / "etc"))
    assert "2.0\n" == imported(built)


def test_an_edited_file_is_kept(built: Buildout) -> None:
    """The new one is laid beside it, told once by a run and by plan; verify names it, and finds nothing wrong."""
    path, beside = built.root / "etc/shop.pie", built.root / "etc/shop.pie.new"
    edited = text(path).replace("till == 1.0", "till >= 1.0  # ours").replace("acme-bag == 1.0\n", "! acme.bag\n")
    path.write_text(edited, "utf-8")
    assert 1 == len(built.build().splitlines())
    built.configure(CONFIG.replace("till = 1.0", "till = 2.0"))
    assert f"[app] {path} has been edited and is kept; what it would hold now is in {beside}\n" in built.build()
    assert (edited, True) == (text(path), "till == 2.0\n" in text(beside))
    assert "2.0\n" == imported(built, "import shop; print(shop.till.version)")
    assert "No module named 'acme.bag'" in imported(built)
    before = built.tree("etc")
    assert 1 == len(built.build().splitlines())
    assert before == built.tree("etc")
    assert "[app] nothing to do\n" in built.run("plan", "app", program="eggcarton").output
    status, output = built.run("verify", program="eggcarton")
    assert (0, 1) == (status, output.count("Edited, and kept so: etc/shop.pie\n")), output
    beside.unlink()
    assert (0, True) == (built.run("verify", program="eggcarton").status, "Traceback" not in output)
    built.build()
    assert not beside.exists()


def test_plan_shows_what_is_laid_beside(built: Buildout) -> None:
    """The plan of a part whose edited file is kept shows the file that would be laid beside it, and writes nothing."""
    path = built.root / "etc/shop.pie"
    path.write_text("\nshop\n", "utf-8")
    built.configure(CONFIG.replace("pie = shop.pie", "pie = shop.pie\nrelative-paths = true"))
    output = built.run("plan", "app", program="eggcarton").output
    assert "kept: etc/shop.pie, which has been edited; the new one is etc/shop.pie.new\n" in output
    assert "new file: etc/shop.pie.new 0644\n" in output
    assert "removed" not in output
    assert not (built.root / "etc/shop.pie.new").exists()


@pytest.mark.parametrize("change", [("parts = app\n", "parts =\n"), ("pie = shop.pie\n", "")], ids=["part", "option"])
def test_uninstalled(built: Buildout, change: tuple[str, str]) -> None:
    """With its part or its option an unedited file goes with all that belongs to it; an edited one stays."""
    there = CONFIG.replace("parts = app other", "parts = app")
    gone = there.replace(*change)
    built.configure(gone)
    assert "etc/shop.pie" in built.run("plan", program="eggcarton").output
    built.build()
    assert [] == os.listdir(built.root / "etc")
    built.configure(there)
    built.build()
    (built.root / "etc/shop.pie").write_text("\nshop\n", "utf-8")
    built.configure(gone)
    assert "etc/shop.pie" not in built.run("plan", program="eggcarton").output
    built.build()
    assert ["shop.pie"] == os.listdir(built.root / "etc")
    built.configure(there)
    assert "has been edited and is kept" in built.build()
    assert "\nshop\n" == text(built.root / "etc/shop.pie")


def test_a_renamed_part_takes_it_over(built: Buildout) -> None:
    """A part of another name that writes the same file goes on with it, edited or not."""
    built.configure(CONFIG.replace("[app]", "[web]").replace("app other", "web other").replace("app:pie", "web:pie"))
    built.build()
    assert "parts/web/site-packages\n" in text(built.root / "etc/shop.pie")
    (built.root / "etc/shop.pie").write_text("\nshop\n", "utf-8")
    built.configure(CONFIG)
    assert "has been edited and is kept" in built.build()
    assert ("\nshop\n", True) == (text(built.root / "etc/shop.pie"), (built.root / "etc/shop.pie.new").exists())


def test_relative_paths(built: Buildout) -> None:
    """With relative-paths the file leads to the environment from where it lies itself."""
    built.configure(CONFIG.replace("extensions = eggcarton", "extensions = eggcarton\nrelative-paths = true"))
    built.build()
    assert text(built.root / "etc/shop.pie").startswith("../parts/app/site-packages\n")
    assert not os.path.isabs(os.readlink(built.root / "parts/app/site-packages"))
    assert "1.0\n" == imported(built)
