"""The extension is in force where a configuration names it, under any bin/buildout, whatever the user pins."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout, Stock
from support.distributions import source, wheel
from support.fakes import RECIPES, greeting, recipes

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app theirs note

[app]
recipe = eggcarton:scripts
eggs = greeting
interpreter = py

[theirs]
recipe = zc.recipe.egg
eggs = greeting
scripts = greet=theirs

[note]
recipe = noting
output = note.txt
"""
OLD = {"packaging": "20.0", "urllib3": "1.24", "Jinja2": "2.0", "setuptools": "40.0", "pip": "9.0"}


def test_it_does_nothing_when_it_is_not_named(build: Buildout) -> None:
    """Being installed is not being asked for: without its name in extensions there is no lock, and nothing else."""
    greeting(build.index.directory)
    build.configure(CONFIG.replace("extensions = eggcarton\nparts = app theirs note", "parts = theirs"))
    output = build.build()
    assert "Getting distribution for 'greeting'" in output
    assert "eggcarton" not in output
    assert ["buildout.cfg"] == [path.name for path in build.root.glob("*.*") if path.name[0] != "."]
    assert not (build.root / "parts/.eggcarton").exists()


@pytest.mark.parametrize("version", ["6.0.1", "5.2.0"])
def test_a_stock_buildout(build: Buildout, stock: Stock, version: str) -> None:
    """Under a bin/buildout that pip installed a build is locked too, and a second run asks nobody and says one line."""
    stock.take_over(build, version)
    greeting(build.index.directory)
    recipes(build.index.directory)
    build.configure(CONFIG)
    build.build()
    build.index.requests.clear()
    before = build.tree("bin", "parts")
    for newest in ("-n", "-N", "-o"):
        output = build.build(newest)
        # setuptools may warn of pkg_resources before that; whatever is ours is one line.
        assert 1 == output.count("eggcarton: "), output
        assert output.splitlines()[-1].startswith("eggcarton: "), output
        assert "2 in the store, 0 fetched; 3 parts unchanged" in output
    assert [] == build.index.requests
    assert before == build.tree("bin", "parts")
    assert ["greet", "py", "theirs"] == build.scripts()
    assert "greeting 1.0\n" == build.run(program="theirs").output
    build.configure(CONFIG + "[eggcarton]\npolicy = frozen\n[versions]\ngreeting = 2.0\n")
    build.fails(status=3)
    assert "greeting 1.0\n" == build.run(program="theirs").output


@pytest.mark.parametrize("version", ["6.0.1", "5.2.0"])
def test_commands_and_other_configurations_of_a_stock_buildout(build: Buildout, stock: Stock, version: str) -> None:
    """Beside a bin/buildout that pip installed bin/eggcarton works, and a lock serves several configurations."""
    stock.take_over(build, version)
    greeting(build.index.directory)
    wheel(build.index.directory, "more")
    (build.bin / "eggcarton").symlink_to(stock.program(version).with_name("eggcarton"))
    shared = "[eggcarton]\nconfigs = buildout.cfg more.cfg\n"
    build.configure(
        f"[buildout]\nextensions = eggcarton\nparts = app\n{shared}[app]\nrecipe = zc.recipe.egg\neggs = greeting\n"
    )
    build.write("more.cfg", "[buildout]\nextends = buildout.cfg\n[app]\neggs += more\n")
    status, output = build.run("lock", program="eggcarton")
    # On 3.12 and later the environment has a setuptools of whose age the import of zc.buildout 5.2.0 warns first.
    assert (0, "2 distributions locked, for all platforms") == (status, output.splitlines()[-1]), output
    build.build()
    status, output = build.run("lock", "--check", program="eggcarton")
    assert (0, "pylock.toml answers the configuration.") == (status, output.splitlines()[-1]), output
    assert "part app of more.cfg asks for more" in build.run("why", "more", program="eggcarton").output
    assert "This build is verified." in build.run("verify", program="eggcarton").output


