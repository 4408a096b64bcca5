"""The recipes as zc.buildout loads them: our one adapter over each module of ``eggcarton.recipes``."""

from __future__ import annotations

from functools import partial

from eggcarton.buildout.part import Part
from eggcarton.buildout.recipes import RECIPES

scripts = partial(Part, RECIPES["scripts"])
eggs = partial(Part, RECIPES["eggs"])
test = partial(Part, RECIPES["test"])
coverage = partial(Part, RECIPES["coverage"])
wsgi = partial(Part, RECIPES["wsgi"])
template = partial(Part, RECIPES["template"])
pins = partial(Part, RECIPES["pins"])
mirrors = partial(Part, RECIPES["mirrors"])
