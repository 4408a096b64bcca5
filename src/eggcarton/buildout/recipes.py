"""The recipes by the name that stands after the colon in ``recipe = eggcarton:NAME``."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from eggcarton.recipes import coverage, eggs, mirrors, pins, scripts, template, test, wsgi

RECIPES: Mapping[str, ModuleType] = {
    "default": scripts,
    "scripts": scripts,
    "eggs": eggs,
    "test": test,
    "coverage": coverage,
    "wsgi": wsgi,
    "template": template,
    "pins": pins,
    "mirrors": mirrors,
}