@pytest.mark.parametrize("version", ["6.0.1", "5.2.0"])
def test_a_develop_package_under_a_stock_buildout(build: Buildout, stock: Stock, version: str) -> None:
    """Scripts that another recipe makes of a develop package find its modules, below a directory of their own, too."""
    stock.take_over(build, version)
    for name, where in (("flat", "."), ("nested", "src")):
        build.write(f"{name}/{where}/{name}.py", f"def main():\n    print('{name}')\n")
        build.write(
            f"{name}/pyproject.toml",
            f"""
            [build-system]
            requires = ["setuptools"]
            build-backend = "setuptools.build_meta"
            [project]
            name = "{name}"
            version = "1.0"
            scripts = {{{name} = "{name}:main"}}
            [tool.setuptools]
            package-dir = {{"" = "{where}"}}
            py-modules = ["{name}"]
            """,
        )
    build.configure(
        "[buildout]\nextensions = eggcarton\ndevelop = flat nested\nparts = app\n"
        "[app]\nrecipe = zc.recipe.egg\neggs =\n    flat\n    nested\n"
    )
    build.build()
    assert ["flat\n", "nested\n"] == [build.run(program=name).output for name in ("flat", "nested")]


def test_a_stock_buildout_gets_the_closed_set_by_itself(build: Buildout, stock: Stock) -> None:
    """Where no bootstrap.py has been, pip fetches our libraries by the sha256 we ship; a changed byte is status 5."""
    stock.take_over(build, "6.0.1")
    for place in (build.root / "eggs/v5/.eggcarton").iterdir():
        place.unlink()
    greeting(build.index.directory)
    for path in stock.wheels.glob("*.whl"):
        (build.index.directory / path.name).symlink_to(path)
    build.variables["PIP_INDEX_URL"] = build.index.url
    build.configure(CONFIG.replace("theirs note", "theirs"))
    build.index.fault("*/jinja2-*.whl", "flip", forever=True)
    output = build.fails(status=5)
    assert "has another sha256 than closed-set.txt pins; nothing was installed" in output
    assert [] == [*(build.root / "eggs/v5/.eggcarton").glob("*closed*")]
    build.index.stop()
    healthy = type(build.index)(build.index.directory, port=build.index.port)
    with healthy:
        assert "Getting the libraries that eggcarton itself works with" in build.build()
    assert "greeting 1.0\n" == build.run(program="greet").output


def test_pins_of_old_libraries_concern_parts_alone(build: Buildout) -> None:
    """[versions] that pin what eggcarton itself runs on to old releases give the parts these, and nothing fails."""
    names = []
    for name, version in OLD.items():
        module = f"old_{name.lower()}"
        names.append(module)
        wheel(build.index.directory, name, version, {f"{module}.py": f"version = {version!r}"})
    recipes(build.index.directory, requires=("Jinja2",))
    greeting(build.index.directory)
    eggs = "\n    ".join(OLD)
    pins = "\n".join(f"{name} = {version}" for name, version in OLD.items())
    build.configure(
        CONFIG.replace("parts = app theirs note", "parts = app theirs note text").replace(
            "eggs = greeting\n", f"eggs =\n    greeting\n    {eggs}\n"
        )
        + "[text]\nrecipe = eggcarton:template\ninput = inline: {{ 6 * 7 }}\noutput = text.txt\n"
        + f"[versions]\n{pins}\n"
    )
    build.build()
    (build.root / "ask.py").write_text(
        f"import {', '.join(names)}\nprint({', '.join(f'{name}.version' for name in names)})\n", "utf-8"
    )
    assert f"{' '.join(OLD.values())}\n" == build.run("ask.py", program="py").output
    for name in OLD:
        assert name in (build.bin / "theirs").read_text("utf-8")
    assert "42\n" == (build.root / "text.txt").read_text("utf-8")
    assert "noted" == (build.root / "note.txt").read_text("utf-8")
    build.index.requests.clear()
    assert 1 == len(build.build().splitlines())
    assert [] == build.index.requests


