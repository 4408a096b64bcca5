"""The recipes by their names, and what looking one up imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton import recipes
from eggcarton.buildout import entrypoints
from eggcarton.buildout.recipes import RECIPES

LOADED = """
import sys
from eggcarton.buildout.recipes import RECIPES
"pins" in RECIPES, list(RECIPES), len(RECIPES)
before = [name for name in sys.modules if name.startswith("eggcarton.recipes.")]
RECIPES["pins"]
print(before, [name for name in sys.modules if name.startswith("eggcarton.recipes.")])
"""


def test_all_of_them() -> None:
    """Each module of the folder is a recipe under its name, scripts by default, and what zc.buildout loads has it."""
    names = {path.stem for path in Path(recipes.__file__).parent.glob("*.py")} - {"__init__"}
    assert {name: name for name in names} | {"default": "scripts"} == {
        name: module.__name__.rpartition(".")[2] for name, module in RECIPES.items()
    }
    assert sorted(names) == sorted(getattr(entrypoints, name).args[0] for name in names)


def test_another_one() -> None:
    """What is no recipe is not there."""
    assert RECIPES.get("apache") is None
    with pytest.raises(AttributeError, match="has no attribute 'apache'"):
        getattr(entrypoints, "apache")  # noqa: B009


def test_only_what_is_asked_for_is_imported() -> None:
    """A run imports the modules of the recipes that it has, so that it does not wait for those of others."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert "[] ['eggcarton.recipes.pins']\n" == done.stdout
