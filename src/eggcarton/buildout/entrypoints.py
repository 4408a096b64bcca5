"""The recipes as zc.buildout loads them: our one adapter over each module of ``eggcarton.recipes``."""

from __future__ import annotations

from functools import partial

from eggcarton.buildout.part import Part
from eggcarton.buildout.recipes import RECIPES


def __getattr__(name: str) -> partial[Part]:
    """Return the recipe of a name; no other's module is imported."""
    if name not in RECIPES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return partial(Part, RECIPES[name])