def test_a_recipe_from_elsewhere_is_locked(build: Buildout) -> None:
    """Recipes of others are locked in pylock.recipes.toml, apart from the parts, and obeyed like all else."""
    recipes(build.index.directory)
    greeting(build.index.directory)
    build.configure(CONFIG)
    build.build()
    assert "noted" == (build.root / "note.txt").read_text("utf-8")
    lock = build.root / "pylock.recipes.toml"
    assert 'name = "noting"' in lock.read_text("utf-8")
    assert "noting" not in build.lock.read_text("utf-8")
    recipes(build.index.directory, "2.0")
    build.index.requests.clear()
    build.configure(CONFIG.replace("note.txt", "other.txt"))
    build.build()
    assert [] == build.index.requests
    assert not (build.root / "note.txt").exists()
    assert 'version = "1.0"' in lock.read_text("utf-8")


def test_a_recipe_that_is_developed_here(build: Buildout) -> None:
    """A recipe may be a develop package of the same buildout."""
    greeting(build.index.directory)
    source(
        build.root,
        "noting",
        "3.0",
        {"noting.py": RECIPES},
        entry_points={"zc.buildout": {"default": "noting:Note"}},
    )
    build.configure(CONFIG.replace("extensions = eggcarton", "extensions = eggcarton\ndevelop = noting"))
    build.build()
    assert "noted" == (build.root / "note.txt").read_text("utf-8")
    assert [] == build.index.paths("*noting*")
    assert 1 == len(build.build().splitlines())


def test_an_extension_from_elsewhere(build: Buildout) -> None:
    """Other extensions are locked with the recipes, and do their work beside ours, before or after it."""
    greeting(build.index.directory)
    wheel(
        build.index.directory,
        "telling",
        "1.0",
        {"telling.py": "def load(buildout):\n    print('told', buildout['buildout']['parts'])\n"},
        entry_points={"zc.buildout.extension": {"default": "telling:load"}},
    )
    for names in ("eggcarton telling", "telling eggcarton"):
        build.configure(CONFIG.replace("= eggcarton\n", f"= {names}\n").replace("app theirs note", "app"))
        assert "told app\n" in build.build()
    assert 'name = "telling"' in (build.root / "pylock.recipes.toml").read_text("utf-8")
    assert "greeting 1.0\n" == build.run(program="greet").output


def test_recipes_are_locked_by_command(build: Buildout) -> None:
    """bin/eggcarton lock makes the lock of recipes too, so that frozen builds can run; --upgrade takes them anew."""
    recipes(build.index.directory)
    build.configure("[buildout]\nextensions = eggcarton\nparts = note\n[note]\nrecipe = noting\noutput = note.txt\n")
    assert 0 == build.run("lock", program="eggcarton").status
    build.build("eggcarton:policy=frozen")
    recipes(build.index.directory, "2.0")
    assert "noting 1.0 -> 2.0\n" in build.run("lock", "--upgrade", program="eggcarton").output


SET_LATE = """
[buildout]
extensions = eggcarton
parts = app

[setting]
recipe = noting
output = note.txt
text = greeting

[app]
recipe = {}
eggs = ${{setting:path}}
"""


def test_eggs_that_a_recipe_sets_while_it_runs(build: Buildout) -> None:
    """What our own parts need must be known before: a reference to what a recipe sets later is refused by its name."""
    recipes(build.index.directory)
    build.configure(SET_LATE.format("eggcarton:scripts"))
    assert "[app] option 'eggs': a recipe sets ${setting:path} only while it runs" in build.fails(status=2)


def test_eggs_of_another_recipe_that_are_set_late(build: Buildout) -> None:
    """What another recipe's eggs are is asked when it is known, and never a project by a stand-in's name."""
    greeting(build.index.directory)
    wheel(
        build.index.directory,
        "setting",
        modules={
            "setting.py": "class Recipe:\n    def __init__(self, buildout, name, options):\n"
            "        options['found'] = 'greeting'\n    def install(self):\n        return ()\n    update = install\n"
        },
        entry_points={"zc.buildout": {"default": "setting:Recipe"}},
    )
    config = SET_LATE.replace("noting\noutput = note.txt\ntext = greeting", "setting").replace(
        "setting:path", "setting:found"
    )
    build.configure(config.format("zc.recipe.egg"))
    build.build()
    assert "greeting 1.0\n" == build.run(program="greet").output
    assert [] == build.index.paths("/simple/0/")
