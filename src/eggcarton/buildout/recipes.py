"""The recipes by the name that stands after the colon in ``recipe = eggcarton:NAME``."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from eggcarton.core.layout import canonical_name
from eggcarton.recipes import coverage, eggs, mirrors, pins, scripts, template, test, wsgi

OURS = "eggcarton"
"""The distribution that our recipes are of."""
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


def ours(values: Mapping[str, str]) -> str | None:
    """Return which of our recipes a section names, known or not, and None where it has none or that of others.

    >>> ours({"recipe": "eggcarton:test"}), ours({"recipe": "eggcarton"})
    ('test', 'default')
    >>> ours({"recipe": "zc.recipe.egg:scripts"}), ours({"eggs": "app"})
    (None, None)
    """
    distribution, _, name = values.get("recipe", "").strip().partition(":")
    return (name or "default") if canonical_name(distribution.strip()) == OURS else None
